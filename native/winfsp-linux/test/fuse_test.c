/*
 * The FUSE front end on real mounts: a host in this process (treefs, the library's own dispatcher threads), clients in forked ones. Nothing here
 * touches a mount from the process that serves it. Every mount ends with no open handle, no pending request, no violation.
 */
#if defined(__linux__)
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "treefs.h"

#define MIB (1u << 20)
#define KIB (1u << 10)
#define CLIENT_LIMIT_SEC 400 /* ten thousand entries in a plain list, under a sanitizer, on a machine that is busy */

static char directory[] = "/tmp/winfsp-fuse-test-XXXXXX";
static TREEFS *tree;
static FSP_FILE_SYSTEM *fs;

typedef enum { CACHED, UNCACHED, DIRECT, MODES } MODE;
static const char *const modeNames[MODES] = {"cached", "uncached", "direct I/O"};

/* ---- hosts ------------------------------------------------------------------------------------------------------------------------ */

static void mount_at(WCHAR *wide)
{
    size_t i = 0;
    for (; directory[i] != 0; i++)
        wide[i] = (WCHAR)directory[i];
    wide[i] = 0;
}

/* 0: not mounted, and why. */
static NTSTATUS start_with(const FSP_FSCTL_VOLUME_PARAMS *params, MODE mode, UINT64 capacity, ULONG threads)
{
    WCHAR at[64];
    NTSTATUS status;
    mount_at(at);
    tree = treefs_new(params, capacity);
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

static void start(MODE mode, UINT64 capacity, ULONG threads)
{
    FSP_FSCTL_VOLUME_PARAMS params;
    treefs_params(&params, mode == UNCACHED ? 0 : UINT32_MAX);
    CHECK_EQUAL(start_with(&params, mode, capacity, threads), STATUS_SUCCESS);
}

static void stop(void)
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
static void expect_empty(void)
{
    for (int tries = 0; (treefs_used(tree) != 0 || treefs_nodes(tree) != 0) && tries < 400; tries++)
        platform_sleep_ms(5);
    CHECK_EQUAL(treefs_used(tree), 0);
    CHECK_EQUAL(treefs_nodes(tree), 0);
}

/* ---- clients ---------------------------------------------------------------------------------------------------------------------- */

#define EXPECT(condition) \
    do { \
        if (!(condition)) { \
            int why = errno; \
            dprintf(2, "%s:%d: client %s: not so: %s (errno %d, %s)\n", __FILE__, __LINE__, __func__, #condition, why, strerror(why)); \
            _exit(1); \
        } \
    } while (0)
#define FAILS(call, code) EXPECT((errno = 0, (call) == -1) && errno == (code))

static pid_t begin(void (*client)(void))
{
    pid_t child = fork();
    if (child == 0) {
        alarm(CLIENT_LIMIT_SEC);
        close_range(3, ~0u, 0); /* the mount's descriptor: as long as anybody has it the connection lives */
        if (chdir(directory) != 0)
            _exit(99);
        client();
        _exit(0);
    }
    return child;
}

static int end(pid_t child)
{
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

static void client(void (*function)(void)) { CHECK_EQUAL(end(begin(function)), 0); }

static int put(const char *name, const char *text)
{
    int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0644);
    ssize_t done;
    if (fd < 0)
        return -1;
    done = write(fd, text, strlen(text));
    close(fd);
    return done == (ssize_t)strlen(text) ? 0 : -1;
}

static int holds(const char *name, const char *text)
{
    char bytes[256];
    int fd = open(name, O_RDONLY);
    ssize_t length = fd >= 0 ? read(fd, bytes, sizeof bytes) : -1;
    if (fd >= 0)
        close(fd);
    return length == (ssize_t)strlen(text) && memcmp(bytes, text, (size_t)length) == 0;
}

static off_t size_of(const char *name)
{
    struct stat info;
    return lstat(name, &info) == 0 ? info.st_size : -1;
}

static mode_t mode_of(const char *name)
{
    struct stat info;
    return lstat(name, &info) == 0 ? info.st_mode : 0;
}

static UINT64 free_bytes(void)
{
    struct statvfs info;
    return statvfs(".", &info) == 0 ? (UINT64)info.f_bavail * info.f_frsize : UINT64_MAX;
}

static int rename2(const char *from, const char *to, unsigned flags) { return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags); }

/* ---- every operation ---------------------------------------------------------------------------------------------------------------- */

static void files(void)
{
    char bytes[100];
    struct stat info;
    int fd = open("f", O_CREAT | O_EXCL | O_RDWR, 0640), second;
    EXPECT(fd >= 0);
    FAILS(open("f", O_CREAT | O_EXCL | O_RDWR, 0640), EEXIST);
    FAILS(open("missing", O_RDONLY), ENOENT);
    FAILS(open("f/below", O_RDONLY), ENOTDIR);
    EXPECT(write(fd, "hello", 5) == 5);
    EXPECT(pwrite(fd, "J", 1, 0) == 1);
    EXPECT(pread(fd, bytes, sizeof bytes, 0) == 5 && memcmp(bytes, "Jello", 5) == 0);
    EXPECT(pread(fd, bytes, sizeof bytes, 5) == 0);
    EXPECT(pread(fd, bytes, sizeof bytes, 1000000) == 0);
    EXPECT(fstat(fd, &info) == 0 && info.st_size == 5 && info.st_blocks == 8 && info.st_nlink == 1 && S_ISREG(info.st_mode) && (info.st_mode & 07777) == 0640);
    EXPECT(pwrite(fd, "far", 3, 10000) == 3);
    EXPECT(pread(fd, bytes, 10, 5) == 10 && bytes[0] == 0 && bytes[9] == 0);
    EXPECT(ftruncate(fd, 3) == 0 && size_of("f") == 3);
    EXPECT(ftruncate(fd, 50) == 0 && pread(fd, bytes, 100, 0) == 50 && bytes[2] == 'l' && bytes[3] == 0 && bytes[49] == 0);
    EXPECT(truncate("f", 0) == 0 && size_of("f") == 0);
    second = open("f", O_WRONLY | O_APPEND);
    EXPECT(write(fd, "12345", 5) == 5); /* at 5: where fd stands */
    EXPECT(size_of("f") == 10);
    EXPECT(write(second, "end", 3) == 3 && size_of("f") == 13);
    EXPECT(fsync(fd) == 0 && fdatasync(second) == 0);
    close(second);
    second = open("f", O_RDONLY | O_TRUNC);
    EXPECT(second >= 0 && size_of("f") == 0 && fstat(fd, &info) == 0 && info.st_size == 0);
    EXPECT(read(second, bytes, 1) == 0);
    close(second);
    EXPECT(put("f", "through O_TRUNC") == 0 && holds("f", "through O_TRUNC"));
    EXPECT(lseek(fd, 0, SEEK_DATA) == 0 && lseek(fd, 0, SEEK_HOLE) == 15);
    second = open("copy", O_CREAT | O_RDWR, 0600);
    EXPECT(copy_file_range(fd, NULL, second, NULL, 7, 0) == 0); /* fd stands at its end */
    lseek(fd, 0, SEEK_SET);
    EXPECT(copy_file_range(fd, NULL, second, NULL, 7, 0) == 7 && holds("copy", "through"));
    close(second);
    close(fd);
    EXPECT(unlink("f") == 0 && unlink("copy") == 0);
    FAILS(unlink("f"), ENOENT);
    FAILS(link(".", "hard"), EPERM);
    FAILS(mknod("fifo", S_IFIFO | 0600, 0), EPERM);
    EXPECT(mknod("plain", S_IFREG | 0600, 0) == 0 && S_ISREG(mode_of("plain")));
    FAILS(setxattr("plain", "user.a", "b", 1, 0), EOPNOTSUPP);
    FAILS(getxattr("plain", "user.a", bytes, sizeof bytes), EOPNOTSUPP);
    EXPECT(unlink("plain") == 0);
}

static void large(void)
{
    size_t size = 3 * MIB + 12345;
    char *out = malloc(size), *in = malloc(size);
    int fd = open("large", O_CREAT | O_RDWR, 0600);
    for (size_t i = 0; i < size; i++)
        out[i] = (char)(i * 7 + i / 4096);
    EXPECT(write(fd, out, size) == (ssize_t)size);
    EXPECT(pread(fd, in, size, 0) == (ssize_t)size && memcmp(in, out, size) == 0);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    EXPECT(pread(fd, in, size, 0) == (ssize_t)size && memcmp(in, out, size) == 0);
    for (size_t at = 1; at < size; at += 777777) {
        size_t part = size - at < 500000 ? size - at : 500000;
        EXPECT(pread(fd, in, part, (off_t)at) == (ssize_t)part && memcmp(in, out + at, part) == 0);
    }
    EXPECT(pwrite(fd, "x", 1, (1ll << 32) + 1) == 1 || errno == ENOSPC);
    close(fd);
    EXPECT(unlink("large") == 0);
    free(out);
    free(in);
}

static void attributes(void)
{
    struct timespec times[2] = {{1700000000, 123456700}, {1, 100}};
    struct stat info;
    int fd;
    EXPECT(put("f", "x") == 0 && mkdir("d", 0777) == 0);
    static const mode_t modes[] = {0777, 0644, 0400, 0, 070, 07, 04755, 02755, 01777};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        EXPECT(chmod("f", modes[i]) == 0 && (mode_of("f") & 07777) == modes[i]);
        EXPECT(chmod("d", modes[i]) == 0 && (mode_of("d") & 07777) == modes[i] && S_ISDIR(mode_of("d")));
    }
    fd = open("f", O_RDWR);
    EXPECT(fchmod(fd, 0640) == 0 && (mode_of("f") & 07777) == 0640);
    EXPECT(utimensat(AT_FDCWD, "f", times, 0) == 0 && stat("f", &info) == 0);
    EXPECT(info.st_atim.tv_sec == 1700000000 && info.st_atim.tv_nsec == 123456700 && info.st_mtim.tv_sec == 1 && info.st_mtim.tv_nsec == 100);
    EXPECT(info.st_ctim.tv_sec > 1700000000);
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_nsec = UTIME_NOW;
    EXPECT(futimens(fd, times) == 0 && fstat(fd, &info) == 0 && info.st_atim.tv_nsec == 123456700 && info.st_mtim.tv_sec > 1700000000);
    times[1] = (struct timespec){-86400, 500}; /* before 1970 */
    EXPECT(futimens(fd, times) == 0 && fstat(fd, &info) == 0 && info.st_mtim.tv_sec == -86400 && info.st_mtim.tv_nsec == 500);
    if (geteuid() == 0) {
        EXPECT(fchown(fd, 1234, 5678) == 0 && fstat(fd, &info) == 0 && info.st_uid == 1234 && info.st_gid == 5678 && (info.st_mode & 07777) == 0640);
        EXPECT(chown("f", (uid_t)-1, 4321) == 0 && stat("f", &info) == 0 && info.st_uid == 1234 && info.st_gid == 4321);
        EXPECT(chmod("d", 02777) == 0 && chown("d", 0, 777) == 0 && mkdir("d/sub", 0755) == 0);
        EXPECT(stat("d/sub", &info) == 0 && info.st_gid == 777 && (info.st_mode & S_ISGID));
        EXPECT(rmdir("d/sub") == 0);
    }
    close(fd);
    umask(027);
    fd = open("masked", O_CREAT | O_WRONLY, 0666);
    EXPECT(fd >= 0 && (mode_of("masked") & 07777) == 0640);
    close(fd);
    fd = open("born", O_CREAT | O_WRONLY, 0400); /* read-only, and yet its creator writes */
    EXPECT(write(fd, "x", 1) == 1);
    close(fd);
    EXPECT(access("f", R_OK | W_OK) == 0);
    EXPECT(unlink("f") == 0 && unlink("masked") == 0 && unlink("born") == 0 && rmdir("d") == 0);
}

