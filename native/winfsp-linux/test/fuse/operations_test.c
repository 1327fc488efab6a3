/* Every operation on a real mount, and open files that lose or change their names. */
#if defined(__linux__)
#include <sys/utsname.h>

#include "support/mounted.h"

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
    EXPECT(fstat(fd, &info) == 0 && info.st_size == 5 && info.st_blocks == 8 && info.st_nlink == 1 &&
           S_ISREG(info.st_mode) && (info.st_mode & 07777) == 0640);
    EXPECT(pwrite(fd, "far", 3, 10000) == 3);
    EXPECT(pread(fd, bytes, 10, 5) == 10 && bytes[0] == 0 && bytes[9] == 0);
    EXPECT(ftruncate(fd, 3) == 0 && size_of("f") == 3);
    EXPECT(
        ftruncate(fd, 50) == 0 && pread(fd, bytes, 100, 0) == 50 && bytes[2] == 'l' && bytes[3] == 0 && bytes[49] == 0);
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
    EXPECT(info.st_atim.tv_sec == 1700000000 && info.st_atim.tv_nsec == 123456700 && info.st_mtim.tv_sec == 1 &&
           info.st_mtim.tv_nsec == 100);
    EXPECT(info.st_ctim.tv_sec > 1700000000);
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_nsec = UTIME_NOW;
    EXPECT(futimens(fd, times) == 0 && fstat(fd, &info) == 0 && info.st_atim.tv_nsec == 123456700 &&
           info.st_mtim.tv_sec > 1700000000);
    times[1] = (struct timespec){-86400, 500}; /* before 1970 */
    EXPECT(futimens(fd, times) == 0 && fstat(fd, &info) == 0 && info.st_mtim.tv_sec == -86400 &&
           info.st_mtim.tv_nsec == 500);
    if (geteuid() == 0) {
        EXPECT(fchown(fd, 1234, 5678) == 0 && fstat(fd, &info) == 0 && info.st_uid == 1234 && info.st_gid == 5678 &&
               (info.st_mode & 07777) == 0640);
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
    EXPECT(mkdir("empty", 0755) == 0 && mkdir("full", 0755) == 0 && mkdir("d", 0755) == 0 && put("full/x", "x") == 0 &&
           put("d/y", "y") == 0);
    FAILS(rename("d", "full"), ENOTEMPTY);
    FAILS(rename("d", "c"), ENOTDIR);
    FAILS(rename("c", "d"), EISDIR);
    FAILS(rename("d", "d/inside"), EINVAL);
    EXPECT(rename("d", "empty") == 0 && holds("empty/y", "y") && size_of("d") == -1);
    EXPECT(mkdir("empty/deep", 0755) == 0 && put("empty/deep/z", "z") == 0 && rename("empty/deep", "full/deep") == 0 &&
           holds("full/deep/z", "z"));
    EXPECT(rename("full/deep/z", "z") == 0 && holds("z", "z"));
    EXPECT(rename("z", "z") == 0);
    FAILS(rename("missing", "z"), ENOENT);
    EXPECT(chmod("z", 0) == 0 && rename("c", "z") == 0 && holds("z", "second"));
    EXPECT(unlink("z") == 0 && unlink("b") == 0 && unlink("empty/y") == 0 && rmdir("empty") == 0 &&
           rmdir("full/deep") == 0 && unlink("full/x") == 0 && rmdir("full") == 0);
}

static void links(void)
{
    static const char *const targets[] = {
        "f", "/absolute/path", "dangling/x/../y", "\xc3\xbc\xe8\xaa\x9e:*\\", "trailing/", "."};
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
    EXPECT(symlink(longest, "l") == 0 && readlink("l", target, sizeof target) == 4095 &&
           memcmp(target, longest, 4095) == 0);
    FAILS(symlink("f", "l"), EEXIST);
    EXPECT(size_of("bad") == -1); /* nothing is left of it */
    EXPECT(rename("l", "m") == 0 && unlink("m") == 0 && unlink("f") == 0);
}

static void volume(void)
{
    struct statvfs info;
    int fd;
    EXPECT(statvfs(".", &info) == 0 && info.f_namemax == 255 && info.f_frsize == 4096 &&
           (UINT64)info.f_blocks * info.f_frsize == 16 * MIB);
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
    /* What was reserved beyond the end stays when it grows, and comes back when it is cut to the very length. */
    EXPECT(truncate("f", 6000) == 0 && free_bytes() == 15 * MIB);
    EXPECT(truncate("f", 6000) == 0 && free_bytes() == 16 * MIB - 8192);
    struct stat info2;
    EXPECT(stat("f", &info2) == 0 && info2.st_blocks == 16 && info2.st_size == 6000);
    EXPECT(holds("f", "x") == 0 && unlink("f") == 0 && free_bytes() == 16 * MIB);
}

static void locks(void)
{
    int a = open("lock", O_CREAT | O_RDWR, 0600), b = open("lock", O_RDWR);
    EXPECT(flock(a, LOCK_EX) == 0);
    FAILS(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    EXPECT(unlink("lock") == 0);
}

static int kernel_is_at_least(int major, int minor)
{
    struct utsname system;
    int a = 0, b = 0;
    return uname(&system) == 0 && sscanf(system.release, "%d.%d", &a, &b) == 2 &&
           (a > major || (a == major && b >= minor));
}

/* The kernel asks after each write; with the cache on the answer of the write itself is what it gets. */
static void write_and_ask(void)
{
    int fd = open("asked", O_CREAT | O_RDWR, 0600);
    struct stat info;
    for (off_t size = 1; size <= 50; size++)
        EXPECT(write(fd, "x", 1) == 1 && fstat(fd, &info) == 0 && info.st_size == size);
    EXPECT(unlink("asked") == 0);
}

static void attributes_from_answers(void)
{
    for (MODE mode = CACHED; mode <= UNCACHED; mode++) {
        start(mode, 16 * MIB, 2);
        client(write_and_ask);
        if (mode == CACHED)
            CHECK(treefs_calls(tree, "GetFileInfo") <= 2);
        else
            CHECK(treefs_calls(tree, "GetFileInfo") >= 50);
        stop();
    }
}

static void no_file_handles(void)
{
    struct {
        struct file_handle head;
        unsigned char bytes[MAX_HANDLE_SZ];
    } handle = {.head = {.handle_bytes = MAX_HANDLE_SZ}};
    int mountId;
    EXPECT(put("f", "x") == 0);
    EXPECT(name_to_handle_at(AT_FDCWD, "f", &handle.head, &mountId, 0) == -1 || !kernel_is_at_least(6, 9));
    EXPECT(!kernel_is_at_least(6, 9) || errno == EOPNOTSUPP); /* and not one that is stale when the kernel forgets */
}

static void file_handles(void)
{
    start(CACHED, 16 * MIB, 2);
    client(no_file_handles);
    stop();
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

/* ---- open files that lose or change their names ---- */

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

int main(void)
{
    if (!mounts_begin())
        return SKIPPED;
    RUN(operations);
    RUN(attributes_from_answers);
    RUN(file_handles);
    RUN(open_files);
    return mounts_end();
}
#else
int main(void) { return 0; }
#endif
