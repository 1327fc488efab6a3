/* Building lists, directory buffers, notifications, names, error codes. */
#include "testfs/testfs.h"

static FSP_FSCTL_DIR_INFO *record(const WCHAR *name)
{
    static union {
        FSP_FSCTL_DIR_INFO info;
        UINT8 room[1000];
    } r;
    memset(&r, 0, sizeof r);
    r.info.Size = (UINT16)(sizeof r.info + wide_length(name) * 2);
    memcpy(r.info.FileNameBuf, name, wide_length(name) * 2);
    return &r.info;
}

static void records(void)
{
    _Alignas(8) UINT8 buffer[300];
    ULONG used = 0;
    memset(buffer, 0x77, sizeof buffer);
    CHECK(FspFileSystemAddDirInfo(record(u"abcde"), buffer, 120, &used)); /* 114 → 120 */
    CHECK_EQUAL(used, 120);
    CHECK_EQUAL(buffer[114], 0x77); /* pad bytes stay as they were */
    used = 0;
    CHECK(!FspFileSystemAddDirInfo(record(u"abcde"), buffer, 119, &used));
    CHECK_EQUAL(used, 0);
    CHECK(FspFileSystemAddDirInfo(NULL, buffer, 2, &used));
    CHECK_EQUAL(used, 2);
    CHECK(!FspFileSystemAddDirInfo(NULL, buffer, 3, &used));
    used = 500;
    CHECK(!FspFileSystemAddDirInfo(NULL, buffer, 300, &used));

    struct {
        FILE_FULL_EA_INFORMATION ea;
        char more[20];
    } one = {{0, 0, 3, 4, "A"}, ""};
    memcpy(one.ea.EaName, "ABC\0wxyz", 8);
    used = 0;
    CHECK(FspFileSystemAddEa(&one.ea, (void *)buffer, sizeof buffer, &used));
    CHECK_EQUAL(used, 16);
    one.ea.EaValueLength = 3;
    CHECK(FspFileSystemAddEa(&one.ea, (void *)buffer, sizeof buffer, &used));
    CHECK_EQUAL(used, 31);
    CHECK(FspFileSystemAddEa(&one.ea, (void *)buffer, sizeof buffer, &used));
    CHECK_EQUAL(used, 47);
    CHECK(!FspFileSystemAddEa(&one.ea, (void *)buffer, 60, &used));
    CHECK(FspFileSystemAddEa(NULL, (void *)buffer, sizeof buffer, &used));
    CHECK_EQUAL(((FILE_FULL_EA_INFORMATION *)(void *)(buffer + 32))->NextEntryOffset, 0);
    CHECK_EQUAL(((FILE_FULL_EA_INFORMATION *)(void *)(buffer + 16))->NextEntryOffset, 16);
}

