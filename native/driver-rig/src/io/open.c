/*
 * Io: opening a file: the path, the mounted volume, the create request, and another try after a reparse point.
 * Windows: also IRP_MJ_CREATE of named pipes and mail slots, and filters. Here: none of them.
 */
#include "kernel.h"

#define PATH_CAPACITY 4096 /* UTF-16 units */
#define MAX_REPARSES 32
#define NAME_ROOM 64 /* the driver may lengthen a name a little in place */
#define STATUS_IO_REPARSE_TAG_NOT_HANDLED_ ((NTSTATUS)0xC0000279)

static ULONG map_generic(ULONG access)
{
    ULONG mapped = access & 0x0fffffff;
    if (access & GENERIC_READ)
        mapped |= FILE_GENERIC_READ;
    if (access & GENERIC_WRITE)
        mapped |= FILE_GENERIC_WRITE;
    if (access & GENERIC_EXECUTE)
        mapped |= FILE_GENERIC_EXECUTE;
    if (access & GENERIC_ALL)
        mapped |= FILE_ALL_ACCESS;
    return mapped;
}

static ULONG file_flags(ULONG options)
{
    ULONG flags = 0;
    if (options & (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT))
        flags |= FO_SYNCHRONOUS_IO;
    if (options & FILE_NO_INTERMEDIATE_BUFFERING)
        flags |= FO_NO_INTERMEDIATE_BUFFERING;
    if (options & FILE_WRITE_THROUGH)
        flags |= FO_WRITE_THROUGH;
    if (options & FILE_SEQUENTIAL_ONLY)
        flags |= FO_SEQUENTIAL_ONLY;
    return flags;
}

static PFILE_OBJECT file_create(PDEVICE_OBJECT device, PFILE_OBJECT root, ULONG options, const WCHAR *name, ULONG chars)
{
    PFILE_OBJECT file = ob_create(OB_FILE, sizeof *file);
    file->Type = IO_TYPE_FILE;
    file->Size = sizeof *file;
    file->DeviceObject = device;
    ob_reference(device);
    file->Vpb = device->Vpb;
    if (file->Vpb != NULL)
        _InterlockedIncrement((LONG volatile *)&file->Vpb->ReferenceCount);
    file->RelatedFileObject = root;
    file->Flags = file_flags(options);
    event_initialize(&file->Event, NotificationEvent, FALSE);
    event_initialize(&file->Lock, SynchronizationEvent, FALSE);
    file->FileName.Length = (USHORT)(chars * 2);
    file->FileName.MaximumLength = (USHORT)(chars * 2 + NAME_ROOM);
    file->FileName.Buffer = pool_allocate(chars * 2 + NAME_ROOM, 'mNoI');
    RtlCopyMemory(file->FileName.Buffer, name, chars * 2);
    return file;
}

/* A failed open gets neither cleanup nor close. */
static void file_discard(PFILE_OBJECT file)
{
    PDEVICE_OBJECT device = file->DeviceObject;
    if (file->Vpb != NULL)
        _InterlockedDecrement((LONG volatile *)&file->Vpb->ReferenceCount);
    if (file->FileName.Buffer != NULL)
        pool_free(file->FileName.Buffer);
    OB(file)->never_opened = 1;
    ob_dereference(device);
    ob_dereference(file);
}

static void grant(PACCESS_STATE state, ULONG rights, ULONG flag)
{
    ULONG granted = state->RemainingDesiredAccess & rights;
    state->PreviouslyGrantedAccess |= granted;
    state->RemainingDesiredAccess &= ~granted;
    state->Flags |= flag;
}