static void directories(void)
{
    struct stat before, after;
    EXPECT(mkdir("d", 0755) == 0);
    FAILS(mkdir("d", 0755), EEXIST);
    EXPECT(stat("d", &before) == 0);
    usleep(20000);
    EXPECT(put("d/f", "f") == 0 && stat("d", &after) == 0);
    EXPECT(after.st_mtim.tv_sec > before.st_mtim.tv_sec || after.st_mtim.tv_nsec > before.st_mtim.tv_nsec);
    FAILS(rmdir("d"), ENOTEMPTY);
    FAILS(unlink("d"), EISDIR);
    FAILS(rmdir("d/f"), ENOTDIR);
    EXPECT(rename("d", "e") == 0 && holds("e/f", "f"));
    FAILS(rmdir("d"), ENOENT);
    EXPECT(unlink("e/f") == 0 && rmdir("e") == 0);
}

static void renames(void)
{
    struct stat before, after;
    EXPECT(put("a", "a") == 0 && put("b", "b") == 0 && stat("a", &before) == 0);
    EXPECT(rename("a", "b") == 0 && holds("b", "a") && size_of("a") == -1);
    EXPECT(stat("b", &after) == 0 && after.st_ino == before.st_ino);
    EXPECT(put("a", "second") == 0);
    FAILS(rename2("a", "b", RENAME_NOREPLACE), EEXIST);
    FAILS(rename2("a", "b", RENAME_EXCHANGE), EINVAL);
    EXPECT(rename2("a", "c", RENAME_NOREPLACE) == 0 && holds("c", "second"));
    EXPECT(mkdir("empty", 0755) == 0 && mkdir("full", 0755) == 0 && mkdir("d", 0755) == 0 && put("full/x", "x") == 0 && put("d/y", "y") == 0);
    FAILS(rename("d", "full"), ENOTEMPTY);
    FAILS(rename("d", "c"), ENOTDIR);
    FAILS(rename("c", "d"), EISDIR);
    FAILS(rename("d", "d/inside"), EINVAL);
    EXPECT(rename("d", "empty") == 0 && holds("empty/y", "y") && size_of("d") == -1);
    EXPECT(mkdir("empty/deep", 0755) == 0 && put("empty/deep/z", "z") == 0 && rename("empty/deep", "full/deep") == 0 && holds("full/deep/z", "z"));
    EXPECT(rename("full/deep/z", "z") == 0 && holds("z", "z"));
    EXPECT(rename("z", "z") == 0);
    FAILS(rename("missing", "z"), ENOENT);
    EXPECT(chmod("z", 0) == 0 && rename("c", "z") == 0 && holds("z", "second"));
    EXPECT(unlink("z") == 0 && unlink("b") == 0 && unlink("empty/y") == 0 && rmdir("empty") == 0 && rmdir("full/deep") == 0 && unlink("full/x") == 0 && rmdir("full") == 0);
}

