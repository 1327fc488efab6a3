/* Opening: Create in all its forms, its checks, Overwrite, Cleanup, Close. */
#include "testfs/testfs.h"

static REQUEST r;
static RESPONSE q;

static UINT64 made(TESTFS *t, const WCHAR *path, UINT32 disposition, UINT32 options, NTSTATUS expected,
    UINT32 information, const char *log)
{
    req_create(&r, path, disposition, options, FILE_GENERIC_READ);
    NTSTATUS status = op(t, &r, &q);
    CHECK_EQUAL(status, expected);
    if (log != NULL && strcmp(log, t->log) != 0) {
        fprintf(stderr, "calls: %s, expected: %s\n", t->log, log);
        CHECK(!"calls in order");
    }
    CHECK_EQUAL(q.rsp.IoStatus.Information, NT_SUCCESS(expected) ? information : 0);
    if (!NT_SUCCESS(expected))
        CHECK_EQUAL(q.rsp.Size, 128);
    return q.rsp.Rsp.Create.Opened.UserContext;
}

static void dispositions(void)
{
    TESTFS *t = testfs_new(NULL);
    UINT64 c = made(t, u"\\a", FILE_CREATE, 0, STATUS_SUCCESS, FILE_CREATED, "GetSecurityByName Create ");
    CHECK(c != 0);
    CHECK(q.rsp.Rsp.Create.Opened.HasSecurityDescriptor);
    CHECK_EQUAL(q.rsp.Size, 128 + q.rsp.Rsp.Create.Opened.SecurityDescriptor.Size);
    CHECK_EQUAL(t->lastOptions >> 24, FILE_CREATE);
    CHECK_EQUAL(made(t, u"\\A", FILE_OPEN, 0, STATUS_SUCCESS, FILE_OPENED, "GetSecurityByName Open "), c);
    CHECK(!q.rsp.Rsp.Create.Opened.HasSecurityDescriptor);
    made(t, u"\\a", FILE_CREATE, 0, STATUS_OBJECT_NAME_COLLISION, 0, "GetSecurityByName Create GetAttributesByName ");
    made(t, u"\\a", FILE_OPEN_IF, 0, STATUS_SUCCESS, FILE_OPENED, "GetSecurityByName Open ");
    made(t, u"\\b", FILE_OPEN_IF, 0, STATUS_SUCCESS, FILE_CREATED, "GetSecurityByName GetSecurityByName Create ");
    made(t, u"\\a", FILE_OVERWRITE, 0, STATUS_SUCCESS, FILE_OVERWRITTEN, "GetSecurityByName Open ");
    /* the WRITE_DATA of the check is gone again */
    CHECK_EQUAL(q.rsp.Rsp.Create.Opened.GrantedAccess, FILE_GENERIC_READ);
    made(t, u"\\c", FILE_OVERWRITE, 0, STATUS_OBJECT_NAME_NOT_FOUND, 0, "GetSecurityByName ");
    made(t, u"\\c", FILE_OVERWRITE_IF, 0, STATUS_SUCCESS, FILE_CREATED, "GetSecurityByName GetSecurityByName Create ");
    CHECK(!q.rsp.Rsp.Create.Opened.HasSecurityDescriptor);
    made(t, u"\\c", FILE_OVERWRITE_IF, 0, STATUS_SUCCESS, FILE_OVERWRITTEN, "GetSecurityByName Open ");
    made(t, u"\\c", FILE_SUPERSEDE, 0, STATUS_SUCCESS, FILE_SUPERSEDED, "GetSecurityByName Open ");
    made(t, u"\\d", FILE_SUPERSEDE, 0, STATUS_SUCCESS, FILE_CREATED, NULL);
    made(t, u"\\x\\y", FILE_CREATE, 0, STATUS_OBJECT_PATH_NOT_FOUND, 0, "GetSecurityByName ");
    made(t, u"\\x\\y", FILE_OPEN, 0, STATUS_OBJECT_PATH_NOT_FOUND, 0, NULL);
    made(t, u"\\x\\y", FILE_OPEN_IF, 0, STATUS_OBJECT_PATH_NOT_FOUND, 0, NULL);
    made(t, u"\\a\\y", FILE_CREATE, 0, STATUS_NOT_A_DIRECTORY, 0, "GetSecurityByName ");
    made(t, u"\\a", 6, 0, STATUS_INVALID_PARAMETER, 0, "");
    made(t, u"\\dir", FILE_CREATE, FILE_DIRECTORY_FILE, STATUS_SUCCESS, FILE_CREATED, NULL);
    made(t, u"\\dir", FILE_CREATE, FILE_NON_DIRECTORY_FILE, STATUS_FILE_IS_A_DIRECTORY, 0, NULL);
    made(t, u"\\dir", FILE_OPEN, FILE_NON_DIRECTORY_FILE, STATUS_FILE_IS_A_DIRECTORY, 0, NULL);
    made(t, u"\\a", FILE_OPEN, FILE_DIRECTORY_FILE, STATUS_NOT_A_DIRECTORY, 0, NULL);
    made(t, u"\\", FILE_OPEN, 0, STATUS_SUCCESS, FILE_OPENED, NULL);
    req_create(&r, u"\\a", FILE_OPEN, 0, FILE_GENERIC_READ);
    r.req.Req.Create.HasTrailingBackslash = 1;
    CHECK_EQUAL(op(t, &r, &q), STATUS_OBJECT_NAME_INVALID);
    testfs_delete(t);
}