static void directory_buffer(void)
{
    PVOID pointer = NULL;
    NTSTATUS result = 1;
    static _Alignas(8) UINT8 buffer[4096];
    FSP_FSCTL_DIR_INFO *info = (void *)buffer;
    ULONG used = 0;
    WCHAR name[8];
    FspFileSystemReadDirectoryBuffer(&pointer, NULL, buffer, sizeof buffer, &used);
    CHECK_EQUAL(used, 2);
    CHECK(FspFileSystemAcquireDirectoryBuffer(&pointer, 0, &result));
    CHECK_EQUAL(result, STATUS_SUCCESS);
    CHECK(FspFileSystemFillDirectoryBuffer(&pointer, record(u"b"), &result));
    CHECK(FspFileSystemFillDirectoryBuffer(&pointer, record(u".."), &result));
    CHECK(FspFileSystemFillDirectoryBuffer(&pointer, record(u"B"), &result));
    CHECK(FspFileSystemFillDirectoryBuffer(&pointer, record(u"."), &result));
    CHECK(FspFileSystemFillDirectoryBuffer(&pointer, record(u"-"), &result));
    FspFileSystemReleaseDirectoryBuffer(&pointer);
    CHECK(!FspFileSystemAcquireDirectoryBuffer(&pointer, 0, &result));
    CHECK_EQUAL(result, STATUS_SUCCESS);
    used = 0;
    FspFileSystemReadDirectoryBuffer(&pointer, NULL, buffer, sizeof buffer, &used);
    CHECK_EQUAL(used, 5 * 112 - 0 + 2);
    static const WCHAR order[] = u"..-Bb";
    for (int i = 0; i < 5; i++) {
        info = (void *)(buffer + 112 * i);
        CHECK_EQUAL(info->FileNameBuf[0], i < 2 ? '.' : order[i]);
        CHECK_EQUAL(info->Size, i == 1 ? 108 : 106);
    }
    used = 0;
    FspFileSystemReadDirectoryBuffer(&pointer, (PWSTR)u"A", buffer, 112, &used); /* gone meanwhile: what follows it */
    CHECK_EQUAL(used, 112);
    CHECK_EQUAL(((FSP_FSCTL_DIR_INFO *)(void *)buffer)->FileNameBuf[0], 'B');
    used = 0;
    FspFileSystemReadDirectoryBuffer(&pointer, (PWSTR)u"..", buffer, 200, &used);
    CHECK_EQUAL(((FSP_FSCTL_DIR_INFO *)(void *)buffer)->FileNameBuf[0], '-');
    used = 0;
    FspFileSystemReadDirectoryBuffer(&pointer, (PWSTR)u"b", buffer, 200, &used);
    CHECK_EQUAL(used, 2);
    CHECK(FspFileSystemAcquireDirectoryBufferEx(&pointer, 1, 100, &result)); /* filled anew */
    for (int i = 0; i < 3000; i++) {
        for (int d = 0, v = 2999 - i; d < 4; d++, v /= 10)
            name[3 - d] = (WCHAR)('0' + v % 10);
        name[4] = 0;
        CHECK(FspFileSystemFillDirectoryBuffer(&pointer, record(name), &result));
    }
    FspFileSystemReleaseDirectoryBuffer(&pointer);
    name[0] = 0;
    int count = 0;
    for (;;) { /* in small pieces, each name once, in order */
        int some = 0;
        used = 0;
        FspFileSystemReadDirectoryBuffer(&pointer, count ? name : NULL, buffer, 1000, &used);
        for (ULONG at = 0; at + 2 <= used;) {
            info = (void *)(buffer + at);
            if (info->Size == 0)
                break;
            memcpy(name, info->FileNameBuf, 8);
            count++;
            some = 1;
            at += (ULONG)FSP_FSCTL_DEFAULT_ALIGN_UP(info->Size);
        }
        if (!some)
            break;
    }
    CHECK_EQUAL(count, 3000);
    FspFileSystemDeleteDirectoryBuffer(&pointer);
    CHECK(pointer == NULL);
    FspFileSystemDeleteDirectoryBuffer(&pointer);
}

/* One of them is larger than the buffer and what comes of doubling it. */
static void large_records(void)
{
    static const UINT16 sizes[] = {1000, 9000, sizeof(FSP_FSCTL_DIR_INFO) + 2, 65534};
    static union {
        FSP_FSCTL_DIR_INFO info;
        UINT8 room[65536];
    } one, back;
    for (ULONG hint = 0; hint <= 100; hint += 100) {
        PVOID pointer = NULL;
        NTSTATUS result = 1;
        WCHAR before[] = u"?";
        CHECK(FspFileSystemAcquireDirectoryBufferEx(&pointer, 0, hint, &result));
        for (int i = 0; i < 4; i++) {
            memset(&one, 'a' + i, sizeof one);
            one.info.Size = sizes[i];
            CHECK(FspFileSystemFillDirectoryBuffer(&pointer, &one.info, &result));
            CHECK_EQUAL(result, STATUS_SUCCESS);
        }
        FspFileSystemReleaseDirectoryBuffer(&pointer);
        for (int i = 0; i < 4; i++) {
            ULONG used = 0;
            before[0] = (WCHAR)(('a' + i) * 0x101 - 1);
            memset(&one, 'a' + i, sizeof one);
            one.info.Size = sizes[i];
            FspFileSystemReadDirectoryBuffer(
                &pointer, before, &back, (ULONG)FSP_FSCTL_DEFAULT_ALIGN_UP(sizes[i]), &used);
            CHECK_EQUAL(used, FSP_FSCTL_DEFAULT_ALIGN_UP(sizes[i]));
            CHECK(memcmp(&back, &one, sizes[i]) == 0);
        }
        FspFileSystemDeleteDirectoryBuffer(&pointer);
    }
}

