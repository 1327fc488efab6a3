/* Each strict check catches a host that is wrong in just that respect, and says nothing about one that is right. */
#include "testfs/testfs.h"

static REQUEST r;
static RESPONSE q;

static TESTFS *start(void)
{
    TESTFS *t = testfs_new(NULL);
    INODE *root = testfs_find(t, u"\\");
    testfs_sd(testfs_add(t, u"\\d", FILE_ATTRIBUTE_DIRECTORY), root->sd, root->sdSize);
    testfs_add(t, u"\\d\\one", 0);
    testfs_add(t, u"\\d\\two", 0);
    testfs_add(t, u"\\d\\three", 0);
    t->normalize = 1;
    FspFileSystemStartDispatcher(t->fs, 2);
    return t;
}

static void finish(TESTFS *t)
{
    FspFileSystemStopDispatcher(t->fs);
    testfs_delete(t);
}

/* A bit of everything that a right host does right. */
static void use(TESTFS *t)
{
    UINT64 c, d, root;
    static const char data[5000] = "data";
    UINT32 size = sizeof data;
    req_create(&r, u"\\F", FILE_OVERWRITE_IF, 0, FILE_GENERIC_READ | FILE_GENERIC_WRITE);
    ask(t, &r, &q);
    c = q.rsp.Rsp.Create.Opened.UserContext;
    req_set_size(&r, c, FileEndOfFileInformation, 5000);
    ask(t, &r, &q);
    req_write(&r, c, 0, NULL, 5000, 1);
    ask_data(t, &r, &q, (void *)data, &size);
    req_write(&r, c, UINT64_MAX, NULL, 10, 0);
    ask_data(t, &r, &q, (void *)data, (size = 10, &size));
    req_read(&r, c, 0, 100, NULL);
    ask(t, &r, &q);
    req_read(&r, c, 5010, 100, NULL);
    ask(t, &r, &q);
    req_context(&r, FspFsctlTransactQueryInformationKind, c);
    ask(t, &r, &q);
    req_context(&r, FspFsctlTransactFlushBuffersKind, c);
    ask(t, &r, &q);
    req_context(&r, FspFsctlTransactQuerySecurityKind, c);
    ask(t, &r, &q);
    req_context(&r, FspFsctlTransactQueryVolumeInformationKind, 0);
    ask(t, &r, &q);
    root = open_file(t, u"\\", FILE_OPEN, FILE_DIRECTORY_FILE);
    d = open_file(t, u"\\d", FILE_OPEN, FILE_DIRECTORY_FILE);
    req_list(&r, root, NULL, NULL, 4096, NULL);
    ask(t, &r, &q);
    req_list(&r, d, NULL, NULL, 370, NULL); /* `.`, `..`, one */
    ask(t, &r, &q);
    req_list(&r, d, NULL, u"one", 4096, NULL);
    ask(t, &r, &q);
    close_file(t, open_file(t, u"\\f", FILE_OPEN, 0));
    req_context(&r, FspFsctlTransactOverwriteKind, c);
    ask(t, &r, &q);
    close_file(t, root);
    close_file(t, d);
    close_file(t, c);
}

static void right_host(void)
{
    TESTFS *t = start();
    use(t);
    use(t);
    expect_no_violations(t->fs);
    CHECK_EQUAL(FspLinuxOpenHandles(t->fs), 0);
    CHECK_EQUAL(FspLinuxPendingRequests(t->fs), 0);
    finish(t);
}

