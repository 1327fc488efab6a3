/* Requests of tests, made and sent. */
#include "testfs/testfs.h"

NTSTATUS op(TESTFS *t, REQUEST *request, RESPONSE *response)
{
    NTSTATUS status;
    memset(&response->rsp, 0, sizeof response->rsp);
    memset(response->rsp.Buffer, POISON, FSP_FSCTL_TRANSACT_RSP_BUFFER_SIZEMAX);
    response->rsp.Size = sizeof response->rsp;
    response->rsp.Kind = request->req.Kind;
    t->log[0] = 0;
    t->capacityCount = 0;
    status = t->fs->Operations[request->req.Kind](t->fs, &request->req, &response->rsp);
    response->rsp.IoStatus.Status = (UINT32)status;
    return status;
}

NTSTATUS ask_data(TESTFS *t, REQUEST *request, RESPONSE *response, void *data, UINT32 *size)
{
    UINT64 ticket;
    UINT32 room = sizeof *response;
    UINT32 total = request->req.Size;
    NTSTATUS status;
    if (request->req.Kind == FspFsctlTransactWriteKind && data != NULL)
        status = FspLinuxScriptSubmitData(t->fs->VolumeHandle, request, total, data, *size, &ticket);
    else
        status = FspLinuxScriptSubmit(t->fs->VolumeHandle, request, total, &ticket);
    if (!NT_SUCCESS(status))
        return status;
    status = FspLinuxScriptWait(t->fs->VolumeHandle, ticket, 20000, response, &room);
    if (status != STATUS_SUCCESS)
        return status;
    if (data != NULL && request->req.Kind != FspFsctlTransactWriteKind)
        FspLinuxScriptData(t->fs->VolumeHandle, ticket, data, size);
    FspLinuxScriptForget(t->fs->VolumeHandle, ticket);
    return (NTSTATUS)response->rsp.IoStatus.Status;
}

NTSTATUS ask(TESTFS *t, REQUEST *request, RESPONSE *response) { return ask_data(t, request, response, NULL, NULL); }

void req_create(REQUEST *r, const WCHAR *path, UINT32 disposition, UINT32 options, UINT32 access)
{
    request_begin(&r->req, FspFsctlTransactCreateKind);
    r->req.Req.Create.CreateOptions = disposition << 24 | options;
    r->req.Req.Create.DesiredAccess = access;
    r->req.Req.Create.UserMode = 1;
    r->req.Req.Create.HasTraversePrivilege = 1;
    r->req.Req.Create.FileAttributes = options & FILE_DIRECTORY_FILE ? FILE_ATTRIBUTE_DIRECTORY : 0;
    request_add_name(&r->req, &r->req.FileName, path, wide_length(path));
}

void req_context(REQUEST *r, UINT32 kind, UINT64 context)
{
    request_begin(&r->req, kind);
    r->req.Req.Context.UserContext = context;
}

void req_read(REQUEST *r, UINT64 context, UINT64 offset, UINT32 length, void *address)
{
    req_context(r, FspFsctlTransactReadKind, context);
    r->req.Req.Read.Address = (UINT64)(uintptr_t)address;
    r->req.Req.Read.Offset = offset;
    r->req.Req.Read.Length = length;
}

void req_write(REQUEST *r, UINT64 context, UINT64 offset, const void *bytes, UINT32 length, int constrained)
{
    req_context(r, FspFsctlTransactWriteKind, context);
    r->req.Req.Write.Address = (UINT64)(uintptr_t)bytes;
    r->req.Req.Write.Offset = offset;
    r->req.Req.Write.Length = length;
    r->req.Req.Write.ConstrainedIo = constrained != 0;
}

void req_set_size(REQUEST *r, UINT64 context, UINT32 class, UINT64 size)
{
    req_context(r, FspFsctlTransactSetInformationKind, context);
    r->req.Req.SetInformation.FileInformationClass = class;
    r->req.Req.SetInformation.Info.EndOfFile.FileSize = size;
}

void req_list(REQUEST *r, UINT64 context, const WCHAR *pattern, const WCHAR *marker, UINT32 length, void *address)
{
    req_context(r, FspFsctlTransactQueryDirectoryKind, context);
    r->req.Req.QueryDirectory.Address = (UINT64)(uintptr_t)address;
    r->req.Req.QueryDirectory.Length = length;
    if (pattern != NULL)
        request_add_name(&r->req, &r->req.Req.QueryDirectory.Pattern, pattern, wide_length(pattern));
    if (marker != NULL)
        request_add_name(&r->req, &r->req.Req.QueryDirectory.Marker, marker, wide_length(marker));
}

void req_rename(REQUEST *r, UINT64 context, const WCHAR *from, const WCHAR *to, UINT32 flags)
{
    req_context(r, FspFsctlTransactSetInformationKind, context);
    r->req.Req.SetInformation.FileInformationClass = FileRenameInformationEx;
    r->req.Req.SetInformation.Info.RenameEx.Flags = flags;
    request_add_name(&r->req, &r->req.FileName, from, wide_length(from));
    request_add_name(&r->req, &r->req.Req.SetInformation.Info.RenameEx.NewFileName, to, wide_length(to));
}

UINT64 open_file(TESTFS *t, const WCHAR *path, UINT32 disposition, UINT32 options)
{
    REQUEST r;
    static _Thread_local RESPONSE q;
    req_create(&r, path, disposition, options, FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE);
    return NT_SUCCESS(ask(t, &r, &q)) ? q.rsp.Rsp.Create.Opened.UserContext : 0;
}

void close_file(TESTFS *t, UINT64 context)
{
    REQUEST r;
    static _Thread_local RESPONSE q;
    req_context(&r, FspFsctlTransactCleanupKind, context);
    ask(t, &r, &q);
    req_context(&r, FspFsctlTransactCloseKind, context);
    ask(t, &r, &q);
}
