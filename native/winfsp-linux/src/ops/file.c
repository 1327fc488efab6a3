/*
 * The operations on an open file, on a directory and on the volume (docs/winfsp.md, "Callbacks").
 *
 * A missing slot answers INVALID_DEVICE_REQUEST. STATUS_PENDING of a callback goes through only where it does on
 * Windows; elsewhere it counts as success, with the information as the callback left it.
 */
#include "core/base/descriptor.h"
#include "ops/ops.h"

static PVOID context_in(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req)
{
    if (fs->UmFileContextIsFullContext)
        return &req->Req.Context;
    return (PVOID)(uintptr_t)(fs->UmFileContextIsUserContext2 ? req->Req.Context.UserContext2
                                                              : req->Req.Context.UserContext);
}

static void *buffer_of(FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_BUF where) { return req->Buffer + where.Offset; }

static PWSTR name_of(FSP_FSCTL_TRANSACT_REQ *req)
{
    return req->FileName.Size != 0 ? request_name(req, req->FileName) : NULL;
}

static void answer_buffer(FSP_FSCTL_TRANSACT_RSP *rsp, FSP_FSCTL_TRANSACT_BUF *where, SIZE_T size)
{
    where->Offset = 0;
    where->Size = (UINT16)size;
    rsp->Size = (UINT16)(sizeof *rsp + size);
}

NTSTATUS FspFileSystemOpRead(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    ULONG bytes = 0;
    NTSTATUS status;
    if (fs->Interface->Read == NULL)
        return STATUS_INVALID_DEVICE_REQUEST;
    status = fs->Interface->Read(fs, context_in(fs, req), (PVOID)(uintptr_t)req->Req.Read.Address, req->Req.Read.Offset,
        req->Req.Read.Length, &bytes);
    if (NT_SUCCESS(status) && status != STATUS_PENDING)
        rsp->IoStatus.Information = bytes;
    return status;
}

NTSTATUS FspFileSystemOpWrite(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FSP_FSCTL_FILE_INFO info;
    ULONG bytes = 0;
    NTSTATUS status;
    if (fs->Interface->Write == NULL)
        return STATUS_INVALID_DEVICE_REQUEST;
    memset(&info, POISON, sizeof info); /* stack garbage on Windows: what the callback does not fill is sent as it is */
    status = fs->Interface->Write(fs, context_in(fs, req), (PVOID)(uintptr_t)req->Req.Write.Address,
        req->Req.Write.Offset, req->Req.Write.Length, req->Req.Write.Offset == UINT64_MAX,
        (BOOLEAN)req->Req.Write.ConstrainedIo, &bytes, &info);
    if (NT_SUCCESS(status) && status != STATUS_PENDING) {
        rsp->IoStatus.Information = bytes;
        rsp->Rsp.Write.FileInfo = info;
    }
    return status;
}

