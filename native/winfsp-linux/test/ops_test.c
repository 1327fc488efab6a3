/* Every FspFileSystemOp…: callbacks in order, Information, what comes out. */
#include "testfs.h"

static REQUEST r;
static RESPONSE q;

static UINT64 made(TESTFS *t, const WCHAR *path, UINT32 disposition, UINT32 options, NTSTATUS expected, UINT32 information, const char *log)
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
    CHECK_EQUAL(q.rsp.Rsp.Create.Opened.GrantedAccess, FILE_GENERIC_READ); /* the WRITE_DATA of the check is gone again */
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
    NODE *n = testfs_add(t, u"\\a", 0);
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
    NODE *root = testfs_find(t, u"\\");
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
    static const UINT8 readOnlySd[] = {1, 0, 4, 0x80, 48, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 2, 0, 28, 0, 1, 0, 0, 0, 0, 0, 20, 0, 0x89, 0, 0x12, 0, 1, 1,
        0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0};
    TESTFS *t = testfs_new(NULL);
    NODE *f = testfs_add(t, u"\\f", FILE_ATTRIBUTE_ARCHIVE), *ro = testfs_add(t, u"\\ro", FILE_ATTRIBUTE_READONLY);
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
    NODE *n = testfs_add(t, u"\\a", 0);
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

static void read_write(void)
{
    TESTFS *t = testfs_new(NULL);
    NODE *n = testfs_add(t, u"\\a", 0);
    char buffer[16] = "";
    n->open = 1;
    req_write(&r, n->context, 0, "hello", 5, 0);
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(q.rsp.IoStatus.Information, 5);
    CHECK_EQUAL(q.rsp.Rsp.Write.FileInfo.FileSize, 5);
    req_write(&r, n->context, UINT64_MAX, "!!", 2, 0);
    op(t, &r, &q);
    CHECK_EQUAL(n->size, 7);
    req_write(&r, n->context, 5, "abcdef", 6, 1);
    op(t, &r, &q);
    CHECK_EQUAL(q.rsp.IoStatus.Information, 2);
    CHECK_EQUAL(n->size, 7);
    req_read(&r, n->context, 0, 16, buffer);
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(q.rsp.IoStatus.Information, 7);
    CHECK(memcmp(buffer, "helloab", 7) == 0);
    req_read(&r, n->context, 7, 16, buffer);
    CHECK_EQUAL(op(t, &r, &q), STATUS_END_OF_FILE);
    t->pendingStatus = STATUS_PENDING;
    CHECK_EQUAL(op(t, &r, &q), STATUS_PENDING);
    t->pendingStatus = STATUS_REPARSE;
    CHECK_EQUAL(op(t, &r, &q), STATUS_REPARSE);
    t->interface.Read = NULL;
    CHECK_EQUAL(op(t, &r, &q), STATUS_INVALID_DEVICE_REQUEST);
    testfs_delete(t);
}

static void information(void)
{
    TESTFS *t = testfs_new(NULL);
    NODE *n = testfs_add(t, u"\\a", FILE_ATTRIBUTE_ARCHIVE), *d = testfs_add(t, u"\\d", FILE_ATTRIBUTE_DIRECTORY);
    req_context(&r, FspFsctlTransactQueryInformationKind, n->context);
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(q.rsp.Rsp.QueryInformation.FileInfo.FileAttributes, FILE_ATTRIBUTE_ARCHIVE);
    req_set_size(&r, n->context, FileEndOfFileInformation, 5000);
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(q.rsp.Rsp.SetInformation.FileInfo.AllocationSize, 8192);
    CHECK_EQUAL(t->lastAllocationFlag, 0);
    req_set_size(&r, n->context, FileAllocationInformation, 4096);
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(q.rsp.Rsp.SetInformation.FileInfo.FileSize, 4096);
    CHECK_EQUAL(t->lastAllocationFlag, 1);
    req_context(&r, FspFsctlTransactSetInformationKind, n->context);
    r.req.Req.SetInformation.FileInformationClass = FileBasicInformation;
    r.req.Req.SetInformation.Info.Basic.FileAttributes = FILE_ATTRIBUTE_READONLY;
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(q.rsp.Rsp.SetInformation.FileInfo.FileAttributes, FILE_ATTRIBUTE_READONLY);
    r.req.Req.SetInformation.FileInformationClass = 99;
    CHECK_EQUAL(op(t, &r, &q), STATUS_INVALID_DEVICE_REQUEST);

    req_context(&r, FspFsctlTransactSetInformationKind, n->context);
    r.req.Req.SetInformation.FileInformationClass = FileDispositionInformation;
    r.req.Req.SetInformation.Info.Disposition.Delete = 1;
    CHECK_EQUAL(op(t, &r, &q), STATUS_CANNOT_DELETE); /* READONLY */
    CHECK(strcmp(t->log, "") == 0);
    r.req.Req.SetInformation.FileInformationClass = FileDispositionInformationEx;
    r.req.Req.SetInformation.Info.DispositionEx.Flags = FILE_DISPOSITION_DELETE | FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE;
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK(strcmp(t->log, "CanDelete ") == 0);
    r.req.Req.SetInformation.Info.DispositionEx.Flags = 0;
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK(strcmp(t->log, "") == 0);
    testfs_add(t, u"\\d\\x", 0);
    r.req.Req.Context.UserContext = d->context;
    r.req.Req.SetInformation.Info.DispositionEx.Flags = FILE_DISPOSITION_DELETE;
    CHECK_EQUAL(op(t, &r, &q), STATUS_DIRECTORY_NOT_EMPTY);
    t->interface.CanDelete = NULL;
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS); /* neither slot: GetFileInfo's result stands */
    r.req.Req.SetInformation.Info.DispositionEx.Flags = 0;
    CHECK_EQUAL(op(t, &r, &q), STATUS_INVALID_DEVICE_REQUEST);
    testfs_delete(t);
}

