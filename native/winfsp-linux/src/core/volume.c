/*
 * Volumes: made, entered, deleted (docs/winfsp.md, "Functions", "Volume parameters").
 *
 * A volume handle is the address of its structure. The structure of a deleted volume is kept, marked as gone, so that a
 * late call with the old handle gets STATUS_INVALID_HANDLE instead of another volume's memory.
 */
#include <stdio.h>

#include "core/queue.h"
#include "core/volumes.h"

static pthread_mutex_t listLock = PTHREAD_MUTEX_INITIALIZER;
static VOLUME *gone;
static UINT32 volumeNumber;

/* Version is the size of the structure that the caller has, 0 of the first one. */
#define MIN_PARAMS_SIZE 456u /* up to FileSystemName */
static SIZE_T params_size(const FSP_FSCTL_VOLUME_PARAMS *params)
{
    SIZE_T size = params->Version == 0 ? MIN_PARAMS_SIZE : params->Version;
    return size < sizeof *params ? size : sizeof *params;
}

static void params_defaults(FSP_FSCTL_VOLUME_PARAMS *to, const FSP_FSCTL_VOLUME_PARAMS *from)
{
    memset(to, 0, sizeof *to);
    memcpy(to, from, params_size(from));
    if (to->SectorSize == 0)
        to->SectorSize = 512;
    if (to->SectorsPerAllocationUnit == 0)
        to->SectorsPerAllocationUnit = 1;
    if (to->MaxComponentLength == 0)
        to->MaxComponentLength = 255;
    if (to->TransactTimeout != 0 && (to->TransactTimeout < 1000 || to->TransactTimeout > 10000))
        to->TransactTimeout = 1000;
    if (to->IrpTimeout < 60000 || to->IrpTimeout > 600000)
        to->IrpTimeout = 300000;
    if (to->IrpCapacity < 100 || to->IrpCapacity > 1000)
        to->IrpCapacity = 1000;
    if (from->Version == 0 || !to->VolumeInfoTimeoutValid)
        to->VolumeInfoTimeout = to->FileInfoTimeout;
    if (from->Version == 0 || !to->DirInfoTimeoutValid)
        to->DirInfoTimeout = to->FileInfoTimeout;
    if (from->Version == 0 || !to->SecurityTimeoutValid)
        to->SecurityTimeout = to->FileInfoTimeout;
    if (from->Version == 0 || !to->StreamInfoTimeoutValid)
        to->StreamInfoTimeout = to->FileInfoTimeout;
    if (from->Version == 0 || !to->EaTimeoutValid)
        to->EaTimeout = to->FileInfoTimeout;
}

NTSTATUS volume_create(const FSP_FSCTL_VOLUME_PARAMS *params, VOLUME **out)
{
    VOLUME *v;
    UINT32 number;
    static const WCHAR stem[] = u"\\Device\\Volume{winfsp-linux-0000}";
    if (params_size(params) < MIN_PARAMS_SIZE)
        return STATUS_INVALID_PARAMETER;
    if (params->UmFileContextIsUserContext2 && params->UmFileContextIsFullContext)
        return STATUS_INVALID_PARAMETER;
    if ((v = calloc(1, sizeof *v)) == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    pthread_mutex_init(&v->lock, NULL);
    pthread_rwlock_init(&v->mountLock, NULL);
    pthread_mutex_init(&v->mounting, NULL);
    platform_cond_init(&v->wake);
    platform_cond_init(&v->quiet);
    v->tail = &v->head;
    v->freeSlot = UINT32_MAX;
    v->wakeFd = -1;
    params_defaults(&v->params, params);
    v->allocationUnit = (UINT32)v->params.SectorSize * v->params.SectorsPerAllocationUnit;
    options_defaults(v->options);
    pthread_mutex_lock(&listLock);
    number = ++volumeNumber;
    pthread_mutex_unlock(&listLock);
    memcpy(v->name, stem, sizeof stem);
    for (size_t at = wide_length(stem) - 2, left = 4; left > 0; left--, at--, number >>= 4)
        v->name[at] = (WCHAR) "0123456789abcdef"[number & 15];
    if (volume_is_strict(v))
        strict_init(v);
    atomic_store(&v->magic, VOLUME_MAGIC);
    *out = v;
    return STATUS_SUCCESS;
}

VOLUME *volume_enter(HANDLE handle)
{
    VOLUME *v = handle;
    if (v == NULL || v == (VOLUME *)(intptr_t)-1 || ((uintptr_t)v & 7) != 0 ||
        atomic_load_explicit(&v->magic, memory_order_acquire) != VOLUME_MAGIC)
        return NULL;
    atomic_fetch_add(&v->inside, 1);
    if (atomic_load(&v->magic) != VOLUME_MAGIC) {
        volume_leave(v);
        return NULL;
    }
    return v;
}

void volume_leave(VOLUME *v) { atomic_fetch_sub(&v->inside, 1); }

void volume_destroy(VOLUME *v)
{
    queue_cancel_all(v);
    if (v->frontEnd != NULL)
        v->front->forget(v, v->frontEnd);
    v->frontEnd = NULL;
    atomic_store(&v->magic, 0);
    /* callers that were still in Transact come out by themselves: it is stopped */
    while (atomic_load(&v->inside) > 0) {
        pthread_mutex_lock(&v->lock);
        pthread_cond_broadcast(&v->wake);
        if (v->pollers > 0)
            platform_wake_post(v->wakeFd, (unsigned)v->pollers);
        pthread_mutex_unlock(&v->lock);
        platform_sleep_ms(1);
    }
    if (v->companion != NULL)
        v->freeCompanion(v);
    strict_free(v);
    if (v->wakeFd >= 0)
        platform_wake_close(v->wakeFd);
    v->wakeFd = -1;
    free(v->slots);
    v->slots = NULL;
    v->slotCount = 0;
    pthread_mutex_lock(&listLock);
    v->nextGone = gone;
    gone = v;
    pthread_mutex_unlock(&listLock);
}

const FSP_FSCTL_VOLUME_PARAMS *volume_params(VOLUME *v) { return &v->params; }

UINT64 volume_option(VOLUME *v, OPTION option) { return v->options[option]; }

FSP_FILE_SYSTEM *volume_file_system(VOLUME *v) { return v->fileSystem; }

void volume_set_mount_message(VOLUME *v, const char *message)
{
    snprintf(v->mountMessage, sizeof v->mountMessage, "%s", message);
}