static void links(void)
{
    static const char *const targets[] = {"f", "/absolute/path", "dangling/x/../y", "\xc3\xbc\xe8\xaa\x9e:*\\", "trailing/", "."};
    char target[5000], longest[4096];
    EXPECT(put("f", "reached") == 0);
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        ssize_t length;
        EXPECT(symlink(targets[i], "l") == 0 && S_ISLNK(mode_of("l")) && size_of("l") == (off_t)strlen(targets[i]));
        length = readlink("l", target, sizeof target);
        EXPECT(length == (ssize_t)strlen(targets[i]) && memcmp(target, targets[i], (size_t)length) == 0);
        EXPECT(i != 0 || holds("l", "reached"));
        EXPECT(unlink("l") == 0);
    }
    memset(longest, 'x', sizeof longest);
    longest[4095] = 0;
    EXPECT(symlink(longest, "l") == 0 && readlink("l", target, sizeof target) == 4095 && memcmp(target, longest, 4095) == 0);
    FAILS(symlink("f", "l"), EEXIST);
    FAILS(symlink("\xff", "bad"), EILSEQ);
    EXPECT(size_of("bad") == -1); /* nothing is left of it */
    EXPECT(rename("l", "m") == 0 && unlink("m") == 0 && unlink("f") == 0);
}

static void volume(void)
{
    struct statvfs info;
    int fd;
    EXPECT(statvfs(".", &info) == 0 && info.f_namemax == 255 && info.f_frsize == 4096 && (UINT64)info.f_blocks * info.f_frsize == 16 * MIB);
    EXPECT(free_bytes() == 16 * MIB);
    fd = open("f", O_CREAT | O_RDWR, 0600);
    EXPECT(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 1 * MIB) == 0);
    EXPECT(size_of("f") == 0 && free_bytes() == 15 * MIB);
    EXPECT(write(fd, "x", 1) == 1 && free_bytes() == 15 * MIB);
    EXPECT(fallocate(fd, 0, 0, 5000) == 0 && size_of("f") == 5000 && free_bytes() == 15 * MIB);
    EXPECT(fallocate(fd, 0, 0, 100) == 0 && size_of("f") == 5000);
    FAILS(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 17 * MIB), ENOSPC);
    FAILS(fallocate(fd, 0, 0, 17 * MIB), ENOSPC);
    EXPECT(size_of("f") == 5000);
    FAILS(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), EOPNOTSUPP);
    FAILS(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 4096), EOPNOTSUPP);
    EXPECT(close(fd) == 0);
    for (int tries = 0; free_bytes() != 16 * MIB - 8192 && tries < 100; tries++)
        usleep(10000); /* the kernel sends its release after close has returned */
    EXPECT(free_bytes() == 16 * MIB - 8192); /* what was reserved beyond the end came back */
    struct stat info2;
    EXPECT(stat("f", &info2) == 0 && info2.st_blocks == 16 && info2.st_size == 5000);
    EXPECT(holds("f", "x") == 0 && unlink("f") == 0 && free_bytes() == 16 * MIB);
}