static void renames(void)
{
    TESTFS *t = testfs_new(NULL);
    NODE *a = testfs_add(t, u"\\a", 0), *b = testfs_add(t, u"\\b", 0);
    req_rename(&r, a->context, u"\\a", u"\\b", 0);
    CHECK_EQUAL(op(t, &r, &q), STATUS_OBJECT_NAME_COLLISION);
    CHECK(strcmp(t->log, "Rename ") == 0);
    b->attributes = FILE_ATTRIBUTE_READONLY;
    req_rename(&r, a->context, u"\\a", u"\\b", FILE_RENAME_REPLACE_IF_EXISTS);
    CHECK_EQUAL(op(t, &r, &q), STATUS_CANNOT_DELETE);
    CHECK(strcmp(t->log, "GetSecurityByName ") == 0);
    req_rename(&r, a->context, u"\\a", u"\\b", FILE_RENAME_REPLACE_IF_EXISTS | FILE_RENAME_IGNORE_READONLY_ATTRIBUTE);
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(t->lastReplace, 1);
    req_rename(&r, a->context, u"\\b", u"\\c", 1);
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK(testfs_find(t, u"\\c") == a);
    req_context(&r, FspFsctlTransactSetInformationKind, a->context);
    r.req.Req.SetInformation.FileInformationClass = FileRenameInformation;
    request_add_name(&r.req, &r.req.FileName, u"\\c", 2);
    request_add_name(&r.req, &r.req.Req.SetInformation.Info.Rename.NewFileName, u"\\e", 2);
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(t->lastReplace, 0);
    testfs_delete(t);
}

static void directories(void)
{
    TESTFS *t = testfs_new(NULL);
    NODE *d = testfs_add(t, u"\\d", FILE_ATTRIBUTE_DIRECTORY);
    static _Alignas(8) UINT8 buffer[4096];
    FSP_FSCTL_DIR_INFO *info = (void *)buffer;
    testfs_add(t, u"\\d\\One", 0);
    req_list(&r, d->context, NULL, NULL, sizeof buffer, buffer);
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(q.rsp.IoStatus.Information, 112 + 112 + 112 + 2);
    CHECK_EQUAL(info->Size, 106);
    req_list(&r, d->context, u"ONE", NULL, sizeof buffer, buffer);
    r.req.Req.QueryDirectory.PatternIsFileName = 1;
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK(strcmp(t->log, "GetDirInfoByName ") == 0);
    CHECK_EQUAL(q.rsp.IoStatus.Information, 112 + 2);
    CHECK(wide_equal(info->FileNameBuf, 3, u"One", 3, 1));
    r.req.Req.QueryDirectory.Length = 100;
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(q.rsp.IoStatus.Information, 0);
    req_list(&r, d->context, u"NONE", NULL, sizeof buffer, buffer);
    r.req.Req.QueryDirectory.PatternIsFileName = 1;
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(q.rsp.IoStatus.Information, 2);
    t->interface.ReadDirectory = NULL;
    CHECK_EQUAL(op(t, &r, &q), STATUS_INVALID_DEVICE_REQUEST);
    testfs_delete(t);
}

