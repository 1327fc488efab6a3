/* The queue: many callers at once, every form of Transact, both stops, waking, batches. */
#include "testfs.h"

static HANDLE bare(UINT32 timeout)
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

static void drop(HANDLE handle) { volume_destroy(handle); }

static void query(FSP_FSCTL_TRANSACT_REQ *req) { request_begin(req, FspFsctlTransactQueryVolumeInformationKind); }

static void answer_to(FSP_FSCTL_TRANSACT_RSP *rsp, const FSP_FSCTL_TRANSACT_REQ *req, UINT32 status)
{
    memset(rsp, 0, sizeof *rsp);
    rsp->Size = sizeof *rsp;
    rsp->Kind = req->Kind;
    rsp->Hint = req->Hint;
    rsp->IoStatus.Status = status;
}

static void transact_forms(void)
{
    HANDLE v = bare(1000);
    static UINT8 buffer[65536], *second;
    FSP_FSCTL_TRANSACT_REQ req, *got = (void *)buffer;
    union {
        FSP_FSCTL_TRANSACT_RSP rsp;
        UINT8 bytes[512];
    } a;
    UINT64 ticket, ticket2;
    UINT32 room;
    SIZE_T size;
    query(&req);
    CHECK_EQUAL(FspLinuxScriptSubmit(v, &req, sizeof req, &ticket), STATUS_CANCELLED); /* before Transact0 */
    CHECK_EQUAL(FspFsctlTransact(v, NULL, 0, NULL, NULL, 0), STATUS_SUCCESS);
    CHECK_EQUAL(FspLinuxScriptSubmit(v, &req, sizeof req, &ticket), STATUS_SUCCESS);
    CHECK_EQUAL(FspLinuxScriptSubmit(v, &req, sizeof req, &ticket2), STATUS_SUCCESS);
    size = 16319;
    CHECK_EQUAL(FspFsctlTransact(v, NULL, 0, buffer, &size, 0), STATUS_BUFFER_TOO_SMALL);
    CHECK_EQUAL(size, 0);
    size = 65535;
    CHECK_EQUAL(FspFsctlTransact(v, NULL, 0, buffer, &size, 1), STATUS_BUFFER_TOO_SMALL);
    size = 16320;
    CHECK_EQUAL(FspFsctlTransact(v, NULL, 0, buffer, &size, 0), STATUS_SUCCESS);
    CHECK_EQUAL(size, 88);
    CHECK_EQUAL(got->Hint, ticket); /* first in, first out */
    answer_to(&a.rsp, got, (UINT32)STATUS_DISK_FULL);
    CHECK_EQUAL(FspFsctlTransact(v, &a, 127, NULL, NULL, 0), STATUS_INVALID_PARAMETER);
    CHECK_EQUAL(FspFsctlTransact(v, &a, 128, NULL, NULL, 0), STATUS_SUCCESS);
    room = sizeof buffer;
    CHECK_EQUAL(FspLinuxScriptWait(v, ticket, 0, buffer, &room), STATUS_SUCCESS);
    CHECK_EQUAL((NTSTATUS)((FSP_FSCTL_TRANSACT_RSP *)buffer)->IoStatus.Status, STATUS_DISK_FULL);
    CHECK_EQUAL(FspLinuxScriptWait(v, ticket2, 0, buffer, &room), STATUS_TIMEOUT);
    CHECK_EQUAL(FspFsctlTransact(v, &a, 128, NULL, NULL, 0), STATUS_SUCCESS); /* answered twice: ignored, remembered */
    a.rsp.Hint = 0x7777777777;
    CHECK_EQUAL(FspFsctlTransact(v, &a, 128, NULL, NULL, 0), STATUS_SUCCESS); /* unknown: ignored */
    /* two in one call, the second aligned to 8 */
    size = 16320;
    FspFsctlTransact(v, NULL, 0, buffer, &size, 0);
    CHECK_EQUAL(got->Hint, ticket2);
    FspLinuxScriptSubmit(v, &req, sizeof req, &ticket);
    FspFsctlTransact(v, NULL, 0, buffer + 32768, (size = 16320, &size), 0);
    answer_to(&a.rsp, (void *)buffer, 0);
    a.rsp.Size = 130;
    second = a.bytes + 136;
    answer_to((void *)second, (void *)(buffer + 32768), 0);
    CHECK_EQUAL(FspFsctlTransact(v, &a, 136 + 128, NULL, NULL, 0), STATUS_SUCCESS);
    CHECK_EQUAL(FspLinuxScriptWait(v, ticket, 0, buffer, &room), STATUS_SUCCESS);
    CHECK_EQUAL(FspLinuxScriptWait(v, ticket2, 0, buffer, (room = sizeof buffer, &room)), STATUS_SUCCESS);
    /* one whose rounded size does not fit is dropped */
    FspLinuxScriptSubmit(v, &req, sizeof req, &ticket);
    FspFsctlTransact(v, NULL, 0, buffer, (size = 16320, &size), 0);
    answer_to(&a.rsp, got, 0);
    a.rsp.Size = 130;
    FspFsctlTransact(v, &a, 130, NULL, NULL, 0);
    CHECK_EQUAL(FspLinuxScriptWait(v, ticket, 0, buffer, &room), STATUS_TIMEOUT);
    /* PENDING becomes INTERNAL_ERROR */
    a.rsp.Size = 128;
    a.rsp.IoStatus.Status = STATUS_PENDING;
    FspFsctlTransact(v, &a, 128, NULL, NULL, 0);
    CHECK_EQUAL(FspLinuxScriptWait(v, ticket, 0, buffer, (room = sizeof buffer, &room)), STATUS_SUCCESS);
    CHECK_EQUAL((NTSTATUS)((FSP_FSCTL_TRANSACT_RSP *)buffer)->IoStatus.Status, STATUS_INTERNAL_ERROR);
    CHECK_EQUAL(FspLinuxScriptWait(v, 12345, 0, buffer, &room), STATUS_INVALID_PARAMETER);
    drop(v);
    CHECK_EQUAL(FspFsctlTransact(v, NULL, 0, NULL, NULL, 0), STATUS_INVALID_HANDLE);
    CHECK_EQUAL(FspFsctlStop(v), STATUS_INVALID_HANDLE);
    CHECK_EQUAL(FspFsctlStop0(NULL), STATUS_INVALID_HANDLE);
}