static void locks(void)
{
    int a = open("lock", O_CREAT | O_RDWR, 0600), b = open("lock", O_RDWR);
    EXPECT(flock(a, LOCK_EX) == 0);
    FAILS(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    EXPECT(unlink("lock") == 0);
}

static void operations(void)
{
    for (MODE mode = CACHED; mode < MODES; mode++) {
        start(mode, 16 * MIB, 4);
        client(files);
        client(large);
        client(attributes);
        client(directories);
        client(renames);
        client(links);
        client(volume);
        client(locks);
        expect_empty();
        CHECK(treefs_calls(tree, "Overwrite") >= 2);
        if (checksFailed != 0)
            fprintf(stderr, "(mode: %s)\n", modeNames[mode]);
        stop();
    }
}

/* ---- open files that lose or change their names -------------------------------------------------------------------------------------- */

static void unlinked_open(void)
{
    char bytes[32];
    struct stat info;
    int fd, again;
    EXPECT(put("f", "content") == 0);
    fd = open("f", O_RDWR);
    EXPECT(unlink("f") == 0 && size_of("f") == -1);
    EXPECT(fstat(fd, &info) == 0 && info.st_nlink == 0 && info.st_size == 7);
    EXPECT(pread(fd, bytes, 32, 0) == 7 && memcmp(bytes, "content", 7) == 0);
    EXPECT(pwrite(fd, "more", 4, 100000) == 4 && fstat(fd, &info) == 0 && info.st_size == 100004);
    EXPECT(ftruncate(fd, 2) == 0 && pread(fd, bytes, 32, 0) == 2);
    EXPECT(fchmod(fd, 0600) == 0 && fstat(fd, &info) == 0 && (info.st_mode & 07777) == 0600);
    EXPECT(fsync(fd) == 0);
    snprintf(bytes, sizeof bytes, "/proc/self/fd/%d", fd);
    again = open(bytes, O_RDWR);
    EXPECT(again >= 0 && pread(again, bytes, 32, 0) == 2);
    close(again);
    snprintf(bytes, sizeof bytes, "/proc/self/fd/%d", fd);
    again = open(bytes, O_RDWR | O_TRUNC);
    EXPECT(again >= 0 && fstat(fd, &info) == 0 && info.st_size == 0);
    close(again);
    EXPECT(put("f", "new") == 0 && fstat(fd, &info) == 0 && info.st_size == 0 && holds("f", "new"));
    EXPECT(free_bytes() == 16 * MIB - 4096);
    close(fd);
    EXPECT(unlink("f") == 0);
}

static void replaced_open(void)
{
    char bytes[32];
    int old, moved;
    EXPECT(put("target", "old") == 0 && put("source", "new") == 0);
    old = open("target", O_RDWR);
    moved = open("source", O_RDWR);
    EXPECT(rename("source", "target") == 0);
    EXPECT(pread(old, bytes, 32, 0) == 3 && memcmp(bytes, "old", 3) == 0);
    EXPECT(pwrite(old, "still mine", 10, 0) == 10 && ftruncate(old, 5) == 0);
    EXPECT(holds("target", "new"));
    EXPECT(pwrite(moved, "moved", 5, 3) == 5 && holds("target", "newmoved"));
    EXPECT(unlink("target") == 0 && pread(moved, bytes, 32, 0) == 8 && pread(old, bytes, 32, 0) == 5);
    close(old);
    close(moved);
}

static void moved_directories(void)
{
    int fd, dir;
    char bytes[8];
    EXPECT(mkdir("p", 0755) == 0 && mkdir("p/q", 0755) == 0 && mkdir("p/q/r", 0755) == 0 && mkdir("other", 0755) == 0);
    fd = open("p/q/r/f", O_CREAT | O_RDWR, 0600);
    dir = open("p/q/r", O_RDONLY | O_DIRECTORY);
    EXPECT(rename("p/q", "other/q2") == 0);
    EXPECT(pwrite(fd, "moved", 5, 0) == 5 && holds("other/q2/r/f", "moved"));
    EXPECT(openat(dir, "g", O_CREAT | O_RDWR, 0600) >= 0 && size_of("other/q2/r/g") == 0);
    EXPECT(chdir("other/q2/r") == 0 && rename("../../../other", "../../../elsewhere") == 0 && holds("f", "moved"));
    EXPECT(unlink("f") == 0 && unlink("g") == 0 && pread(fd, bytes, 8, 0) == 5);
    EXPECT(rmdir("../r") == 0);
    FAILS(open("new", O_CREAT | O_RDWR, 0600), ENOENT);
    struct stat info;
    EXPECT(stat(".", &info) == 0 && info.st_nlink == 0);
    EXPECT(chdir(directory) == 0 && rmdir("elsewhere/q2") == 0 && rmdir("elsewhere") == 0 && rmdir("p") == 0);
}

static void open_files(void)
{
    for (MODE mode = CACHED; mode < MODES; mode++) {
        start(mode, 16 * MIB, 2);
        client(unlinked_open);
        client(replaced_open);
        client(moved_directories);
        expect_empty();
        stop();
    }
}

/* ---- many writers --------------------------------------------------------------------------------------------------------------------- */

#define APPENDS 300

static void append(void)
{
    int fd = open("log", O_CREAT | O_WRONLY | O_APPEND, 0600);
    char line[10000];
    for (int i = 0; i < APPENDS; i++) {
        int length = snprintf(line, sizeof line, "%d:%d:", getpid(), i), fill = i % 50 == 0 ? 9000 : i * 37 % 100;
        memset(line + length, 'x', (size_t)fill);
        line[length + fill] = '\n';
        EXPECT(write(fd, line, (size_t)(length + fill + 1)) == length + fill + 1);
    }
}

static void count_lines(void)
{
    FILE *file = fopen("log", "r");
    char *line = NULL;
    size_t size = 0;
    int count = 0, pid, number, at;
    while (getline(&line, &size, file) > 0) {
        EXPECT(sscanf(line, "%d:%d:%n", &pid, &number, &at) == 2);
        EXPECT(strspn(line + at, "x") + 1 == strlen(line + at));
        count++;
    }
    EXPECT(count == 4 * APPENDS);
    EXPECT(unlink("log") == 0);
}

static void appends(void)
{
    for (MODE mode = CACHED; mode < MODES; mode++) {
        pid_t clients[4];
        start(mode, 64 * MIB, 4);
        for (int i = 0; i < 4; i++)
            clients[i] = begin(append);
        for (int i = 0; i < 4; i++)
            CHECK_EQUAL(end(clients[i]), 0);
        client(count_lines);
        stop();
    }
}

/* Writes, cuts and extensions of one file by several processes at once: its length must never be set back by an older one. */
static void churn_one(void)
{
    unsigned seed = (unsigned)getpid();
    int fd = open("shared", O_CREAT | O_RDWR, 0600);
    char bytes[3000];
    memset(bytes, 'y', sizeof bytes);
    for (int i = 0; i < 200; i++) {
        struct stat info;
        if (rand_r(&seed) % 4 == 0)
            EXPECT(ftruncate(fd, rand_r(&seed) % 50000) == 0);
        else if (rand_r(&seed) % 4 == 0)
            EXPECT(fstat(fd, &info) == 0);
        else if (rand_r(&seed) % 10 == 0) {
            int other = open("shared", O_WRONLY | O_TRUNC);
            EXPECT(other >= 0 && close(other) == 0);
        } else
            EXPECT(pwrite(fd, bytes, sizeof bytes, rand_r(&seed) % 60000) == sizeof bytes);
    }
}

static void check_shared(void)
{
    struct stat info;
    int fd = open("shared", O_RDONLY);
    char *bytes = malloc(100000);
    ssize_t length = read(fd, bytes, 100000);
    EXPECT(fstat(fd, &info) == 0 && length == info.st_size);
    for (ssize_t i = 0; i < length; i++)
        EXPECT(bytes[i] == 'y' || bytes[i] == 0);
    EXPECT(unlink("shared") == 0);
}

static void shared_lengths(void)
{
    for (MODE mode = CACHED; mode < MODES; mode++) {
        pid_t clients[4];
        start(mode, 64 * MIB, 4);
        treefs_delay(tree, 1); /* so that answers overtake each other */
        for (int i = 0; i < 4; i++)
            clients[i] = begin(churn_one);
        for (int i = 0; i < 4; i++)
            CHECK_EQUAL(end(clients[i]), 0);
        client(check_shared);
        stop();
    }
}

static void remove_all(void) { EXPECT(system("rm -rf ./* && test -z \"$(ls -A)\"") == 0); }

/* An answer about the length that is older than a write must not be believed after it: the next extension would cut the file. */
static void write_and_check(void)
{
    char bytes[3000];
    memset(bytes, 'y', sizeof bytes);
    int fd = open("shared", O_CREAT | O_RDWR, 0600);
    for (int i = 0; i < 150; i++) {
        struct stat info;
        EXPECT(ftruncate(fd, 0) == 0);
        EXPECT(pwrite(fd, bytes, 50, 0) == 50);
        EXPECT(pwrite(fd, bytes, 3000, 0) == 3000);
        EXPECT(pwrite(fd, bytes, 100, 100) == 100);
        EXPECT(fstat(fd, &info) == 0 && info.st_size == 3000);
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        EXPECT(pread(fd, bytes, 3000, 0) == 3000);
    }
}

static void ask_all_the_time(void)
{
    int fd = open("shared", O_CREAT | O_RDONLY, 0600);
    char byte;
    struct stat info;
    for (int i = 0; i < 700; i++) {
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        EXPECT(pread(fd, &byte, 1, 0) >= 0 && fstat(fd, &info) == 0); /* a read makes what is known of the access time old */
    }
}

static void old_answers(void)
{
    pid_t writer, askers[2];
    start(CACHED, 64 * MIB, 4);
    treefs_delay(tree, 1);
    writer = begin(write_and_check);
    for (int i = 0; i < 2; i++)
        askers[i] = begin(ask_all_the_time);
    CHECK_EQUAL(end(writer), 0);
    for (int i = 0; i < 2; i++)
        CHECK_EQUAL(end(askers[i]), 0);
    stop();
}

/* A path that is made while its directory changes its name would lead nowhere. */
static void rename_around(void)
{
    for (int i = 0; i < 200; i++)
        EXPECT(rename(i % 2 == 0 ? "d" : "e", i % 2 == 0 ? "e" : "d") == 0);
}

static void create_below(void)
{
    char name[32];
    int dir = open("stay", O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < 300; i++) {
        int fd;
        snprintf(name, sizeof name, "%d-%d", getpid(), i);
        EXPECT((fd = openat(dir, name, O_CREAT | O_EXCL | O_RDWR, 0600)) >= 0);
        close(fd);
        EXPECT(unlinkat(dir, name, 0) == 0);
    }
}

static void make_directories(void) { EXPECT(mkdir("d", 0755) == 0 && mkdir("d/sub", 0755) == 0 && symlink("d/sub", "stay") == 0); }

static void paths_in_motion(void)
{
    pid_t clients[3];
    start(CACHED, 64 * MIB, 4);
    client(make_directories);
    clients[0] = begin(create_below);
    clients[1] = begin(create_below);
    platform_sleep_ms(100); /* they have their directory */
    treefs_delay(tree, 1);
    clients[2] = begin(rename_around);
    for (int i = 0; i < 3; i++)
        CHECK_EQUAL(end(clients[i]), 0);
    stop();
}

/* An open that meets a delete gets the file, whole and for good, or none. */
static void make_and_remove(void)
{
    for (int i = 0; i < 300; i++)
        EXPECT(put("met", "content") == 0 && unlink("met") == 0);
}

static void open_and_use(void)
{
    off_t own = 100 + getpid() % 1000 * 16;
    int met = 0, byte;
    for (int i = 0; i < 20000 && met < 200; i++) {
        int fd = open("met", O_RDWR);
        if (fd < 0) {
            EXPECT(errno == ENOENT);
            continue;
        }
        met++; /* how often is a matter of luck */
        for (byte = 'a'; byte <= 'c'; byte++) {
            char seen = 0, out = (char)byte;
            struct stat info;
            EXPECT(pwrite(fd, &out, 1, own) == 1 && pread(fd, &seen, 1, own) == 1 && seen == out);
            EXPECT(fstat(fd, &info) == 0 && info.st_size > own);
        }
        close(fd);
    }
}

static void opens_meet_deletes(void)
{
    pid_t clients[3];
    start(CACHED, 64 * MIB, 4);
    treefs_delay(tree, 1);
    clients[0] = begin(make_and_remove);
    clients[1] = begin(open_and_use);
    clients[2] = begin(open_and_use);
    for (int i = 0; i < 3; i++)
        CHECK_EQUAL(end(clients[i]), 0);
    client(remove_all);
    expect_empty();
    stop();
}

/* Whoever replaces a file by a rename never leaves its name without one: who cuts it finds the old or the new one. */
#define REPLACING_MS 1000

static int goes_on(UINT64 *until)
{
    UINT64 now = platform_now_ns();
    if (*until == 0)
        *until = now + REPLACING_MS * 1000000ull;
    return now < *until;
}

static void replace_all_the_time(void)
{
    for (UINT64 until = 0; goes_on(&until);)
        EXPECT(put("new", "new") == 0 && rename("new", "file") == 0);
}

static void cut_all_the_time(void)
{
    for (UINT64 until = 0; goes_on(&until);) {
        int fd = open("file", O_CREAT | O_WRONLY | O_TRUNC, 0644);
        EXPECT(fd >= 0);
        EXPECT(write(fd, "cut", 3) == 3 && close(fd) == 0);
    }
}

static void ask_for_room(void) /* which ends the lingering of what was replaced */
{
    struct statvfs info;
    int top = open(".", O_RDONLY | O_DIRECTORY);
    for (UINT64 until = 0; goes_on(&until); usleep(500))
        EXPECT(fstatvfs(top, &info) == 0);
}

static void prepare_replaced(void) { EXPECT(put("file", "first") == 0); }

static void cuts_meet_replacements(void)
{
    for (MODE mode = CACHED; mode <= UNCACHED; mode++) {
        pid_t clients[3];
        start(mode, 64 * MIB, 4);
        client(prepare_replaced);
        treefs_delay(tree, 2); /* time to find the old file by its name, and to ask for room while it is cut */
        clients[0] = begin(replace_all_the_time);
        clients[1] = begin(ask_for_room);
        clients[2] = begin(cut_all_the_time); /* one: others would have the file open and so hold it */
        for (int i = 0; i < 3; i++)
            CHECK_EQUAL(end(clients[i]), 0);
        stop();
    }
}

/* Everything at once on a few names: creates, removes, renames, lists. Errors are fine, hangs and violations are not. */
static void churn_names(void)
{
    unsigned seed = (unsigned)getpid();
    static const char *const names[] = {"a", "b", "c", "d/a", "d/b", "e/a", "e/d/x", "d", "e", "e/d"};
    for (int i = 0; i < 400; i++) {
        const char *one = names[rand_r(&seed) % 10], *other = names[rand_r(&seed) % 10];
        int fd;
        switch (rand_r(&seed) % 8) {
        case 0:
            mkdir(one, 0755);
            break;
        case 1:
            rmdir(one);
            break;
        case 2:
            unlink(one);
            break;
        case 3:
            rename(one, other);
            break;
        case 4:
            symlink("a", one);
            break;
        case 5:
            size_of(one);
            chmod(one, 0700 + (rand_r(&seed) & 077));
            break;
        default:
            if ((fd = open(one, O_CREAT | O_RDWR | (rand_r(&seed) % 2 ? O_TRUNC : 0), 0700)) >= 0) {
                if (write(fd, "text", 4) == 4)
                    unlink(rand_r(&seed) % 2 ? one : other);
                EXPECT(close(fd) == 0);
            }
        }
    }
}

static void shared_names(void)
{
    for (MODE mode = CACHED; mode <= UNCACHED; mode++) {
        pid_t clients[6];
        start(mode, 64 * MIB, 4);
        for (int i = 0; i < 6; i++)
            clients[i] = begin(churn_names);
        for (int i = 0; i < 6; i++)
            CHECK_EQUAL(end(clients[i]), 0);
        client(remove_all);
        stop();
    }
}

/* ---- capacity, mappings, listings --------------------------------------------------------------------------------------------------- */

static void fill_up(void)
{
    char *block = calloc(1, 64 * KIB);
    int a = open("a", O_CREAT | O_RDWR, 0600), b = open("b", O_CREAT | O_RDWR, 0600);
    for (int i = 0; i < 16; i++)
        EXPECT(write(a, block, 64 * KIB) == 64 * KIB);
    EXPECT(free_bytes() == 0);
    FAILS(write(a, "x", 1), ENOSPC);
    FAILS(write(b, "x", 1), ENOSPC);
    FAILS(ftruncate(b, 1), ENOSPC);
    EXPECT(size_of("a") == MIB && size_of("b") == 0);
    EXPECT(pwrite(a, "inside", 6, 1000) == 6);
    EXPECT(ftruncate(a, 512 * KIB) == 0 && ftruncate(b, 512 * KIB) == 0); /* promised to b */
    FAILS(ftruncate(a, 512 * KIB + 1), ENOSPC);
    for (int i = 0; i < 8; i++)
        EXPECT(pwrite(b, block, 64 * KIB, i * 64 * KIB) == 64 * KIB);
    EXPECT(unlink("a") == 0 && unlink("b") == 0);
    close(a);
    close(b);
    for (int tries = 0; free_bytes() != MIB && tries < 100; tries++)
        usleep(5000);
    EXPECT(free_bytes() == MIB);
    free(block);
}

static void full(void)
{
    for (MODE mode = CACHED; mode < MODES; mode++) {
        start(mode, MIB, 2);
        client(fill_up);
        expect_empty();
        stop();
    }
}

static void map(void)
{
    struct timespec old[2] = {{1000, 0}, {1000, 0}};
    struct stat info;
    int fd = open("m", O_CREAT | O_RDWR, 0600), status;
    char *bytes, seen[8];
    pid_t child;
    EXPECT(ftruncate(fd, MIB + 100) == 0);
    bytes = mmap(NULL, MIB + 100, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    EXPECT(bytes != MAP_FAILED);
    memcpy(bytes, "start", 5);
    memcpy(bytes + MIB + 97, "end", 3);
    if ((child = fork()) == 0) {
        char *other = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, open("m", O_RDWR), 0);
        EXPECT(other != MAP_FAILED && memcmp(other, "start", 5) == 0);
        memcpy(other + 5000, "child", 5);
        _exit(0);
    }
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    EXPECT(memcmp(bytes + 5000, "child", 5) == 0);
    EXPECT(futimens(fd, old) == 0);
    memcpy(bytes + 1, "T", 1);
    EXPECT(msync(bytes, MIB, MS_SYNC) == 0 && munmap(bytes, MIB + 100) == 0);
    EXPECT(pread(fd, seen, 5, 0) == 5 && memcmp(seen, "sTart", 5) == 0);
    close(fd);
    for (int tries = 0; tries < 200 && (stat("m", &info) != 0 || info.st_mtim.tv_sec == 1000); tries++)
        usleep(5000);
    EXPECT(info.st_mtim.tv_sec > 1000); /* a mapped write counts at the last close */
    EXPECT(info.st_size == MIB + 100);
    fd = open("m", O_RDONLY);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    EXPECT(pread(fd, seen, 8, MIB + 97) == 3 && memcmp(seen, "end", 3) == 0);
    EXPECT(pread(fd, seen, 5, 5000) == 5 && memcmp(seen, "child", 5) == 0);
    EXPECT(unlink("m") == 0);
}

static void mappings(void)
{
    for (MODE mode = CACHED; mode < MODES; mode++) {
        start(mode, 16 * MIB, 2);
        client(map);
        stop();
    }
}

#define ENTRIES 10000

static void list_many(void)
{
    char name[32], *seen = calloc(1, ENTRIES), *again = calloc(1, ENTRIES);
    int count = 0, dots = 0, number;
    long middle = -1;
    DIR *dir;
    struct dirent *entry;
    EXPECT(mkdir("many", 0755) == 0 && chdir("many") == 0);
    for (int i = 0; i < ENTRIES; i++) {
        snprintf(name, sizeof name, "file-%d", i);
        EXPECT(mknod(name, S_IFREG | 0600, 0) == 0);
    }
    dir = opendir(".");
    while ((errno = 0, entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.') {
            dots++;
            continue;
        }
        EXPECT(sscanf(entry->d_name, "file-%d", &number) == 1 && number >= 0 && number < ENTRIES && !seen[number] && entry->d_type == DT_REG && entry->d_ino != 0);
        seen[number] = 1;
        if (++count == ENTRIES / 2)
            middle = telldir(dir);
        if (count % 3 == 0) { /* removed while it is listed */
            EXPECT(unlink(entry->d_name) == 0);
        }
    }
    EXPECT(errno == 0 && count == ENTRIES && dots == 2);
    seekdir(dir, middle);
    for (count = 0; readdir(dir) != NULL; count++)
        continue;
    EXPECT(count == ENTRIES - ENTRIES / 2);
    rewinddir(dir);
    for (count = 0; (entry = readdir(dir)) != NULL;)
        if (sscanf(entry->d_name, "file-%d", &number) == 1) {
            EXPECT(!again[number]);
            again[number] = 1;
            count++;
            EXPECT(unlink(entry->d_name) == 0);
        }
    EXPECT(count == ENTRIES - ENTRIES / 3);
    closedir(dir);
    EXPECT(chdir("..") == 0 && rmdir("many") == 0);
}

static void listings(void)
{
    start(CACHED, 16 * MIB, 2);
    client(list_many);
    expect_empty();
    stop();
}

/* ---- a kernel that forgets everything at once ----------------------------------------------------------------------------------------- */

static void make_many(void)
{
    char name[32];
    EXPECT(mkdir("many", 0755) == 0 && chdir("many") == 0);
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "f%d", i);
        EXPECT(mknod(name, S_IFREG | 0600, 0) == 0);
    }
}

