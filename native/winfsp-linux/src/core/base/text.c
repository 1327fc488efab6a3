/* UTF-8 to UTF-16 and back, folding of case, comparison. */
#include <string.h>

#include "core/base/text.h"

#define ESCAPED_BACKSLASH 0xf05c /* a file name may contain '\' on Linux; to the host it would be a separator */

size_t wide_length(const WCHAR *text)
{
    size_t length = 0;
    while (text[length] != 0)
        length++;
    return length;
}

ptrdiff_t utf8_to_utf16(const char *source, size_t bytes, WCHAR *target, size_t units)
{
    const UINT8 *at = (const UINT8 *)source, *end = at + bytes;
    size_t used = 0;
    while (at < end) {
        UINT32 code = *at++;
        int more = 0;
        UINT32 least = 0;
        if (code >= 0x80) {
            if (code >= 0xc2 && code <= 0xdf)
                more = 1, code &= 0x1f, least = 0x80;
            else if (code >= 0xe0 && code <= 0xef)
                more = 2, code &= 0x0f, least = 0x800;
            else if (code >= 0xf0 && code <= 0xf4)
                more = 3, code &= 0x07, least = 0x10000;
            else
                return -1;
            while (more-- > 0) {
                if (at == end || (*at & 0xc0) != 0x80)
                    return -1;
                code = code << 6 | (*at++ & 0x3f);
            }
            if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
                return -1;
        } else if (code == '\\')
            code = ESCAPED_BACKSLASH;
        if (used + (code >= 0x10000 ? 2 : 1) > units)
            return -2;
        if (code >= 0x10000) {
            target[used++] = (WCHAR)(0xd800 + ((code - 0x10000) >> 10));
            target[used++] = (WCHAR)(0xdc00 + ((code - 0x10000) & 0x3ff));
        } else
            target[used++] = (WCHAR)code;
    }
    return (ptrdiff_t)used;
}

ptrdiff_t utf16_to_utf8(const WCHAR *source, size_t units, char *target, size_t bytes)
{
    size_t used = 0;
    for (size_t i = 0; i < units; i++) {
        UINT32 code = source[i];
        UINT8 out[4];
        size_t count;
        if (code >= 0xd800 && code <= 0xdbff) {
            if (i + 1 == units || source[i + 1] < 0xdc00 || source[i + 1] > 0xdfff)
                return -1;
            code = 0x10000 + ((code - 0xd800) << 10) + (source[++i] - 0xdc00u);
        } else if (code >= 0xdc00 && code <= 0xdfff)
            return -1;
        if (code == ESCAPED_BACKSLASH)
            code = '\\';
        if (code < 0x80) {
            out[0] = (UINT8)code;
            count = 1;
        } else if (code < 0x800) {
            out[0] = (UINT8)(0xc0 | code >> 6);
            out[1] = (UINT8)(0x80 | (code & 0x3f));
            count = 2;
        } else if (code < 0x10000) {
            out[0] = (UINT8)(0xe0 | code >> 12);
            out[1] = (UINT8)(0x80 | (code >> 6 & 0x3f));
            out[2] = (UINT8)(0x80 | (code & 0x3f));
            count = 3;
        } else {
            out[0] = (UINT8)(0xf0 | code >> 18);
            out[1] = (UINT8)(0x80 | (code >> 12 & 0x3f));
            out[2] = (UINT8)(0x80 | (code >> 6 & 0x3f));
            out[3] = (UINT8)(0x80 | (code & 0x3f));
            count = 4;
        }
        if (used + count > bytes)
            return -2;
        memcpy(target + used, out, count);
        used += count;
    }
    return (ptrdiff_t)used;
}

WCHAR wide_upper(WCHAR c)
{
    if (c < 0x80)
        return c >= 'a' && c <= 'z' ? (WCHAR)(c - 32) : c;
    if ((c >= 0xe0 && c <= 0xfe && c != 0xf7) || (c >= 0x3b1 && c <= 0x3cb && c != 0x3c2) || (c >= 0x430 && c <= 0x44f))
        return (WCHAR)(c - 32);
    if (c == 0xff)
        return 0x178;
    if ((c >= 0x100 && c <= 0x137 && c != 0x131) || (c >= 0x14a && c <= 0x177) || (c >= 0x460 && c <= 0x481) ||
        (c >= 0x48a && c <= 0x4bf) || (c >= 0x4d0 && c <= 0x52f) || (c >= 0x1e00 && c <= 0x1e95) ||
        (c >= 0x1ea0 && c <= 0x1eff))
        return (WCHAR)(c & ~1u);
    if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
        return (WCHAR)((c & 1) == 0 ? c - 1 : c);
    if (c >= 0x450 && c <= 0x45f)
        return (WCHAR)(c - 80);
    if (c >= 0x561 && c <= 0x586)
        return (WCHAR)(c - 48);
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
