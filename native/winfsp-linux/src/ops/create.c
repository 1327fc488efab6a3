/*
 * Create, Overwrite, Cleanup, Close: the life of a handle (docs/winfsp.md, "Creating and opening").
 *
 * The functions use nothing but their arguments: they may run on any thread, at any time before the answer is sent.
 */
#include "core/base/descriptor.h"
#include "ops/ops.h"

typedef struct {
    FSP_FSCTL_TRANSACT_FULL_CONTEXT full;
    FSP_FSCTL_OPEN_FILE_INFO info;
    UINT32 granted;
} OPENED;

static PVOID *context_out(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_FULL_CONTEXT *full)
{
    return fs->UmFileContextIsUserContext2 ? (PVOID *)(void *)&full->UserContext2 : (PVOID *)(void *)&full->UserContext;
}

static PVOID context_in(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req)
{
    if (fs->UmFileContextIsFullContext)
        return &req->Req.Context;
    return (PVOID)(uintptr_t)(fs->UmFileContextIsUserContext2 ? req->Req.Context.UserContext2
                                                              : req->Req.Context.UserContext);
}

static void opened_begin(OPENED *opened, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    memset(opened, 0, sizeof *opened);
    opened->info.NormalizedName = (PWSTR)(void *)rsp->Buffer;
    opened->info.NormalizedNameSize = FSP_FSCTL_TRANSACT_RSP_BUFFER_SIZEMAX;
}

static NTSTATUS opened_answer(
    OPENED *opened, FSP_FSCTL_TRANSACT_RSP *rsp, UINT32 information, const void *sd, SIZE_T sdSize)
{
    UINT16 nameSize = opened->info.NormalizedNameSize;
    if (nameSize > FSP_FSCTL_TRANSACT_PATH_SIZEMAX) /* the preset capacity, too: the host gave no name */
        nameSize = 0;
    rsp->Rsp.Create.Opened.UserContext = opened->full.UserContext;
    rsp->Rsp.Create.Opened.UserContext2 = opened->full.UserContext2;
    rsp->Rsp.Create.Opened.GrantedAccess = opened->granted;
    rsp->Rsp.Create.Opened.FileInfo = opened->info.FileInfo;
    if (nameSize != 0) {
        rsp->Rsp.Create.Opened.FileName.Offset = 0;
        rsp->Rsp.Create.Opened.FileName.Size = nameSize;
        rsp->Size = (UINT16)(sizeof *rsp + nameSize);
    }
    if (sd != NULL && sdSize != 0) {
        SIZE_T at = FSP_FSCTL_DEFAULT_ALIGN_UP(nameSize);
        if (at + sdSize <= FSP_FSCTL_TRANSACT_RSP_BUFFER_SIZEMAX) {
            memset(rsp->Buffer + nameSize, 0, at - nameSize);
            memcpy(rsp->Buffer + at, sd, sdSize);
            rsp->Rsp.Create.Opened.SecurityDescriptor.Offset = (UINT16)at;
            rsp->Rsp.Create.Opened.SecurityDescriptor.Size = (UINT16)sdSize;
            rsp->Rsp.Create.Opened.HasSecurityDescriptor = 1;
            /* The name counts twice, as it does in the Windows library: a caller must bound Size by 16384 before
             * sending. */
            rsp->Size = (UINT16)(rsp->Size + at + sdSize);
        }
    }
    rsp->IoStatus.Information = information;
    return STATUS_SUCCESS;
}

