/*
 * Strict checks: what the Windows driver would silently turn into lost data, hanging programs or wrong listings is
 * recorded here as a violation, with the request that showed it (docs/winfsp.md, "Creating and opening", "Callbacks",
 * "Answers that may nest").
 */
#include <inttypes.h>
#include <stdio.h>

#include "core/base/descriptor.h"
#include "core/strict/strict.h"

static void check_create(VOLUME *v, IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    const FSP_FSCTL_TRANSACT_REQ *req = irp->req;
    const FSP_FSCTL_FILE_INFO *info = &rsp->Rsp.Create.Opened.FileInfo;
    UINT64 context = v->params.UmFileContextIsUserContext2 ? rsp->Rsp.Create.Opened.UserContext2
                                                           : rsp->Rsp.Create.Opened.UserContext;
    int perFile = !v->params.UmFileContextIsUserContext2,
        directory = (info->FileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0, root, emptyAllowed = 0,
        stream = req->Req.Create.NamedStream != 0;
    UINT32 options = req->Req.Create.CreateOptions, information = rsp->IoStatus.Information;
    size_t units;
    const WCHAR *name = request_text(req, req->FileName, &units);
    STRICT *strict = v->strict;
    FILE_STATE *file, *other;
    UINT64 was = 0;
    char problem[160] = "";

    if (information > FILE_DOES_NOT_EXIST)
        strict_violation(v, req, "Information %u is no answer to an open", information);
    strict_file_info(v, req, info, "");
    if ((options & FILE_NON_DIRECTORY_FILE) && directory && !req->Req.Create.OpenTargetDirectory)
        strict_violation(v, req, "a directory was opened as a file");
    if ((options & FILE_DIRECTORY_FILE) && !directory)
        strict_violation(v, req, "a file was opened as a directory");
    if (stream && directory)
        strict_violation(v, req, "a stream has the attribute DIRECTORY");
    strict_normalized_name(v, req, rsp);
    if (req->Req.Create.SecurityDescriptor.Size != 0 &&
        sizeof *req + req->Req.Create.SecurityDescriptor.Offset + (size_t)req->Req.Create.SecurityDescriptor.Size <=
            req->Size) {
        int present;
        emptyAllowed = sd_ace_count(req->Buffer + req->Req.Create.SecurityDescriptor.Offset,
                           req->Req.Create.SecurityDescriptor.Size, &present) == 0 &&
                       present;
    }
    if (context == 0) {
        strict_violation(v, req, "the context is 0, which means the whole volume");
        return;
    }
    root = units == 1 && name[0] == '\\';
    pthread_mutex_lock(&strict->lock);
    file = strict_file_find(strict, context);
    if (file == NULL) {
        if ((file = calloc(1, sizeof *file)) == NULL) {
            pthread_mutex_unlock(&strict->lock);
            return;
        }
        file->context = context;
        file->next = strict->byContext[strict_bucket(context)];
        strict->byContext[strict_bucket(context)] = file;
    } else if (file->handles == 0)
        strict->closed--;
    if (file->handles == 0) {
        for (other = strict->byIndex[strict_bucket(info->IndexNumber)];
            other != NULL && (other->index != info->IndexNumber || other->stream);)
            other = other->nextByIndex;
        if (other != NULL && perFile && info->IndexNumber != 0 && !stream) { /* streams have that of their file */
            was = other->context;
            snprintf(problem, sizeof problem, "IndexNumber %" PRIx64 " belongs to context %" PRIx64 ", which is open",
                info->IndexNumber, was);
        }
        file->index = info->IndexNumber;
        file->directory = directory;
        file->stream = stream;
        file->root = root;
        file->size = info->FileSize;
        file->sizeKnown = 1;
        file->modifying = 0;
        file->emptyListAllowed = emptyAllowed;
        file->nextByIndex = strict->byIndex[strict_bucket(info->IndexNumber)];
        strict->byIndex[strict_bucket(info->IndexNumber)] = file;
    } else if (file->index != info->IndexNumber)
        snprintf(problem, sizeof problem,
            "IndexNumber changed from %" PRIx64 " to %" PRIx64 " while context %" PRIx64 " was open", file->index,
            info->IndexNumber, context);
    else if (file->directory != directory)
        snprintf(problem, sizeof problem, "the DIRECTORY bit of context %" PRIx64 " changed", context);
    file->handles++;
    emptyAllowed = file->emptyListAllowed;
    pthread_mutex_unlock(&strict->lock);
    if (problem[0] != 0)
        strict_violation(v, req, "%s", problem);
    if (rsp->Rsp.Create.Opened.SecurityDescriptor.Size != 0)
        strict_descriptor(v, irp, rsp, rsp->Rsp.Create.Opened.SecurityDescriptor, emptyAllowed);
}

/* FileInfo of an open file, with what the request itself says about the size. */
static void check_file_info(VOLUME *v, IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    const FSP_FSCTL_TRANSACT_REQ *req = irp->req;
    const FSP_FSCTL_FILE_INFO *info = &rsp->Rsp.Write.FileInfo; /* at the same place in all of them */
    UINT64 size = info->FileSize, written = rsp->IoStatus.Information, asked, known;
    int constrained = req->Kind == FspFsctlTransactWriteKind && req->Req.Write.ConstrainedIo,
        perFile = !v->params.UmFileContextIsUserContext2;
    STRICT *strict = v->strict;
    FILE_STATE *file;
    char problem[200] = "";

    strict_file_info(v, req, info, "");
    switch (req->Kind) {
    case FspFsctlTransactOverwriteKind:
        if (size != 0)
            strict_violation(v, req, "FileSize is %" PRIu64 " after Overwrite, must be 0", size);
        break;
    case FspFsctlTransactWriteKind:
        asked = req->Req.Write.Offset == UINT64_MAX ? 0 : req->Req.Write.Offset;
        if (written > req->Req.Write.Length)
            strict_violation(v, req, "%" PRIu64 " bytes written of %u", written, req->Req.Write.Length);
        else if (written != 0 && size < asked + written)
            strict_violation(v, req,
                "FileSize %" PRIu64 " does not cover the bytes written: the system would cut them off its cache", size);
        else if (!constrained && written < req->Req.Write.Length)
            strict_violation(v, req, "a short write of %" PRIu64 " bytes with success", written);
        break;
    case FspFsctlTransactSetInformationKind:
        asked = req->Req.SetInformation.Info.EndOfFile.FileSize;
        if (req->Req.SetInformation.FileInformationClass == FileEndOfFileInformation && size != asked)
            strict_violation(v, req, "FileSize is %" PRIu64 " after setting it to %" PRIu64, size, asked);
        if (req->Req.SetInformation.FileInformationClass == FileAllocationInformation) {
            if (size > asked)
                strict_violation(
                    v, req, "FileSize %" PRIu64 " is more than the allocation of %" PRIu64 " just set", size, asked);
            if (info->AllocationSize < asked)
                strict_violation(
                    v, req, "AllocationSize is %" PRIu64 " after setting it to %" PRIu64, info->AllocationSize, asked);
        }
        break;
    }
    pthread_mutex_lock(&strict->lock);
    if ((file = strict_file_find(strict, strict_context_of(v, req))) != NULL) {
        int changes = strict_changes_size(req), alone = irp->quiet && irp->epoch == file->epoch;
        known = file->size;
        if (file->handles > 0 && file->index != info->IndexNumber && info->IndexNumber != 0)
            snprintf(problem, sizeof problem, "IndexNumber changed from %" PRIx64 " to %" PRIx64, file->index,
                info->IndexNumber);
        else if (file->handles > 0 && file->directory != ((info->FileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0))
            snprintf(problem, sizeof problem, "the DIRECTORY bit changed");
        else if (perFile && !file->directory && alone && file->sizeKnown && size != known && (!changes || constrained))
            snprintf(problem, sizeof problem, "FileSize is %" PRIu64 ", but nothing has changed it from %" PRIu64, size,
                known);
        if (changes) {
            file->previousSize = known;
            file->size = size;
            file->sizeKnown = alone;
        }
    }
    pthread_mutex_unlock(&strict->lock);
    if (problem[0] != 0)
        strict_violation(v, req, "%s", problem);
}

static void check_success(VOLUME *v, IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    const FSP_FSCTL_TRANSACT_REQ *req = irp->req;
    STRICT *strict = v->strict;
    FILE_STATE *file;
    int root = -1, emptyAllowed = 0;
    if (irp->stale && req->Kind != FspFsctlTransactCloseKind && req->Kind != FspFsctlTransactCleanupKind)
        strict_violation(v, req, "answered with success, though the context had been closed for the last time");
    if (strict_answers_file_info(req))
        check_file_info(v, irp, rsp);
    switch (req->Kind) {
    case FspFsctlTransactReadKind:
        if (rsp->IoStatus.Information > req->Req.Read.Length)
            strict_violation(v, req, "%u bytes read into %u", rsp->IoStatus.Information, req->Req.Read.Length);
        else if (rsp->IoStatus.Information == 0)
            strict_violation(v, req, "a read of 0 bytes with success: the end of the file is STATUS_END_OF_FILE");
        break;
    case FspFsctlTransactQueryVolumeInformationKind:
    case FspFsctlTransactSetVolumeInformationKind:
        strict_volume_info(v, irp, &rsp->Rsp.QueryVolumeInformation.VolumeInfo);
        break;
    case FspFsctlTransactQueryDirectoryKind:
        pthread_mutex_lock(&strict->lock);
        if ((file = strict_file_find(strict, strict_context_of(v, req))) != NULL)
            root = file->root;
        pthread_mutex_unlock(&strict->lock);
        strict_listing(v, &strict->listings, req, rsp->IoStatus.Information, root);
        break;
    case FspFsctlTransactFileSystemControlKind:
    case FspFsctlTransactDeviceControlKind:
    case FspFsctlTransactQueryStreamInformationKind:
    case FspFsctlTransactQueryEaKind:
        if (!strict_inside(rsp, rsp->Rsp.FileSystemControl.Buffer))
            strict_violation(v, req, "the buffer lies outside of the answer");
        break;
    case FspFsctlTransactQuerySecurityKind:
    case FspFsctlTransactSetSecurityKind:
        pthread_mutex_lock(&strict->lock);
        if ((file = strict_file_find(strict, strict_context_of(v, req))) != NULL) {
            if (req->Kind == FspFsctlTransactSetSecurityKind)
                file->emptyListAllowed |= (req->Req.SetSecurity.SecurityInformation & DACL_SECURITY_INFORMATION) != 0;
            emptyAllowed = file->emptyListAllowed;
        }
        pthread_mutex_unlock(&strict->lock);
        if (req->Kind == FspFsctlTransactQuerySecurityKind)
            strict_descriptor(v, irp, rsp, rsp->Rsp.QuerySecurity.SecurityDescriptor, emptyAllowed);
        break;
    }
}

void strict_answer(VOLUME *v, IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp, SIZE_T room)
{
    const FSP_FSCTL_TRANSACT_REQ *req = irp->req;
    NTSTATUS status = (NTSTATUS)rsp->IoStatus.Status;
    STRICT *strict = v->strict;
    FILE_STATE *file;

    if (rsp->Size > FSP_FSCTL_TRANSACT_RSP_SIZEMAX)
        strict_violation(v, req, "an answer of %u bytes; 16384 is the most", rsp->Size);
    if (rsp->Size % 8 != 0)
        strict_violation(v, req, "an answer of %u bytes is not rounded up to 8", rsp->Size);
    if (((uintptr_t)rsp & 7) != 0)
        strict_violation(v, req, "an answer that is not 8-aligned in its buffer");
    if (rsp->Kind != req->Kind)
        strict_violation(v, req, "answered as %s", kind_name(rsp->Kind));
    if (status == STATUS_PENDING || (rsp->IoStatus.Status & 0x30000000u) != 0)
        strict_violation(v, req, "answered with status %08x, which becomes INTERNAL_ERROR", rsp->IoStatus.Status);
    else if (req->Kind == FspFsctlTransactCreateKind) {
        if (status == STATUS_REPARSE) {
            if (!strict_inside(rsp, rsp->Rsp.Create.Reparse.Buffer))
                strict_violation(v, req, "the reparse buffer lies outside of the answer");
        } else if (NT_SUCCESS(status))
            check_create(v, irp, rsp);
    } else if (NT_SUCCESS(status))
        check_success(v, irp, rsp);
    if (!NT_SUCCESS(status) && rsp->Size != sizeof *rsp)
        strict_violation(v, req, "a failure with %u bytes of answer", rsp->Size);

    if (!strict_has_context(req->Kind))
        return;
    pthread_mutex_lock(&strict->lock);
    if ((file = strict_file_find(strict, strict_context_of(v, req))) != NULL) {
        if (strict_changes_size(req)) {
            if (file->modifying > 0)
                file->modifying--;
            file->epoch++;
            if (req->Kind == FspFsctlTransactDeviceControlKind) /* its answer does not tell */
                file->sizeKnown = 0;
        }
        if (req->Kind == FspFsctlTransactOverwriteKind && !NT_SUCCESS(status))
            strict_file_close(strict, file);
    }
    pthread_mutex_unlock(&strict->lock);
}