static void touch_many(void) /* while their handles are being closed */
{
    char name[32];
    unsigned seed = (unsigned)getpid();
    for (int i = 0; i < 300; i++) {
        for (int j = 0; j < 20; j++) {
            snprintf(name, sizeof name, "many/f%d", rand_r(&seed) % 5000);
            EXPECT(size_of(name) == 0);
        }
        snprintf(name, sizeof name, "own%d-%d", getpid(), i);
        EXPECT(put(name, "x") == 0 && unlink(name) == 0);
    }
}

static void forgetting(void)
{
    FSP_FSCTL_VOLUME_PARAMS params;
    pid_t clients[4];
    int drop;
    treefs_params(&params, UINT32_MAX);
    params.IrpCapacity = 100;
    CHECK_EQUAL(start_with(&params, CACHED, 16 * MIB, 4), STATUS_SUCCESS);
    client(make_many);
    treefs_delay(tree, 1); /* so that the next step of something is due while the Closes are in the queue */
    for (int i = 0; i < 4; i++)
        clients[i] = begin(touch_many);
    if ((drop = open("/proc/sys/vm/drop_caches", O_WRONLY)) >= 0) {
        for (int i = 0; i < 20; i++) {
            platform_sleep_ms(100);
            CHECK(write(drop, "2", 1) == 1);
        }
        close(drop);
    } else
        printf("forgetting: without dropping caches, which takes root\n");
    for (int i = 0; i < 4; i++)
        CHECK_EQUAL(end(clients[i]), 0);
    treefs_delay(tree, 0);
    client(remove_all);
    expect_empty();
    stop();
}

