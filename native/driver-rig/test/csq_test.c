/* Cancel-safe queues: a request is removed or cancelled, never both, never neither, whatever the threads do. */
#include "check.h"

NTSTATUS K_IoCsqInitializeEx(PIO_CSQ, PVOID, PVOID, PVOID, PVOID, PVOID, PVOID);
NTSTATUS K_IoCsqInsertIrpEx(PIO_CSQ csq, PIRP irp, PVOID context, PVOID insert_context);
PIRP K_IoCsqRemoveNextIrp(PIO_CSQ csq, PVOID peek_context);

#define REQUESTS 4000
static IO_CSQ csq;
static LIST_ENTRY list = {&list, &list};
static PIRP requests[REQUESTS];
static volatile LONG removed, cancelled, finished, inserted;
static int lock;

static NTSTATUS insert(PIO_CSQ q, PIRP irp, PVOID context)
{
    InsertTailList(&list, &irp->Tail.Overlay.ListEntry);
    return STATUS_SUCCESS;
}

static VOID remove_irp(PIO_CSQ q, PIRP irp) { RemoveEntryList(&irp->Tail.Overlay.ListEntry); }

static PIRP peek(PIO_CSQ q, PIRP irp, PVOID context)
{
    PLIST_ENTRY next = irp != NULL ? irp->Tail.Overlay.ListEntry.Flink : list.Flink;
    return next == &list ? NULL : CONTAINING_RECORD(next, IRP, Tail.Overlay.ListEntry);
}

static VOID acquire(PIO_CSQ q, PKIRQL irql) { host_lock(&lock); }

static VOID release(PIO_CSQ q, KIRQL irql) { host_unlock(&lock); }

static VOID complete_cancelled(PIO_CSQ q, PIRP irp)
{
    irp->IoStatus.Information++;
    _InterlockedIncrement(&cancelled);
}

static void canceller(void *unused)
{
    for (int i = 0; i < REQUESTS; i += 2) {
        while (inserted <= i)
            host_yield();
        irp_cancel(requests[i]);
    }
    _InterlockedIncrement(&finished);
}

static void remover(void *unused)
{
    while (removed + cancelled < REQUESTS) {
        PIRP irp = K_IoCsqRemoveNextIrp(&csq, NULL);
        if (irp == NULL) {
            host_yield();
            continue;
        }
        irp->IoStatus.Information++;
        _InterlockedIncrement(&removed);
    }
    _InterlockedIncrement(&finished);
}

int main(void)
{
    DEVICE_OBJECT *device = ob_create(OB_DEVICE, sizeof *device);
    K_IoCsqInitializeEx(&csq, insert, remove_irp, peek, acquire, release, complete_cancelled);
    for (int i = 0; i < REQUESTS; i++) {
        requests[i] = irp_allocate(1);
        requests[i]->CurrentLocation--;
        requests[i]->Tail.Overlay.CurrentStackLocation--;
        requests[i]->Tail.Overlay.CurrentStackLocation->DeviceObject = device;
    }
    /* Cancelled before it is queued: it does not stay in the queue. */
    irp_cancel(requests[0]);
    K_IoCsqInsertIrpEx(&csq, requests[0], NULL, NULL);
    CHECK_EQUAL(cancelled, 1);
    CHECK(K_IoCsqRemoveNextIrp(&csq, NULL) == NULL);
    inserted = 1;

    rig_perturb(11, 100);
    host_start_thread(canceller, NULL);
    host_start_thread(remover, NULL);
    host_start_thread(remover, NULL);
    for (int i = 1; i < REQUESTS; i++) {
        K_IoCsqInsertIrpEx(&csq, requests[i], NULL, NULL);
        _InterlockedIncrement(&inserted);
    }
    CHECK(becomes(&finished, 3));
    CHECK_EQUAL(removed + cancelled, REQUESTS);
    for (int i = 0; i < REQUESTS; i++)
        CHECK_EQUAL(requests[i]->IoStatus.Information, 1);
    return passed("cancel-safe queues");
}
