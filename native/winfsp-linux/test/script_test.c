/* The script front end, options, and the library's own dispatcher. */
#include "testfs/testfs.h"

static REQUEST r;
static RESPONSE q;

static void transfer_buffers(void)
{
    TESTFS *t = testfs_new(NULL);
    UINT64 c, ticket;
    UINT32 size = 5, room = sizeof q;
    char data[16];
    struct {
        FSP_FSCTL_TRANSACT_REQ req;
        char data[8];
    } trailing;
    FspFileSystemStartDispatcher(t->fs, 2);
    c = open_file(t, u"\\f", FILE_CREATE, 0);
    req_write(&r, c, 0, NULL, 5, 0);
    CHECK_EQUAL(ask_data(t, &r, &q, "hello", &size), STATUS_SUCCESS);
    memset(&trailing, 0, sizeof trailing); /* data behind the request */
    trailing.req.Size = 88;
    trailing.req.Kind = FspFsctlTransactWriteKind;
    trailing.req.Req.Write.UserContext = c;
    trailing.req.Req.Write.Offset = 5;
    trailing.req.Req.Write.Length = 3;
    memcpy(trailing.data, "...", 3);
    CHECK_EQUAL(FspLinuxScriptSubmit(t->fs->VolumeHandle, &trailing, sizeof trailing, &ticket), STATUS_SUCCESS);
    CHECK_EQUAL(FspLinuxScriptWait(t->fs->VolumeHandle, ticket, 5000, &q, &room), STATUS_SUCCESS);
    CHECK_EQUAL(q.rsp.Hint, ticket);
    req_read(&r, c, 0, 16, NULL);
    size = sizeof data;
    CHECK_EQUAL(ask_data(t, &r, &q, data, &size), STATUS_SUCCESS);
    CHECK_EQUAL(size, 8);
    CHECK(memcmp(data, "hello...", 8) == 0);
    req_read(&r, c, 0, 4, data); /* the caller's own memory */
    CHECK_EQUAL(ask(t, &r, &q), STATUS_SUCCESS);
    CHECK(memcmp(data, "hell", 4) == 0);
    CHECK_EQUAL(FspLinuxOpenHandles(t->fs), 1);
    close_file(t, c);
    CHECK_EQUAL(FspLinuxOpenHandles(t->fs), 0);
    r.req.Size = 40;
    CHECK_EQUAL(FspLinuxScriptSubmit(t->fs->VolumeHandle, &r, 88, &ticket), STATUS_INVALID_PARAMETER);
    r.req.Size = 200;
    CHECK_EQUAL(FspLinuxScriptSubmit(t->fs->VolumeHandle, &r, 100, &ticket), STATUS_INVALID_PARAMETER);
    CHECK_EQUAL(FspLinuxScriptForget(t->fs->VolumeHandle, 99), STATUS_INVALID_PARAMETER);
    req_context(&r, 25, 0); /* a kind that nobody knows */
    CHECK_EQUAL(ask(t, &r, &q), STATUS_INVALID_DEVICE_REQUEST);
    expect_no_violations(t->fs);
    FspFileSystemStopDispatcher(t->fs);
    testfs_delete(t);
}

static void forgetting(void)
{
    TESTFS *t = testfs_new(NULL);
    UINT64 ticket;
    UINT32 room = sizeof q;
    FspFsctlTransact(t->fs->VolumeHandle, NULL, 0, NULL, NULL, 0);
    req_read(&r, 1, 0, 4096, NULL);
    FspLinuxScriptSubmit(t->fs->VolumeHandle, &r, r.req.Size, &ticket);
    CHECK_EQUAL(FspLinuxPendingRequests(t->fs), 1);
    CHECK_EQUAL(FspLinuxScriptForget(t->fs->VolumeHandle, ticket), STATUS_SUCCESS); /* before its answer */
    CHECK_EQUAL(FspLinuxScriptForget(t->fs->VolumeHandle, ticket), STATUS_INVALID_PARAMETER);
    CHECK_EQUAL(FspLinuxScriptWait(t->fs->VolumeHandle, ticket, 0, &q, &room), STATUS_INVALID_PARAMETER);
    FspLinuxScriptSubmit(t->fs->VolumeHandle, &r, r.req.Size, &ticket);
    testfs_delete(t); /* with one pending */
}

