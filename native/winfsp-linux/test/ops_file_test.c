/* The operations on what is open: callbacks in order, Information, answers. */
#include "testfs/testfs.h"

static REQUEST r;
static RESPONSE q;

static void read_write(void)
{
    TESTFS *t = testfs_new(NULL);
    INODE *n = testfs_add(t, u"\\a", 0);
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
    INODE *n = testfs_add(t, u"\\a", FILE_ATTRIBUTE_ARCHIVE), *d = testfs_add(t, u"\\d", FILE_ATTRIBUTE_DIRECTORY);
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
    r.req.Req.SetInformation.Info.DispositionEx.Flags =
        FILE_DISPOSITION_DELETE | FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE;
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
    INODE *a = testfs_add(t, u"\\a", 0), *b = testfs_add(t, u"\\b", 0);
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
    INODE *d = testfs_add(t, u"\\d", FILE_ATTRIBUTE_DIRECTORY);
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
    INODE *n = testfs_add(t, u"\\a", 0), *root = testfs_find(t, u"\\");
    static const UINT32 missing[] = {FspFsctlTransactQueryEaKind, FspFsctlTransactSetEaKind,
        FspFsctlTransactDeviceControlKind, FspFsctlTransactQueryStreamInformationKind};
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

static NTSTATUS controlStatus;

static NTSTATUS control(
    FSP_FILE_SYSTEM *fs, PVOID context, UINT32 code, PVOID in, ULONG inSize, PVOID out, ULONG outSize, PULONG bytes)
{
    memset(out, 'c', 4);
    *bytes = 4;
    return controlStatus;
}

static void controls(void)
{
    TESTFS *t = testfs_new(NULL);
    INODE *n = testfs_add(t, u"\\a", 0);
    static const NTSTATUS cases[][2] = {{STATUS_SUCCESS, STATUS_SUCCESS}, {STATUS_ACCESS_DENIED, STATUS_ACCESS_DENIED},
        {STATUS_INSUFFICIENT_RESOURCES, STATUS_INSUFFICIENT_RESOURCES},
        {STATUS_BUFFER_OVERFLOW, STATUS_BUFFER_TOO_SMALL}};
    t->interface.Control = control;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        controlStatus = cases[i][0];
        req_context(&r, FspFsctlTransactDeviceControlKind, n->context);
        r.req.Req.DeviceControl.OutputLength = 16;
        CHECK_EQUAL(op(t, &r, &q), cases[i][1]);
        CHECK_EQUAL(q.rsp.Rsp.DeviceControl.Buffer.Size, i == 0 ? 4 : 0);
        CHECK_EQUAL(q.rsp.Size, i == 0 ? 132 : 128);
    }
    testfs_delete(t);
}

static NTSTATUS resolve(
    FSP_FILE_SYSTEM *fs, PWSTR name, UINT32 index, BOOLEAN last, PIO_STATUS_BLOCK io, PVOID buffer, PSIZE_T size)
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
    INODE *root = testfs_find(t, u"\\");
    testfs_add(t, u"\\link", FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_DIRECTORY);
    t->interface.ResolveReparsePoints = resolve;
    req_create(&r, u"\\link\\f", FILE_CREATE, 0, FILE_READ_DATA);
    CHECK_EQUAL(op(t, &r, &q), STATUS_REPARSE);
    CHECK_EQUAL(q.rsp.IoStatus.Information, 0);
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

static NTSTATUS full_create(FSP_FILE_SYSTEM *fs, PWSTR name, UINT32 options, UINT32 granted, UINT32 attributes,
    PSECURITY_DESCRIPTOR sd, UINT64 allocation, PVOID extra, ULONG extraLength, BOOLEAN isReparse, PVOID *context,
    FSP_FSCTL_FILE_INFO *info)
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
    t->lastFlags = fs->UmFileContextIsFullContext ? (UINT32)((FSP_FSCTL_TRANSACT_FULL_CONTEXT *)context)->UserContext2
                                                  : (UINT32)(uintptr_t)context;
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
    RUN(read_write);
    RUN(information);
    RUN(renames);
    RUN(directories);
    RUN(rest);
    RUN(controls);
    RUN(reparse_and_names);
    RUN(context_modes);
    return RESULT();
}