static NTSTATUS answer_reparse(
    FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp, UINT32 index)
{
    IO_STATUS_BLOCK io;
    SIZE_T size = FSP_FSCTL_TRANSACT_RSP_BUFFER_SIZEMAX;
    NTSTATUS status;
    if (fs->Interface->ResolveReparsePoints == NULL)
        return STATUS_INVALID_DEVICE_REQUEST;
    memset(&io, 0, sizeof io);
    status = fs->Interface->ResolveReparsePoints(fs, request_name(req, req->FileName), index,
        !(req->Req.Create.CreateOptions & FILE_OPEN_REPARSE_POINT), &io, rsp->Buffer, &size);
    if (!NT_SUCCESS(status))
        return status;
    if (status == STATUS_REPARSE) {
        rsp->Size = (UINT16)(sizeof *rsp + size);
        rsp->IoStatus.Information = (UINT32)io.Information;
        rsp->Rsp.Create.Reparse.Buffer.Offset = 0;
        rsp->Rsp.Create.Reparse.Buffer.Size = (UINT16)size;
    }
    return status;
}

/* The right that was needed and not asked for. */
static UINT32 unasked(UINT32 asked, UINT32 needed)
{
    return asked & MAXIMUM_ALLOWED ? 0 : needed & ~map_generic(asked);
}

static NTSTATUS create_new(
    FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp, int traverse, int describe)
{
    const FSP_FILE_SYSTEM_INTERFACE *interface = fs->Interface;
    PWSTR name = request_name(req, req->FileName);
    UINT32 options = req->Req.Create.CreateOptions, asked = req->Req.Create.DesiredAccess;
    UINT32 desired, granted = 0, index = 0;
    int isStream = req->Req.Create.NamedStream != 0;
    SD_BUFFER parent = {NULL, 0, 0};
    PSECURITY_DESCRIPTOR sd = NULL;
    OPENED opened;
    NTSTATUS status;

    if (req->Req.Create.HasTrailingBackslash && (isStream || !(options & FILE_DIRECTORY_FILE)))
        return STATUS_OBJECT_NAME_INVALID;
    if (!isStream && (options & FILE_DELETE_ON_CLOSE) && (req->Req.Create.FileAttributes & FILE_ATTRIBUTE_READONLY))
        return STATUS_CANNOT_DELETE;
    if (isStream)
        desired = asked | FILE_WRITE_DATA | (options & FILE_DELETE_ON_CLOSE ? DELETE : 0);
    else
        desired = req->Req.Create.HasRestorePrivilege ? 0
                  : options & FILE_DIRECTORY_FILE     ? FILE_ADD_SUBDIRECTORY
                                                      : FILE_ADD_FILE;
    status = check_parent_or_main(fs, req, traverse, desired, &granted, isStream ? NULL : &parent, &index);
    if (status == STATUS_REPARSE) {
        sd_buffer_free(&parent);
        return answer_reparse(fs, req, rsp, index);
    }
    if (NT_SUCCESS(status))
        status = FspCreateSecurityDescriptor(fs, req, parent.sd != NULL && parent.size != 0 ? parent.sd : NULL, &sd);
    sd_buffer_free(&parent);
    if (!NT_SUCCESS(status))
        return status;

    opened_begin(&opened, rsp);
    if (isStream)
        opened.granted = granted & ~unasked(asked, FILE_WRITE_DATA);
    else
        opened.granted = asked & MAXIMUM_ALLOWED ? FILE_ALL_ACCESS : map_generic(asked);
    if (interface->CreateEx != NULL)
        status = interface->CreateEx(fs, name, options, opened.granted, req->Req.Create.FileAttributes, sd,
            req->Req.Create.AllocationSize,
            req->Req.Create.Ea.Size != 0 ? req->Buffer + req->Req.Create.Ea.Offset : NULL, req->Req.Create.Ea.Size,
            (BOOLEAN)req->Req.Create.EaIsReparsePoint, context_out(fs, &opened.full), &opened.info.FileInfo);
    else
        status = interface->Create(fs, name, options, opened.granted, req->Req.Create.FileAttributes, sd,
            req->Req.Create.AllocationSize, context_out(fs, &opened.full), &opened.info.FileInfo);
    if (NT_SUCCESS(status)) {
        SD_VIEW view;
        status = opened_answer(&opened, rsp, FILE_CREATED, describe ? sd : NULL,
            describe && sd != NULL ? sd_view(sd, SIZE_MAX, &view) : 0);
    } else if (status == STATUS_OBJECT_NAME_COLLISION && interface->GetSecurityByName != NULL) {
        UINT32 attributes = 0;
        NTSTATUS known = interface->GetSecurityByName(fs, name, &attributes, NULL, NULL);
        if (known == STATUS_REPARSE || (NT_SUCCESS(known) && (attributes & FILE_ATTRIBUTE_REPARSE_POINT) &&
                                           !(options & FILE_OPEN_REPARSE_POINT))) {
            if (interface->ResolveReparsePoints != NULL) {
                index = known == STATUS_REPARSE ? attributes : leaf_index(name);
                status = answer_reparse(fs, req, rsp, index);
            }
        } else if (NT_SUCCESS(known) && (attributes & FILE_ATTRIBUTE_DIRECTORY) && (options & FILE_NON_DIRECTORY_FILE))
            status = STATUS_FILE_IS_A_DIRECTORY;
    }
    free(sd);
    return status;
}

