/*
 * Files without a name (O_TMPFILE), how many files there may be, and the device that a rename leaves in the old place
 * (RENAME_WHITEOUT).
 */
#if defined(__linux__)
#include "support/mounted.h"

#define WHITEOUT 4u /* RENAME_WHITEOUT */

static void unnamed_files_and_whiteouts(TREEFS *t)
{
    treefs_unnamed_files(t);
    treefs_whiteouts(t);
}

static int is_empty(const char *directory)
{
    DIR *listing = opendir(directory);
    int entries = 0;
    while (readdir(listing) != NULL)
        entries++;
    closedir(listing);
    return entries == 2;
}

static int unnamed(const char *where, int flags) { return open(where, O_TMPFILE | O_RDWR | flags, 0640); }

static int link_as(int fd, const char *name)
{
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, path, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
}

static nlink_t links_of(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 ? info.st_nlink : 99;
}

static void without_name(void)
{
    struct stat info;
    char bytes[6] = "";
    int fd, second;
    UINT64 before = free_bytes();
    umask(022);
    EXPECT(mkdir("d", 0755) == 0 && chown("d", 0, 7) == 0 && chmod("d", 02755) == 0);
    EXPECT((fd = unnamed("d", 0)) >= 0 && write(fd, "hello", 5) == 5 && is_empty("d"));
    EXPECT(fstat(fd, &info) == 0 && info.st_nlink == 0 && info.st_size == 5 && info.st_gid == 7 &&
           info.st_mode == (S_IFREG | 0640));
    EXPECT((second = unnamed("d", 0)) >= 0 && fstat(second, &info) == 0 && info.st_size == 0 && close(second) == 0);
    EXPECT(fchmod(fd, 0600) == 0 && ftruncate(fd, 4096) == 0 && free_bytes() < before);
    EXPECT(rename("d", "e") == 0 && rmdir("e") == 0);
    EXPECT(pread(fd, bytes, 5, 0) == 5 && strcmp(bytes, "hello") == 0 && close(fd) == 0);
    for (int i = 0; i < 200 && free_bytes() != before; i++)
        usleep(10000); /* the close has returned before its release arrives */
    EXPECT(free_bytes() == before);
    FAILS(unnamed("missing", 0), ENOENT);
}

static void counted(void)
{
    struct statvfs info;
    int fd = unnamed(".", 0);
    EXPECT(put("a", "a") == 0 && statvfs(".", &info) == 0 && info.f_files == 1000 && info.f_ffree == 998);
    EXPECT(unlink("a") == 0 && close(fd) == 0);
}

static void named_later(void)
{
    char bytes[6] = "";
    int fd = unnamed(".", 0);
    EXPECT(fd >= 0 && write(fd, "hello", 5) == 5 && put("taken", "taken") == 0);
    FAILS(link_as(fd, "taken"), EEXIST);
    EXPECT(links_of(fd) == 0 && link_as(fd, "f") == 0 && links_of(fd) == 1 && holds("f", "hello"));
    EXPECT(link_as(fd, "g") == 0 && links_of(fd) == 2 && put("g", "again") == 0 && pread(fd, bytes, 5, 0) == 5);
    EXPECT(strcmp(bytes, "again") == 0 && unlink("f") == 0 && unlink("g") == 0 && links_of(fd) == 0);
    EXPECT(close(fd) == 0 && (fd = unnamed(".", O_EXCL)) >= 0);
    FAILS(link_as(fd, "f"), ENOENT);
    EXPECT(close(fd) == 0 && (fd = unnamed(".", 0)) >= 0 && link_as(fd, "f") == 0 && close(fd) == 0);
    EXPECT(size_of("f") == 0 && unlink("f") == 0 && unlink("taken") == 0);
}

static int is_whiteout(const char *name)
{
    struct stat info;
    return lstat(name, &info) == 0 && info.st_mode == S_IFCHR && info.st_rdev == 0 && info.st_uid == 0;
}

static void whiteouts(void)
{
    int fd;
    EXPECT(put("a", "a") == 0 && chown("a", 5, 6) == 0 && (fd = open("a", O_RDWR)) >= 0);
    EXPECT(rename2("a", "b", WHITEOUT) == 0 && is_whiteout("a") && holds("b", "a") && pwrite(fd, "A", 1, 0) == 1);
    EXPECT(holds("b", "A") && close(fd) == 0 && unlink("a") == 0);
    EXPECT(put("a", "other") == 0);
    FAILS(rename2("b", "a", WHITEOUT | RENAME_NOREPLACE), EEXIST);
    FAILS(rename2("b", "a", WHITEOUT | RENAME_EXCHANGE), EINVAL);
    EXPECT(rename2("b", "a", WHITEOUT) == 0 && is_whiteout("b") && holds("a", "A"));
    EXPECT(rename("a", "b") == 0 && holds("b", "A") && mkdir("d", 0700) == 0 && mkdir("e", 0700) == 0);
    EXPECT(put("d/f", "f") == 0 && rename2("d", "e/d", WHITEOUT) == 0 && is_whiteout("d") && holds("e/d/f", "f"));
    EXPECT(unlink("d") == 0 && unlink("e/d/f") == 0 && rmdir("e/d") == 0 && rmdir("e") == 0 && unlink("b") == 0);
}

static void extended(void)
{
    for (MODE mode = CACHED; mode < MODES; mode++) {
        start_able(mode, unnamed_files_and_whiteouts);
        client(without_name);
        client(counted);
        client(named_later);
        client(whiteouts);
        expect_empty();
        stop();
    }
}

static void leave_open(void)
{
    EXPECT(unnamed(".", 0) >= 0);
    _exit(0);
}

/* What a program leaves when it ends goes with it. */
static void owner_dies(void)
{
    start_able(CACHED, unnamed_files_and_whiteouts);
    for (int i = 0; i < 20; i++)
        client(leave_open);
    expect_empty();
    stop();
}

static void refused(void)
{
    FAILS(unnamed(".", 0), EOPNOTSUPP);
    EXPECT(put("a", "a") == 0);
    FAILS(rename2("a", "b", WHITEOUT), EINVAL);
    EXPECT(unlink("a") == 0);
}

static void without_the_options(void) { run_unable(refused); }

int main(void)
{
    if (!mounts_begin())
        return SKIPPED;
    RUN(extended);
    RUN(owner_dies);
    RUN(without_the_options);
    return mounts_end();
}
#else
int main(void) { return 0; }
#endif
