/*
 * The queue: requests wait in a FIFO, are copied out to receivers, and are found again by the Hint of their answer
 * (docs/winfsp.md, "Dispatching", "Answers that may nest").
 *
 * One lock, held for pointer work and for copying a request out; never while a front end's `receive` or `complete`
 * runs.
 */
#include "core/queue.h"

#define SLOT_BITS 20
#define SLOT_MASK ((1u << SLOT_BITS) - 1)

/* A thread inside a Transact that will take a request afterwards need not wake another one for the first one that it
 * posts. */
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

static int best_effort(UINT32 kind)
{
    return kind == FspFsctlTransactOverwriteKind || kind == FspFsctlTransactCleanupKind ||
           kind == FspFsctlTransactCloseKind;
}

NTSTATUS irp_post(VOLUME *v, IRP *irp)
{
    UINT32 slot, waiting;
    pthread_mutex_lock(&v->lock);
    if (!atomic_load_explicit(&v->ready, memory_order_relaxed) ||
        atomic_load_explicit(&v->stopped0, memory_order_relaxed)) {
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
    /* only then does no other thread rely on the spinner for an earlier one */
    if (here.volume == v && !here.promised && waiting == 0)
        here.promised = 1;
    else if (waiting + 1 > (UINT32)v->spinners)
        queue_wake_one(v);
    pthread_mutex_unlock(&v->lock);
    return STATUS_SUCCESS;
}

void queue_promise(VOLUME *v) { here.volume = v; }

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
        queue_wake_one(v);
    pthread_mutex_unlock(&v->lock);
}

IRP *queue_take_answered(VOLUME *v, UINT64 hint, int *again, int *ignored)
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

/* Under the lock. The copy is made here, because Stop may complete (and the front end free) the request as soon as the
 * lock is given up. */
static SIZE_T copy_out(VOLUME *v, UINT8 *to)
{
    IRP *irp = v->head;
    FSP_FSCTL_TRANSACT_REQ *out = (void *)to;
    SIZE_T size = irp->req->Size;
    if ((v->head = irp->next) == NULL)
        v->tail = &v->head;
    atomic_store_explicit(
        &v->pending, atomic_load_explicit(&v->pending, memory_order_relaxed) - 1, memory_order_release);
    irp->next = NULL;
    irp->state = IRP_IN_FLIGHT;
    v->inFlight++;
    memcpy(to, irp->req, size);
    out->Hint = irp->hint;
    if (v->strict != NULL)
        strict_received(v, irp);
    return size;
}

NTSTATUS queue_receive(VOLUME *v, UINT8 *req, SIZE_T capacity, SIZE_T *received, int batch)
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

void queue_cancel_all(VOLUME *v)
{
    FSP_FSCTL_TRANSACT_RSP bare;
    atomic_store(&v->stopped, 1);
    queue_stop_receiving(v);
    pthread_mutex_lock(&v->lock);
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