/* `extra`: the right that overwriting needs, taken off the grant again unless it was asked for. */
static NTSTATUS open_existing(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp,
    UINT32 extra, UINT32 information, int describe)
{
    UINT32 asked = req->Req.Create.DesiredAccess, granted = 0, index = 0;
    SD_BUFFER sd = {NULL, 0, 0};
    OPENED opened;
    NTSTATUS status;

    describe = describe && req->Req.Create.AcceptsSecurityDescriptor;
    status = check_file(fs, req, 1, asked | extra, &granted, describe ? &sd : NULL, &index);
    if (status == STATUS_REPARSE)
        status = answer_reparse(fs, req, rsp, index);
    else if (NT_SUCCESS(status)) {
        granted &= ~unasked(asked, extra);
        opened_begin(&opened, rsp);
        opened.granted = granted;
        status = fs->Interface->Open(fs, request_name(req, req->FileName), req->Req.Create.CreateOptions, granted,
            context_out(fs, &opened.full), &opened.info.FileInfo);
        if (NT_SUCCESS(status))
            status = opened_answer(&opened, rsp, information, sd.sd, sd.sd != NULL ? sd.size : 0);
    }
    sd_buffer_free(&sd);
    return status;
}

static NTSTATUS open_or_create(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp,
    UINT32 extra, UINT32 information, int describe)
{
    NTSTATUS status = open_existing(fs, req, rsp, extra, information, describe);
    return status == STATUS_OBJECT_NAME_NOT_FOUND ? create_new(fs, req, rsp, 0, describe) : status;
}

/* The directory that a rename goes to, and whether the name is taken there. */
static NTSTATUS open_target_directory(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    PWSTR name = request_name(req, req->FileName), leaf;
    UINT32 granted = 0, index = 0, information = FILE_OPENED;
    UINT32 options = (req->Req.Create.CreateOptions | FILE_DIRECTORY_FILE) & ~(UINT32)FILE_NON_DIRECTORY_FILE;
    WCHAR kept = 0, root[2] = {'\\', 0};
    OPENED opened;
    NTSTATUS status = check_parent_or_main(fs, req, 1, req->Req.Create.DesiredAccess, &granted, NULL, &index);
    if (status == STATUS_REPARSE)
        return answer_reparse(fs, req, rsp, index);
    if (!NT_SUCCESS(status))
        return status;
    opened_begin(&opened, rsp);
    opened.granted = granted;
    leaf = name + wide_length(name);
    while (leaf > name && leaf[-1] != '\\')
        leaf--;
    if (leaf - name <= 1)
        status = fs->Interface->Open(fs, root, options, granted, context_out(fs, &opened.full), &opened.info.FileInfo);
    else {
        kept = leaf[-1];
        leaf[-1] = 0;
        status = fs->Interface->Open(fs, name, options, granted, context_out(fs, &opened.full), &opened.info.FileInfo);
        leaf[-1] = kept;
    }
    if (!NT_SUCCESS(status))
        return status;
    if (fs->Interface->GetSecurityByName != NULL)
        information = NT_SUCCESS(fs->Interface->GetSecurityByName(fs, name, NULL, NULL, NULL)) ? FILE_EXISTS
                                                                                               : FILE_DOES_NOT_EXIST;
    return opened_answer(&opened, rsp, information, NULL, 0);
}