static void without_look_up(void)
{
    TESTFS *t = testfs_new(NULL);
    t->interface.GetSecurityByName = NULL;
    made(t, u"\\a", FILE_OPEN_IF, 0, STATUS_SUCCESS, FILE_CREATED, "Open Create ");
    CHECK_EQUAL(t->lastSdSize != 0, 1);
    made(t, u"\\a", FILE_OPEN_IF, 0, STATUS_SUCCESS, FILE_OPENED, "Open ");
    req_create(&r, u"\\a", FILE_OPEN, 0, MAXIMUM_ALLOWED);
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(q.rsp.Rsp.Create.Opened.GrantedAccess, FILE_ALL_ACCESS);
    req_create(&r, u"\\a", FILE_OPEN, 0, FILE_READ_DATA);
    r.req.Req.Create.OpenTargetDirectory = 1;
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(q.rsp.IoStatus.Information, FILE_OPENED);
    t->interface.Open = NULL;
    made(t, u"\\a", FILE_OPEN, 0, STATUS_INVALID_DEVICE_REQUEST, 0, "");
    testfs_delete(t);
}

static void target_directory(void)
{
    TESTFS *t = testfs_new(NULL);
    testfs_add(t, u"\\d", FILE_ATTRIBUTE_DIRECTORY);
    testfs_add(t, u"\\d\\f", 0);
    req_create(&r, u"\\d\\f", FILE_OPEN, 0, FILE_WRITE_DATA);
    r.req.Req.Create.OpenTargetDirectory = 1;
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK(strcmp(t->log, "GetSecurityByName Open Exists ") == 0);
    CHECK_EQUAL(q.rsp.IoStatus.Information, FILE_EXISTS);
    CHECK_EQUAL(q.rsp.Rsp.Create.Opened.UserContext, testfs_find(t, u"\\d")->context);
    req_create(&r, u"\\d\\g", FILE_OPEN, 0, FILE_WRITE_DATA);
    r.req.Req.Create.OpenTargetDirectory = 1;
    op(t, &r, &q);
    CHECK_EQUAL(q.rsp.IoStatus.Information, FILE_DOES_NOT_EXIST);
    req_create(&r, u"\\g", FILE_OPEN, 0, FILE_WRITE_DATA);
    r.req.Req.Create.OpenTargetDirectory = 1;
    op(t, &r, &q);
    CHECK_EQUAL(q.rsp.Rsp.Create.Opened.UserContext, testfs_find(t, u"\\")->context);
    testfs_delete(t);
}

