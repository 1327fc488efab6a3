/* Requests as bytes: built, read, described. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/request.h"
#include "core/base/text.h"

void request_begin(FSP_FSCTL_TRANSACT_REQ *req, UINT32 kind)
{
    memset(req, 0, sizeof *req);
    req->Size = sizeof *req;
    req->Kind = kind;
}

static UINT8 *request_grow(FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_BUF *where, size_t size)
{
    size_t at = FSP_FSCTL_DEFAULT_ALIGN_UP(req->Size);
    if (at + size > FSP_FSCTL_TRANSACT_REQ_SIZEMAX)
        return NULL;
    memset((UINT8 *)req + req->Size, 0, at - req->Size);
    where->Offset = (UINT16)(at - sizeof *req);
    where->Size = (UINT16)size;
    req->Size = (UINT16)(at + size);
    return (UINT8 *)req + at;
}

int request_add_name(FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_BUF *where, const WCHAR *name, size_t units)
{
    UINT8 *to;
    if (name == NULL)
        return 1;
    if ((to = request_grow(req, where, (units + 1) * sizeof(WCHAR))) == NULL)
        return 0;
    memcpy(to, name, units * sizeof(WCHAR));
    memset(to + units * sizeof(WCHAR), 0, sizeof(WCHAR));
    return 1;
}

int request_add_bytes(FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_BUF *where, const void *bytes, size_t size)
{
    UINT8 *to;
    if (bytes == NULL || size == 0)
        return 1;
    if ((to = request_grow(req, where, size)) == NULL)
        return 0;
    memcpy(to, bytes, size);
    return 1;
}

const char *kind_name(UINT32 kind)
{
    static const char *const names[FspFsctlTransactKindCount] = {"Reserved", "Create", "Overwrite", "Cleanup", "Close",
        "Read", "Write", "QueryInformation", "SetInformation", "QueryEa", "SetEa", "FlushBuffers",
        "QueryVolumeInformation", "SetVolumeInformation", "QueryDirectory", "FileSystemControl", "DeviceControl",
        "Shutdown", "LockControl", "QuerySecurity", "SetSecurity", "QueryStreamInformation"};
    return kind < FspFsctlTransactKindCount ? names[kind] : "Unknown";
}

const WCHAR *request_text(const FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_BUF where, size_t *units)
{
    const WCHAR *text = (const void *)(req->Buffer + where.Offset);
    size_t most = where.Size / sizeof(WCHAR);
    *units = 0;
    if (where.Size == 0 || where.Offset % sizeof(WCHAR) != 0 ||
        sizeof *req + where.Offset + (size_t)where.Size > req->Size)
        return NULL;
    while (*units < most && text[*units] != 0)
        ++*units;
    return text;
}

static void describe_name(
    const FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_BUF where, const char *label, char *text, size_t size)
{
    char name[600];
    ptrdiff_t length;
    size_t used = strlen(text), units;
    const WCHAR *from = request_text(req, where, &units);
    if (from == NULL)
        return;
    length = utf16_to_utf8(from, units, name, sizeof name - 1);
    if (length >= 0)
        snprintf(text + used, size - used, " %s \"%.*s\"", label, (int)length, name);
    else
        snprintf(text + used, size - used, " %s of %zu units", label, units);
}

void request_describe(const FSP_FSCTL_TRANSACT_REQ *req, char *text, size_t size)
{
    size_t used;
    snprintf(text, size, "%s hint %" PRIx64, kind_name(req->Kind), req->Hint);
    used = strlen(text);
    switch (req->Kind) {
    case FspFsctlTransactCreateKind:
        snprintf(text + used, size - used, " disposition %u options %06x access %08x attributes %x",
            req->Req.Create.CreateOptions >> 24, req->Req.Create.CreateOptions & 0xffffff,
            req->Req.Create.DesiredAccess, req->Req.Create.FileAttributes);
        break;
    case FspFsctlTransactQueryVolumeInformationKind:
    case FspFsctlTransactSetVolumeInformationKind:
        break;
    case FspFsctlTransactReadKind:
    case FspFsctlTransactWriteKind:
        snprintf(text + used, size - used, " context %" PRIx64 " offset %" PRIx64 " length %u%s",
            req->Req.Context.UserContext, req->Req.Read.Offset, req->Req.Read.Length,
            req->Kind == FspFsctlTransactWriteKind && req->Req.Write.ConstrainedIo ? " constrained" : "");
        break;
    case FspFsctlTransactSetInformationKind:
        snprintf(text + used, size - used, " context %" PRIx64 " class %u value %" PRIx64, req->Req.Context.UserContext,
            req->Req.SetInformation.FileInformationClass, req->Req.SetInformation.Info.EndOfFile.FileSize);
        if (req->Req.SetInformation.FileInformationClass == FileRenameInformation ||
            req->Req.SetInformation.FileInformationClass == FileRenameInformationEx)
            describe_name(req, req->Req.SetInformation.Info.Rename.NewFileName, "to", text, size);
        break;
    case FspFsctlTransactQueryDirectoryKind:
        snprintf(text + used, size - used, " context %" PRIx64 " length %u", req->Req.Context.UserContext,
            req->Req.QueryDirectory.Length);
        describe_name(req, req->Req.QueryDirectory.Pattern, "pattern", text, size);
        describe_name(req, req->Req.QueryDirectory.Marker, "marker", text, size);
        break;
    default:
        snprintf(text + used, size - used, " context %" PRIx64, req->Req.Context.UserContext);
    }
    describe_name(req, req->FileName, "name", text, size);
}