static NTSTATUS open_by_disposition(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    switch (req->Req.Create.CreateOptions >> 24) {
    case FILE_CREATE:
        return create_new(fs, req, rsp, 1, 1);
    case FILE_OPEN:
        return open_existing(fs, req, rsp, 0, FILE_OPENED, 1);
    case FILE_OPEN_IF:
        return open_or_create(fs, req, rsp, 0, FILE_OPENED, 1);
    case FILE_OVERWRITE:
        return open_existing(fs, req, rsp, FILE_WRITE_DATA, FILE_OVERWRITTEN, 0);
    case FILE_OVERWRITE_IF:
        return open_or_create(fs, req, rsp, FILE_WRITE_DATA, FILE_OVERWRITTEN, 0);
    case FILE_SUPERSEDE:
        return open_or_create(fs, req, rsp, DELETE, FILE_SUPERSEDED, 0);
    }
    return STATUS_INVALID_PARAMETER;
}

/* A stream that is not there may be behind its file, where that is a link. */
static NTSTATUS stream_not_found(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    PWSTR name = request_name(req, req->FileName), colon = name + req->Req.Create.NamedStream / sizeof(WCHAR);
    WCHAR kept = *colon;
    UINT32 attributes = 0, index;
    NTSTATUS status;
    if (fs->Interface->GetSecurityByName == NULL || (req->Req.Create.CreateOptions & FILE_OPEN_REPARSE_POINT))
        return STATUS_OBJECT_NAME_NOT_FOUND;
    *colon = 0;
    status = fs->Interface->GetSecurityByName(fs, name, &attributes, NULL, NULL);
    index = status == STATUS_REPARSE ? attributes : leaf_index(name);
    *colon = kept;
    if (status == STATUS_REPARSE || (NT_SUCCESS(status) && (attributes & FILE_ATTRIBUTE_REPARSE_POINT)))
        return answer_reparse(fs, req, rsp, index);
    return STATUS_OBJECT_NAME_NOT_FOUND;
}

NTSTATUS FspFileSystemOpCreate(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    const FSP_FILE_SYSTEM_INTERFACE *interface = fs->Interface;
    NTSTATUS status;
    if ((interface->Create == NULL && interface->CreateEx == NULL) || interface->Open == NULL ||
        (interface->Overwrite == NULL && interface->OverwriteEx == NULL))
        return STATUS_INVALID_DEVICE_REQUEST;
    if (req->Req.Create.OpenTargetDirectory)
        return open_target_directory(fs, req, rsp);
    status = open_by_disposition(fs, req, rsp);
    if (status == STATUS_OBJECT_NAME_NOT_FOUND && req->Req.Create.NamedStream)
        status = stream_not_found(fs, req, rsp);
    return status;
}

