/* Strings: UTF-8 to UTF-16 and back, folding for comparisons. No state. */
#ifndef WINFSP_LINUX_TEXT_H
#define WINFSP_LINUX_TEXT_H

#include "winfsp.h"

/*
 * Strict conversions. Return the number of units written (without NUL; none is appended), -1 when the input is not
 * valid, -2 when it does not fit. A backslash in UTF-8 becomes U+F05C and back; '/' is not special. Unpaired surrogates
 * are invalid in both directions.
 */
ptrdiff_t utf8_to_utf16(const char *source, size_t bytes, WCHAR *target, size_t units);
ptrdiff_t utf16_to_utf8(const WCHAR *source, size_t units, char *target, size_t bytes);
size_t wide_length(const WCHAR *text);
/* Upper case of one UTF-16 unit by simple folding (Latin, Greek, Cyrillic, Armenian, Georgian left alone); `ß` stays.
 */
WCHAR wide_upper(WCHAR unit);
int wide_equal(const WCHAR *a, size_t aUnits, const WCHAR *b, size_t bUnits, int caseSensitive);

#endif
