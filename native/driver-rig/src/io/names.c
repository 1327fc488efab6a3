/*
 * Ob: the name space, with devices and symbolic links only.
 * Windows: directories with security. Here: a list of full names, compared without case; a path is parsed by its
 * longest known prefix.
 */
#include "kernel.h"

typedef struct NAME {
    struct NAME *next;
    PDEVICE_OBJECT device;
    WCHAR *target;
    ULONG length;
    WCHAR text[];
} NAME;

static NAME *names;

ULONG wide_length(const WCHAR *s)
{
    ULONG n = 0;
    while (s[n])
        n++;
    return n;
}

static int same(const WCHAR *a, const WCHAR *b, ULONG n)
{
    for (ULONG i = 0; i < n; i++)
        if (up(a[i]) != up(b[i]))
            return 0;
    return 1;
}

static NAME *name_find(const WCHAR *text, ULONG length)
{
    for (NAME *n = names; n != NULL; n = n->next)
        if (n->length == length && same(n->text, text, length))
            return n;
    return NULL;
}

void name_add(const WCHAR *text, ULONG length, PDEVICE_OBJECT device, const WCHAR *target, ULONG target_length)
{
    NAME *n = host_alloc(sizeof *n + (length + 1) * 2);
    n->device = device;
    n->length = length;
    RtlCopyMemory(n->text, text, length * 2);
    if (target != NULL) {
        n->target = host_alloc((target_length + 1) * 2);
        RtlCopyMemory(n->target, target, target_length * 2);
    }
    host_lock(&names);
    n->next = names;
    names = n;
    host_unlock(&names);
}

static void name_remove(NAME *gone)
{
    host_lock(&names);
    for (NAME **p = &names; *p != NULL; p = &(*p)->next)
        if (*p == gone) {
            *p = gone->next;
            break;
        }
    host_unlock(&names);
}

void name_link(const wchar_t *name, const wchar_t *target)
{
    NAME *old = name_find(name, wide_length(name));
    if (old != NULL)
        name_remove(old);
    if (target != NULL)
        name_add(name, wide_length(name), NULL, target, wide_length(target));
}

int name_link_target(const wchar_t *name, wchar_t *target, uint32_t chars)
{
    NAME *n = name_find(name, wide_length(name));
    if (n == NULL || n->target == NULL || wide_length(n->target) + 2 > chars)
        return 0;
    RtlCopyMemory(target, n->target, (wide_length(n->target) + 1) * 2);
    return 1;
}

void name_remove_device(PDEVICE_OBJECT device)
{
    for (NAME *n = names, *next; n != NULL; n = next) {
        next = n->next;
        if (n->device == device)
            name_remove(n);
    }
}

KERNEL NTSTATUS K_IoCreateSymbolicLink(PUNICODE_STRING name, PUNICODE_STRING target)
{
    name_add(name->Buffer, name->Length / 2, NULL, target->Buffer, target->Length / 2);
    return STATUS_SUCCESS;
}

KERNEL NTSTATUS K_IoDeleteSymbolicLink(PUNICODE_STRING name)
{
    NAME *n = name_find(name->Buffer, name->Length / 2);
    if (n == NULL)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    name_remove(n);
    return STATUS_SUCCESS;
}

/* Longest prefix of whole components; links are followed. Returns the device and where the rest begins. */
PDEVICE_OBJECT name_parse(WCHAR *path, ULONG *length, ULONG capacity, ULONG *rest)
{
    for (int depth = 0; depth < 8; depth++) {
        NAME *found = NULL;
        ULONG at = 0;
        for (ULONG i = 1; i <= *length; i++)
            if (i == *length || path[i] == '\\') {
                NAME *n = name_find(path, i);
                if (n != NULL) {
                    found = n;
                    at = i;
                }
            }
        if (found == NULL)
            return NULL;
        if (found->device != NULL) {
            *rest = at;
            return found->device;
        }
        ULONG target = wide_length(found->target), tail = *length - at;
        if (target + tail > capacity)
            return NULL;
        RtlMoveMemory(path + target, path + at, tail * 2);
        RtlCopyMemory(path, found->target, target * 2);
        *length = target + tail;
    }
    return NULL;
}
