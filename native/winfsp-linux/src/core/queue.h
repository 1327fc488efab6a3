/* The queue of a volume: queue.c keeps it, wait.c waits for it, transact.c is what a host calls. */
#ifndef WINFSP_LINUX_QUEUE_H
#define WINFSP_LINUX_QUEUE_H

#include "core/base/volume.h"
#include "core/strict/strict.h"

/* wait.c */
void queue_wake_one(VOLUME *volume); /* under volume.lock */
void queue_wake_all(VOLUME *volume); /* under volume.lock */
void queue_wake_receivers(VOLUME *volume, int count); /* that many receives return 0 bytes */
void queue_stop_receiving(VOLUME *volume); /* Stop0: every receive is over */

/* queue.c */
void queue_promise(VOLUME *volume); /* this thread will receive: it takes the first request that it posts itself */
void queue_unpromise(VOLUME *volume); /* this thread is about to block: let others take what it was to take */
/* Takes the request that `hint` names off the table. NULL: unknown, or answered already. */
IRP *queue_take_answered(VOLUME *volume, UINT64 hint, int *again, int *ignored);
NTSTATUS queue_receive(VOLUME *volume, UINT8 *req, SIZE_T capacity, SIZE_T *received, int batch);
void queue_cancel_all(VOLUME *volume); /* Stop: receiving is over, and every request ends with STATUS_CANCELLED */

/* transact.c */
NTSTATUS queue_transact(VOLUME *volume, const void *rsp, SIZE_T rspSize, void *req, SIZE_T *reqSize, BOOLEAN batch);

#endif
