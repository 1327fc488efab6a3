/*
 * The kernel side: structure layouts from the DDK headers. What the driver imports as X is a function K_X here, so that
 * it does not meet the headers' declaration of X; it is found by that name in this library's export table (KERNEL).
 * Nothing is imported by other means.
 */
#ifndef KERNEL_H
#define KERNEL_H
#include <stdarg.h>
#define _NTIFS_
#include <ntifs.h>
#include "rig.h"
#undef ObReferenceObject
#undef ObDereferenceObject

#define KERNEL __declspec(dllexport)
/* For a request or a parameter that the rig has no answer to: better no answer than a vague one. */
#define NOT_IMPLEMENTED(what) host_fatal("%s: not implemented: %s", __func__, what)

/* ---- io/object.c: every object has this in front of its body ---- */
enum { OB_DEVICE = 1, OB_FILE, OB_PROCESS, OB_TOKEN, OB_TYPE };

#define OB_MAGIC 0x6a624f21

typedef struct {
    ULONG magic;
    LONG type;
    volatile LONG references;
    volatile LONG handles;
    int never_opened; /* a file whose create failed: it gets neither cleanup nor close */
    ULONG granted;    /* a file: the access that its create granted */
    ULONG pad[2];
} OBJECT;

#define OB(body) ((OBJECT *)(body) - 1)
void *ob_create(int type, size_t bytes);
void ob_reference(void *body);
void ob_dereference(void *body);
HANDLE handle_create(void *body);
void *handle_object(HANDLE handle); /* no reference added; NULL: not ours */
NTSTATUS handle_close(HANDLE handle);
NTSTATUS K_ObCloseHandle(HANDLE handle, KPROCESSOR_MODE mode);

extern struct _EPROCESS *g_process;
extern void *g_token;
extern GENERIC_MAPPING g_file_mapping;
extern PDRIVER_OBJECT g_driver;
extern POBJECT_TYPE K_IoFileObjectType, K_IoDeviceObjectType, K_SeTokenObjectType;

/* ---- io/names.c, io/device.c ---- */
ULONG wide_length(const WCHAR *text);
void name_add(const WCHAR *text, ULONG length, PDEVICE_OBJECT device, const WCHAR *target, ULONG target_length);
void name_remove_device(PDEVICE_OBJECT device);
/* The device that a path leads to, and where the rest of the path begins; links are followed in place. */
PDEVICE_OBJECT name_parse(WCHAR *path, ULONG *length, ULONG capacity, ULONG *rest);
NTSTATUS device_mount(PDEVICE_OBJECT disk);

/* ---- io/irp.c, io/mdl.c ---- */
PIRP irp_allocate(CCHAR stack);
void irp_free(PIRP irp);
/* In AllocationFlags: the requester frees it, so that it can be cancelled while it completes. */
#define IRP_KEPT 0x80
NTSTATUS irp_call(PDEVICE_OBJECT device, PIRP irp);
void irp_complete(PIRP irp);
BOOLEAN irp_cancel(PIRP irp);
VOID K_IoAcquireVpbSpinLock(PKIRQL irql);
VOID K_IoReleaseVpbSpinLock(KIRQL irql);
PMDL mdl_create(PVOID address, ULONG length, PIRP irp); /* locked and mapped */

/* ---- io/file.c, io/open.c ---- */
PDEVICE_OBJECT file_device(PFILE_OBJECT file);
NTSTATUS file_open(const rig_open_t *request, PFILE_OBJECT *file, ULONG *information);
NTSTATUS file_cleanup(PFILE_OBJECT file);
void file_last_reference(PFILE_OBJECT file);
PIRP irp_for(PFILE_OBJECT file, UCHAR major, UCHAR minor, KPROCESSOR_MODE mode, PIO_STACK_LOCATION *stack);
/* Sends it and waits. The request is gone afterwards. */
NTSTATUS irp_run(PFILE_OBJECT file, PIRP irp, uint32_t *done);

/* ---- ke ---- */
void *pool_allocate(size_t bytes, ULONG tag);
void pool_free(void *memory);
void event_initialize(PKEVENT event, int type, BOOLEAN state);
LONG event_set(PKEVENT event);
NTSTATUS wait_for(void *object, PLARGE_INTEGER timeout);
/* An absolute deadline in `room`, or NULL for no limit. */
int64_t *deadline_of(PLARGE_INTEGER timeout, int64_t *room);
void system_threads_start(void);
void lazy_writer(void *unused);

/* ---- rtl ---- */
WCHAR up(WCHAR c);
BOOLEAN name_matches(const WCHAR *pattern, ULONG plen, const WCHAR *name, ULONG nlen, BOOLEAN fold);

/* Whether the handle was opened with all of these rights: the I/O manager asks that before any file system is asked. */
static inline BOOLEAN has_access(PFILE_OBJECT file, ULONG rights) { return (OB(file)->granted & rights) == rights; }

/* ---- client ---- */
/* Sends a request that may stay: what comes of it is told by rig_request_result. */
int32_t request_send(PFILE_OBJECT file, PIRP irp, void **request);
/* A buffered request: the I/O manager's copy of the data in pool, copied out when it completes. */
void irp_buffer(PIRP irp, const void *in, ULONG in_length, void *out, ULONG out_length);
#endif