NTSTATUS FspFileSystemOpFlushBuffers(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    const FSP_FILE_SYSTEM_INTERFACE *interface = fs->Interface;
    PVOID context = context_in(fs, req); /* of the whole volume: 0, or an address of zeroes in full-context mode */
    FSP_FSCTL_FILE_INFO info;
    NTSTATUS status;
    memset(&info, 0, sizeof info);
    if (interface->Flush != NULL)
        status = interface->Flush(fs, context, &info);
    else if (interface->GetFileInfo != NULL)
        status = interface->GetFileInfo(fs, context, &info);
    else { /* Windows would call address 0 here */
        strict_violation(volume_of(fs), req, "neither Flush nor GetFileInfo is there: a crash on Windows");
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if (!NT_SUCCESS(status))
        return status;
    rsp->Rsp.FlushBuffers.FileInfo = info;
    return STATUS_SUCCESS;
}

NTSTATUS FspFileSystemOpQueryInformation(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FSP_FSCTL_FILE_INFO info;
    NTSTATUS status;
    if (fs->Interface->GetFileInfo == NULL)
        return STATUS_INVALID_DEVICE_REQUEST;
    memset(&info, 0, sizeof info);
    status = fs->Interface->GetFileInfo(fs, context_in(fs, req), &info);
    if (!NT_SUCCESS(status))
        return status;
    rsp->Rsp.QueryInformation.FileInfo = info;
    return STATUS_SUCCESS;
}

static NTSTATUS set_disposition(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, int delete, int ignoreReadOnly)
{
    const FSP_FILE_SYSTEM_INTERFACE *interface = fs->Interface;
    PVOID context = context_in(fs, req);
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    if (delete && !ignoreReadOnly && interface->GetFileInfo != NULL) {
        FSP_FSCTL_FILE_INFO info;
        memset(&info, 0, sizeof info);
        status = interface->GetFileInfo(fs, context, &info);
        if (NT_SUCCESS(status) && (info.FileAttributes & FILE_ATTRIBUTE_READONLY))
            return STATUS_CANNOT_DELETE;
    }
    if (interface->SetDelete != NULL)
        status = interface->SetDelete(fs, context, name_of(req), (BOOLEAN)delete);
    else if (interface->CanDelete != NULL)
        status = delete ? interface->CanDelete(fs, context, name_of(req)) : STATUS_SUCCESS;
    return NT_SUCCESS(status) ? STATUS_SUCCESS : status;
}

/* Replacing a file takes the right to delete it, from the file or from its directory. A missing target is no obstacle.
 */
static NTSTATUS check_replace(FSP_FILE_SYSTEM *fs, PWSTR newName, UINT64 accessToken, int ignoreReadOnly)
{
    SD_BUFFER sd = {NULL, 0, 0};
    UINT32 attributes = 0, granted;
    const TOKEN *token = token_of(accessToken);
    NTSTATUS status;
    if (fs->Interface->GetSecurityByName == NULL)
        return STATUS_SUCCESS;
    status = security_by_name(fs, newName, &attributes, &sd);
    if (!NT_SUCCESS(status))
        status =
            status == STATUS_OBJECT_NAME_NOT_FOUND || status == STATUS_OBJECT_PATH_NOT_FOUND ? STATUS_SUCCESS : status;
    else if ((attributes & FILE_ATTRIBUTE_READONLY) && !ignoreReadOnly)
        status = STATUS_CANNOT_DELETE;
    else if (sd.size == 0)
        status = STATUS_SUCCESS;
    else if (!NT_SUCCESS(status = access_check(sd.sd, sd.size, token, DELETE, &granted))) {
        size_t length = wide_length(newName), cut = length;
        WCHAR kept = 0, root[2] = {'\\', 0};
        while (cut > 0 && newName[cut - 1] != '\\')
            cut--;
        if (cut > 1) {
            kept = newName[cut - 1];
            newName[cut - 1] = 0;
        }
        sd_buffer_free(&sd);
        if (NT_SUCCESS(security_by_name(fs, cut > 1 ? newName : root, &attributes, &sd)) &&
            (sd.size == 0 || NT_SUCCESS(access_check(sd.sd, sd.size, token, FILE_DELETE_CHILD, &granted))))
            status = STATUS_SUCCESS;
        if (cut > 1)
            newName[cut - 1] = kept;
    } else
        status = STATUS_SUCCESS;
    sd_buffer_free(&sd);
    return status;
}

NTSTATUS FspFileSystemOpSetInformation(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    const FSP_FILE_SYSTEM_INTERFACE *interface = fs->Interface;
    PVOID context = context_in(fs, req);
    FSP_FSCTL_FILE_INFO info;
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    UINT32 flags, extension = 0;
    int replace, ex = 0;
    memset(&info, 0, sizeof info);
    switch (req->Req.SetInformation.FileInformationClass) {
    case FileBasicInformation:
        if (interface->SetBasicInfo != NULL)
            status = interface->SetBasicInfo(fs, context, req->Req.SetInformation.Info.Basic.FileAttributes,
                req->Req.SetInformation.Info.Basic.CreationTime, req->Req.SetInformation.Info.Basic.LastAccessTime,
                req->Req.SetInformation.Info.Basic.LastWriteTime, req->Req.SetInformation.Info.Basic.ChangeTime, &info);
        break;
    case FileAllocationInformation:
        if (interface->SetFileSize != NULL)
            status =
                interface->SetFileSize(fs, context, req->Req.SetInformation.Info.Allocation.AllocationSize, 1, &info);
        break;
    case FileEndOfFileInformation:
        if (interface->SetFileSize != NULL)
            status = interface->SetFileSize(fs, context, req->Req.SetInformation.Info.EndOfFile.FileSize, 0, &info);
        break;
    case FileDispositionInformation:
        return set_disposition(fs, req, req->Req.SetInformation.Info.Disposition.Delete, 0);
    case FileDispositionInformationEx:
        flags = req->Req.SetInformation.Info.DispositionEx.Flags;
        return set_disposition(
            fs, req, (flags & FILE_DISPOSITION_DELETE) != 0, (flags & FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE) != 0);
    case FileRenameInformationEx:
        ex = 1;
        /* fall through */
    case FileRenameInformation:
        flags = ex ? req->Req.SetInformation.Info.RenameEx.Flags : 0;
        /* The plain class has no flag: a token is passed along exactly when the target may be replaced. */
        replace =
            ex ? (flags & FILE_RENAME_REPLACE_IF_EXISTS) != 0 : req->Req.SetInformation.Info.Rename.AccessToken != 0;
        if (interface->Rename == NULL)
            break;
        if (volume_option(volume_of(fs), OPTION_RENAME_EXTENSION))
            extension = flags >> FSP_LINUX_RENAME_SHIFT &
                        (FSP_LINUX_RENAME_POSIX | FSP_LINUX_RENAME_EXCHANGE | FSP_LINUX_RENAME_WHITEOUT);
        if (volume_option(volume_of(fs), OPTION_HARD_LINKS))
            extension |= flags >> FSP_LINUX_RENAME_SHIFT & FSP_LINUX_RENAME_LINK;
        if (replace || (extension & FSP_LINUX_RENAME_EXCHANGE)) {
            status = check_replace(fs, request_name(req, req->Req.SetInformation.Info.Rename.NewFileName),
                req->Req.SetInformation.Info.Rename.AccessToken, (flags & FILE_RENAME_IGNORE_READONLY_ATTRIBUTE) != 0);
            if (!NT_SUCCESS(status))
                return status;
        }
        status = interface->Rename(fs, context, name_of(req),
            request_name(req, req->Req.SetInformation.Info.Rename.NewFileName), (BOOLEAN)((UINT32)replace | extension));
        return NT_SUCCESS(status) ? STATUS_SUCCESS : status;
    }
    if (!NT_SUCCESS(status))
        return status;
    rsp->Rsp.SetInformation.FileInfo = info;
    return STATUS_SUCCESS;
}

NTSTATUS FspFileSystemOpQueryEa(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    ULONG bytes = 0;
    NTSTATUS status;
    if (fs->Interface->GetEa == NULL)
        return STATUS_INVALID_DEVICE_REQUEST;
    status = fs->Interface->GetEa(
        fs, context_in(fs, req), (void *)rsp->Buffer, FSP_FSCTL_TRANSACT_RSP_BUFFER_SIZEMAX, &bytes);
    if (!NT_SUCCESS(status))
        return status == STATUS_BUFFER_OVERFLOW ? STATUS_EA_LIST_INCONSISTENT : status;
    answer_buffer(rsp, &rsp->Rsp.QueryEa.Ea, bytes);
    return STATUS_SUCCESS;
}

NTSTATUS FspFileSystemOpSetEa(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FSP_FSCTL_FILE_INFO info;
    NTSTATUS status;
    if (fs->Interface->SetEa == NULL)
        return STATUS_INVALID_DEVICE_REQUEST;
    memset(&info, 0, sizeof info);
    status =
        fs->Interface->SetEa(fs, context_in(fs, req), buffer_of(req, req->Req.SetEa.Ea), req->Req.SetEa.Ea.Size, &info);
    if (!NT_SUCCESS(status))
        return status;
    rsp->Rsp.SetEa.FileInfo = info;
    return STATUS_SUCCESS;
}

NTSTATUS FspFileSystemOpQueryVolumeInformation(
    FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FSP_LINUX_VOLUME_INFO all;
    NTSTATUS status;
    if (fs->Interface->GetVolumeInfo == NULL)
        return STATUS_INVALID_DEVICE_REQUEST;
    memset(&all, 0, sizeof all);
    status = fs->Interface->GetVolumeInfo(fs, &all.info);
    if (!NT_SUCCESS(status))
        return status;
    memcpy(&rsp->Rsp, &all, sizeof all);
    return STATUS_SUCCESS;
}

NTSTATUS FspFileSystemOpSetVolumeInformation(
    FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FSP_FSCTL_VOLUME_INFO info;
    NTSTATUS status;
    if (req->Req.SetVolumeInformation.FsInformationClass != FileFsLabelInformation ||
        fs->Interface->SetVolumeLabel == NULL)
        return STATUS_INVALID_DEVICE_REQUEST;
    memset(&info, 0, sizeof info);
    status = fs->Interface->SetVolumeLabel(
        fs, request_name(req, req->Req.SetVolumeInformation.Info.Label.VolumeLabel), &info);
    if (!NT_SUCCESS(status))
        return status;
    rsp->Rsp.SetVolumeInformation.VolumeInfo = info;
    return STATUS_SUCCESS;
}

NTSTATUS FspFileSystemOpQueryDirectory(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    const FSP_FILE_SYSTEM_INTERFACE *interface = fs->Interface;
    PVOID address = (PVOID)(uintptr_t)req->Req.QueryDirectory.Address;
    PWSTR pattern =
        req->Req.QueryDirectory.Pattern.Size != 0 ? request_name(req, req->Req.QueryDirectory.Pattern) : NULL;
    PWSTR marker = req->Req.QueryDirectory.Marker.Size != 0 ? request_name(req, req->Req.QueryDirectory.Marker) : NULL;
    ULONG bytes = 0;
    NTSTATUS status;
    if (interface->ReadDirectory == NULL)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (req->Req.QueryDirectory.PatternIsFileName && interface->GetDirInfoByName != NULL && pattern != NULL) {
        union {
            FSP_FSCTL_DIR_INFO info;
            UINT8 bytes[sizeof(FSP_FSCTL_DIR_INFO) + 255 * sizeof(WCHAR)];
        } record;
        memset(&record.info, 0, sizeof record.info);
        status = interface->GetDirInfoByName(fs, context_in(fs, req), pattern, &record.info);
        if (status == STATUS_PENDING)
            return status;
        if (NT_SUCCESS(status)) {
            if (record.info.Size > sizeof record) {
                strict_violation(volume_of(fs), req, "GetDirInfoByName made a record of %u bytes in a buffer of %zu",
                    record.info.Size, sizeof record);
                return STATUS_INTERNAL_ERROR;
            }
            if (FspFileSystemAddDirInfo(&record.info, address, req->Req.QueryDirectory.Length, &bytes))
                FspFileSystemAddDirInfo(NULL, address, req->Req.QueryDirectory.Length, &bytes);
        } else if (status == STATUS_OBJECT_NAME_NOT_FOUND) {
            FspFileSystemAddDirInfo(NULL, address, req->Req.QueryDirectory.Length, &bytes);
            status = STATUS_SUCCESS;
        }
    } else
        status = interface->ReadDirectory(
            fs, context_in(fs, req), pattern, marker, address, req->Req.QueryDirectory.Length, &bytes);
    if (NT_SUCCESS(status) && status != STATUS_PENDING)
        rsp->IoStatus.Information = bytes;
    return status;
}

NTSTATUS FspFileSystemOpFileSystemControl(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    const FSP_FILE_SYSTEM_INTERFACE *interface = fs->Interface;
    SIZE_T size = FSP_FSCTL_TRANSACT_RSP_BUFFER_SIZEMAX;
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    switch (req->Req.FileSystemControl.FsControlCode) {
    case FSCTL_GET_REPARSE_POINT:
        if (interface->GetReparsePoint == NULL)
            break;
        status = interface->GetReparsePoint(fs, context_in(fs, req), name_of(req), rsp->Buffer, &size);
        if (NT_SUCCESS(status) && status != STATUS_PENDING)
            answer_buffer(rsp, &rsp->Rsp.FileSystemControl.Buffer, size);
        break;
    case FSCTL_SET_REPARSE_POINT:
        if (interface->SetReparsePoint != NULL)
            status = interface->SetReparsePoint(fs, context_in(fs, req), name_of(req),
                buffer_of(req, req->Req.FileSystemControl.Buffer), req->Req.FileSystemControl.Buffer.Size);
        break;
    case FSCTL_DELETE_REPARSE_POINT:
        if (interface->DeleteReparsePoint != NULL)
            status = interface->DeleteReparsePoint(fs, context_in(fs, req), name_of(req),
                buffer_of(req, req->Req.FileSystemControl.Buffer), req->Req.FileSystemControl.Buffer.Size);
        break;
    }
    return status;
}

NTSTATUS FspFileSystemOpDeviceControl(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    ULONG bytes = 0, room = req->Req.DeviceControl.OutputLength;
    NTSTATUS status;
    if (fs->Interface->Control == NULL)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (room > FSP_FSCTL_TRANSACT_RSP_BUFFER_SIZEMAX)
        room = FSP_FSCTL_TRANSACT_RSP_BUFFER_SIZEMAX;
    status = fs->Interface->Control(fs, context_in(fs, req), req->Req.DeviceControl.IoControlCode,
        buffer_of(req, req->Req.DeviceControl.Buffer), req->Req.DeviceControl.Buffer.Size, rsp->Buffer, room, &bytes);
    if (!NT_SUCCESS(status))
        return status == STATUS_BUFFER_OVERFLOW ? STATUS_BUFFER_TOO_SMALL : status;
    answer_buffer(rsp, &rsp->Rsp.DeviceControl.Buffer, bytes);
    return STATUS_SUCCESS;
}

NTSTATUS FspFileSystemOpQuerySecurity(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    SIZE_T size = FSP_FSCTL_TRANSACT_RSP_BUFFER_SIZEMAX;
    NTSTATUS status;
    if (fs->Interface->GetSecurity == NULL)
        return STATUS_INVALID_DEVICE_REQUEST;
    status = fs->Interface->GetSecurity(fs, context_in(fs, req), rsp->Buffer, &size);
    if (!NT_SUCCESS(status))
        return status == STATUS_BUFFER_OVERFLOW ? STATUS_INVALID_SECURITY_DESCR : status;
    answer_buffer(rsp, &rsp->Rsp.QuerySecurity.SecurityDescriptor, size);
    return STATUS_SUCCESS;
}

NTSTATUS FspFileSystemOpSetSecurity(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    if (fs->Interface->SetSecurity == NULL)
        return STATUS_INVALID_DEVICE_REQUEST;
    return fs->Interface->SetSecurity(fs, context_in(fs, req), req->Req.SetSecurity.SecurityInformation,
        buffer_of(req, req->Req.SetSecurity.SecurityDescriptor));
}

NTSTATUS FspFileSystemOpQueryStreamInformation(
    FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    ULONG bytes = 0;
    NTSTATUS status;
    if (fs->Interface->GetStreamInfo == NULL)
        return STATUS_INVALID_DEVICE_REQUEST;
    status = fs->Interface->GetStreamInfo(
        fs, context_in(fs, req), rsp->Buffer, FSP_FSCTL_TRANSACT_RSP_BUFFER_SIZEMAX, &bytes);
    if (!NT_SUCCESS(status))
        return status;
    answer_buffer(rsp, &rsp->Rsp.QueryStreamInformation.Buffer, bytes);
    return STATUS_SUCCESS;
}