#define CATCHES(fault, text) \
    do { \
        TESTFS *t = start(); \
        t->faults.fault = 1; \
        use(t); \
        if (violations_with(t->fs, text) == 0) { \
            fprintf(stderr, "not caught: %s\n", #fault); \
            CHECK(!"caught"); \
        } \
        CHECK(FspLinuxViolationCount(NULL) >= FspLinuxViolationCount(t->fs)); \
        finish(t); \
    } while (0)

static void wrong_hosts(void)
{
    CATCHES(smallFileSize, "after setting it to");
    CATCHES(unroundedAllocation, "multiple of the allocation unit");
    CATCHES(tooSmallAllocation, "is less than FileSize");
    CATCHES(zeroTimes, "time of zero");
    CATCHES(hardLinks, "HardLinks");
    CATCHES(zeroIndex, "IndexNumber is 0");
    CATCHES(sharedIndex, "which is open");
    CATCHES(changingIndex, "IndexNumber changed");
    CATCHES(contextZero, "the context is 0");
    CATCHES(newContextEachOpen, "which is open");
    CATCHES(emptyInfo, "was not filled");
    CATCHES(emptyWriteInfo, "was not filled");
    CATCHES(informationTooLarge, "bytes read into");
    CATCHES(readZeroAtEnd, "END_OF_FILE");
    CATCHES(shortWrite, "short write");
    CATCHES(markerRepeats, "is the marker itself");
    CATCHES(duplicateNames, "has shown before");
    CATCHES(dotsInRoot, "in the root");
    CATCHES(noDots, "must be `.`");
    CATCHES(recordSize, "has Size 50");
    CATCHES(wrongNormalizedName, "normalised name differs");
    CATCHES(emptyAccessList, "has no entry");
    CATCHES(invalidDescriptor, "is not valid");
    CATCHES(wrongDirectoryBit, "DIRECTORY bit");
    CATCHES(sizeForgottenInFlush, "but nothing has changed it");
    CATCHES(wrongTag, "ReparseTag");
    CATCHES(backslashName, "a separator in it");
    CATCHES(freeAboveTotal, "more than TotalSize");
}

/* A host with its own loop, answering wrongly. */
static UINT64 open_stream(TESTFS *t, const WCHAR *path, UINT16 colonUnits)
{
    req_create(&r, path, FILE_OPEN, 0, FILE_GENERIC_READ);
    r.req.Req.Create.NamedStream = (UINT16)(colonUnits * sizeof(WCHAR));
    ask(t, &r, &q);
    return q.rsp.Rsp.Create.Opened.UserContext;
}

/* A stream has its file's index number, and is no directory. */
static void streams(void)
{
    TESTFS *t = start();
    UINT64 file, stream, other;
    t->faults.sharedIndex = 1;
    file = open_file(t, u"\\d\\one", FILE_OPEN, 0);
    stream = open_stream(t, u"\\d\\two", 6);
    expect_no_violations(t->fs);
    other = open_file(t, u"\\d\\three", FILE_OPEN, 0);
    CHECK_EQUAL(violations_with(t->fs, "which is open"), 1);
    close_file(t, other);
    close_file(t, stream);
    close_file(t, file);
    close_file(t, open_stream(t, u"\\d", 2));
    CHECK_EQUAL(violations_with(t->fs, "a stream has the attribute DIRECTORY"), 1);
    finish(t);
}

static NTSTATUS loop_once(TESTFS *t, FSP_FSCTL_TRANSACT_REQ *req)
{
    SIZE_T size = FSP_FSCTL_TRANSACT_REQ_SIZEMAX;
    return FspFsctlTransact(t->fs->VolumeHandle, NULL, 0, req, &size, 0);
}

static void wrong_answers(void)
{
    TESTFS *t = testfs_new(NULL);
    HANDLE v = t->fs->VolumeHandle;
    static REQUEST got;
    static RESPONSE a;
    UINT64 ticket;
    UINT32 room;
    struct {
        UINT32 kind, size, status, room;
        const char *text;
    } cases[] = {
        {12, 132, 0, 136, "not rounded up to 8"},
        {12, 16392, 0, 16392, "16384 is the most"},
        {12, 136, 0, 128, "does not fit"},
        {12, 64, 0, 128, "less than 128"},
        {7, 128, 0, 128, "answered as QueryInformation"},
        {12, 128, STATUS_PENDING, 128, "becomes INTERNAL_ERROR"},
        {12, 136, (UINT32)STATUS_DISK_FULL, 136, "a failure with"},
    };
    FspFsctlTransact(v, NULL, 0, NULL, NULL, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        req_context(&r, FspFsctlTransactQueryVolumeInformationKind, 0);
        FspLinuxScriptSubmit(v, &r, r.req.Size, &ticket);
        loop_once(t, &got.req);
        memset(&a, 0, sizeof a);
        a.rsp.Size = (UINT16)cases[i].size;
        a.rsp.Kind = cases[i].kind;
        a.rsp.Hint = got.req.Hint;
        a.rsp.IoStatus.Status = cases[i].status;
        FspFsctlTransact(v, &a, cases[i].room, NULL, NULL, 0);
        CHECK_EQUAL(violations_with(t->fs, cases[i].text), 1);
        a.rsp.Size = 128; /* so that nothing hangs on */
        a.rsp.Kind = 12;
        a.rsp.IoStatus.Status = 0;
        FspFsctlTransact(v, &a, 128, NULL, NULL, 0);
    }
    CHECK(violations_with(t->fs, "answered twice") >= 4);
    req_context(&r, FspFsctlTransactQueryVolumeInformationKind, 0);
    FspLinuxScriptSubmit(v, &r, r.req.Size, &ticket);
    loop_once(t, &got.req);
    FspFsctlStop(v);
    CHECK_EQUAL(violations_with(t->fs, "never answered"), 1);
    room = sizeof a;
    CHECK_EQUAL(FspLinuxScriptWait(v, ticket, 0, &a, &room), STATUS_SUCCESS);
    testfs_delete(t);
}

static void stale_contexts(void)
{
    TESTFS *t = start();
    UINT64 c = open_file(t, u"\\d\\one", FILE_OPEN, 0);
    testfs_find(t, u"\\d\\one")->size = 3;
    testfs_find(t, u"\\d\\one")->bytes = calloc(1, 8);
    close_file(t, c);
    req_read(&r, c, 0, 10, NULL);
    CHECK_EQUAL(ask(t, &r, &q), STATUS_INVALID_HANDLE);
    expect_no_violations(t->fs);
    t->faults.staleSuccess = 1;
    CHECK_EQUAL(ask(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(violations_with(t->fs, "closed for the last time"), 1);
    finish(t);
}

/* The dispatcher's response buffer, touched after STATUS_PENDING. */
static FSP_FSCTL_TRANSACT_RSP *_Atomic remembered;
static NTSTATUS pending_op(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    remembered = rsp;
    return STATUS_PENDING;
}

/* What a wrong host does, a data race by its nature: out of ThreadSanitizer's sight. */
__attribute__((no_sanitize("thread"))) static void touch_response(FSP_FSCTL_TRANSACT_RSP *rsp) { rsp->Buffer[9] = 1; }

static void touched_after_pending(void)
{
    for (int touch = 0; touch < 2; touch++) {
        TESTFS *t = start();
        UINT64 ticket;
        UINT32 room = sizeof q;
        FspFileSystemSetOperationF(t->fs, FspFsctlTransactQueryInformationKind, pending_op);
        req_context(&r, FspFsctlTransactQueryInformationKind, 2);
        remembered = NULL;
        FspLinuxScriptSubmit(t->fs->VolumeHandle, &r, r.req.Size, &ticket);
        while (remembered == NULL)
            platform_sleep_ms(1);
        platform_sleep_ms(30); /* until the dispatcher has seen STATUS_PENDING */
        if (touch)
            touch_response(remembered);
        memset(&q, 0, sizeof q.rsp);
        q.rsp.Size = 128;
        q.rsp.Kind = FspFsctlTransactQueryInformationKind;
        q.rsp.Hint = ticket;
        q.rsp.IoStatus.Status = (UINT32)STATUS_ACCESS_DENIED;
        FspFileSystemSendResponse(t->fs, &q.rsp);
        CHECK_EQUAL(FspLinuxScriptWait(t->fs->VolumeHandle, ticket, 1000, &q, &room), STATUS_SUCCESS);
        FspFileSystemStopDispatcher(t->fs);
        CHECK_EQUAL(violations_with(t->fs, "after STATUS_PENDING"), touch);
        testfs_delete(t);
    }
}

static void touched_after_answer(void)
{
    TESTFS *t = testfs_new(NULL);
    HANDLE v = t->fs->VolumeHandle;
    static REQUEST got;
    UINT64 ticket;
    FspFsctlTransact(v, NULL, 0, NULL, NULL, 0);
    req_read(&r, 1, 0, 100, NULL);
    FspLinuxScriptSubmit(v, &r, r.req.Size, &ticket);
    loop_once(t, &got.req);
    memset(&q.rsp, 0, sizeof q.rsp);
    q.rsp.Size = 128;
    q.rsp.Kind = FspFsctlTransactReadKind;
    q.rsp.Hint = ticket;
    q.rsp.IoStatus.Status = (UINT32)STATUS_END_OF_FILE;
    FspFsctlTransact(v, &q, 128, NULL, NULL, 0);
    ((UINT8 *)(uintptr_t)got.req.Req.Read.Address)[5] = 1;
    FspLinuxScriptForget(v, ticket);
    CHECK_EQUAL(violations_with(t->fs, "after the answer"), 1);
    testfs_delete(t);
}

/* ---- completions that nest ---- */

static TESTFS *served;
static atomic_int serving;

static void *serve_inline(void *deliverApart)
{
    REQUEST *got = malloc(sizeof *got);
    RESPONSE *a = malloc(sizeof *a);
    a->rsp.Size = 0;
    while (serving) {
        SIZE_T size = FSP_FSCTL_TRANSACT_REQ_SIZEMAX;
        NTSTATUS status =
            FspFsctlTransact(served->fs->VolumeHandle, a->rsp.Size ? a : NULL, a->rsp.Size, got, &size, 0);
        a->rsp.Size = 0;
        if (status != STATUS_SUCCESS)
            break;
        if (size == 0)
            continue;
        memset(&a->rsp, 0, sizeof a->rsp);
        a->rsp.Size = 128;
        a->rsp.Kind = got->req.Kind;
        a->rsp.Hint = got->req.Hint;
        status = served->fs->Operations[got->req.Kind](served->fs, &got->req, &a->rsp);
        a->rsp.IoStatus.Status = (UINT32)status;
        a->rsp.Size = (UINT16)FSP_FSCTL_DEFAULT_ALIGN_UP(a->rsp.Size);
    }
    free(got);
    free(a);
    return NULL;
}

static void second_receiver(void)
{
    static const UINT8 sizes[2] = {1, 2};
    for (int i = 0; i < 2; i++) {
        pthread_t threads[2];
        UINT64 c;
        served = testfs_new(NULL);
        FspLinuxSetOption(served->fs, "hold_completion", 1);
        FspLinuxSetOption(served->fs, "hold_timeout_ms", 300);
        FspFsctlTransact(served->fs->VolumeHandle, NULL, 0, NULL, NULL, 0);
        serving = 1;
        for (int n = 0; n < sizes[i]; n++)
            pthread_create(&threads[n], NULL, serve_inline, NULL);
        c = open_file(served, u"\\f", FILE_CREATE, 0);
        req_rename(&r, c, u"\\f", u"\\g", 0);
        CHECK_EQUAL(ask(served, &r, &q), STATUS_SUCCESS);
        CHECK_EQUAL(violations_with(served->fs, "no receiver took"), sizes[i] == 1);
        req_set_size(&r, c, FileEndOfFileInformation, 4096); /* a whole page: never nests */
        CHECK_EQUAL(ask(served, &r, &q), STATUS_SUCCESS);
        CHECK_EQUAL(violations_with(served->fs, "no receiver took"), sizes[i] == 1);
        req_read(&r, c, 0, 4096, NULL);
        CHECK_EQUAL(ask(served, &r, &q), STATUS_SUCCESS);
        req_set_size(&r, c, FileEndOfFileInformation, 100); /* may zero the tail of a mapped page */
        CHECK_EQUAL(ask(served, &r, &q), STATUS_SUCCESS);
        CHECK_EQUAL(violations_with(served->fs, "no receiver took"), sizes[i] == 1 ? 2 : 0);
        close_file(served, c);
        FspFsctlStop0(served->fs->VolumeHandle);
        for (int n = 0; n < sizes[i]; n++)
            pthread_join(threads[n], NULL);
        testfs_delete(served);
    }
}

static void directory_rename(void)
{
    /* One thread delivers the rename and blocks in it; a Cleanup that the only other thread delivers needs the mutex of
       the rename, and so the nested request finds no receiver. */
    pthread_t threads[2];
    UINT64 d, f, ticket1, ticket2;
    UINT32 room = sizeof q;
    served = testfs_new(NULL);
    FspLinuxSetOption(served->fs, "hold_completion", 1);
    FspLinuxSetOption(served->fs, "hold_timeout_ms", 400);
    FspFsctlTransact(served->fs->VolumeHandle, NULL, 0, NULL, NULL, 0);
    serving = 1;
    for (int n = 0; n < 2; n++)
        pthread_create(&threads[n], NULL, serve_inline, NULL);
    d = open_file(served, u"\\d", FILE_CREATE, FILE_DIRECTORY_FILE);
    f = open_file(served, u"\\f", FILE_CREATE, 0);
    /* the order is up to the threads: seen at least once is what matters, and that nothing hangs */
    for (int round = 0; round < 20; round++) {
        req_rename(&r, d, u"\\d", u"\\e", 0);
        FspLinuxScriptSubmit(served->fs->VolumeHandle, &r, r.req.Size, &ticket1);
        req_context(&r, FspFsctlTransactCleanupKind, f);
        FspLinuxScriptSubmit(served->fs->VolumeHandle, &r, r.req.Size, &ticket2);
        CHECK_EQUAL(
            FspLinuxScriptWait(served->fs->VolumeHandle, ticket1, 5000, &q, (room = sizeof q, &room)), STATUS_SUCCESS);
        CHECK_EQUAL(
            FspLinuxScriptWait(served->fs->VolumeHandle, ticket2, 5000, &q, (room = sizeof q, &room)), STATUS_SUCCESS);
        FspLinuxScriptForget(served->fs->VolumeHandle, ticket1);
        FspLinuxScriptForget(served->fs->VolumeHandle, ticket2);
        if (FspLinuxViolationCount(served->fs) != 0)
            break;
    }
    CHECK(FspLinuxViolationCount(served->fs) != 0);
    FspFsctlStop0(served->fs->VolumeHandle);
    for (int n = 0; n < 2; n++)
        pthread_join(threads[n], NULL);
    testfs_delete(served);
}

int main(void)
{
    RUN(right_host);
    RUN(wrong_hosts);
    RUN(streams);
    RUN(wrong_answers);
    RUN(stale_contexts);
    RUN(touched_after_pending);
    RUN(touched_after_answer);
    RUN(second_receiver);
    RUN(directory_rename);
    return RESULT();
}
