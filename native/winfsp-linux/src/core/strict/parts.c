/* Checks of the parts that answers are made of: FileInfo, descriptors, names, volume information. */
#include <inttypes.h>

#include "core/base/descriptor.h"
#include "core/base/text.h"
#include "core/strict/strict.h"

void strict_file_info(VOLUME *v, const FSP_FSCTL_TRANSACT_REQ *req, const FSP_FSCTL_FILE_INFO *info, const char *whose)
{
    static const FSP_FSCTL_FILE_INFO none;
    int directory = (info->FileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    FSP_FSCTL_FILE_INFO untouched;
    memset(&untouched, POISON, sizeof untouched);
    if (memcmp(info, &none, sizeof none) == 0 || memcmp(info, &untouched, sizeof untouched) == 0) {
        strict_violation(v, req, "FileInfo%s was not filled", whose);
        return;
    }
    if (info->CreationTime == 0 || info->LastAccessTime == 0 || info->LastWriteTime == 0 || info->ChangeTime == 0)
        strict_violation(v, req, "FileInfo%s has a time of zero", whose);
    if (info->AllocationSize % v->allocationUnit != 0)
        strict_violation(v, req, "AllocationSize%s %" PRIu64 " is no multiple of the allocation unit %u", whose,
            info->AllocationSize, v->allocationUnit);
    if (!directory && info->AllocationSize < info->FileSize)
        strict_violation(v, req, "AllocationSize%s %" PRIu64 " is less than FileSize %" PRIu64, whose,
            info->AllocationSize, info->FileSize);
    if (info->HardLinks != 0 && v->options[OPTION_HARD_LINKS] == 0)
        strict_violation(v, req, "HardLinks%s is %u, must be 0", whose, info->HardLinks);
    if (info->IndexNumber == 0)
        strict_violation(v, req, "IndexNumber%s is 0", whose);
    if ((info->ReparseTag != 0) != ((info->FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0))
        strict_violation(
            v, req, "ReparseTag%s %x does not go with attributes %x", whose, info->ReparseTag, info->FileAttributes);
}

int strict_inside(const FSP_FSCTL_TRANSACT_RSP *rsp, FSP_FSCTL_TRANSACT_BUF where)
{
    return where.Size == 0 || sizeof *rsp + where.Offset + (size_t)where.Size <= rsp->Size;
}

void strict_descriptor(
    VOLUME *v, IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp, FSP_FSCTL_TRANSACT_BUF where, int emptyAllowed)
{
    SD_VIEW view;
    int present;
    if (!strict_inside(rsp, where)) {
        strict_violation(v, irp->req, "the security descriptor lies outside of the answer");
        return;
    }
    if (where.Size == 0) {
        strict_violation(v, irp->req, "the security descriptor is empty");
        return;
    }
    if (sd_view(rsp->Buffer + where.Offset, where.Size, &view) == 0)
        strict_violation(v, irp->req, "the security descriptor (%u bytes) is not valid", where.Size);
    else if (sd_ace_count(rsp->Buffer + where.Offset, where.Size, &present) == 0 && present && !emptyAllowed)
        strict_violation(v, irp->req, "the access list has no entry, though nobody asked for an empty one");
}

void strict_normalized_name(VOLUME *v, const FSP_FSCTL_TRANSACT_REQ *req, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FSP_FSCTL_TRANSACT_BUF where = rsp->Rsp.Create.Opened.FileName;
    size_t units, givenUnits = where.Size / sizeof(WCHAR);
    const WCHAR *asked = request_text(req, req->FileName, &units), *given = (const void *)(rsp->Buffer + where.Offset);
    if (where.Size == 0 || asked == NULL)
        return;
    if (!strict_inside(rsp, where) || where.Size % sizeof(WCHAR) != 0) {
        strict_violation(v, req, "the normalised name is not inside the answer");
        return;
    }
    if (v->params.CaseSensitiveSearch)
        return;
    if (req->Req.Create.OpenTargetDirectory) {
        while (units > 1 && asked[units - 1] != '\\')
            units--;
        if (units > 1)
            units--;
    }
    if (units == givenUnits) {
        for (size_t i = 0; i < units; i++) /* where this library's folding knows no better, the host's is believed */
            if (asked[i] != given[i] && (asked[i] < 0x80 || given[i] < 0x80) &&
                wide_upper(asked[i]) != wide_upper(given[i]))
                units = 0;
    }
    if (units != givenUnits)
        strict_violation(
            v, req, "the normalised name differs from the requested one in more than case: the open would fail");
}

void strict_volume_info(VOLUME *v, IRP *irp, const FSP_FSCTL_VOLUME_INFO *info)
{
    if (info->FreeSize > info->TotalSize)
        strict_violation(
            v, irp->req, "FreeSize %" PRIu64 " is more than TotalSize %" PRIu64, info->FreeSize, info->TotalSize);
    if (info->VolumeLabelLength > sizeof info->VolumeLabel || info->VolumeLabelLength % sizeof(WCHAR) != 0)
        strict_violation(v, irp->req, "VolumeLabelLength %u is not a label's", info->VolumeLabelLength);
}

int strict_answers_file_info(const FSP_FSCTL_TRANSACT_REQ *req)
{
    switch (req->Kind) {
    case FspFsctlTransactOverwriteKind:
    case FspFsctlTransactWriteKind:
    case FspFsctlTransactQueryInformationKind:
    case FspFsctlTransactSetEaKind:
        return 1;
    case FspFsctlTransactFlushBuffersKind:
        return req->Req.FlushBuffers.UserContext != 0 || req->Req.FlushBuffers.UserContext2 != 0;
    case FspFsctlTransactSetInformationKind:
        switch (req->Req.SetInformation.FileInformationClass) {
        case FileBasicInformation:
        case FileAllocationInformation:
        case FileEndOfFileInformation:
            return 1;
        }
    }
    return 0;
}