/* Bytes that are near UTF-8 and units that are near its escapes: no two names become one, and none changes. */
static void every_name_comes_back(void)
{
    static const UINT8 some[] = {'a', '\\', 0x7f, 0x80, 0x81, 0x82, 0x9c, 0xa0, 0xac, 0xbf, 0xc0, 0xc2, 0xc3, 0xe0,
        0xe2, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff};
    static const WCHAR unitsOfNote[] = {'a', '\\', 0x80, 0xf05c, 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdc7f, 0xdc80, 0xdc81,
        0xdc9c, 0xdcac, 0xdcc2, 0xdce2, 0xdcef, 0xdcf0, 0xdcff, 0xdd00, 0xe000};
    unsigned seed = 1, wrong = 0;
    for (int i = 0; i < 300000; i++) {
        char bytes[6], back[32];
        WCHAR units[6], wide[32];
        size_t size = 1 + (size_t)rand_r(&seed) % 6;
        ptrdiff_t there, here;
        for (size_t at = 0; at < size; at++) {
            bytes[at] = (char)some[(size_t)rand_r(&seed) % sizeof some];
            units[at] = unitsOfNote[(size_t)rand_r(&seed) % (sizeof unitsOfNote / sizeof unitsOfNote[0])];
        }
        there = name_to_utf16(bytes, size, wide, 32);
        here = there < 0 ? -1 : name_to_utf8(wide, (size_t)there, back, 32);
        wrong += here != (ptrdiff_t)size || memcmp(bytes, back, size) != 0;
        here = name_to_utf8(units, size, back, 32);
        there = here < 0 ? -1 : name_to_utf16(back, (size_t)here, wide, 32);
        /* a backslash is a separator to the host, so no name of its has one */
        wrong += here >= 0 && memchr(back, '\\', (size_t)here) == NULL &&
                 (there != (ptrdiff_t)size || memcmp(units, wide, size * sizeof *wide) != 0);
    }
    CHECK_EQUAL(wrong, 0);
}

