/*
 * Ob: objects with reference and handle counts, and handles.
 * Windows: types with methods, names, security and quotas, handle tables by process. Here: a header in front of the
 * body that knows its type; one table of handles, in a range below 4 GiB that Win32 never uses (the driver insists on
 * that for token handles).
 */
#include "kernel.h"

void *ob_create(int type, size_t bytes)
{
    OBJECT *object = host_alloc(sizeof *object + bytes);
    object->magic = OB_MAGIC;
    object->type = type;
    object->references = 1;
    return object + 1;
}

void ob_reference(void *body)
{
    if (OB(body)->magic != OB_MAGIC)
        host_fatal("reference to %p, which is no object", body);
    _InterlockedIncrement(&OB(body)->references);
}

void ob_dereference(void *body)
{
    if (OB(body)->magic != OB_MAGIC)
        host_fatal("dereference of %p, which is no object", body);
    LONG left = _InterlockedDecrement(&OB(body)->references);
    if (left < 0)
        host_fatal("object %p (type %ld) dereferenced too often", body, OB(body)->type);
    if (left > 0)
        return;
    if (OB(body)->type == OB_FILE)
        file_last_reference(body);
    OB(body)->magic = 0x64616564;
    host_free(OB(body));
}

KERNEL LONG_PTR K_ObfReferenceObject(PVOID body)
{
    ob_reference(body);
    return 1;
}

KERNEL LONG_PTR K_ObfDereferenceObject(PVOID body)
{
    ob_dereference(body);
    return 1;
}

/* Handles: a range that Win32 never uses, below 4 GiB as the driver insists. */
#define HANDLE_BASE 0x5f000000u
#define HANDLES 4096
static void *handles[HANDLES];

HANDLE handle_create(void *body)
{
    host_lock(handles);
    for (ULONG i = 1; i < HANDLES; i++)
        if (handles[i] == NULL) {
            handles[i] = body;
            _InterlockedIncrement(&OB(body)->handles);
            host_unlock(handles);
            return (HANDLE)(ULONG_PTR)(HANDLE_BASE + 4 * i);
        }
    host_fatal("no handle left");
}

void *handle_object(HANDLE handle)
{
    ULONG_PTR value = (ULONG_PTR)handle;
    if (value < HANDLE_BASE || value >= HANDLE_BASE + 4 * HANDLES)
        return NULL;
    return handles[(value - HANDLE_BASE) / 4];
}

NTSTATUS handle_close(HANDLE handle)
{
    void *body = handle_object(handle);
    if (body == NULL)
        return STATUS_INVALID_HANDLE;
    host_lock(handles);
    handles[((ULONG_PTR)handle - HANDLE_BASE) / 4] = NULL;
    host_unlock(handles);
    if (_InterlockedDecrement(&OB(body)->handles) == 0 && OB(body)->type == OB_FILE)
        file_cleanup(body);
    ob_dereference(body);
    return STATUS_SUCCESS;
}

KERNEL NTSTATUS K_ObCloseHandle(HANDLE handle, KPROCESSOR_MODE mode)
{
    if (handle_object(handle) != NULL)
        return handle_close(handle);
    if ((ULONG_PTR)handle >> 16 != 0x5eff)
        host_close_handle(handle); /* 0x5eff....: keys, see misc.c */
    return STATUS_SUCCESS;
}

KERNEL NTSTATUS K_ZwClose(HANDLE handle) { return K_ObCloseHandle(handle, KernelMode); }

KERNEL NTSTATUS K_ObOpenObjectByPointer(PVOID object, ULONG attributes, PVOID state, ACCESS_MASK access,
    POBJECT_TYPE type, KPROCESSOR_MODE mode, PHANDLE handle)
{
    if (OB(object)->type == OB_TOKEN) {
        *handle = host_token_handle();
        return *handle != NULL ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
    }
    ob_reference(object);
    *handle = handle_create(object);
    return STATUS_SUCCESS;
}

/* Devices are open to everyone here. */
KERNEL NTSTATUS K_ZwSetSecurityObject(HANDLE handle, SECURITY_INFORMATION information, PSECURITY_DESCRIPTOR descriptor)
{
    return handle_object(handle) != NULL ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
}

KERNEL NTSTATUS K_ObReferenceObjectByHandle(
    HANDLE handle, ACCESS_MASK access, POBJECT_TYPE type, KPROCESSOR_MODE mode, PVOID *object, PVOID info)
{
    *object = handle_object(handle);
    if (*object == NULL)
        return STATUS_INVALID_HANDLE;
    ob_reference(*object);
    return STATUS_SUCCESS;
}