static void batches(void)
{
    HANDLE v = bare(1000);
    static UINT8 buffer[65536];
    FSP_FSCTL_TRANSACT_REQ req;
    UINT64 tickets[5];
    SIZE_T size = sizeof buffer;
    union {
        FSP_FSCTL_TRANSACT_REQ req;
        UINT8 bytes[16320];
    } large;
    FspFsctlTransact(v, NULL, 0, NULL, NULL, 0);
    query(&req);
    for (int i = 0; i < 5; i++)
        FspLinuxScriptSubmit(v, &req, sizeof req, &tickets[i]);
    CHECK_EQUAL(FspFsctlTransact(v, NULL, 0, buffer, &size, 1), STATUS_SUCCESS);
    CHECK_EQUAL(size, 5 * 88);
    for (int i = 0; i < 5; i++)
        CHECK_EQUAL(((FSP_FSCTL_TRANSACT_REQ *)(buffer + 88 * i))->Hint, tickets[i]);
    memset(&large, 1, sizeof large);
    request_begin(&large.req, FspFsctlTransactReadKind);
    large.req.Req.Read.Address = 1;
    large.req.Size = 16320;
    for (int i = 0; i < 5; i++)
        FspLinuxScriptSubmit(v, &large, sizeof large, &tickets[i]);
    size = sizeof buffer;
    CHECK_EQUAL(FspFsctlTransact(v, NULL, 0, buffer, &size, 1), STATUS_SUCCESS);
    CHECK_EQUAL(size, 4 * 16320); /* a fifth would not fit whole */
    CHECK_EQUAL(FspFsctlStop0(v), STATUS_SUCCESS);
    drop(v);
}

static void *receive_once(void *v)
{
    static _Thread_local UINT8 buffer[16320];
    SIZE_T size = sizeof buffer;
    NTSTATUS status = FspFsctlTransact(v, NULL, 0, buffer, &size, 0);
    return (void *)(intptr_t)(status != 0 ? (UINT32)status : size);
}

static void zero_bytes(void)
{
    HANDLE v = bare(1000);
    pthread_t thread;
    void *result;
    UINT64 begin = platform_now_ns();
    FspFsctlTransact(v, NULL, 0, NULL, NULL, 0);
    CHECK_EQUAL((intptr_t)receive_once(v), 0); /* TransactTimeout */
    CHECK(platform_now_ns() - begin >= 900000000u);
    pthread_create(&thread, NULL, receive_once, v);
    platform_sleep_ms(20);
    queue_wake_receivers(v, 1);
    pthread_join(thread, &result);
    CHECK_EQUAL((intptr_t)result, 0);
    pthread_create(&thread, NULL, receive_once, v);
    platform_sleep_ms(20);
    FspFsctlStop0(v);
    pthread_join(thread, &result);
    CHECK_EQUAL((NTSTATUS)(intptr_t)result, STATUS_CANCELLED);
    drop(v);
}

