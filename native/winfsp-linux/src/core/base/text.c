/* UTF-16 and UTF-8, names of files as bytes, folding of case, comparison. */
#include <string.h>

#include "core/base/text.h"
#include "core/base/upper_case.h"

#define ESCAPED_BACKSLASH 0xf05c /* a file name may contain '\' on Linux; to the host it would be a separator */
#define ESCAPED_BYTES 0xdc00u /* low surrogates that stand for single bytes */

size_t wide_length(const WCHAR *text)
{
    size_t length = 0;
    while (text[length] != 0)
        length++;
    return length;
}

/* The code point that begins at `at`; its length in bytes, 0 when there is no valid one. */
static size_t decode(const UINT8 *at, const UINT8 *end, UINT32 *code)
{
    UINT32 lead = *at, least = 0, result;
    size_t more;
    if (lead < 0x80) {
        *code = lead;
        return 1;
    }
    if (lead >= 0xc2 && lead <= 0xdf)
        more = 1, result = lead & 0x1f, least = 0x80;
    else if (lead >= 0xe0 && lead <= 0xef)
        more = 2, result = lead & 0x0f, least = 0x800;
    else if (lead >= 0xf0 && lead <= 0xf4)
        more = 3, result = lead & 0x07, least = 0x10000;
    else
        return 0;
    if ((size_t)(end - at) <= more)
        return 0;
    for (size_t i = 1; i <= more; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        result = result << 6 | (at[i] & 0x3f);
    }
    if (result < least || result > 0x10ffff || (result >= 0xd800 && result <= 0xdfff))
        return 0;
    *code = result;
    return more + 1;
}

static size_t encode(UINT32 code, UINT8 out[4])
{
    if (code < 0x80) {
        out[0] = (UINT8)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (UINT8)(0xc0 | code >> 6);
        out[1] = (UINT8)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (UINT8)(0xe0 | code >> 12);
        out[1] = (UINT8)(0x80 | (code >> 6 & 0x3f));
        out[2] = (UINT8)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (UINT8)(0xf0 | code >> 18);
    out[1] = (UINT8)(0x80 | (code >> 12 & 0x3f));
    out[2] = (UINT8)(0x80 | (code >> 6 & 0x3f));
    out[3] = (UINT8)(0x80 | (code & 0x3f));
    return 4;
}

static size_t put_units(UINT32 code, WCHAR *out)
{
    if (code < 0x10000) {
        out[0] = (WCHAR)code;
        return 1;
    }
    out[0] = (WCHAR)(0xd800 + ((code - 0x10000) >> 10));
    out[1] = (WCHAR)(0xdc00 + ((code - 0x10000) & 0x3ff));
    return 2;
}

/* The code point at source[*at], which goes on behind it; a surrogate without its other half is itself. */
static UINT32 next_code(const WCHAR *source, size_t units, size_t *at)
{
    UINT32 code = source[(*at)++];
    if (code >= 0xd800 && code <= 0xdbff && *at < units && source[*at] >= 0xdc00 && source[*at] <= 0xdfff)
        code = 0x10000 + ((code - 0xd800) << 10) + (source[(*at)++] - 0xdc00u);
    return code;
}

static int is_surrogate(UINT32 code) { return code >= 0xd800 && code <= 0xdfff; }

ptrdiff_t utf16_to_utf8(const WCHAR *source, size_t units, char *target, size_t bytes)
{
    size_t used = 0, count;
    UINT8 out[4];
    for (size_t i = 0; i < units;) {
        UINT32 code = next_code(source, units, &i);
        if (is_surrogate(code))
            return -1;
        count = encode(code, out);
        if (used + count > bytes)
            return -2;
        memcpy(target + used, out, count);
        used += count;
    }
    return (ptrdiff_t)used;
}

/* One step of a name: what begins at *at becomes 1 to 3 units; *at goes on behind it. */
static size_t name_step(const UINT8 **at, const UINT8 *end, WCHAR out[3])
{
    UINT32 code = 0;
    size_t length = decode(*at, end, &code), count = 0;
    if (length != 0 && code != ESCAPED_BACKSLASH) {
        count = put_units(code == '\\' ? ESCAPED_BACKSLASH : code, out);
        *at += length;
        return count;
    }
    for (length = length == 0 ? 1 : length; count < length; count++)
        out[count] = (WCHAR)(ESCAPED_BYTES + *(*at)++);
    return count;
}

ptrdiff_t name_to_utf16(const char *source, size_t bytes, WCHAR *target, size_t units)
{
    const UINT8 *at = (const UINT8 *)source, *end = at + bytes;
    size_t used = 0;
    while (at < end) {
        WCHAR out[3];
        size_t count = name_step(&at, end, out);
        if (used + count > units)
            return -2;
        memcpy(target + used, out, count * sizeof *out);
        used += count;
    }
    return (ptrdiff_t)used;
}

static int is_name_of(const char *bytes, size_t size, const WCHAR *name, size_t units)
{
    const UINT8 *at = (const UINT8 *)bytes, *end = at + size;
    size_t used = 0;
    while (at < end) {
        WCHAR out[3];
        size_t count = name_step(&at, end, out);
        if (used + count > units || memcmp(name + used, out, count * sizeof *out) != 0)
            return 0;
        used += count;
    }
    return used == units;
}

ptrdiff_t name_to_utf8(const WCHAR *source, size_t units, char *target, size_t bytes)
{
    size_t used = 0, count;
    int escaped = 0;
    UINT8 out[4];
    for (size_t i = 0; i < units;) {
        UINT32 code = next_code(source, units, &i);
        if (code >= ESCAPED_BYTES + 0x80 && code <= ESCAPED_BYTES + 0xff) {
            out[0] = (UINT8)(code - ESCAPED_BYTES);
            count = escaped = 1;
        } else if (is_surrogate(code))
            return -1;
        else
            count = encode(code == ESCAPED_BACKSLASH ? '\\' : code, out);
        if (used + count > bytes)
            return -2;
        memcpy(target + used, out, count);
        used += count;
    }
    /* Bytes one by one that are valid together would be the name of another file. */
    return escaped && !is_name_of(target, used, source, units) ? -1 : (ptrdiff_t)used;
}

WCHAR wide_upper(WCHAR c)
{
    const size_t count = sizeof upper_case_runs / sizeof *upper_case_runs;
    for (size_t i = 0; i < count && upper_case_runs[i].first <= c; i++) {
        const struct upper_case_run *run = &upper_case_runs[i];
        unsigned distance = (unsigned)c - run->first;
        if (distance < (unsigned)run->count * run->step && distance % run->step == 0)
            return (WCHAR)(c + run->add);
    }
    return c;
}

int wide_equal(const WCHAR *a, size_t aUnits, const WCHAR *b, size_t bUnits, int caseSensitive)
{
    if (aUnits != bUnits)
        return 0;
    for (size_t i = 0; i < aUnits; i++)
        if (a[i] != b[i] && (caseSensitive || wide_upper(a[i]) != wide_upper(b[i])))
            return 0;
    return 1;
}