/* ---- names ---------------------------------------------------------------------------------------------------------------------------- */

static void odd_names(void)
{
    static const char *const good[] = {"\xc3\x9f", "SS", "\xf0\x9f\x98\x80", "trailing.", "trailing ", "...", "a:b", "*?\"<>|", "back\\slash", "\\", "new\nline", "\x01", "CON",
        "\xee\x80\x80", "e\xcc\x81", "\xc3\xa9"};
    static const char *const bad[] = {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\x80", "\xef\x81\x9c"};
    char name[800];
    int depth = 0, fd;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        EXPECT(put(good[i], good[i]) == 0);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        EXPECT(holds(good[i], good[i]));
    EXPECT(system("test \"$(ls -1bA | wc -l)\" -eq 16") == 0);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        EXPECT(rename(good[i], "renamed") == 0 && holds("renamed", good[i]) && unlink("renamed") == 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        FAILS(open(bad[i], O_CREAT | O_RDWR, 0600), EILSEQ);
        FAILS(mkdir(bad[i], 0700), EILSEQ);
    }
    for (int i = 0; i < 255; i++)
        memcpy(name + 3 * i, "\xe8\xaa\x9e", 4);
    EXPECT(put(name, "longest") == 0 && holds(name, "longest") && unlink(name) == 0);
    strcat(name, "x");
    FAILS(open(name, O_CREAT | O_RDWR, 0600), ENAMETOOLONG);
    EXPECT(put("f", "") == 0);
    FAILS(rename("f", name), ENAMETOOLONG);
    EXPECT(unlink("f") == 0);
    memset(name, 'd', 200);
    name[200] = 0;
    while (mkdir(name, 0755) == 0) { /* far beyond PATH_MAX, step by step, until a request cannot carry the path */
        EXPECT(chdir(name) == 0);
        depth++;
    }
    EXPECT(errno == ENAMETOOLONG && depth > 35 && depth < 45);
    fd = open("f", O_CREAT | O_RDWR, 0600);
    EXPECT(fd < 0 || (write(fd, "x", 1) == 1 && unlink("f") == 0));
    while (depth-- > 0)
        EXPECT(chdir("..") == 0 && rmdir(name) == 0);
}

static void names(void)
{
    start(CACHED, 16 * MIB, 2);
    client(odd_names);
    expect_empty();
    stop();
}

static void spellings(void)
{
    int fd;
    struct stat one, other;
    FAILS(open("foo", O_RDONLY), ENOENT);
    EXPECT(put("Foo", "first") == 0 && holds("foo", "first") && holds("FOO", "first"));
    FAILS(mkdir("fOO", 0700), EEXIST);
    EXPECT(stat("foo", &one) == 0 && stat("FOO", &other) == 0 && one.st_ino == other.st_ino);
    fd = open("foo", O_WRONLY | O_APPEND);
    EXPECT(truncate("FOO", 2) == 0 && write(fd, "nd", 2) == 2 && holds("Foo", "find"));
    EXPECT(unlink("fOo") == 0);
    FAILS(open("Foo", O_RDONLY), ENOENT);
    FAILS(open("foo", O_RDONLY), ENOENT);
    EXPECT(put("foo", "second") == 0 && holds("FOO", "second"));
    close(fd);
    EXPECT(rename("foo", "FOO") == 0 && system("test \"$(ls)\" = FOO") == 0 && holds("foo", "second"));
    EXPECT(mkdir("dir", 0755) == 0 && mkdir("dir/sub", 0755) == 0 && rename("dir", "Dir") == 0 && system("test \"$(ls)\" = \"$(printf 'Dir\\nFOO')\"") == 0);
    EXPECT(put("other", "third") == 0 && rename("other", "foo") == 0 && holds("FOO", "third"));
    EXPECT(unlink("foo") == 0 && rmdir("DIR/SUB") == 0 && rmdir("DIR") == 0);
}

static void case_insensitive(void)
{
    for (int timeout = 0; timeout < 2; timeout++) {
        FSP_FSCTL_VOLUME_PARAMS params;
        treefs_params(&params, timeout ? UINT32_MAX : 0);
        params.CaseSensitiveSearch = 0;
        CHECK_EQUAL(start_with(&params, CACHED, 16 * MIB, 2), STATUS_SUCCESS);
        client(spellings);
        expect_empty();
        stop();
    }
}

/* ---- clients that die, mounts that go ---------------------------------------------------------------------------------------------- */

static void read_blocked(void)
{
    char byte;
    int fd = open("f", O_RDONLY);
    EXPECT(fd >= 0 && read(fd, &byte, 1) >= 0);
}

static void prepare_file(void) { EXPECT(put("f", "content") == 0); }

static void read_fresh(void) /* not from the kernel's cache */
{
    int fd = open("f", O_RDONLY);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
    read_blocked();
}

static void killed_clients(void)
{
    pid_t clients[5];
    start(UNCACHED, 16 * MIB, 8);
    client(prepare_file);
    treefs_block(tree, 1);
    for (int i = 0; i < 5; i++)
        clients[i] = begin(read_fresh);
    for (int tries = 0; treefs_calls(tree, "Read") < 5 && tries < 400; tries++)
        platform_sleep_ms(5);
    CHECK_EQUAL(treefs_calls(tree, "Read"), 5);
    for (int i = 0; i < 5; i++)
        kill(clients[i], SIGKILL);
    platform_sleep_ms(50);
    treefs_block(tree, 0); /* an answer that was delivered cannot be called back: they die with it, not before */
    for (int i = 0; i < 5; i++)
        CHECK_EQUAL(end(clients[i]), SIGKILL);
    client(read_fresh);
    stop();
}

static void work_until_error(void)
{
    char name[96], bytes[5000];
    memset(bytes, 'w', sizeof bytes);
    for (int i = 0;; i++) {
        int fd;
        snprintf(name, sizeof name, "%s/w%d-%d", directory, getpid(), i % 10);
        if ((fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600)) < 0 || write(fd, bytes, sizeof bytes) < 0 || pread(fd, bytes, sizeof bytes, 0) < 0)
            break;
        close(fd);
        if (rename(name, "last") != 0)
            break;
        memset(bytes, 'w', sizeof bytes);
    }
    /* Depending on the moment. EACCES and EROFS would be a lie. */
    EXPECT(errno == ENOTCONN || errno == ECONNABORTED || errno == EIO || errno == ENODEV || errno == ENOENT || errno == EXDEV);
}

