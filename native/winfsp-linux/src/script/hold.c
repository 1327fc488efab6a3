/*
 * Answers held back: what the Windows driver may do inside a completion, need another answer first (docs/winfsp.md,
 * "Answers that may nest").
 */
#include "core/queue.h"
#include "core/volumes.h"
#include "script/script.h"

typedef struct {
    IRP irp;
    VOLUME *volume;
    FSP_FSCTL_TRANSACT_REQ req;
    int done, abandoned;
} NESTED;

static void nested_complete(IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    NESTED *nested = (NESTED *)irp;
    VOLUME *v = nested->volume;
    int abandoned;
    pthread_mutex_lock(&v->lock);
    abandoned = nested->abandoned;
    nested->done = 1;
    pthread_cond_broadcast(&v->quiet);
    pthread_mutex_unlock(&v->lock);
    if (abandoned)
        free(nested);
}

/* Asks for something (the volume's size, which every host can tell) and waits for the answer as the driver would. 0:
 * nobody gave it. */
static int nested_round_trip(VOLUME *v, UINT64 deadline)
{
    NESTED *nested = calloc(1, sizeof *nested);
    int timedOut = 0, done;
    if (nested == NULL)
        return 1;
    nested->volume = v;
    request_begin(&nested->req, FspFsctlTransactQueryVolumeInformationKind);
    nested->irp.req = &nested->req;
    nested->irp.complete = nested_complete;
    if (!NT_SUCCESS(irp_post(v, &nested->irp))) {
        free(nested);
        return 1;
    }
    pthread_mutex_lock(&v->lock);
    while (!nested->done && !timedOut)
        timedOut = platform_cond_wait_until(&v->quiet, &v->lock, deadline);
    done = nested->done;
    nested->abandoned = !done;
    pthread_mutex_unlock(&v->lock);
    if (done)
        free(nested);
    return done;
}

/* Whether the Windows driver could block inside this completion until another request is answered (sets B and R of
 * docs/winfsp.md, "Answers that may nest"). */
static int may_nest(VOLUME *v, const FSP_FSCTL_TRANSACT_REQ *req, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    UINT32 class = req->Req.SetInformation.FileInformationClass;
    UINT64 size = rsp->Rsp.Write.FileInfo.FileSize, old = 0;
    STRICT *strict = v->strict;
    FILE_STATE *file;
    int alignedRead = 1, directory = (rsp->Rsp.Write.FileInfo.FileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    if (!NT_SUCCESS((NTSTATUS)rsp->IoStatus.Status))
        return 0;
    if (req->Kind == FspFsctlTransactSetInformationKind &&
        (class == FileRenameInformation || class == FileRenameInformationEx))
        return 1;
    if (!strict_answers_file_info(req) || req->Kind == FspFsctlTransactOverwriteKind ||
        (req->Kind == FspFsctlTransactWriteKind && req->Req.Write.ConstrainedIo))
        return 0;
    if (directory || size % 4096 == 0)
        return 0;
    if (strict != NULL) {
        pthread_mutex_lock(&strict->lock);
        if ((file = strict_file_find(strict, strict_context_of(v, req))) != NULL) {
            old = file->previousSize;
            alignedRead = file->alignedRead;
        }
        pthread_mutex_unlock(&strict->lock);
    }
    if (req->Kind == FspFsctlTransactSetInformationKind && class == FileEndOfFileInformation && size > old &&
        (old == 0 || size / 4096 > (old - 1) / 4096))
        return 0;
    return v->params.FileInfoTimeout == UINT32_MAX || alignedRead;
}

/* What the Windows driver may do inside a completion: need another answer first, and block until it is there
 * (docs/winfsp.md, "Answers that may nest"). */
static void hold_completion(VOLUME *v, IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    SCRIPTS *scripts = v->companion;
    UINT64 hold = scripts->hold;
    UINT64 deadline = platform_now_ns() + (UINT64)scripts->holdTimeoutMs * 1000000u;
    const FSP_FSCTL_TRANSACT_REQ *req = irp->req;
    UINT32 class = req->Kind == FspFsctlTransactSetInformationKind ? req->Req.SetInformation.FileInformationClass : 0;
    int rename = class == FileRenameInformation || class == FileRenameInformationEx, timedOut = 0, directory;
    int nests = hold == 1 ? may_nest(v, req, rsp) : (int)(hold >> req->Kind & 1);
    int waitsForRename = hold == 1 && !rename && (nests || req->Kind == FspFsctlTransactCleanupKind);
    if (!nests && !waitsForRename)
        return;
    queue_unpromise(v);
    if (waitsForRename) { /* a directory rename's completion has the mutex that these completions need */
        pthread_mutex_lock(&v->lock);
        while (scripts->directoryRenames > 0 && !atomic_load(&v->stopped) && !timedOut)
            timedOut = platform_cond_wait_until(&v->quiet, &v->lock, deadline);
        pthread_mutex_unlock(&v->lock);
        if (timedOut)
            strict_violation(v, req,
                "delivered on a thread that a directory rename's completion was waiting for: a deadlock on Windows");
    }
    if (!nests)
        return;
    directory =
        rename && NT_SUCCESS((NTSTATUS)rsp->IoStatus.Status) && strict_is_directory(v, req->Req.Context.UserContext);
    if (directory) {
        pthread_mutex_lock(&v->lock);
        scripts->directoryRenames++;
        pthread_mutex_unlock(&v->lock);
    }
    if (!nested_round_trip(v, deadline))
        strict_violation(
            v, req, "no receiver took a nested request while this answer was being delivered: a deadlock on Windows");
    if (directory) {
        pthread_mutex_lock(&v->lock);
        scripts->directoryRenames--;
        pthread_cond_broadcast(&v->quiet);
        pthread_mutex_unlock(&v->lock);
    }
}

static NTSTATUS set_option(VOLUME *v, const char *name, UINT64 value)
{
    SCRIPTS *scripts;
    if (v == NULL || (scripts = scripts_of(v)) == NULL)
        return STATUS_INVALID_PARAMETER;
    if (strcmp(name, "hold_timeout_ms") == 0) {
        scripts->holdTimeoutMs = (UINT32)value;
        return STATUS_SUCCESS;
    }
    if (strcmp(name, "hold_completion") == 0) {
        scripts->hold = value;
        if (value != 0)
            strict_init(v);
        atomic_store(&v->delivering, value != 0 ? hold_completion : NULL);
        return STATUS_SUCCESS;
    }
    return STATUS_INVALID_PARAMETER;
}

__attribute__((constructor)) static void bring_options(void) { options_further = set_option; }
