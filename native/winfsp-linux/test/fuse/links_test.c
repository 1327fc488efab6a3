/* Files of several names: link(2), what unlink and rename do to one of them, and what the kernel takes for one file. */
#if defined(__linux__)
#include "support/mounted.h"

static nlink_t links_of(const char *name)
{
    struct stat info;
    return stat(name, &info) == 0 ? info.st_nlink : 99;
}

static ino_t number_of(const char *name)
{
    struct stat info;
    return stat(name, &info) == 0 ? info.st_ino : 0;
}

static int absent(const char *name)
{
    struct stat info;
    return stat(name, &info) != 0 && errno == ENOENT;
}

/* Each look is at what the kernel remembers, and once more at what the host says. */
static void forget(void)
{
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
    if (fd >= 0) {
        ssize_t done = write(fd, "2", 1);
        (void)done;
        close(fd);
    }
}

static void names(void)
{
    EXPECT(mkdir("d", 0755) == 0 && put("a", "one") == 0);
    EXPECT(link("a", "b") == 0 && link("b", "d/c") == 0 && links_of("a") == 3);
    FAILS(link("a", "b"), EEXIST);
    FAILS(link("missing", "x"), ENOENT);
    FAILS(link("a", "missing/x"), ENOENT);
    FAILS(link("d", "x"), EPERM);
    for (int i = 0; i < 2; i++) {
        EXPECT(links_of("a") == 3 && links_of("b") == 3 && links_of("d/c") == 3);
        EXPECT(number_of("a") == number_of("b") && number_of("b") == number_of("d/c"));
        forget();
    }
    EXPECT(put("b", "two") == 0 && holds("a", "two") && holds("d/c", "two"));
    EXPECT(unlink("a") == 0 && absent("a") && links_of("b") == 2 && holds("d/c", "two"));
    EXPECT(rename("d/c", "d/e") == 0 && absent("d/c") && holds("d/e", "two") && links_of("d/e") == 2);
    forget();
    EXPECT(absent("a") && absent("d/c") && holds("b", "two") && links_of("b") == 2);
    EXPECT(rename("b", "d/e") == 0 && holds("b", "two") && holds("d/e", "two")); /* one file: nothing happens */
    EXPECT(put("o", "other") == 0 && rename("o", "b") == 0 && holds("b", "other") && links_of("b") == 1);
    EXPECT(holds("d/e", "two") && links_of("d/e") == 1);
    EXPECT(link("d/e", "f") == 0 && rename("d", "g") == 0 && rename("g/e", "h") == 0);
    EXPECT(absent("g/e") && holds("h", "two") && number_of("f") == number_of("h"));
    EXPECT(unlink("h") == 0 && unlink("f") == 0 && unlink("b") == 0 && rmdir("g") == 0);
}

