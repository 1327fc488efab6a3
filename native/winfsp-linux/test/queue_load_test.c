/* The queue with many callers at once, and with a kernel front end. */
#include "support/bare.h"

/* ---- many at once ---- */

#define PRODUCERS 4
#define CONSUMERS 4
#define EACH 20000

static HANDLE busy;
static atomic_int answered, mixed;

static void *consume(void *both) /* odd ones deliver apart from receiving */
{
    UINT8 *buffer = malloc(16320);
    FSP_FSCTL_TRANSACT_REQ *req = (void *)buffer;
    FSP_FSCTL_TRANSACT_RSP rsp;
    rsp.Size = 0;
    for (;;) {
        SIZE_T size = 16320;
        NTSTATUS status = FspFsctlTransact(busy, rsp.Size ? &rsp : NULL, rsp.Size, buffer, &size, 0);
        rsp.Size = 0;
        if (status != STATUS_SUCCESS)
            break;
        if (size == 0)
            continue;
        answer_to(&rsp, req, 0);
        rsp.Rsp.QueryVolumeInformation.VolumeInfo.TotalSize = req->Req.Context.UserContext2;
        if (both == NULL) {
            FspFsctlTransact(busy, &rsp, sizeof rsp, NULL, NULL, 0);
            rsp.Size = 0;
        }
    }
    free(buffer);
    return NULL;
}

static void *produce(void *who)
{
    FSP_FSCTL_TRANSACT_REQ req;
    FSP_FSCTL_TRANSACT_RSP rsp;
    for (UINT64 i = 0; i < EACH; i++) {
        UINT64 ticket;
        UINT32 room = sizeof rsp;
        query(&req);
        req.Req.Context.UserContext2 = (UINT64)(uintptr_t)who << 32 | i;
        if (!NT_SUCCESS(FspLinuxScriptSubmit(busy, &req, sizeof req, &ticket)) ||
            FspLinuxScriptWait(busy, ticket, 20000, &rsp, &room) != STATUS_SUCCESS)
            break;
        if (rsp.Rsp.QueryVolumeInformation.VolumeInfo.TotalSize != req.Req.Context.UserContext2)
            atomic_fetch_add(&mixed, 1);
        FspLinuxScriptForget(busy, ticket);
        atomic_fetch_add(&answered, 1);
    }
    return NULL;
}

static void concurrency(void)
{
    pthread_t producers[PRODUCERS], consumers[CONSUMERS];
    for (int spin = 0; spin < 2; spin++) {
        busy = bare(1000);
        ((VOLUME *)busy)->options[OPTION_SPIN_US] = spin ? 20 : 0;
        answered = mixed = 0;
        FspFsctlTransact(busy, NULL, 0, NULL, NULL, 0);
        for (intptr_t i = 0; i < CONSUMERS; i++)
            pthread_create(&consumers[i], NULL, consume, i % 2 ? NULL : (void *)1);
        for (intptr_t i = 0; i < PRODUCERS; i++)
            pthread_create(&producers[i], NULL, produce, (void *)i);
        for (int i = 0; i < PRODUCERS; i++)
            pthread_join(producers[i], NULL);
        CHECK_EQUAL(answered, PRODUCERS * EACH);
        CHECK_EQUAL(mixed, 0);
        FspFsctlStop0(busy);
        for (int i = 0; i < CONSUMERS; i++)
            pthread_join(consumers[i], NULL);
        drop(busy);
    }
}

/* Volumes torn down while callers are busy: no thread hangs or touches what is gone. */
static void teardown(void)
{
    for (int round = 0; round < 50; round++) {
        pthread_t producers[2], consumers[2];
        busy = bare(1000);
        FspFsctlTransact(busy, NULL, 0, NULL, NULL, 0);
        for (intptr_t i = 0; i < 2; i++) {
            pthread_create(&consumers[i], NULL, consume, (void *)i);
            pthread_create(&producers[i], NULL, produce, (void *)i);
        }
        platform_sleep_ms(2);
        drop(busy);
        for (int i = 0; i < 2; i++) {
            pthread_join(consumers[i], NULL);
            pthread_join(producers[i], NULL);
        }
        CHECK(1);
    }
}

/* ---- a kernel front end, played by a pipe ---- */

#if !defined(_WIN32)
#include <fcntl.h>
#include <unistd.h>

typedef struct {
    IRP irp;
    FSP_FSCTL_TRANSACT_REQ req;
    int steps;
} CHAIN;

static atomic_int chainsDone, chainsCancelled;

static void chain_complete(IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    CHAIN *chain = (CHAIN *)irp;
    if (rsp->IoStatus.Status == (UINT32)STATUS_CANCELLED)
        atomic_fetch_add(&chainsCancelled, 1);
    else if (--chain->steps > 0) {
        if (NT_SUCCESS(irp_post(irp->volume, irp)))
            return;
        atomic_fetch_add(&chainsCancelled, 1);
    } else
        atomic_fetch_add(&chainsDone, 1);
    free(chain);
}

static int pipe_receive(VOLUME *v, void *ctx)
{
    char byte;
    ssize_t got = read((int)(intptr_t)ctx, &byte, 1);
    CHAIN *chain;
    if (got == 0)
        return -1;
    if (got < 0)
        return 0;
    chain = calloc(1, sizeof *chain);
    query(&chain->req);
    chain->irp.req = &chain->req;
    chain->irp.complete = chain_complete;
    chain->steps = 3;
    if (!NT_SUCCESS(irp_post(v, &chain->irp))) {
        atomic_fetch_add(&chainsCancelled, 1);
        free(chain);
    }
    return 1;
}

static void sources(void)
{
    enum { COUNT = 20000 };
    pthread_t consumers[CONSUMERS];
    SOURCE source;
    int ends[2], spins;
    for (spins = 0; spins < 2; spins++) {
        CHECK_EQUAL(pipe(ends), 0);
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
        busy = bare(1000);
        ((VOLUME *)busy)->options[OPTION_SPIN_US] = spins ? 20 : 0;
        chainsDone = chainsCancelled = 0;
        FspFsctlTransact(busy, NULL, 0, NULL, NULL, 0);
        for (intptr_t i = 0; i < CONSUMERS; i++)
            pthread_create(&consumers[i], NULL, consume, i % 2 ? NULL : (void *)1);
        platform_sleep_ms(5); /* some sleep on the condition variable already */
        source = (SOURCE){ends[0], pipe_receive, (void *)(intptr_t)ends[0]};
        volume_set_source(busy, &source);
        for (int i = 0; i < COUNT; i++)
            CHECK_EQUAL(write(ends[1], "x", 1), 1);
        for (int i = 0; i < 5000 && chainsDone < COUNT; i++)
            platform_sleep_ms(1);
        CHECK_EQUAL(chainsDone, COUNT);
        volume_set_source(busy, NULL);
        CHECK_EQUAL(write(ends[1], "x", 1), 1);
        platform_sleep_ms(5);
        CHECK_EQUAL(chainsDone, COUNT); /* it is not looked at any more */
        volume_set_source(busy, &source);
        close(ends[1]); /* the mount is gone: every thread comes out */
        for (int i = 0; i < CONSUMERS; i++)
            pthread_join(consumers[i], NULL);
        CHECK(atomic_load(&((VOLUME *)busy)->stopped0));
        volume_set_source(busy, NULL);
        drop(busy);
        close(ends[0]);
    }
}

#endif

int main(void)
{
    RUN(concurrency);
    RUN(teardown);
    RUN(sources);
    return RESULT();
}
