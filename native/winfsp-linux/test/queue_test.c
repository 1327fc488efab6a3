/* The queue: every form of Transact, both stops, waking, batches. */
#include "support/bare.h"

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
    HANDLE v = bare(0); /* receives wait without end */
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

int main(void)
{
    RUN(transact_forms);
    RUN(batches);
    RUN(zero_bytes);
    RUN(stops);
    RUN(capacity);
    return RESULT();
}
