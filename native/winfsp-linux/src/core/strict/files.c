/*
 * A small table of every open file by its context. Requests and answers may overlap, so a size is only compared when no
 * other change of the file was under way. One lock for the table; it is taken under volume.lock, never the other way
 * round.
 */
#include "core/strict/strict.h"

void strict_init(VOLUME *v)
{
    STRICT *strict;
    if (v->strict != NULL)
        return;
    if ((strict = calloc(1, sizeof *strict)) == NULL)
        return;
    pthread_mutex_init(&strict->lock, NULL);
    pthread_mutex_lock(&v->lock);
    v->strict = strict;
    pthread_mutex_unlock(&v->lock);
}

void strict_free(VOLUME *v)
{
    STRICT *strict = v->strict;
    if (strict == NULL)
        return;
    v->strict = NULL;
    for (UINT32 i = 0; i < BUCKETS; i++)
        while (strict->byContext[i] != NULL) {
            FILE_STATE *file = strict->byContext[i];
            strict->byContext[i] = file->next;
            free(file);
        }
    strict_listings_free(strict->listings);
    violations_free(&strict->texts);
    pthread_mutex_destroy(&strict->lock);
    free(strict);
}

UINT32 strict_bucket(UINT64 value) { return (UINT32)((value * 0x9e3779b97f4a7c15u) >> 52) % BUCKETS; }

FILE_STATE *strict_file_find(STRICT *strict, UINT64 context)
{
    FILE_STATE *file = strict->byContext[strict_bucket(context)];
    while (file != NULL && file->context != context)
        file = file->next;
    return file;
}

static void index_remove(STRICT *strict, FILE_STATE *file)
{
    for (FILE_STATE **at = &strict->byIndex[strict_bucket(file->index)]; *at != NULL; at = &(*at)->nextByIndex)
        if (*at == file) {
            *at = file->nextByIndex;
            return;
        }
}

void strict_file_close(STRICT *strict, FILE_STATE *file)
{
    if (file->handles == 0 || --file->handles > 0)
        return;
    index_remove(strict, file);
    file->alignedRead = 0;
    if (++strict->closed > MAX_CLOSED)
        for (FILE_STATE **at = &strict->byContext[strict_bucket(file->context)]; *at != NULL; at = &(*at)->next)
            if (*at == file) {
                *at = file->next;
                strict->closed--;
                free(file);
                return;
            }
}

/* One value per file: UserContext, unless contexts belong to handles. */
UINT64 strict_context_of(VOLUME *v, const FSP_FSCTL_TRANSACT_REQ *req)
{
    return v->params.UmFileContextIsUserContext2 ? req->Req.Context.UserContext2 : req->Req.Context.UserContext;
}

int strict_has_context(UINT32 kind)
{
    return kind >= FspFsctlTransactOverwriteKind && kind < FspFsctlTransactKindCount &&
           kind != FspFsctlTransactQueryVolumeInformationKind && kind != FspFsctlTransactSetVolumeInformationKind &&
           kind != FspFsctlTransactShutdownKind && kind != FspFsctlTransactLockControlKind;
}

int strict_changes_size(const FSP_FSCTL_TRANSACT_REQ *req)
{
    return req->Kind == FspFsctlTransactOverwriteKind || req->Kind == FspFsctlTransactWriteKind ||
           (req->Kind == FspFsctlTransactDeviceControlKind &&
               req->Req.DeviceControl.IoControlCode == FSP_LINUX_COPY_RANGE) ||
           (req->Kind == FspFsctlTransactSetInformationKind &&
               (req->Req.SetInformation.FileInformationClass == FileEndOfFileInformation ||
                   req->Req.SetInformation.FileInformationClass == FileAllocationInformation));
}

int strict_is_directory(VOLUME *v, UINT64 context)
{
    STRICT *strict = v->strict;
    FILE_STATE *file;
    int directory = 0;
    if (strict == NULL)
        return 0;
    pthread_mutex_lock(&strict->lock);
    if ((file = strict_file_find(strict, context)) != NULL)
        directory = file->directory;
    pthread_mutex_unlock(&strict->lock);
    return directory;
}

void strict_received(VOLUME *v, IRP *irp)
{
    STRICT *strict = v->strict;
    const FSP_FSCTL_TRANSACT_REQ *req = irp->req;
    FILE_STATE *file;
    irp->stale = irp->quiet = 0;
    if (!strict_has_context(req->Kind))
        return;
    pthread_mutex_lock(&strict->lock);
    if ((file = strict_file_find(strict, strict_context_of(v, req))) != NULL) {
        irp->stale = file->handles == 0;
        irp->quiet = file->modifying == 0;
        if (strict_changes_size(req)) {
            file->modifying++;
            file->epoch++;
        }
        irp->epoch = file->epoch;
        if (req->Kind == FspFsctlTransactReadKind && req->Req.Read.Offset % 4096 == 0 &&
            req->Req.Read.Length % 4096 == 0)
            file->alignedRead = 1;
        if (req->Kind == FspFsctlTransactCloseKind)
            strict_file_close(strict, file); /* now, not with its answer: a later open may be answered first */
    }
    pthread_mutex_unlock(&strict->lock);
}