#define WORKERS 4

static void workers_begin(pid_t *clients)
{
    for (int i = 0; i < WORKERS; i++)
        clients[i] = begin(work_until_error);
    platform_sleep_ms(300);
}

/* Their work goes to the empty directory below, once the mount is gone: that is cleaned away. */
static void sweep(void)
{
    char command[256];
    snprintf(command, sizeof command, "rm -f %s/w* %s/last", directory, directory);
    CHECK_EQUAL(system(command), 0);
}

static void unmount_under_load(void)
{
    pid_t clients[WORKERS];
    start(CACHED, 16 * MIB, 4);
    workers_begin(clients);
    stop();
    for (int i = 0; i < WORKERS; i++)
        kill(clients[i], SIGTERM); /* some may go on in the directory below */
    for (int i = 0; i < WORKERS; i++) {
        int status = end(clients[i]);
        CHECK(status == 0 || status == SIGTERM);
    }
    sweep();
    CHECK(rmdir(directory) == 0 && mkdir(directory, 0755) == 0);
}

/* Stop first, the mount afterwards: what was under way ends with an error, nothing hangs. */
static void stop_under_load(void)
{
    pid_t clients[WORKERS];
    start(CACHED, 16 * MIB, 4);
    workers_begin(clients);
    FspFileSystemStopDispatcher(fs);
    FspFileSystemRemoveMountPoint(fs);
    for (int i = 0; i < WORKERS; i++)
        kill(clients[i], SIGTERM);
    for (int i = 0; i < WORKERS; i++) {
        int status = end(clients[i]);
        CHECK(status == 0 || status == SIGTERM);
    }
    expect_no_violations(fs);
    treefs_delete(tree);
    sweep();
    CHECK(rmdir(directory) == 0 && mkdir(directory, 0755) == 0);
}

static void hold_open(void)
{
    char byte;
    int fd = open("held", O_CREAT | O_RDWR, 0600);
    EXPECT(write(fd, "x", 1) == 1);
    kill(getpid(), SIGSTOP);
    FAILS(pread(fd, &byte, 1, 0), ENOTCONN); /* the cache is gone with the connection */
}

static void unmount_busy(void)
{
    int status;
    pid_t held;
    start(UNCACHED, 16 * MIB, 2);
    held = begin(hold_open);
    waitpid(held, &status, WUNTRACED);
    CHECK(WIFSTOPPED(status));
    stop(); /* its file is closed for it */
    kill(held, SIGCONT);
    CHECK(end(held) == 0);
    CHECK(rmdir(directory) == 0 && mkdir(directory, 0755) == 0);
}

static void unmount_outside(void)
{
    for (int lazy = 0; lazy < 2; lazy++) {
        start(CACHED, 16 * MIB, 3);
        client(prepare_file);
        CHECK_EQUAL(umount2(directory, lazy ? MNT_DETACH : 0), 0);
        for (int tries = 0; !atomic_load(&((VOLUME *)fs->VolumeHandle)->stopped0) && tries < 400; tries++)
            platform_sleep_ms(5);
        CHECK(atomic_load(&((VOLUME *)fs->VolumeHandle)->stopped0)); /* every Transact returns CANCELLED */
        CHECK_EQUAL(mount("none", directory, "tmpfs", 0, NULL), 0);
        FspFileSystemRemoveMountPoint(fs); /* must leave that one alone */
        CHECK_EQUAL(umount2(directory, 0), 0);
        FspFileSystemStopDispatcher(fs);
        expect_no_violations(fs);
        treefs_delete(tree);
        CHECK(rmdir(directory) == 0 && mkdir(directory, 0755) == 0);
    }
}

static void mount_again(void)
{
    WCHAR at[64];
    mount_at(at);
    start(CACHED, 16 * MIB, 2);
    client(prepare_file);
    for (int i = 0; i < 20; i++) {
        FspFileSystemRemoveMountPoint(fs);
        CHECK_EQUAL(FspLinuxOpenHandles(fs), 0);
        CHECK_EQUAL(FspFileSystemSetMountPoint(fs, at), STATUS_SUCCESS);
        client(read_blocked);
    }
    stop();
}

static void refused_mounts(void)
{
    WCHAR missing[] = u"/does/not/exist", file[] = u"/etc/passwd";
    FSP_FSCTL_VOLUME_PARAMS params;
    CHECK_EQUAL(FspFileSystemPreflight((PWSTR)u"WinFsp.Disk", missing), STATUS_OBJECT_PATH_NOT_FOUND);
    CHECK_EQUAL(FspFileSystemPreflight((PWSTR)u"WinFsp.Disk", file), STATUS_NOT_A_DIRECTORY);
    treefs_params(&params, 0);
    tree = treefs_new(&params, MIB);
    fs = treefs_file_system(tree);
    CHECK_EQUAL(FspFileSystemSetMountPoint(fs, missing), STATUS_OBJECT_PATH_NOT_FOUND);
    CHECK(FspFileSystemSetMountPoint(fs, file) == STATUS_NOT_A_DIRECTORY);
    CHECK(fs->MountPoint == NULL);
    treefs_delete(tree);
}

/* ---- notifications --------------------------------------------------------------------------------------------------------------------- */

static void still_old(void) { EXPECT(holds("f", "content")); }
static void see_new(void)
{
    for (int tries = 0; !holds("f", "#######") && tries < 200; tries++)
        usleep(5000);
    EXPECT(holds("f", "#######"));
}