static void stops(void)
{
    HANDLE v = bare(0); /* receives wait for ever */
    static UINT8 buffer[16384];
    FSP_FSCTL_TRANSACT_REQ req, *got = (void *)buffer;
    FSP_FSCTL_TRANSACT_RSP rsp, cancelled;
    UINT64 delivered, waiting, late;
    UINT32 room = sizeof cancelled;
    SIZE_T size = 16320;
    pthread_t threads[3];
    void *result;
    FspFsctlTransact(v, NULL, 0, NULL, NULL, 0);
    query(&req);
    FspLinuxScriptSubmit(v, &req, sizeof req, &delivered);
    FspFsctlTransact(v, NULL, 0, buffer, &size, 0);
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, receive_once, v);
    platform_sleep_ms(20);
    FspFsctlStop0(v);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], &result);
        CHECK_EQUAL((NTSTATUS)(intptr_t)result, STATUS_CANCELLED);
    }
    CHECK_EQUAL(FspLinuxScriptSubmit(v, &req, sizeof req, &late), STATUS_CANCELLED);
    answer_to(&rsp, got, 0);
    CHECK_EQUAL(FspFsctlTransact(v, &rsp, sizeof rsp, NULL, NULL, 0), STATUS_CANCELLED); /* too late: ignored */
    CHECK_EQUAL(FspLinuxScriptWait(v, delivered, 0, &cancelled, &room), STATUS_TIMEOUT);
    FspFsctlStop(v);
    CHECK_EQUAL(FspLinuxScriptWait(v, delivered, 0, &cancelled, &room), STATUS_SUCCESS);
    CHECK_EQUAL((NTSTATUS)cancelled.IoStatus.Status, STATUS_CANCELLED);
    CHECK_EQUAL(cancelled.Size, 128);
    drop(v);

    v = bare(1000); /* Stop at once: pending and delivered ones all end */
    FspFsctlTransact(v, NULL, 0, NULL, NULL, 0);
    FspLinuxScriptSubmit(v, &req, sizeof req, &delivered);
    FspLinuxScriptSubmit(v, &req, sizeof req, &waiting);
    size = 16320;
    FspFsctlTransact(v, NULL, 0, buffer, &size, 0);
    FspFsctlStop(v);
    room = sizeof cancelled;
    CHECK_EQUAL(FspLinuxScriptWait(v, waiting, 0, &cancelled, &room), STATUS_SUCCESS);
    CHECK_EQUAL(FspLinuxScriptWait(v, delivered, 0, &cancelled, &room), STATUS_SUCCESS);
    drop(v);
}

static void capacity(void)
{
    HANDLE v = bare(1000);
    FSP_FSCTL_TRANSACT_REQ req;
    UINT64 ticket;
    NTSTATUS status = STATUS_SUCCESS;
    int count = 0;
    FspFsctlTransact(v, NULL, 0, NULL, NULL, 0);
    query(&req);
    while (NT_SUCCESS(status = FspLinuxScriptSubmit(v, &req, sizeof req, &ticket)))
        count++;
    CHECK_EQUAL(status, STATUS_INSUFFICIENT_RESOURCES);
    CHECK_EQUAL(count, 1000);
    request_begin(&req, FspFsctlTransactCloseKind);
    CHECK_EQUAL(FspLinuxScriptSubmit(v, &req, sizeof req, &ticket), STATUS_SUCCESS);
    drop(v);
}

/* ---- many at once ------------------------------------------------------------------------------------------------------------ */

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
        if (!NT_SUCCESS(FspLinuxScriptSubmit(busy, &req, sizeof req, &ticket)) || FspLinuxScriptWait(busy, ticket, 20000, &rsp, &room) != STATUS_SUCCESS)
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

/* Volumes torn down while callers are busy: nobody hangs, nobody touches what is gone. */
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

/* ---- a kernel front end, played by a pipe ---------------------------------------------------------------------------------------- */

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
        CHECK_EQUAL(chainsDone, COUNT); /* nobody looks at it any more */
        volume_set_source(busy, &source);
        close(ends[1]); /* the mount is gone: everybody comes out */
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
    RUN(transact_forms);
    RUN(batches);
    RUN(zero_bytes);
    RUN(stops);
    RUN(capacity);
    RUN(concurrency);
    RUN(teardown);
    RUN(sources);
    return RESULT();
}
