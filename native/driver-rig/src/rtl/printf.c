/*
 * The wide printf of the kernel: %wZ is a counted string, which the one of user mode does not know. Only the
 * conversions that the driver uses; another one stops the run.
 */
#include "kernel.h"

typedef struct {
    WCHAR *out;
    SIZE_T room, length; /* the length may exceed the room: then the rest is not stored */
} OUTPUT;

static void put(OUTPUT *to, WCHAR c)
{
    if (to->length < to->room)
        to->out[to->length] = c;
    to->length++;
}

static void put_number(OUTPUT *to, ULONG value, ULONG base, const WCHAR *digits, int width, WCHAR fill)
{
    WCHAR reversed[16];
    int count = 0;
    do {
        reversed[count++] = digits[value % base];
        value /= base;
    } while (value != 0);
    while (count < width && count < 16)
        reversed[count++] = fill;
    while (count > 0)
        put(to, reversed[--count]);
}

KERNEL int K__vsnwprintf(WCHAR *out, SIZE_T room, const WCHAR *format, va_list list)
{
    OUTPUT to = {out, room, 0};
    for (; *format != 0; format++) {
        if (*format != '%') {
            put(&to, *format);
            continue;
        }
        format++;
        WCHAR fill = *format == '0' ? '0' : ' ';
        int width = 0;
        while (*format >= '0' && *format <= '9')
            width = width * 10 + (*format++ - '0');
        while (*format == 'l' || *format == 'h' || *format == 'w')
            format++;
        if (*format == 'Z') {
            const UNICODE_STRING *text = va_arg(list, UNICODE_STRING *);
            for (ULONG i = 0; i < text->Length / sizeof(WCHAR); i++)
                put(&to, text->Buffer[i]);
        } else if (*format == 's') {
            for (const WCHAR *text = va_arg(list, const WCHAR *); *text != 0; text++)
                put(&to, *text);
        } else if (*format == 'x') {
            put_number(&to, va_arg(list, ULONG), 16, L"0123456789abcdef", width, fill);
        } else if (*format == 'X') {
            put_number(&to, va_arg(list, ULONG), 16, L"0123456789ABCDEF", width, fill);
        } else if (*format == 'u') {
            put_number(&to, va_arg(list, ULONG), 10, L"0123456789", width, fill);
        } else {
            host_fatal("the kernel's printf: not implemented: %%%c", *format);
        }
    }
    if (to.length >= room)
        return -1;
    out[to.length] = 0;
    return (int)to.length;
}

KERNEL int K__snwprintf(WCHAR *out, SIZE_T room, const WCHAR *format, ...)
{
    va_list list;
    va_start(list, format);
    int length = K__vsnwprintf(out, room, format, list);
    va_end(list);
    return length;
}
