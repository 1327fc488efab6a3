/* See mounted.h. */
#if defined(__linux__)
#include "support/mounted.h"

#define CLIENT_LIMIT_SEC 400 /* ten thousand entries in a plain list, under a sanitizer, on a machine that is busy */

char directory[] = "/tmp/winfsp-fuse-test-XXXXXX";
TREEFS *tree;
FSP_FILE_SYSTEM *fs;
const char *const modeNames[MODES] = {"cached", "uncached", "direct I/O"};

void mount_at(WCHAR *wide)
{
    size_t i = 0;
    for (; directory[i] != 0; i++)
        wide[i] = (WCHAR)directory[i];
    wide[i] = 0;
}

/* 0: not mounted, and why. */
static NTSTATUS start_prepared(
    const FSP_FSCTL_VOLUME_PARAMS *params, MODE mode, UINT64 capacity, ULONG threads, void (*prepare)(TREEFS *))
{
    WCHAR at[64];
    NTSTATUS status;
    mount_at(at);
    tree = treefs_new(params, capacity);
    if (prepare != NULL)
        prepare(tree);
    fs = treefs_file_system(tree);
    if (mode == DIRECT)
        FspLinuxSetOption(fs, "direct_io", 1);
    CHECK_EQUAL(FspFileSystemStartDispatcher(fs, threads), STATUS_SUCCESS);
    status = FspFileSystemSetMountPoint(fs, at);
    if (!NT_SUCCESS(status)) {
        FspFileSystemStopDispatcher(fs);
        treefs_delete(tree);
    }
    return status;
}

NTSTATUS start_with(const FSP_FSCTL_VOLUME_PARAMS *params, MODE mode, UINT64 capacity, ULONG threads)
{
    return start_prepared(params, mode, capacity, threads, NULL);
}

static void start_prepared_in(MODE mode, UINT64 capacity, ULONG threads, void (*prepare)(TREEFS *))
{
    FSP_FSCTL_VOLUME_PARAMS params;
    treefs_params(&params, mode == UNCACHED ? 0 : UINT32_MAX);
    CHECK_EQUAL(start_prepared(&params, mode, capacity, threads, prepare), STATUS_SUCCESS);
}

void start(MODE mode, UINT64 capacity, ULONG threads) { start_prepared_in(mode, capacity, threads, NULL); }

void start_able(MODE mode, void (*able)(TREEFS *)) { start_prepared_in(mode, 16 * MIB, 2, able); }

void run_unable(void (*refused)(void))
{
    start(CACHED, MIB, 2);
    client(refused);
    expect_empty();
    stop();
}

void stop(void)
{
    FspFileSystemRemoveMountPoint(fs);
    CHECK_EQUAL(FspLinuxOpenHandles(fs), 0);
    CHECK_EQUAL(treefs_opens(tree), 0);
    CHECK_EQUAL(FspLinuxPendingRequests(fs), 0);
    FspFileSystemStopDispatcher(fs);
    expect_no_violations(fs);
    treefs_delete(tree);
}

/* Nothing is left of any file. Releases come after the last close has returned, so not at once. */
void expect_empty(void)
{
    for (int tries = 0; (treefs_used(tree) != 0 || treefs_inodes(tree) != 0) && tries < 400; tries++)
        platform_sleep_ms(5);
    CHECK_EQUAL(treefs_used(tree), 0);
    CHECK_EQUAL(treefs_inodes(tree), 0);
}

void tell(UINT32 filter, UINT32 action, const WCHAR *name)
{
    union {
        FSP_FSCTL_NOTIFY_INFO info;
        UINT8 room[64];
    } record;
    ULONG used = 0;
    UINT8 buffer[128];
    memset(&record, 0, sizeof record);
    record.info.Size = (UINT16)(sizeof record.info + wide_length(name) * sizeof(WCHAR));
    record.info.Filter = filter;
    record.info.Action = action;
    memcpy(record.info.FileNameBuf, name, wide_length(name) * sizeof(WCHAR));
    CHECK(FspFileSystemAddNotifyInfo(&record.info, buffer, sizeof buffer, &used));
    CHECK_EQUAL(FspFileSystemNotifyBegin(fs, 0), STATUS_SUCCESS);
    CHECK_EQUAL(FspFileSystemNotify(fs, (void *)buffer, used), STATUS_SUCCESS);
    CHECK_EQUAL(FspFileSystemNotifyEnd(fs), STATUS_SUCCESS);
}

pid_t begin(void (*client)(void))
{
    pid_t child = fork();
    if (child == 0) {
        alarm(CLIENT_LIMIT_SEC);
        close_range(3, ~0u, 0); /* the mount's descriptor: as long as anyone has it the connection lives */
        if (chdir(directory) != 0)
            _exit(99);
        client();
        _exit(0);
    }
    return child;
}

int end(pid_t child)
{
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

void client(void (*function)(void)) { CHECK_EQUAL(end(begin(function)), 0); }

int put(const char *name, const char *text)
{
    int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0644);
    ssize_t done;
    if (fd < 0)
        return -1;
    done = write(fd, text, strlen(text));
    close(fd);
    return done == (ssize_t)strlen(text) ? 0 : -1;
}

int holds(const char *name, const char *text)
{
    char bytes[256];
    int fd = open(name, O_RDONLY);
    ssize_t length = fd >= 0 ? read(fd, bytes, sizeof bytes) : -1;
    if (fd >= 0)
        close(fd);
    return length == (ssize_t)strlen(text) && memcmp(bytes, text, (size_t)length) == 0;
}

off_t size_of(const char *name)
{
    struct stat info;
    return lstat(name, &info) == 0 ? info.st_size : -1;
}

mode_t mode_of(const char *name)
{
    struct stat info;
    return lstat(name, &info) == 0 ? info.st_mode : 0;
}

UINT64 free_bytes(void)
{
    struct statvfs info;
    return statvfs(".", &info) == 0 ? (UINT64)info.f_bavail * info.f_frsize : UINT64_MAX;
}

int rename2(const char *from, const char *to, unsigned flags)
{
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

void remove_all(void) { EXPECT(system("rm -rf ./* && test -z \"$(ls -A)\"") == 0); }

int mounts_begin(void)
{
    FSP_FSCTL_VOLUME_PARAMS params;
    NTSTATUS status;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (mkdtemp(directory) == NULL)
        abort();
    chmod(directory, 0755);
    treefs_params(&params, 0);
    status = start_with(&params, CACHED, MIB, 2);
    if (!NT_SUCCESS(status)) {
        printf("skipped: nothing can be mounted here (%s)\n", status == STATUS_NO_SUCH_DEVICE  ? "no /dev/fuse"
                                                              : status == STATUS_ACCESS_DENIED ? "not allowed"
                                                                                               : "mount failed");
        rmdir(directory);
        return 0;
    }
    stop();
    return 1;
}

int mounts_end(void)
{
    rmdir(directory);
    return RESULT();
}
#else
typedef int mounted_is_for_linux; /* a source must not be empty */
#endif
