/* See bare.h. */
#include "support/bare.h"
#include "testfs/testfs.h"

HANDLE bare(UINT32 timeout)
{
    FSP_FSCTL_VOLUME_PARAMS params;
    HANDLE handle;
    testfs_params(&params);
    params.TransactTimeout = timeout;
    FspLinuxSetOption(NULL, "strict", 1);
    if (!NT_SUCCESS(FspFsctlCreateVolume((PWSTR)u"WinFsp.Disk", &params, NULL, 0, &handle)))
        abort();
    return handle;
}

void drop(HANDLE handle) { volume_destroy(handle); }

void query(FSP_FSCTL_TRANSACT_REQ *req) { request_begin(req, FspFsctlTransactQueryVolumeInformationKind); }

void answer_to(FSP_FSCTL_TRANSACT_RSP *rsp, const FSP_FSCTL_TRANSACT_REQ *req, UINT32 status)
{
    memset(rsp, 0, sizeof *rsp);
    rsp->Size = sizeof *rsp;
    rsp->Kind = req->Kind;
    rsp->Hint = req->Hint;
    rsp->IoStatus.Status = status;
}