static void descriptor_sizes(void)
{
    TESTFS *t = testfs_new(NULL);
    INODE *n = testfs_add(t, u"\\a", 0);
    UINT8 big[1024];
    SD_BUFFER buffer = {NULL, 0, 0};
    UINT32 attributes;
    WCHAR name[] = u"\\a";
    memset(big, 0, sizeof big);
    memcpy(big, testfs_find(t, u"\\")->sd, testfs_find(t, u"\\")->sdSize);
    testfs_sd(n, big, 1024);
    CHECK_EQUAL(security_by_name(t->fs, name, &attributes, &buffer), STATUS_SUCCESS);
    CHECK_EQUAL(t->overflows, 0);
    CHECK_EQUAL(t->capacities[0], 1024);
    buffer.size = 0; /* as after a prefix without a descriptor */
    CHECK_EQUAL(security_by_name(t->fs, name, &attributes, &buffer), STATUS_SUCCESS);
    CHECK_EQUAL(t->overflows, 1);
    CHECK_EQUAL(t->capacities[1], 0);
    CHECK_EQUAL(t->capacities[2], 1024);
    t->faults.overflowForEver = 1;
    CHECK_EQUAL(security_by_name(t->fs, name, &attributes, &buffer), STATUS_INVALID_SECURITY_DESCR);
    CHECK_EQUAL(violations_with(t->fs, "again and again"), 1);
    sd_buffer_free(&buffer);
    testfs_delete(t);
}

static void traverse(void)
{
    TESTFS *t = testfs_new(NULL);
    INODE *root = testfs_find(t, u"\\");
    testfs_sd(testfs_add(t, u"\\p", FILE_ATTRIBUTE_DIRECTORY), root->sd, root->sdSize);
    testfs_sd(testfs_add(t, u"\\p\\q", FILE_ATTRIBUTE_DIRECTORY), root->sd, root->sdSize);
    testfs_sd(testfs_add(t, u"\\p\\q\\f", 0), root->sd, root->sdSize);
    req_create(&r, u"\\p\\q\\f", FILE_OPEN, 0, FILE_READ_DATA);
    r.req.Req.Create.HasTraversePrivilege = 0;
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK(strcmp(t->log, "GetSecurityByName GetSecurityByName GetSecurityByName GetSecurityByName Open ") == 0);
    CHECK_EQUAL(t->capacities[1], root->sdSize);
    CHECK(wide_equal(request_name(&r.req, r.req.FileName), 6, u"\\p\\q\\f", 6, 1));
    req_create(&r, u"\\p\\z\\f", FILE_OPEN, 0, FILE_READ_DATA);
    r.req.Req.Create.HasTraversePrivilege = 0;
    CHECK_EQUAL(op(t, &r, &q), STATUS_OBJECT_PATH_NOT_FOUND);
    testfs_delete(t);
}