/* What is open stays one file, whatever becomes of the name by which it was opened. */
static void open_files(void)
{
    struct stat info;
    char *mapped, bytes[8];
    int fd, second, path;
    EXPECT(put("a", "12345") == 0 && link("a", "b") == 0);
    fd = open("a", O_RDWR);
    second = open("b", O_RDWR);
    EXPECT(flock(fd, LOCK_EX | LOCK_NB) == 0);
    FAILS(flock(second, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    mapped = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    EXPECT(mapped != MAP_FAILED && mapped[0] == '1');
    EXPECT(unlink("a") == 0 && fstat(fd, &info) == 0 && info.st_nlink == 1);
    EXPECT(pwrite(second, "9", 1, 0) == 1 && pread(fd, bytes, 5, 0) == 5 && bytes[0] == '9' && mapped[0] == '9');
    EXPECT(close(second) == 0 && holds("b", "92345") && ftruncate(fd, 2) == 0 && size_of("b") == 2);
    EXPECT(link("b", "c") == 0 && rename("c", "b2") == 0 && fstat(fd, &info) == 0 && info.st_nlink == 2);
    EXPECT(unlink("b") == 0 && unlink("b2") == 0 && fstat(fd, &info) == 0 && info.st_nlink == 0);
    EXPECT(pread(fd, bytes, 5, 0) == 2 && bytes[0] == '9' && munmap(mapped, 4096) == 0 && close(fd) == 0);

    EXPECT(put("a", "path") == 0 && link("a", "b") == 0);
    path = open("a", O_PATH);
    EXPECT(path >= 0 && unlink("a") == 0 && holds("b", "path") && fstat(path, &info) == 0 && info.st_nlink == 1);
    EXPECT(unlink("b") == 0 && close(path) == 0);
}

static void times(void)
{
    struct stat before, file, directory;
    const struct timespec old[2] = {{1000, 0}, {1000, 0}};
    EXPECT(mkdir("d", 0755) == 0 && put("a", "x") == 0 && utimensat(AT_FDCWD, "a", old, 0) == 0);
    EXPECT(utimensat(AT_FDCWD, "d", old, 0) == 0 && stat("a", &before) == 0);
    usleep(20000);
    EXPECT(link("a", "d/b") == 0 && stat("a", &file) == 0 && stat("d", &directory) == 0);
    EXPECT(file.st_mtim.tv_sec == 1000 && directory.st_mtim.tv_sec > 1000);
    EXPECT(file.st_ctim.tv_sec > before.st_ctim.tv_sec || file.st_ctim.tv_nsec > before.st_ctim.tv_nsec);
    before = file;
    usleep(20000);
    EXPECT(unlink("d/b") == 0 && stat("a", &file) == 0 && file.st_mtim.tv_sec == 1000);
    EXPECT(file.st_ctim.tv_sec > before.st_ctim.tv_sec || file.st_ctim.tv_nsec > before.st_ctim.tv_nsec);
    EXPECT(unlink("a") == 0 && rmdir("d") == 0);
}

static void directories(void)
{
    EXPECT(links_of(".") == 2 && mkdir("d", 0755) == 0 && links_of(".") == 3 && links_of("d") == 2);
    EXPECT(mkdir("d/e", 0755) == 0 && links_of("d") == 3 && rename("d/e", "e") == 0 && links_of("d") == 2);
    EXPECT(links_of(".") == 4 && rmdir("e") == 0 && rmdir("d") == 0 && links_of(".") == 2);
}

/* Names come and go in one place while they are looked up and linked in another. */
static void linker(void)
{
    char name[16];
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "l%d", i % 7);
        if (link("base", name) != 0)
            EXPECT(errno == EEXIST);
        snprintf(name, sizeof name, "l%d", (i + 3) % 7);
        if (i % 3 == 0 && rename(name, "moved") != 0)
            EXPECT(errno == ENOENT);
        if (i % 2 == 0 && unlink(name) != 0)
            EXPECT(errno == ENOENT);
    }
}

static void looker(void)
{
    char name[16];
    for (int i = 0; i < 600; i++) {
        struct stat info;
        snprintf(name, sizeof name, "l%d", i % 7);
        if (stat(name, &info) == 0)
            EXPECT(info.st_ino == number_of("base") && info.st_nlink >= 1);
        if (i % 50 == 0)
            forget();
    }
}

static void one_left(void)
{
    char name[16];
    for (int i = 0; i < 7; i++) {
        snprintf(name, sizeof name, "l%d", i);
        unlink(name);
    }
    unlink("moved");
    EXPECT(links_of("base") == 1 && holds("base", "base") && unlink("base") == 0);
}

static void make_base(void) { EXPECT(put("base", "base") == 0); }

static void linked(void)
{
    for (MODE mode = CACHED; mode < MODES; mode++) {
        pid_t children[4];
        start_able(mode, treefs_hard_links);
        client(names);
        client(open_files);
        client(times);
        client(directories);
        client(make_base);
        for (int i = 0; i < 4; i++)
            children[i] = begin(i % 2 == 0 ? linker : looker);
        for (int i = 0; i < 4; i++)
            CHECK_EQUAL(end(children[i]), 0);
        client(one_left);
        expect_empty();
        stop();
    }
}

static void refused(void)
{
    EXPECT(put("a", "x") == 0 && links_of("a") == 1);
    FAILS(link("a", "b"), EPERM);
    EXPECT(unlink("a") == 0);
}

static void without_the_option(void) { run_unable(refused); }

int main(void)
{
    if (!mounts_begin())
        return SKIPPED;
    RUN(linked);
    RUN(without_the_option);
    return mounts_end();
}
#else
int main(void) { return 0; }
#endif