static void rest(void)
{
    static const UINT8 link[] = {0x0c, 0, 0, 0xa0, 4, 0, 0, 0, 'a', 0, 'b', 0};
    TESTFS *t = testfs_new(NULL);
    NODE *n = testfs_add(t, u"\\a", 0), *root = testfs_find(t, u"\\");
    static const UINT32 missing[] = {FspFsctlTransactQueryEaKind, FspFsctlTransactSetEaKind, FspFsctlTransactDeviceControlKind, FspFsctlTransactQueryStreamInformationKind};
    for (size_t i = 0; i < 4; i++) {
        req_context(&r, missing[i], n->context);
        CHECK_EQUAL(op(t, &r, &q), STATUS_INVALID_DEVICE_REQUEST);
    }
    req_context(&r, FspFsctlTransactQueryVolumeInformationKind, 0);
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(q.rsp.Rsp.QueryVolumeInformation.VolumeInfo.TotalSize, 1000000);
    request_begin(&r.req, FspFsctlTransactSetVolumeInformationKind);
    r.req.Req.SetVolumeInformation.FsInformationClass = FileFsLabelInformation;
    request_add_name(&r.req, &r.req.Req.SetVolumeInformation.Info.Label.VolumeLabel, u"label", 5);
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(q.rsp.Rsp.SetVolumeInformation.VolumeInfo.VolumeLabelLength, 10);
    req_context(&r, FspFsctlTransactQuerySecurityKind, root->context);
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(q.rsp.Size, 128 + root->sdSize);
    CHECK_EQUAL(q.rsp.Rsp.QuerySecurity.SecurityDescriptor.Size, root->sdSize);
    req_context(&r, FspFsctlTransactSetSecurityKind, root->context);
    r.req.Req.SetSecurity.SecurityInformation = OWNER_SECURITY_INFORMATION;
    request_add_bytes(&r.req, &r.req.Req.SetSecurity.SecurityDescriptor, root->sd, root->sdSize);
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    req_context(&r, FspFsctlTransactFileSystemControlKind, n->context);
    r.req.Req.FileSystemControl.FsControlCode = FSCTL_GET_REPARSE_POINT;
    CHECK_EQUAL(op(t, &r, &q), STATUS_NOT_A_REPARSE_POINT);
    r.req.Req.FileSystemControl.FsControlCode = FSCTL_SET_REPARSE_POINT;
    request_add_bytes(&r.req, &r.req.Req.FileSystemControl.Buffer, link, sizeof link);
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    r.req.Req.FileSystemControl.FsControlCode = FSCTL_GET_REPARSE_POINT;
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(q.rsp.Rsp.FileSystemControl.Buffer.Size, sizeof link);
    req_create(&r, u"\\a", FILE_OPEN, 0, FILE_READ_DATA);
    CHECK_EQUAL(op(t, &r, &q), STATUS_INVALID_DEVICE_REQUEST); /* nobody resolves it */
    req_create(&r, u"\\a", FILE_OPEN, FILE_OPEN_REPARSE_POINT, FILE_READ_DATA);
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    req_context(&r, FspFsctlTransactFileSystemControlKind, n->context);
    r.req.Req.FileSystemControl.FsControlCode = 0x123;
    CHECK_EQUAL(op(t, &r, &q), STATUS_INVALID_DEVICE_REQUEST);
    req_context(&r, FspFsctlTransactFlushBuffersKind, 0);
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(q.rsp.Rsp.FlushBuffers.FileInfo.IndexNumber, 0);
    t->interface.Flush = NULL;
    req_context(&r, FspFsctlTransactFlushBuffersKind, n->context);
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(q.rsp.Rsp.FlushBuffers.FileInfo.IndexNumber, n->index);
    testfs_delete(t);
}

static NTSTATUS resolve(FSP_FILE_SYSTEM *fs, PWSTR name, UINT32 index, BOOLEAN last, PIO_STATUS_BLOCK io, PVOID buffer, PSIZE_T size)
{
    io->Status = STATUS_REPARSE;
    io->Information = index;
    memset(buffer, 'x', 10);
    *size = 10;
    return STATUS_REPARSE;
}