static void access_rules(void)
{
    /* O:BA D:(A;;FR;;;WD) */
    static const UINT8 readOnlySd[] = {1, 0, 4, 0x80, 48, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 2, 0, 28, 0, 1,
        0, 0, 0, 0, 0, 20, 0, 0x89, 0, 0x12, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0,
        0x20, 2, 0, 0};
    TESTFS *t = testfs_new(NULL);
    INODE *f = testfs_add(t, u"\\f", FILE_ATTRIBUTE_ARCHIVE), *ro = testfs_add(t, u"\\ro", FILE_ATTRIBUTE_READONLY);
    testfs_sd(f, readOnlySd, sizeof readOnlySd);
    req_create(&r, u"\\f", FILE_OPEN, 0, FILE_READ_DATA);
    r.req.Req.Create.AccessToken = FSP_LINUX_TOKEN_RESTRICTED;
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    r.req.Req.Create.DesiredAccess = FILE_WRITE_DATA;
    CHECK_EQUAL(op(t, &r, &q), STATUS_ACCESS_DENIED);
    r.req.Req.Create.AccessToken = FSP_LINUX_TOKEN_GRANT_ALL;
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    r.req.Req.Create.AccessToken = FSP_LINUX_TOKEN_RESTRICTED;
    r.req.Req.Create.DesiredAccess = DELETE; /* everyone has DELETE_CHILD on the root */
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(q.rsp.Rsp.Create.Opened.GrantedAccess, DELETE);
    r.req.Req.Create.DesiredAccess = MAXIMUM_ALLOWED;
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(q.rsp.Rsp.Create.Opened.GrantedAccess, FILE_GENERIC_READ);
    r.req.Req.Create.UserMode = 0;
    r.req.Req.Create.DesiredAccess = FILE_WRITE_DATA;
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK(strcmp(t->log, "Open ") == 0);

    req_create(&r, u"\\ro", FILE_OPEN, 0, FILE_WRITE_DATA);
    CHECK_EQUAL(op(t, &r, &q), STATUS_ACCESS_DENIED);
    req_create(&r, u"\\ro", FILE_OPEN, 0, MAXIMUM_ALLOWED);
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(q.rsp.Rsp.Create.Opened.GrantedAccess & (FILE_WRITE_DATA | FILE_APPEND_DATA), 0);
    req_create(&r, u"\\ro", FILE_OPEN, FILE_DELETE_ON_CLOSE, DELETE);
    CHECK_EQUAL(op(t, &r, &q), STATUS_CANNOT_DELETE);
    req_create(&r, u"\\ro", FILE_OVERWRITE, 0, FILE_READ_DATA);
    CHECK_EQUAL(op(t, &r, &q), STATUS_ACCESS_DENIED);
    req_create(&r, u"\\ro", FILE_SUPERSEDE, 0, FILE_READ_DATA);
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(q.rsp.Rsp.Create.Opened.GrantedAccess, FILE_READ_DATA);
    CHECK(ro->open > 0);
    testfs_delete(t);
}

static void overwrite_cleanup_close(void)
{
    TESTFS *t = testfs_new(NULL);
    INODE *n = testfs_add(t, u"\\a", 0);
    req_context(&r, FspFsctlTransactOverwriteKind, n->context);
    r.req.Req.Overwrite.Supersede = 1;
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(t->lastReplace, 1);
    CHECK_EQUAL(q.rsp.Rsp.Overwrite.FileInfo.IndexNumber, n->index);
    t->faults.failOverwrite = 1;
    CHECK_EQUAL(op(t, &r, &q), STATUS_ACCESS_DENIED);
    CHECK(strcmp(t->log, "Overwrite Close ") == 0);
    req_context(&r, FspFsctlTransactCleanupKind, n->context);
    r.req.Req.Cleanup.Delete = r.req.Req.Cleanup.SetAllocationSize = r.req.Req.Cleanup.SetArchiveBit = 1;
    r.req.Req.Cleanup.SetLastAccessTime = r.req.Req.Cleanup.SetLastWriteTime = r.req.Req.Cleanup.SetChangeTime = 1;
    request_add_name(&r.req, &r.req.FileName, u"\\a", 2);
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(t->lastFlags, 0xf3);
    CHECK(strcmp(t->log, "Cleanup(name) ") == 0);
    req_context(&r, FspFsctlTransactCleanupKind, n->context);
    op(t, &r, &q);
    CHECK_EQUAL(t->lastFlags, 0);
    CHECK(strcmp(t->log, "Cleanup ") == 0);
    t->interface.Cleanup = NULL;
    t->interface.Close = NULL;
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    req_context(&r, FspFsctlTransactCloseKind, n->context);
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    testfs_delete(t);
}

int main(void)
{
    RUN(dispositions);
    RUN(without_look_up);
    RUN(target_directory);
    RUN(descriptor_sizes);
    RUN(traverse);
    RUN(access_rules);
    RUN(overwrite_cleanup_close);
    return RESULT();
}