NTSTATUS FspFileSystemOpOverwrite(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    const FSP_FILE_SYSTEM_INTERFACE *interface = fs->Interface;
    PVOID context = context_in(fs, req);
    FSP_FSCTL_FILE_INFO info;
    NTSTATUS status;
    if (interface->Overwrite == NULL && interface->OverwriteEx == NULL)
        return STATUS_INVALID_DEVICE_REQUEST;
    memset(&info, 0, sizeof info);
    if (interface->OverwriteEx != NULL)
        status = interface->OverwriteEx(fs, context, req->Req.Overwrite.FileAttributes,
            (BOOLEAN)req->Req.Overwrite.Supersede, req->Req.Overwrite.AllocationSize,
            req->Req.Overwrite.Ea.Size != 0 ? (void *)(req->Buffer + req->Req.Overwrite.Ea.Offset) : NULL,
            req->Req.Overwrite.Ea.Size, &info);
    else
        status = interface->Overwrite(fs, context, req->Req.Overwrite.FileAttributes,
            (BOOLEAN)req->Req.Overwrite.Supersede, req->Req.Overwrite.AllocationSize, &info);
    if (!NT_SUCCESS(status)) {
        if (interface->Close != NULL) /* the opener sees a failed open and will not close what it never got */
            interface->Close(fs, context);
        return status;
    }
    rsp->Rsp.Overwrite.FileInfo = info;
    return STATUS_SUCCESS;
}

NTSTATUS FspFileSystemOpCleanup(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    ULONG flags = (req->Req.Cleanup.Delete ? FspCleanupDelete : 0) |
                  (req->Req.Cleanup.SetAllocationSize ? FspCleanupSetAllocationSize : 0) |
                  (req->Req.Cleanup.SetArchiveBit ? FspCleanupSetArchiveBit : 0) |
                  (req->Req.Cleanup.SetLastAccessTime ? FspCleanupSetLastAccessTime : 0) |
                  (req->Req.Cleanup.SetLastWriteTime ? FspCleanupSetLastWriteTime : 0) |
                  (req->Req.Cleanup.SetChangeTime ? FspCleanupSetChangeTime : 0);
    if (fs->Interface->Cleanup != NULL)
        fs->Interface->Cleanup(
            fs, context_in(fs, req), req->FileName.Size != 0 ? request_name(req, req->FileName) : NULL, flags);
    return STATUS_SUCCESS;
}

NTSTATUS FspFileSystemOpClose(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    if (fs->Interface->Close != NULL)
        fs->Interface->Close(fs, context_in(fs, req));
    return STATUS_SUCCESS;
}

/* ---- guards ---- */

/* 2: alone, 1: with others of its kind, 0: no lock. */
static int guard_mode(FSP_FILE_SYSTEM *fs, const FSP_FSCTL_TRANSACT_REQ *req)
{
    if (fs->OpGuardStrategy == FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY_COARSE)
        return 2;
    switch (req->Kind) {
    case FspFsctlTransactCreateKind:
        return req->Req.Create.CreateOptions >> 24 == FILE_OPEN ? 1 : 2;
    case FspFsctlTransactOverwriteKind:
    case FspFsctlTransactSetVolumeInformationKind:
        return 2;
    case FspFsctlTransactCleanupKind:
        return req->Req.Cleanup.Delete ? 2 : 0;
    case FspFsctlTransactFlushBuffersKind:
        return req->Req.FlushBuffers.UserContext == 0 && req->Req.FlushBuffers.UserContext2 == 0 ? 2 : 0;
    case FspFsctlTransactSetInformationKind:
        switch (req->Req.SetInformation.FileInformationClass) {
        case FileRenameInformation:
        case FileRenameInformationEx:
            return 2;
        case FileDispositionInformation:
        case FileDispositionInformationEx:
            return 1;
        }
        return 0;
    case FspFsctlTransactQueryDirectoryKind:
    case FspFsctlTransactQueryVolumeInformationKind:
        return 1;
    }
    return 0;
}

NTSTATUS FspFileSystemOpEnter(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    int mode = guard_mode(fs, req);
    if (mode == 2)
        pthread_rwlock_wrlock(fs->OpGuardLock);
    else if (mode == 1)
        pthread_rwlock_rdlock(fs->OpGuardLock);
    return STATUS_SUCCESS;
}

NTSTATUS FspFileSystemOpLeave(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    if (guard_mode(fs, req) != 0)
        pthread_rwlock_unlock(fs->OpGuardLock);
    return STATUS_SUCCESS;
}