static void names_outside(void)
{
    /* Names and descriptors that do not lie inside the request: the library itself never reads them. */
    TESTFS *t = testfs_new(NULL);
    FspFileSystemStartDispatcher(t->fs, 2);
    FspFileSystemSetOperationF(t->fs, FspFsctlTransactCreateKind, NULL);
    req_create(&r, u"\\f", FILE_OPEN, 0, FILE_READ_DATA);
    r.req.FileName.Size = 6000;
    r.req.Req.Create.SecurityDescriptor.Offset = 60000;
    r.req.Req.Create.SecurityDescriptor.Size = 5000;
    CHECK_EQUAL(ask(t, &r, &q), STATUS_INVALID_DEVICE_REQUEST);
    char text[500];
    request_describe(&r.req, text, sizeof text);
    CHECK(strstr(text, "name") == NULL);
    FspFileSystemDelete(t->fs); /* with its dispatcher running: stopped first */
    CHECK_EQUAL(violations_with(NULL, "dispatcher running"), 1);
    t->fs = NULL;
    testfs_delete(t);
}

static void *wait_for(void *argument)
{
    UINT64 *ticket = argument;
    TESTFS *t = (TESTFS *)(uintptr_t)ticket[1];
    static _Thread_local RESPONSE mine;
    UINT32 room = sizeof mine;
    return (void *)(intptr_t)FspLinuxScriptWait(t->fs->VolumeHandle, ticket[0], 3000, &mine, &room);
}

static void holding(void)
{
    /* The answer to the first blocks its delivery until the second was answered: with one serving thread nothing would
     * move. */
    TESTFS *t = testfs_new(NULL);
    UINT64 first, second, argument[2];
    pthread_t waiter;
    void *result;
    FspFsctlTransact(t->fs->VolumeHandle, NULL, 0, NULL, NULL, 0);
    req_context(&r, FspFsctlTransactQueryVolumeInformationKind, 0);
    FspLinuxScriptSubmit(t->fs->VolumeHandle, &r, r.req.Size, &first);
    FspLinuxScriptSubmit(t->fs->VolumeHandle, &r, r.req.Size, &second);
    CHECK_EQUAL(FspLinuxScriptHold(t->fs->VolumeHandle, first, second), STATUS_SUCCESS);
    argument[0] = first;
    argument[1] = (UINT64)(uintptr_t)t;
    pthread_create(&waiter, NULL, wait_for, argument);
    FspFileSystemStartDispatcher(t->fs, 2);
    pthread_join(waiter, &result);
    CHECK_EQUAL((intptr_t)result, STATUS_SUCCESS);
    FspFileSystemStopDispatcher(t->fs);
    testfs_delete(t);
}

static atomic_int stoppedNormally = -1;
static void dispatcher_stopped(FSP_FILE_SYSTEM *fs, BOOLEAN normally) { stoppedNormally = normally; }

static atomic_int contextsRight, guards;
static NTSTATUS look_at_context(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FSP_FILE_SYSTEM_OPERATION_CONTEXT *context = FspFileSystemGetOperationContext();
    contextsRight = context != NULL && context->Request == req && context->Response == rsp &&
                    FspFileSystemOperationProcessIdF() == 0;
    return STATUS_DISK_FULL;
}
static NTSTATUS refuse(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    guards++;
    return STATUS_ACCESS_DENIED;
}
static NTSTATUS left(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    guards += 100;
    return STATUS_SUCCESS;
}