static void reparse_and_names(void)
{
    TESTFS *t = testfs_new(NULL);
    NODE *root = testfs_find(t, u"\\");
    testfs_add(t, u"\\link", FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_DIRECTORY);
    t->interface.ResolveReparsePoints = resolve;
    req_create(&r, u"\\link\\f", FILE_CREATE, 0, FILE_READ_DATA);
    CHECK_EQUAL(op(t, &r, &q), STATUS_REPARSE);
    CHECK_EQUAL(q.rsp.IoStatus.Information, 1);
    CHECK_EQUAL(q.rsp.Size, 138);
    req_create(&r, u"\\link", FILE_OPEN, 0, FILE_READ_DATA);
    CHECK_EQUAL(op(t, &r, &q), STATUS_REPARSE);
    CHECK_EQUAL(q.rsp.Rsp.Create.Reparse.Buffer.Size, 10);
    req_create(&r, u"\\link", FILE_CREATE, 0, FILE_READ_DATA);
    CHECK_EQUAL(op(t, &r, &q), STATUS_REPARSE);

    testfs_sd(testfs_add(t, u"\\Name", 0), root->sd, root->sdSize);
    t->normalize = 1;
    req_create(&r, u"\\NAME", FILE_OPEN, 0, FILE_READ_DATA);
    r.req.Req.Create.AcceptsSecurityDescriptor = 1;
    CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
    CHECK_EQUAL(q.rsp.Rsp.Create.Opened.FileName.Size, 10);
    CHECK(wide_equal((void *)q.rsp.Buffer, 5, u"\\Name", 5, 1));
    CHECK_EQUAL(q.rsp.Rsp.Create.Opened.SecurityDescriptor.Offset, 16);
    CHECK_EQUAL(q.rsp.Rsp.Create.Opened.SecurityDescriptor.Size, root->sdSize);
    CHECK(memcmp(q.rsp.Buffer + 16, root->sd, root->sdSize) == 0);
    CHECK_EQUAL(q.rsp.Size, 128 + 10 + 16 + root->sdSize); /* the name counts twice */
    testfs_delete(t);
}

static NTSTATUS full_create(FSP_FILE_SYSTEM *fs, PWSTR name, UINT32 options, UINT32 granted, UINT32 attributes, PSECURITY_DESCRIPTOR sd, UINT64 allocation,
    PVOID extra, ULONG extraLength, BOOLEAN isReparse, PVOID *context, FSP_FSCTL_FILE_INFO *info)
{
    if (fs->UmFileContextIsFullContext) {
        ((FSP_FSCTL_TRANSACT_FULL_CONTEXT *)(void *)context)->UserContext = 11;
        ((FSP_FSCTL_TRANSACT_FULL_CONTEXT *)(void *)context)->UserContext2 = 22;
    } else
        *context = (PVOID)33;
    info->FileSize = extraLength + 1000u * isReparse;
    return STATUS_SUCCESS;
}

static void full_close(FSP_FILE_SYSTEM *fs, PVOID context)
{
    TESTFS *t = fs->UserContext;
    t->lastFlags = fs->UmFileContextIsFullContext ? (UINT32)((FSP_FSCTL_TRANSACT_FULL_CONTEXT *)context)->UserContext2 : (UINT32)(uintptr_t)context;
}

static void context_modes(void)
{
    FSP_FSCTL_VOLUME_PARAMS params;
    for (int full = 0; full < 2; full++) {
        testfs_params(&params);
        params.UmFileContextIsFullContext = full;
        params.UmFileContextIsUserContext2 = !full;
        TESTFS *t = testfs_new(&params);
        t->interface.CreateEx = full_create;
        t->interface.Close = full_close;
        req_create(&r, u"\\new", FILE_CREATE, 0, FILE_READ_DATA);
        request_add_bytes(&r.req, &r.req.Req.Create.Ea, "12345678", 8);
        r.req.Req.Create.EaIsReparsePoint = 1;
        CHECK_EQUAL(op(t, &r, &q), STATUS_SUCCESS);
        CHECK_EQUAL(q.rsp.Rsp.Create.Opened.UserContext, full ? 11 : 0);
        CHECK_EQUAL(q.rsp.Rsp.Create.Opened.UserContext2, full ? 22 : 33);
        CHECK_EQUAL(q.rsp.Rsp.Create.Opened.FileInfo.FileSize, 1008);
        req_context(&r, FspFsctlTransactCloseKind, 5);
        r.req.Req.Close.UserContext2 = 6;
        op(t, &r, &q);
        CHECK_EQUAL(t->lastFlags, 6);
        testfs_delete(t);
    }
    testfs_params(&params);
    params.UmFileContextIsFullContext = params.UmFileContextIsUserContext2 = 1;
    FSP_FILE_SYSTEM *fs;
    CHECK_EQUAL(FspFileSystemCreate((PWSTR)u"WinFsp.Disk", &params, NULL, &fs), STATUS_INVALID_PARAMETER);
    CHECK(fs == NULL);
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
    RUN(read_write);
    RUN(information);
    RUN(renames);
    RUN(directories);
    RUN(rest);
    RUN(reparse_and_names);
    RUN(context_modes);
    return RESULT();
}