static void names(void)
{
    WCHAR wide[64];
    char narrow[64];
    static const struct {
        const char *bytes;
        const WCHAR *units;
    } cases[] = {{"abc", u"abc"}, {"\xc3\x9f", u"\xdf"}, {"\xe2\x82\xac", u"\x20ac"},
        {"\xf0\x9f\x98\x80", u"\xd83d\xde00"}, {"\xf4\x8f\xbf\xbf", u"\xdbff\xdfff"}, {"\xff", u"\xdcff"},
        {"\xc0\x80", u"\xdcc0\xdc80"}, {"\xe0\x80\x80", u"\xdce0\xdc80\xdc80"}, {"\xed\xa0\x80", u"\xdced\xdca0\xdc80"},
        {"\xf4\x90\x80\x80", u"\xdcf4\xdc90\xdc80\xdc80"}, {"\xc3", u"\xdcc3"}, {"caf\xe9 x", u"caf\xdce9 x"},
        {"\xe2\x82\xe2\x82\xac", u"\xdce2\xdc82\x20ac"},
        {"a\\b", u"a\xf05c"
                 u"b"},
        {"\xef\x81\x9c", u"\xdcef\xdc81\xdc9c"}, {"", u""}};
    static const WCHAR *const nameless[] = {u"\xd800",
        u"\xd800"
        u"a",
        u"\xdc00", u"\xdc7f", u"\xdd00", u"\xdcc3\xdca9", u"\xdcf0\xdc9f\xdc98\xdc80"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ptrdiff_t units = name_to_utf16(cases[i].bytes, strlen(cases[i].bytes), wide, 64), bytes;
        CHECK_EQUAL(units, wide_length(cases[i].units));
        CHECK(memcmp(wide, cases[i].units, (size_t)units * sizeof *wide) == 0);
        bytes = name_to_utf8(wide, (size_t)units, narrow, 64);
        CHECK_EQUAL(bytes, strlen(cases[i].bytes));
        CHECK(bytes >= 0 && memcmp(narrow, cases[i].bytes, (size_t)bytes) == 0);
    }
    for (size_t i = 0; i < sizeof nameless / sizeof nameless[0]; i++)
        CHECK_EQUAL(name_to_utf8(nameless[i], wide_length(nameless[i]), narrow, 64), -1);
    CHECK_EQUAL(name_to_utf8(u"\xdc41", 1, narrow, 64), -1);
    name_to_utf16("a\\b", 3, wide, 64);
    CHECK_EQUAL(wide[1], 0xf05c);
    CHECK_EQUAL(name_to_utf16("abc", 3, wide, 2), -2);
    CHECK_EQUAL(name_to_utf16("\xff\xff", 2, wide, 1), -2);
    CHECK_EQUAL(name_to_utf16("\xf0\x9f\x98\x80", 4, wide, 1), -2);
    CHECK_EQUAL(name_to_utf8(u"\xdcff\xdcff", 2, narrow, 1), -2);
    every_name_comes_back();
    CHECK_EQUAL(utf16_to_utf8(u"\x20ac", 1, narrow, 2), -2);
    wide[0] = 0xd800;
    wide[1] = 'a';
    CHECK_EQUAL(utf16_to_utf8(wide, 2, narrow, 64), -1);
    CHECK_EQUAL(utf16_to_utf8(wide, 1, narrow, 64), -1);
    wide[0] = 0xdc00;
    CHECK_EQUAL(utf16_to_utf8(wide, 1, narrow, 64), -1);
    CHECK(wide_equal(u"\xe4\x3b1\x44f\x17e", 4, u"\xc4\x391\x42f\x17d", 4, 0));
    CHECK(!wide_equal(u"\xe4", 1, u"\xc4", 1, 1));
    CHECK_EQUAL(wide_upper(0xdf), 0xdf); /* ß */
    CHECK_EQUAL(wide_upper(0x131), 0x131);
    CHECK_EQUAL(wide_upper(0xff), 0x178);
    CHECK_EQUAL(wide_upper(0xb5), 0xb5); /* the micro sign has no capital on NTFS */
    CHECK_EQUAL(wide_upper(0x1c6), 0x1c4);
    CHECK_EQUAL(wide_upper(0x1c5), 0x1c5);
    CHECK_EQUAL(wide_upper(0x250), 0x2c6f);
    CHECK_EQUAL(wide_upper(0x1f00), 0x1f08);
    CHECK_EQUAL(wide_upper(0xff5a), 0xff3a);
    CHECK_EQUAL(wide_upper(0xffff), 0xffff);
    CHECK(!wide_equal(u"a", 1, u"ab", 2, 0));
    REQUEST r;
    request_begin(&r.req, 1);
    WCHAR *huge = calloc(9000, 2);
    CHECK_EQUAL(request_add_name(&r.req, &r.req.FileName, huge, 8999), 0);
    CHECK_EQUAL(request_add_name(&r.req, &r.req.FileName, huge, 8115), 1);
    CHECK_EQUAL(r.req.Size, 16320);
    CHECK_EQUAL(request_add_bytes(&r.req, &r.req.Req.Create.Ea, "x", 1), 0);
    free(huge);
}

