/*
 * The queue: requests wait in a FIFO, go out through Transact and come back by Hint (docs/winfsp.md (b), (i)).
 *
 * One lock, held for pointer work and for copying a request out; never while a front end's `receive` or `complete` runs. A receiver that
 * finds nothing looks at the kernel front end itself, spins for a moment, and then sleeps: beside a kernel descriptor in poll,
 * otherwise on a condition variable (the portable way, which the Windows build uses always).
 */
#include "internal.h"

#define SLOT_BITS 20
#define SLOT_MASK ((1u << SLOT_BITS) - 1)

/* A thread inside a Transact that will take a request afterwards need not wake somebody else for the first one that it posts. */
static _Thread_local struct {
    VOLUME *volume;
    int promised;
} here;

static UINT32 slot_take(VOLUME *v)
{
    if (v->freeSlot == UINT32_MAX) {
        UINT32 count = v->slotCount ? v->slotCount * 2 : 64;
        SLOT *grown;
        if (count > SLOT_MASK + 1)
            return UINT32_MAX;
        grown = realloc(v->slots, count * sizeof *grown);
        if (grown == NULL)
            return UINT32_MAX;
        for (UINT32 i = count; i-- > v->slotCount;) {
            grown[i] = (SLOT){NULL, 0, v->freeSlot, 0};
            v->freeSlot = i;
        }
        v->slots = grown;
        v->slotCount = count;
    }
    UINT32 slot = v->freeSlot;
    v->freeSlot = v->slots[slot].nextFree;
    return slot;
}

static void slot_give(VOLUME *v, UINT32 slot)
{
    v->slots[slot].irp = NULL;
    v->slots[slot].answered = 0;
    v->slots[slot].nextFree = v->freeSlot;
    v->freeSlot = slot;
}

/* Under the lock. */
static void wake_one(VOLUME *v)
{
    if (v->pollers > 0)
        platform_wake_post(v->wakeFd, 1);
    else if (v->sleepers > 0)
        pthread_cond_signal(&v->wake);
}

static void wake_all(VOLUME *v)
{
    if (v->pollers > 0)
        platform_wake_post(v->wakeFd, (unsigned)v->pollers);
    pthread_cond_broadcast(&v->wake);
}

static int best_effort(UINT32 kind)
{
    return kind == FspFsctlTransactOverwriteKind || kind == FspFsctlTransactCleanupKind || kind == FspFsctlTransactCloseKind;
}