static void tell(UINT32 filter, UINT32 action, const WCHAR *name)
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

/* Below a directory whose name is longer than the files'. */
static void make_nest(void) { EXPECT(mkdir("directory", 0755) == 0 && put("directory/b", "") == 0 && size_of("directory/a") == -1); }
static void still_old_nest(void) { EXPECT(size_of("directory/a") == -1 && size_of("directory/b") == 0); }
static void see_new_nest(void)
{
    for (int tries = 0; (size_of("directory/a") == -1 || size_of("directory/b") == 0) && tries < 200; tries++)
        usleep(5000);
    EXPECT(size_of("directory/a") == 0);
    EXPECT(size_of("directory/b") == -1);
}

static void notifications(void)
{
    start(CACHED, 16 * MIB, 2);
    client(prepare_file);
    client(still_old);
    treefs_scribble(tree, u"\\f", '#');
    client(still_old); /* the kernel has it cached and was told nothing */
    tell(FILE_NOTIFY_CHANGE_LAST_WRITE | FILE_NOTIFY_CHANGE_SIZE, FILE_ACTION_MODIFIED, u"\\f");
    client(see_new);
    client(make_nest);
    treefs_add(tree, u"\\directory\\a");
    treefs_remove(tree, u"\\directory\\b");
    client(still_old_nest);
    tell(FILE_NOTIFY_CHANGE_FILE_NAME, FILE_ACTION_ADDED, u"\\directory\\a");
    tell(FILE_NOTIFY_CHANGE_FILE_NAME, FILE_ACTION_REMOVED, u"\\directory\\b");
    client(see_new_nest);
    stop();
}

/* ---- one mount, many callers ------------------------------------------------------------------------------------------------------------ */

#define CALLERS 3

static pthread_barrier_t together;
static WCHAR mountedAt[64];

static void *set_at_once(void *status)
{
    pthread_barrier_wait(&together);
    *(NTSTATUS *)status = FspFileSystemSetMountPoint(fs, mountedAt);
    return NULL;
}

/* When it returns the mount is gone and everything closed, whoever was first. */
static void *remove_at_once(void *open)
{
    pthread_barrier_wait(&together);
    FspFileSystemRemoveMountPoint(fs);
    *(long *)open = treefs_opens(tree) + (FspFileSystemMountPointF(fs) != NULL);
    return NULL;
}

static void all_at_once(void *(*function)(void *), void *results, size_t size)
{
    pthread_t threads[CALLERS];
    for (int i = 0; i < CALLERS; i++)
        CHECK_EQUAL(pthread_create(&threads[i], NULL, function, (UINT8 *)results + i * size), 0);
    for (int i = 0; i < CALLERS; i++)
        pthread_join(threads[i], NULL);
}

static void mounts_at_once(void)
{
    mount_at(mountedAt);
    pthread_barrier_init(&together, NULL, CALLERS);
    alarm(60); /* or they would do so for ever */
    start(CACHED, 16 * MIB, 2);
    client(prepare_file);
    for (int i = 0; i < 30; i++) {
        NTSTATUS statuses[CALLERS];
        long open[CALLERS];
        int mounted = 0;
        client(read_blocked); /* so that there is something to close */
        tell(FILE_NOTIFY_CHANGE_SIZE, FILE_ACTION_MODIFIED, u"\\f"); /* and a thread to end, which two would wait for */
        all_at_once(remove_at_once, open, sizeof open[0]);
        for (int j = 0; j < CALLERS; j++)
            CHECK_EQUAL(open[j], 0);
        all_at_once(set_at_once, statuses, sizeof statuses[0]);
        for (int j = 0; j < CALLERS; j++)
            if (statuses[j] == STATUS_SUCCESS)
                mounted++;
            else
                CHECK_EQUAL(statuses[j], STATUS_INVALID_PARAMETER);
        CHECK_EQUAL(mounted, 1);
    }
    stop();
    alarm(0);
    pthread_barrier_destroy(&together);
}

/* ---- an ordinary user ------------------------------------------------------------------------------------------------------------------ */

static void user_work(void)
{
    struct stat info;
    EXPECT(put("mine", "mine") == 0 && holds("mine", "mine") && stat("mine", &info) == 0 && info.st_uid == 65534);
    EXPECT(unlink("mine") == 0);
}

/* In a mount namespace of this process: a /dev/fuse that everybody may open, as most systems have it. */
static int device_for_all(void)
{
    struct stat info;
    if (stat("/dev/fuse", &info) == 0 && (info.st_mode & 06) == 06)
        return 1;
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mount("none", "/dev/shm", "tmpfs", 0, NULL) == 0 &&
        mknod("/dev/shm/fuse", S_IFCHR | 0666, info.st_rdev) == 0 && chmod("/dev/shm/fuse", 0666) == 0 && mount("/dev/shm/fuse", "/dev/fuse", NULL, MS_BIND, NULL) == 0;
}

#define NO_DEVICE 77

static void ordinary_user(void)
{
    pid_t child;
    int status;
    if (geteuid() != 0 || access("/usr/bin/fusermount3", X_OK) != 0) {
        printf("skipped: ordinary_user: takes root, to become one, and fusermount3\n");
        return;
    }
    CHECK_EQUAL(chown(directory, 65534, 65534), 0);
    if ((child = fork()) == 0) {
        FSP_FSCTL_VOLUME_PARAMS params;
        if (!device_for_all())
            _exit(NO_DEVICE);
        treefs_params(&params, UINT32_MAX);
        if (setgid(65534) != 0 || setuid(65534) != 0)
            _exit(98);
        checksFailed = 0;
        if (start_with(&params, CACHED, 16 * MIB, 2) != STATUS_SUCCESS)
            _exit(97);
        client(user_work);
        stop();
        _exit(checksFailed);
    }
    status = end(child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_DEVICE)
        printf("skipped: ordinary_user: other users may not open /dev/fuse here, and no device node can be made\n");
    else
        CHECK_EQUAL(status, 0);
    CHECK_EQUAL(chown(directory, 0, 0), 0);
    CHECK(rmdir(directory) == 0 && mkdir(directory, 0755) == 0);
}

/* ------------------------------------------------------------------------------------------------------------------------------------------ */

int main(void)
{
    FSP_FSCTL_VOLUME_PARAMS params;
    NTSTATUS status;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (mkdtemp(directory) == NULL)
        return 1;
    chmod(directory, 0755);
    treefs_params(&params, 0);
    status = start_with(&params, CACHED, MIB, 2);
    if (!NT_SUCCESS(status)) {
        printf("skipped: nothing can be mounted here (%s)\n", status == STATUS_NO_SUCH_DEVICE ? "no /dev/fuse" : status == STATUS_ACCESS_DENIED ? "not allowed" : "mount failed");
        rmdir(directory);
        return 0;
    }
    stop();
    RUN(operations);
    RUN(open_files);
    RUN(appends);
    RUN(shared_lengths);
    RUN(old_answers);
    RUN(paths_in_motion);
    RUN(opens_meet_deletes);
    RUN(cuts_meet_replacements);
    RUN(shared_names);
    RUN(full);
    RUN(mappings);
    RUN(listings);
    RUN(forgetting);
    RUN(names);
    RUN(case_insensitive);
    RUN(killed_clients);
    RUN(unmount_under_load);
    RUN(stop_under_load);
    RUN(unmount_busy);
    RUN(unmount_outside);
    RUN(mount_again);
    RUN(refused_mounts);
    RUN(notifications);
    RUN(mounts_at_once);
    RUN(ordinary_user);
    rmdir(directory);
    return RESULT();
}
#else
int main(void) { return 0; }
#endif