static void codes(void)
{
    UINT32 version;
    CHECK_EQUAL(FspVersion(&version), STATUS_SUCCESS);
    CHECK_EQUAL(version, 0x00020001);
    CHECK_EQUAL(FspNtStatusFromWin32(0), STATUS_SUCCESS);
    CHECK_EQUAL(FspNtStatusFromWin32(2), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_EQUAL(FspNtStatusFromWin32(112), STATUS_DISK_FULL);
    CHECK_EQUAL(FspNtStatusFromWin32(5), STATUS_ACCESS_DENIED);
    CHECK_EQUAL((UINT32)FspNtStatusFromWin32(7777), 0x80070000u | 7777);
    CHECK_EQUAL(FspNtStatusFromWin32(0x10000), STATUS_ACCESS_DENIED);
    CHECK_EQUAL(FspWin32FromNtStatus(STATUS_OBJECT_NAME_COLLISION), 183);
    CHECK_EQUAL(FspWin32FromNtStatus((NTSTATUS)0xc0ffee00), 317);
    CHECK_EQUAL(FspFsctlPreflight((PWSTR)u"winfsp.disk"), STATUS_SUCCESS);
    CHECK_EQUAL(FspFsctlPreflight((PWSTR)u"WinFsp.Tape"), STATUS_NO_SUCH_DEVICE);
}

static char seen[500];
static void see(void *context, UINT32 filter, UINT32 action, const WCHAR *name, size_t units)
{
    char narrow[200];
    ptrdiff_t bytes = utf16_to_utf8(name, units, narrow, sizeof narrow);
    size_t used = strlen(seen);
    snprintf(seen + used, sizeof seen - used, "%u/%u:%.*s ", filter, action, (int)bytes, narrow);
}

static void notify_names(void)
{
    static const WCHAR *const given[] = {
        u"lone", u"\\a\\b", u"c", u"dd", u"\\e", u"f", u"\\", u"g", u"\\x\\y\\z", u"w"};
    _Alignas(8) UINT8 buffer[500];
    ULONG used = 0;
    union {
        FSP_FSCTL_NOTIFY_INFO info;
        UINT8 room[100];
    } one;
    for (UINT32 i = 0; i < sizeof given / sizeof given[0]; i++) {
        memset(&one, 0, sizeof one);
        one.info.Size = (UINT16)(12 + 2 * wide_length(given[i]));
        one.info.Filter = 1;
        one.info.Action = 2 + i;
        memcpy(one.info.FileNameBuf, given[i], 2 * wide_length(given[i]));
        CHECK(FspFileSystemAddNotifyInfo(&one.info, buffer, sizeof buffer, &used));
    }
    CHECK(FspFileSystemAddNotifyInfo(NULL, buffer, sizeof buffer, &used));
    CHECK_EQUAL(notify_parse(buffer, used, see, NULL), STATUS_SUCCESS);
    CHECK(strcmp(seen, "1/2:\\lone 1/3:\\a\\b 1/4:\\a\\c 1/5:\\a\\dd 1/6:\\e 1/7:\\f 1/8:\\ 1/9:\\g 1/10:\\x\\y\\z "
                       "1/11:\\x\\y\\w ") == 0);
}

/* Without a mount the front end is not called; what is parsed shows in the result. */
static void notifications(void)
{
    TESTFS *t = testfs_new(NULL);
    _Alignas(8) UINT8 buffer[200];
    union {
        FSP_FSCTL_NOTIFY_INFO info;
        UINT8 room[100];
    } one;
    ULONG used = 0;
    memset(&one, 0, sizeof one);
    one.info.Size = 12 + 8;
    memcpy(one.info.FileNameBuf, u"\\a\\b", 8);
    CHECK_EQUAL(FspFileSystemNotifyBegin(t->fs, 0), STATUS_SUCCESS);
    CHECK(FspFileSystemAddNotifyInfo(&one.info, buffer, sizeof buffer, &used));
    CHECK_EQUAL(used, 24);
    one.info.Size = 12 + 2;
    CHECK(FspFileSystemAddNotifyInfo(&one.info, buffer, sizeof buffer, &used));
    CHECK_EQUAL(FspFileSystemNotify(t->fs, (void *)buffer, used), STATUS_SUCCESS);
    CHECK_EQUAL(FspFileSystemNotify(t->fs, (void *)buffer, 19), STATUS_INVALID_PARAMETER);
    CHECK_EQUAL(FspFileSystemNotifyEnd(t->fs), STATUS_SUCCESS);
    testfs_delete(t);
}

int main(void)
{
    RUN(records);
    RUN(directory_buffer);
    RUN(large_records);
    RUN(names);
    RUN(codes);
    RUN(notify_names);
    RUN(notifications);
    return RESULT();
}
