/*
 * Rtl, FsRtl: upper case and names with patterns.
 */
#include "kernel.h"

WCHAR up(WCHAR c)
{
    static WCHAR(NTAPI * upcase)(WCHAR);
    if (c < 128)
        return c >= 'a' && c <= 'z' ? c - 32 : c;
    if (upcase == NULL)
        upcase = host_ntdll("RtlUpcaseUnicodeChar");
    return upcase(c);
}

KERNEL BOOLEAN K_FsRtlDoesNameContainWildCards(PUNICODE_STRING name)
{
    for (ULONG i = 0; i < name->Length / 2u; i++) {
        WCHAR c = name->Buffer[i];
        if (c == '*' || c == '?' || c == '<' || c == '>' || c == '"')
            return TRUE;
    }
    return FALSE;
}

BOOLEAN name_matches(const WCHAR *p, ULONG pn, const WCHAR *s, ULONG sn, BOOLEAN fold)
{
    if (pn == 0)
        return sn == 0;
    if (*p == '*' || *p == '<') {
        for (ULONG i = 0; i <= sn; i++)
            if (name_matches(p + 1, pn - 1, s + i, sn - i, fold))
                return TRUE;
        return FALSE;
    }
    if (*p == '>' && (sn == 0 || *s == '.'))
        return name_matches(p + 1, pn - 1, s, sn, fold);
    if (*p == '"' && sn == 0)
        return name_matches(p + 1, pn - 1, s, sn, fold);
    if (sn == 0)
        return FALSE;
    if (*p == '?' || *p == '>' || (*p == '"' && *s == '.') || *p == *s || (fold && up(*p) == up(*s)))
        return name_matches(p + 1, pn - 1, s + 1, sn - 1, fold);
    return FALSE;
}

KERNEL BOOLEAN K_FsRtlIsNameInExpression(PUNICODE_STRING pattern, PUNICODE_STRING name, BOOLEAN fold, PWCHAR table)
{
    return name_matches(pattern->Buffer, pattern->Length / 2, name->Buffer, name->Length / 2, fold);
}

KERNEL BOOLEAN K_FsRtlIsNtstatusExpected(NTSTATUS status)
{
    return status != STATUS_ACCESS_VIOLATION && status != STATUS_ILLEGAL_INSTRUCTION &&
           status != STATUS_DATATYPE_MISALIGNMENT;
}

KERNEL NTSTATUS K_FsRtlValidateReparsePointBuffer(ULONG length, PREPARSE_DATA_BUFFER data)
{
    return length >= 8 && length <= 16384 &&
                   (ULONG)data->ReparseDataLength + ((data->ReparseTag & 0x80000000) ? 8 : 24) == length
               ? STATUS_SUCCESS
               : (NTSTATUS)0xC0000278;
}

/* Strings that Rtl allocates are pool blocks, and drivers free others of the pool by the same routine: ntdll's would
 * not know them. */
KERNEL NTSTATUS K_RtlUpcaseUnicodeString(PUNICODE_STRING to, const UNICODE_STRING *from, BOOLEAN allocate)
{
    if (allocate) {
        to->MaximumLength = from->Length;
        to->Buffer = pool_allocate(from->Length, 'grtS');
    }
    if (to->MaximumLength < from->Length)
        return STATUS_BUFFER_OVERFLOW;
    for (ULONG i = 0; i < from->Length / sizeof(WCHAR); i++)
        to->Buffer[i] = up(from->Buffer[i]);
    to->Length = from->Length;
    return STATUS_SUCCESS;
}

KERNEL VOID K_RtlFreeUnicodeString(PUNICODE_STRING string)
{
    if (string->Buffer != NULL)
        pool_free(string->Buffer);
    RtlZeroMemory(string, sizeof *string);
}
