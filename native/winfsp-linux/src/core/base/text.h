/* Strings: UTF-8 to UTF-16 and back, folding for comparisons. No state. */
#ifndef WINFSP_LINUX_TEXT_H
#define WINFSP_LINUX_TEXT_H

#include "winfsp.h"

/* Bytes written (no NUL is appended), -1: unpaired surrogates, -2: does not fit. */
ptrdiff_t utf16_to_utf8(const WCHAR *source, size_t units, char *target, size_t bytes);
/*
 * Names and targets of links. On Linux they are bytes, mostly but not always UTF-8; each of them has a name in UTF-16
 * of its own, and gets its bytes back. A backslash is U+F05C, since it would be a separator to the host. Each byte that
 * is not UTF-8 is a low surrogate by itself, U+DC80 to U+DCFF (as Python's surrogateescape has it); so are the three
 * bytes of U+F05C. A slash is not special. Return the length without NUL; none is appended. -2: it does not fit.
 * name_to_utf8 returns -1 for a name that stands for no bytes: other surrogates alone, and bytes one by one that are
 * UTF-8 together.
 */
ptrdiff_t name_to_utf16(const char *source, size_t bytes, WCHAR *target, size_t units);
ptrdiff_t name_to_utf8(const WCHAR *source, size_t units, char *target, size_t bytes);
size_t wide_length(const WCHAR *text);
/* Upper case of one UTF-16 unit by simple folding (Latin, Greek, Cyrillic, Armenian, Georgian left alone); `ß` stays.
 */
WCHAR wide_upper(WCHAR unit);
int wide_equal(const WCHAR *a, size_t aUnits, const WCHAR *b, size_t bUnits, int caseSensitive);

#endif
