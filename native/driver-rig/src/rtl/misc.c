/*
 * Rtl, Mm, Zw: one-time initialisation, look-up of routines, probing, the registry, and what the kernel exports as
 * data. The registry here: keys that take every write and have no values. Code that creates secured devices insists on
 * creating its class key.
 */
#include "kernel.h"

#define RUN_ONCE_DONE ((void *)2)
#define KEY ((HANDLE)(ULONG_PTR)0x5eff1000)

KERNEL NTSTATUS K_RtlRunOnceExecuteOnce(
    PVOID *once, ULONG(NTAPI *body)(PVOID, PVOID, PVOID *), PVOID parameter, PVOID *context)
{
    static int lock;
    if (*(void *volatile *)once == RUN_ONCE_DONE)
        return STATUS_SUCCESS;
    host_lock(&lock);
    if (*once != RUN_ONCE_DONE) {
        if (!body(once, parameter, context))
            NOT_IMPLEMENTED("an initialisation that fails");
        *once = RUN_ONCE_DONE;
    }
    host_unlock(&lock);
    return STATUS_SUCCESS;
}

/* A routine of a newer Windows is looked up by name; one that is not here is not there. */
KERNEL PVOID K_MmGetSystemRoutineAddress(PUNICODE_STRING name)
{
    char text[128] = "K_";
    ULONG length = name->Length / 2;
    if (length > sizeof text - 3)
        return NULL;
    for (ULONG i = 0; i < length; i++)
        text[2 + i] = (char)name->Buffer[i];
    return host_own_export(text);
}

KERNEL VOID K_ProbeForRead(PVOID address, SIZE_T length, ULONG alignment)
{
    if ((ULONG_PTR)address & (alignment - 1))
        host_raise(STATUS_DATATYPE_MISALIGNMENT);
}

KERNEL VOID K_ProbeForWrite(PVOID address, SIZE_T length, ULONG alignment)
{
    K_ProbeForRead(address, length, alignment);
}

KERNEL NTSTATUS K_ZwOpenKey(PHANDLE key, ACCESS_MASK access, POBJECT_ATTRIBUTES attributes)
{
    *key = KEY;
    return STATUS_SUCCESS;
}

KERNEL NTSTATUS K_ZwCreateKey(
    PHANDLE key, ACCESS_MASK access, PVOID attributes, ULONG index, PVOID class_name, ULONG options, PULONG disposition)
{
    *key = KEY;
    if (disposition != NULL)
        *disposition = REG_CREATED_NEW_KEY;
    return STATUS_SUCCESS;
}

KERNEL NTSTATUS K_ZwQueryValueKey(HANDLE key, PUNICODE_STRING name, ULONG kind, PVOID value, ULONG length, PULONG need)
{
    return STATUS_OBJECT_NAME_NOT_FOUND;
}

KERNEL NTSTATUS K_ZwEnumerateValueKey(HANDLE key, ULONG index, ULONG kind, PVOID value, ULONG length, PULONG need)
{
    return STATUS_NO_MORE_ENTRIES;
}

KERNEL NTSTATUS K_ZwSetValueKey(HANDLE key, PUNICODE_STRING name, ULONG index, ULONG kind, PVOID value, ULONG length)
{
    return STATUS_SUCCESS;
}

/* Everything in this process counts as system space, or requests from "user" addresses would not be taken as top-level
 * ones. */
KERNEL void *K_MmSystemRangeStart = (void *)0x10000;
KERNEL BOOLEAN K_NlsMbOemCodePageTag = FALSE;
static USHORT lead_bytes[256];
KERNEL USHORT *K_NlsOemLeadByteInfo = lead_bytes;
static UCHAR legal_characters[128];
KERNEL UCHAR *K_FsRtlLegalAnsiCharacterArray = legal_characters;

#define LEGAL_FAT 1
#define LEGAL_HPFS 2
#define LEGAL_NTFS 4
#define WILD 8
#define LEGAL_OLE 16

static BOOLEAN among(int c, const char *set)
{
    while (*set != 0 && *set != c)
        set++;
    return *set != 0;
}

__attribute__((constructor)) static void fill_legal_characters(void)
{
    for (int c = 1; c < 128; c++)
        if (among(c, "*?<>\""))
            legal_characters[c] = WILD;
        else if (c > 31 && !among(c, "|:/\\"))
            legal_characters[c] = LEGAL_FAT | LEGAL_HPFS | LEGAL_NTFS | LEGAL_OLE;
}