/* What the privileges grant before the file system is asked. Returns the create options. */
static ULONG access_state(const rig_open_t *request, PACCESS_STATE state)
{
    ULONG have = host_privileges(), options = request->options;
    RtlZeroMemory(state, sizeof *state);
    state->Flags = have & PRIVILEGE_TRAVERSE; /* TOKEN_HAS_TRAVERSE_PRIVILEGE */
    state->OriginalDesiredAccess = state->RemainingDesiredAccess = map_generic(request->access);
    state->SubjectSecurityContext.PrimaryToken = g_token;
    state->SecurityDescriptor = request->descriptor;
    if (options & FILE_OPEN_FOR_BACKUP_INTENT) {
        if (have & PRIVILEGE_BACKUP)
            grant(state, READ_CONTROL | ACCESS_SYSTEM_SECURITY | FILE_GENERIC_READ | FILE_TRAVERSE, PRIVILEGE_BACKUP);
        if (have & PRIVILEGE_RESTORE)
            grant(state,
                WRITE_DAC | WRITE_OWNER | ACCESS_SYSTEM_SECURITY | FILE_GENERIC_WRITE | FILE_ADD_FILE |
                    FILE_ADD_SUBDIRECTORY | DELETE,
                PRIVILEGE_RESTORE);
        if (!(have & (PRIVILEGE_BACKUP | PRIVILEGE_RESTORE)))
            options &= ~FILE_OPEN_FOR_BACKUP_INTENT;
    }
    return options;
}

static IO_STATUS_BLOCK send_create(PFILE_OBJECT file, const rig_open_t *request, PACCESS_STATE state, ULONG options)
{
    IO_SECURITY_CONTEXT context = {.AccessState = state, .DesiredAccess = state->OriginalDesiredAccess};
    IO_STATUS_BLOCK iosb = {{0}, 0};
    KEVENT event;
    event_initialize(&event, NotificationEvent, FALSE);
    context.FullCreateOptions = options;
    PDEVICE_OBJECT device = file_device(file);
    PIRP irp = irp_allocate(device->StackSize);
    PIO_STACK_LOCATION sp = irp->Tail.Overlay.CurrentStackLocation - 1;
    irp->RequestorMode = request->kernel ? KernelMode : UserMode;
    irp->Flags = IRP_CREATE_OPERATION | IRP_SYNCHRONOUS_API | IRP_DEFER_IO_COMPLETION;
    irp->Overlay.AllocationSize.QuadPart = request->allocation;
    irp->UserEvent = &event;
    irp->UserIosb = &iosb;
    irp->Tail.Overlay.OriginalFileObject = file;
    sp->MajorFunction = IRP_MJ_CREATE;
    sp->Flags = (UCHAR)request->flags;
    sp->FileObject = file;
    sp->Parameters.Create.SecurityContext = &context;
    sp->Parameters.Create.Options = (request->disposition << 24) | (options & 0xffffff);
    sp->Parameters.Create.FileAttributes = (USHORT)request->attributes;
    sp->Parameters.Create.ShareAccess = (USHORT)request->share;
    if (request->ea != NULL) {
        irp->AssociatedIrp.SystemBuffer = (void *)request->ea;
        sp->Parameters.Create.EaLength = request->ea_length;
    }
    irp_call(device, irp);
    wait_for(&event, NULL);
    return iosb;
}

/* The device of a path, with its volume mounted. */
static NTSTATUS find_device(PFILE_OBJECT root, WCHAR *path, ULONG *length, PDEVICE_OBJECT *device, ULONG *rest)
{
    *rest = 0;
    *device = root != NULL ? root->DeviceObject : name_parse(path, length, PATH_CAPACITY, rest);
    if (*device == NULL)
        return *length > 0 ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_OBJECT_NAME_INVALID;
    if ((*device)->Vpb != NULL && !((*device)->Vpb->Flags & VPB_MOUNTED))
        return device_mount(*device);
    return STATUS_SUCCESS;
}