static void dispatcher(void)
{
    TESTFS *t = testfs_new(NULL);
    NTSTATUS result;
    t->interface.DispatcherStopped = dispatcher_stopped;
    CHECK(FspFileSystemGetOperationContext() == NULL);
    FspFileSystemStopDispatcher(t->fs); /* never started: nothing */
    CHECK_EQUAL(FspFileSystemStartDispatcher(t->fs, 1), STATUS_SUCCESS);
    CHECK_EQUAL(t->fs->DispatcherThreadCount, 2);
    CHECK_EQUAL(FspFileSystemStartDispatcher(t->fs, 1), STATUS_INVALID_PARAMETER);
    FspFileSystemSetOperationF(t->fs, FspFsctlTransactQueryInformationKind, look_at_context);
    req_context(&r, FspFsctlTransactQueryInformationKind, 1);
    CHECK_EQUAL(ask(t, &r, &q), STATUS_DISK_FULL);
    CHECK_EQUAL(contextsRight, 1);
    FspFileSystemSetOperationGuardF(t->fs, refuse, left);
    CHECK_EQUAL(ask(t, &r, &q), STATUS_ACCESS_DENIED);
    CHECK_EQUAL(guards, 1); /* no Leave after a failing Enter */
    FspFileSystemSetOperationGuardF(t->fs, NULL, NULL);
    CHECK_EQUAL(ask(t, &r, &q), STATUS_DISK_FULL);
    FspFileSystemSetOperationGuardF(t->fs, FspFileSystemOpEnter, FspFileSystemOpLeave);
    FspFileSystemSetOperationGuardStrategyF(t->fs, FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY_COARSE);
    CHECK_EQUAL(ask(t, &r, &q), STATUS_DISK_FULL);
    FspFileSystemStopDispatcher(t->fs);
    CHECK_EQUAL(stoppedNormally, 1);
    FspFileSystemGetDispatcherResultF(t->fs, &result);
    CHECK_EQUAL(result, STATUS_CANCELLED);
    FspFileSystemSetDispatcherResultF(t->fs, STATUS_DISK_FULL); /* the first failure stays */
    FspFileSystemGetDispatcherResultF(t->fs, &result);
    CHECK_EQUAL(result, STATUS_CANCELLED);
    testfs_delete(t);

    t = testfs_new(NULL); /* the volume goes by itself */
    t->interface.DispatcherStopped = dispatcher_stopped;
    FspFileSystemStartDispatcher(t->fs, 3);
    volume_mount_gone(t->fs->VolumeHandle);
    for (int i = 0; i < 2000 && stoppedNormally != 0; i++)
        platform_sleep_ms(1);
    CHECK_EQUAL(stoppedNormally, 0);
    FspFileSystemStopDispatcher(t->fs);
    testfs_delete(t);
}

static void too_large_answer(void)
{
    /* A big descriptor and a long normalised name: the name counts twice, the answer outgrows 16384 and is replaced;
     * nobody closes the file. */
    TESTFS *t = testfs_new(NULL);
    WCHAR name[300];
    INODE *n, *root = testfs_find(t, u"\\");
    UINT16 listSize = 15500;
    UINT32 owner = 20 + 15500;
    name[0] = '\\';
    for (int i = 1; i < 290; i++)
        name[i] = 'a';
    name[290] = 0;
    n = testfs_add(t, name, FILE_ATTRIBUTE_ARCHIVE);
    memset(n->sd, 0, sizeof n->sd);
    memcpy(n->sd, root->sd, 72);
    memcpy(n->sd + 22, &listSize, 2);
    memcpy(n->sd + 4, &owner, 4);
    memset(n->sd + 8, 0, 4);
    memcpy(n->sd + owner, root->sd + 72, 16);
    n->sdSize = owner + 16;
    t->normalize = 1;
    FspFileSystemStartDispatcher(t->fs, 2);
    req_create(&r, name, FILE_OPEN, 0, FILE_READ_DATA);
    r.req.Req.Create.AcceptsSecurityDescriptor = 1;
    CHECK_EQUAL(ask(t, &r, &q), STATUS_INVALID_DEVICE_REQUEST);
    CHECK_EQUAL(n->open, 1);
    CHECK_EQUAL(violations_with(t->fs, "the answer grew"), 1);
    r.req.Req.Create.AcceptsSecurityDescriptor = 0;
    CHECK_EQUAL(ask(t, &r, &q), STATUS_SUCCESS);
    FspFileSystemStopDispatcher(t->fs);
    testfs_delete(t);
}

static void options(void)
{
    TESTFS *t = testfs_new(NULL);
    CHECK_EQUAL(FspLinuxSetOption(t->fs, "spin_us", 7), STATUS_SUCCESS);
    CHECK_EQUAL(volume_option(t->fs->VolumeHandle, OPTION_SPIN_US), 7);
    CHECK_EQUAL(FspLinuxSetOption(t->fs, "no such", 7), STATUS_INVALID_PARAMETER);
    CHECK_EQUAL(FspLinuxSetOption(NULL, NULL, 7), STATUS_INVALID_PARAMETER);
    CHECK_EQUAL(FspLinuxCompletionsNest(), 0);
    CHECK_EQUAL(FspFileSystemSetMountPoint(t->fs, NULL), STATUS_INVALID_PARAMETER);
    CHECK(FspFileSystemMountPointF(t->fs) == NULL);
    FspFileSystemRemoveMountPoint(t->fs);
    testfs_delete(t);
}

int main(void)
{
    RUN(transfer_buffers);
    RUN(forgetting);
    RUN(names_outside);
    RUN(holding);
    RUN(dispatcher);
    RUN(too_large_answer);
    RUN(options);
    return RESULT();
}