NTSTATUS irp_post(VOLUME *v, IRP *irp)
{
    UINT32 slot, waiting;
    pthread_mutex_lock(&v->lock);
    if (!atomic_load_explicit(&v->ready, memory_order_relaxed) || atomic_load_explicit(&v->stopped0, memory_order_relaxed)) {
        pthread_mutex_unlock(&v->lock);
        return STATUS_CANCELLED;
    }
    waiting = atomic_load_explicit(&v->pending, memory_order_relaxed);
    if ((waiting >= v->params.IrpCapacity && !best_effort(irp->req->Kind)) || (slot = slot_take(v)) == UINT32_MAX) {
        pthread_mutex_unlock(&v->lock);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    v->slots[slot].irp = irp;
    irp->hint = ++v->slots[slot].generation << SLOT_BITS | slot;
    irp->volume = v;
    irp->next = NULL;
    irp->state = IRP_PENDING;
    *v->tail = irp;
    v->tail = &irp->next;
    atomic_store_explicit(&v->pending, waiting + 1, memory_order_release);
    if (here.volume == v && !here.promised && waiting == 0) /* only then does nobody rely on the spinner for an earlier one */
        here.promised = 1;
    else if (waiting + 1 > (UINT32)v->spinners)
        wake_one(v);
    pthread_mutex_unlock(&v->lock);
    return STATUS_SUCCESS;
}

void queue_unpromise(VOLUME *v)
{
    if (here.volume != v)
        return;
    here.volume = NULL;
    if (!here.promised)
        return;
    here.promised = 0;
    pthread_mutex_lock(&v->lock);
    if (v->head != NULL)
        wake_one(v);
    pthread_mutex_unlock(&v->lock);
}

/* ---- delivering answers ------------------------------------------------------------------------------------------------- */

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

/* Asks for something (the volume's size, which every host can tell) and waits for the answer as the driver would. 0: nobody gave it. */
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

/* What the Windows driver may do inside a completion: need another answer first, and block until it is there (docs/winfsp.md (i)). */
static void hold_completion(VOLUME *v, IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    UINT64 hold = v->options[OPTION_HOLD_COMPLETION];
    UINT64 deadline = platform_now_ns() + (UINT64)v->holdTimeoutMs * 1000000u;
    const FSP_FSCTL_TRANSACT_REQ *req = irp->req;
    UINT32 class = req->Kind == FspFsctlTransactSetInformationKind ? req->Req.SetInformation.FileInformationClass : 0;
    int rename = class == FileRenameInformation || class == FileRenameInformationEx, timedOut = 0, directory;
    int nests = hold == 1 ? strict_may_nest(v, req, rsp) : (int)(hold >> req->Kind & 1);
    int waitsForRename = hold == 1 && !rename && (nests || req->Kind == FspFsctlTransactCleanupKind);
    if (!nests && !waitsForRename)
        return;
    queue_unpromise(v);
    if (waitsForRename) { /* a directory rename's completion has the mutex that these completions need */
        pthread_mutex_lock(&v->lock);
        while (v->directoryRenames > 0 && !atomic_load(&v->stopped) && !timedOut)
            timedOut = platform_cond_wait_until(&v->quiet, &v->lock, deadline);
        pthread_mutex_unlock(&v->lock);
        if (timedOut)
            strict_violation(v, req, "delivered on a thread that a directory rename's completion was waiting for: a deadlock on Windows");
    }
    if (!nests)
        return;
    directory = rename && NT_SUCCESS((NTSTATUS)rsp->IoStatus.Status) && strict_is_directory(v, req->Req.Context.UserContext);
    if (directory) {
        pthread_mutex_lock(&v->lock);
        v->directoryRenames++;
        pthread_mutex_unlock(&v->lock);
    }
    if (!nested_round_trip(v, deadline))
        strict_violation(v, req, "no receiver took a nested request while this answer was being delivered: a deadlock on Windows");
    if (directory) {
        pthread_mutex_lock(&v->lock);
        v->directoryRenames--;
        pthread_cond_broadcast(&v->quiet);
        pthread_mutex_unlock(&v->lock);
    }
}

static void complete(VOLUME *v, IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp, SIZE_T room)
{
    const FSP_FSCTL_TRANSACT_REQ *req = irp->req;
    NTSTATUS status = (NTSTATUS)rsp->IoStatus.Status;
    FSP_FSCTL_TRANSACT_RSP bare;
    int spoilt = status == STATUS_PENDING || (rsp->IoStatus.Status & 0x30000000u) != 0;
    if (v->strict != NULL)
        strict_answer(v, irp, rsp, room);
    switch (req->Kind) {
    case FspFsctlTransactCreateKind:
        if (NT_SUCCESS(status) && status != STATUS_REPARSE && !spoilt)
            atomic_fetch_add_explicit(&v->openHandles, 1, memory_order_relaxed);
        break;
    case FspFsctlTransactOverwriteKind: /* the library closed the file already, nobody will send a Close */
        if (!NT_SUCCESS(status))
            atomic_fetch_sub_explicit(&v->openHandles, 1, memory_order_relaxed);
        break;
    case FspFsctlTransactCloseKind:
        if (!irp->stale) /* a script may close what is closed */
            atomic_fetch_sub_explicit(&v->openHandles, 1, memory_order_relaxed);
        break;
    case FspFsctlTransactReadKind:
    case FspFsctlTransactWriteKind:
        spoilt |= NT_SUCCESS(status) && rsp->IoStatus.Information > req->Req.Read.Length;
        break;
    case FspFsctlTransactQueryDirectoryKind:
        spoilt |= NT_SUCCESS(status) && rsp->IoStatus.Information > req->Req.QueryDirectory.Length;
        break;
    }
    if (spoilt) {
        memset(&bare, 0, sizeof bare);
        bare.Size = sizeof bare;
        bare.Kind = req->Kind;
        bare.Hint = irp->hint;
        bare.IoStatus.Status = (UINT32)STATUS_INTERNAL_ERROR;
        rsp = &bare;
    } else if (v->options[OPTION_HOLD_COMPLETION] != 0)
        hold_completion(v, irp, rsp);
    irp->complete(irp, rsp);
}

/* Takes the request that `hint` names off the table. NULL: unknown, or answered already. */
static IRP *take_answered(VOLUME *v, UINT64 hint, int *again, int *ignored)
{
    UINT32 slot = (UINT32)(hint & SLOT_MASK);
    UINT64 generation = hint >> SLOT_BITS;
    IRP *irp = NULL;
    pthread_mutex_lock(&v->lock);
    if (slot < v->slotCount && generation != 0) {
        SLOT *at = &v->slots[slot];
        if (generation == at->generation && at->irp != NULL && at->irp->state == IRP_IN_FLIGHT) {
            if (atomic_load_explicit(&v->stopped0, memory_order_relaxed)) {
                *again = at->answered;
                *ignored = at->answered = 1; /* too late: it ends CANCELLED at Stop */
            } else {
                irp = at->irp;
                irp->state = IRP_COMPLETING;
                v->inFlight--;
                slot_give(v, slot);
            }
        } else
            *again = generation < at->generation || (generation == at->generation && at->irp == NULL);
    }
    pthread_mutex_unlock(&v->lock);
    return irp;
}

static void deliver(VOLUME *v, const UINT8 *at, SIZE_T left)
{
    while (left >= sizeof(FSP_FSCTL_TRANSACT_RSP)) {
        const FSP_FSCTL_TRANSACT_RSP *rsp = (const void *)at;
        SIZE_T size = rsp->Size, aligned = FSP_FSCTL_DEFAULT_ALIGN_UP(size);
        int again = 0, ignored = 0;
        IRP *irp;
        if (size < sizeof *rsp) {
            if (size != 0)
                strict_violation(v, NULL, "a response of %u bytes (hint %llx): less than 128 ends the list", rsp->Size, (unsigned long long)rsp->Hint);
            return;
        }
        if (aligned > left) {
            strict_violation(v, NULL, "a response of %u bytes does not fit in the remaining %zu, rounded up to 8: dropped, its request (hint %llx) hangs",
                rsp->Size, (size_t)left, (unsigned long long)rsp->Hint);
            return;
        }
        irp = take_answered(v, rsp->Hint, &again, &ignored);
        if (again)
            strict_violation(v, NULL, "%s with hint %llx was answered twice", kind_name(rsp->Kind), (unsigned long long)rsp->Hint);
        if (irp != NULL)
            complete(v, irp, rsp, left);
        at += aligned;
        left -= aligned;
    }
}

/* ---- waiting -------------------------------------------------------------------------------------------------------------- */

int volume_wait(VOLUME *v, int timeoutMs)
{
    UINT64 spinNs = v->options[OPTION_SPIN_US] * 1000u, begin = 0;
    SOURCE source = {-1, NULL, NULL};
    int has, result = 0, spin = 0;

    pthread_mutex_lock(&v->lock);
    if (atomic_load(&v->stopped0) || v->head != NULL || v->wakeRequests > 0) {
        result = atomic_load(&v->stopped0) ? -1 : 1;
        pthread_mutex_unlock(&v->lock);
        return result;
    }
    if ((has = v->hasSource)) {
        source = v->source;
        v->sourceUsers++;
    }
    if (spinNs != 0 && v->spinners == 0) { /* one spinner is enough: the others would only take its CPU */
        spin = 1;
        v->spinners++;
    }
    pthread_mutex_unlock(&v->lock);

    for (unsigned round = 0;; round++) {
        if (has) {
            result = source.receive(v, source.ctx);
            if (result < 0)
                volume_mount_gone(v);
            if (result != 0)
                break;
        }
        if (atomic_load_explicit(&v->pending, memory_order_acquire) != 0 || atomic_load_explicit(&v->stopped0, memory_order_relaxed)) {
            result = 1;
            break;
        }
        if (!spin)
            break;
        if (has || (round & 15) == 0) {
            UINT64 now = platform_now_ns();
            if (begin == 0)
                begin = now;
            else if (now - begin >= spinNs)
                break;
        }
        platform_pause();
    }

    pthread_mutex_lock(&v->lock);
    v->spinners -= spin;
    if (result == 0) {
        if (v->head != NULL || atomic_load(&v->stopped0) || v->wakeRequests > 0)
            result = 1;
        else if (has) {
            if (v->hasSource) {
                v->pollers++;
                pthread_mutex_unlock(&v->lock);
                result = platform_wake_poll(v->wakeFd, source.fd, timeoutMs);
                pthread_mutex_lock(&v->lock);
                v->pollers--;
            } else
                result = 1;
        } else if (v->hasSource)
            result = 1; /* a front end came: look at it first */
        else {
            v->sleepers++;
            result = !platform_cond_wait_until(&v->wake, &v->lock, timeoutMs < 0 ? UINT64_MAX : platform_now_ns() + (UINT64)timeoutMs * 1000000u);
            v->sleepers--;
        }
    }
    if (has && --v->sourceUsers == 0 && !v->hasSource)
        pthread_cond_broadcast(&v->quiet);
    if (atomic_load(&v->stopped0))
        result = -1;
    pthread_mutex_unlock(&v->lock);
    return result;
}

/* Under the lock. The copy is made here, because Stop may complete (and the front end free) the request as soon as the lock is given up. */
static SIZE_T copy_out(VOLUME *v, UINT8 *to)
{
    IRP *irp = v->head;
    FSP_FSCTL_TRANSACT_REQ *out = (void *)to;
    SIZE_T size = irp->req->Size;
    if ((v->head = irp->next) == NULL)
        v->tail = &v->head;
    atomic_store_explicit(&v->pending, atomic_load_explicit(&v->pending, memory_order_relaxed) - 1, memory_order_release);
    irp->next = NULL;
    irp->state = IRP_IN_FLIGHT;
    v->inFlight++;
    memcpy(to, irp->req, size);
    out->Hint = irp->hint;
    if (v->strict != NULL)
        strict_received(v, irp);
    return size;
}

static NTSTATUS receive(VOLUME *v, UINT8 *req, SIZE_T capacity, SIZE_T *received, int batch)
{
    UINT32 timeout = v->params.TransactTimeout;
    UINT64 deadline = timeout == 0 ? UINT64_MAX : 0;
    NTSTATUS status = STATUS_SUCCESS;
    SIZE_T size = 0;

    atomic_fetch_add_explicit(&v->receivers, 1, memory_order_relaxed);
    here.volume = v;
    pthread_mutex_lock(&v->lock);
    for (;;) {
        int left = -1;
        if (atomic_load_explicit(&v->stopped0, memory_order_relaxed)) {
            status = STATUS_CANCELLED;
            break;
        }
        if (v->head != NULL) {
            do {
                SIZE_T one = copy_out(v, req + size), aligned = FSP_FSCTL_DEFAULT_ALIGN_UP(one);
                if (batch && aligned != one)
                    memset(req + size + one, 0, aligned - one);
                size += batch ? aligned : one;
            } while (batch && v->head != NULL && capacity - size >= FSP_FSCTL_TRANSACT_BUFFER_SIZEMIN);
            break;
        }
        if (v->wakeRequests > 0) {
            v->wakeRequests--;
            break;
        }
        pthread_mutex_unlock(&v->lock);
        here.volume = v;
        here.promised = 0;
        if (deadline != UINT64_MAX) {
            UINT64 now = platform_now_ns();
            if (deadline == 0)
                deadline = now + (UINT64)timeout * 1000000u;
            if (now >= deadline)
                goto out;
            left = (int)((deadline - now + 999999u) / 1000000u);
        }
        volume_wait(v, left);
        pthread_mutex_lock(&v->lock);
    }
    pthread_mutex_unlock(&v->lock);
out:
    here.volume = NULL;
    here.promised = 0;
    atomic_fetch_sub_explicit(&v->receivers, 1, memory_order_relaxed);
    *received = size;
    return status;
}

NTSTATUS queue_transact(VOLUME *v, const void *rsp, SIZE_T rspSize, void *req, SIZE_T *reqSize, BOOLEAN batch)
{
    SIZE_T capacity = 0;
    if (reqSize != NULL) {
        capacity = *reqSize;
        *reqSize = 0;
    }
    if (req != NULL && capacity < (batch ? FSP_FSCTL_TRANSACT_BATCH_BUFFER_SIZEMIN : FSP_FSCTL_TRANSACT_BUFFER_SIZEMIN))
        return STATUS_BUFFER_TOO_SMALL;
    if (rsp != NULL && rspSize != 0 && rspSize < sizeof(FSP_FSCTL_TRANSACT_RSP))
        return STATUS_INVALID_PARAMETER;
    if (rsp == NULL && req == NULL) { /* Transact0 */
        atomic_store(&v->ready, 1);
        return atomic_load(&v->stopped0) ? STATUS_CANCELLED : STATUS_SUCCESS;
    }
    if (rsp != NULL && rspSize != 0) {
        if (req != NULL)
            here.volume = v; /* completions may post the next step of their chain: this thread will take it */
        deliver(v, rsp, rspSize);
    }
    if (req == NULL)
        return atomic_load(&v->stopped0) ? STATUS_CANCELLED : STATUS_SUCCESS;
    return receive(v, req, capacity, reqSize, batch);
}

/* ---- stopping, sources ------------------------------------------------------------------------------------------------------ */

void queue_wake_receivers(VOLUME *v, int count)
{
    pthread_mutex_lock(&v->lock);
    v->wakeRequests += count;
    wake_all(v);
    pthread_mutex_unlock(&v->lock);
}

void queue_stop(VOLUME *v, int cancel)
{
    FSP_FSCTL_TRANSACT_RSP bare;
    pthread_mutex_lock(&v->lock);
    atomic_store(&v->stopped0, 1);
    if (cancel)
        atomic_store(&v->stopped, 1);
    wake_all(v);
    pthread_cond_broadcast(&v->quiet);
    if (!cancel) {
        pthread_mutex_unlock(&v->lock);
        return;
    }
    v->head = NULL;
    v->tail = &v->head;
    atomic_store(&v->pending, 0);
    for (UINT32 slot = 0; slot < v->slotCount; slot++) {
        IRP *irp = v->slots[slot].irp;
        int unanswered;
        if (irp == NULL)
            continue;
        unanswered = irp->state == IRP_IN_FLIGHT && !v->slots[slot].answered;
        if (irp->state == IRP_IN_FLIGHT)
            v->inFlight--;
        irp->state = IRP_COMPLETING;
        slot_give(v, slot);
        pthread_mutex_unlock(&v->lock);
        if (unanswered)
            strict_violation(v, irp->req, "was never answered");
        memset(&bare, 0, sizeof bare);
        bare.Size = sizeof bare;
        bare.Kind = irp->req->Kind;
        bare.Hint = irp->hint;
        bare.IoStatus.Status = (UINT32)STATUS_CANCELLED;
        irp->complete(irp, &bare);
        pthread_mutex_lock(&v->lock);
    }
    pthread_mutex_unlock(&v->lock);
}

void volume_set_source(VOLUME *v, const SOURCE *source)
{
    pthread_mutex_lock(&v->lock);
    if (source != NULL) {
        if (v->wakeFd < 0)
            v->wakeFd = platform_wake_open();
        v->source = *source;
        v->hasSource = 1;
    } else
        v->hasSource = 0;
    wake_all(v);
    while (source == NULL && v->sourceUsers > 0)
        pthread_cond_wait(&v->quiet, &v->lock);
    pthread_mutex_unlock(&v->lock);
}

void volume_mount_gone(VOLUME *v) { queue_stop(v, 0); }