static NTSTATUS open_path(const rig_open_t *request, void *parameters, WCHAR *path, ULONG length, PFILE_OBJECT *result,
    ULONG *information)
{
    PFILE_OBJECT root = request->root;
    for (int reparses = 0;; reparses++) {
        PDEVICE_OBJECT device;
        ULONG rest;
        NTSTATUS status = find_device(root, path, &length, &device, &rest);
        if (!NT_SUCCESS(status))
            return status;
        PFILE_OBJECT file = file_create(device, root, request->options, path + rest, length - rest);
        ACCESS_STATE state;
        ULONG options = access_state(request, &state);
        state.AuxData = parameters;
        IO_STATUS_BLOCK iosb = send_create(file, request, &state, options);
        if (information != NULL)
            *information = (ULONG)iosb.Information;
        if (NT_SUCCESS(iosb.Status) && iosb.Status != STATUS_REPARSE) {
            file->Flags |= FO_HANDLE_CREATED;
            OB(file)->granted = state.PreviouslyGrantedAccess | (state.RemainingDesiredAccess & ~MAXIMUM_ALLOWED);
            *result = file;
            return iosb.Status;
        }
        /* The file system has put the new path in place of the old one. */
        BOOLEAN again = iosb.Status == STATUS_REPARSE && iosb.Information == IO_REPARSE && reparses < MAX_REPARSES &&
                        file->FileName.Length / 2 <= PATH_CAPACITY;
        if (again) {
            length = file->FileName.Length / 2;
            RtlCopyMemory(path, file->FileName.Buffer, length * 2);
            root = NULL;
        }
        file_discard(file);
        if (!again)
            return iosb.Status == STATUS_REPARSE ? STATUS_IO_REPARSE_TAG_NOT_HANDLED_ : iosb.Status;
    }
}

/* NtCreateFile's own checks, before any file system is asked. */
static BOOLEAN is_valid(const rig_open_t *request)
{
    ULONG options = request->options, disposition = request->disposition;
    if ((options & FILE_DELETE_ON_CLOSE) && !(request->access & (DELETE | GENERIC_ALL | MAXIMUM_ALLOWED)))
        return FALSE;
    if (!(options & FILE_DIRECTORY_FILE))
        return TRUE;
    return !(options & FILE_NON_DIRECTORY_FILE) &&
           (disposition == FILE_CREATE || disposition == FILE_OPEN || disposition == FILE_OPEN_IF);
}

/* `parameters`: a list of extra create parameters, or NULL. */
static NTSTATUS open_with(const rig_open_t *request, void *parameters, PFILE_OBJECT *result, ULONG *information)
{
    ULONG length = wide_length(request->path);
    *result = NULL;
    if (length > PATH_CAPACITY)
        return STATUS_NAME_TOO_LONG;
    if (!is_valid(request))
        return STATUS_INVALID_PARAMETER;
    WCHAR *path = host_alloc((PATH_CAPACITY + NAME_ROOM) * 2);
    RtlCopyMemory(path, request->path, length * 2);
    NTSTATUS status = open_path(request, parameters, path, length, result, information);
    host_free(path);
    return status;
}

NTSTATUS file_open(const rig_open_t *request, PFILE_OBJECT *result, ULONG *information)
{
    return open_with(request, NULL, result, information);
}

/* What a driver gives to an open of its own. */
typedef struct {
    SHORT size;
    PVOID parameters, device, transaction;
} DRIVER_CONTEXT;

KERNEL NTSTATUS K_IoCreateFileEx(PHANDLE handle, ACCESS_MASK access, POBJECT_ATTRIBUTES attributes,
    PIO_STATUS_BLOCK iosb, PLARGE_INTEGER allocation, ULONG file_attributes, ULONG share, ULONG disposition,
    ULONG options, PVOID ea, ULONG ea_length, CREATE_FILE_TYPE type, PVOID internal, ULONG flags, PVOID context)
{
    DRIVER_CONTEXT *own = context;
    if (ea != NULL || internal != NULL || type != CreateFileTypeNone)
        NOT_IMPLEMENTED("extended attributes, or a type other than a file");
    ULONG length = attributes->ObjectName->Length / 2, information = 0;
    WCHAR *path = host_alloc((length + 1) * 2);
    RtlCopyMemory(path, attributes->ObjectName->Buffer, length * 2);
    rig_open_t request = {
        .path = path,
        .root = handle_object(attributes->RootDirectory),
        .access = access,
        .attributes = file_attributes,
        .share = share,
        .disposition = disposition,
        .options = options,
        .allocation = allocation != NULL ? allocation->QuadPart : 0,
        .kernel = 1,
    };
    PFILE_OBJECT file;
    NTSTATUS status = open_with(&request, own != NULL ? own->parameters : NULL, &file, &information);
    host_free(path);
    iosb->Status = status;
    iosb->Information = information;
    if (NT_SUCCESS(status))
        *handle = handle_create(file);
    return status;
}
