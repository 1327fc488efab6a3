/* Holes: punched and zeroed by fallocate, found by lseek, whatever the kernel has cached or mapped. */
#if defined(__linux__)
#include "support/mounted.h"

#define PAGE 4096
#define PUNCH (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

static void fill(int fd, size_t size)
{
    static char bytes[16 * PAGE];
    memset(bytes, 'x', size);
    EXPECT(pwrite(fd, bytes, size, 0) == (ssize_t)size);
}

static int is(int fd, off_t at, size_t size, char what)
{
    static char bytes[16 * PAGE];
    if (pread(fd, bytes, size, at) != (ssize_t)size)
        return 0;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != what)
            return 0;
    return 1;
}

static void punched(void)
{
    struct stat before, after;
    char *mapped;
    int fd = open("f", O_CREAT | O_RDWR, 0600);
    fill(fd, 10 * PAGE);
    EXPECT(fstat(fd, &before) == 0);
    usleep(20000);
    EXPECT(fallocate(fd, PUNCH, 2 * PAGE, 3 * PAGE) == 0);
    EXPECT(fallocate(fd, FALLOC_FL_ZERO_RANGE, 7 * PAGE + 5, 100) == 0);
    EXPECT(is(fd, 0, 2 * PAGE, 'x') && is(fd, 2 * PAGE, 3 * PAGE, 0) && is(fd, 5 * PAGE, 2 * PAGE + 5, 'x'));
    EXPECT(is(fd, 7 * PAGE + 5, 100, 0) && is(fd, 7 * PAGE + 105, 100, 'x'));
    EXPECT(fstat(fd, &after) == 0 && after.st_size == before.st_size);
    EXPECT(after.st_mtim.tv_sec > before.st_mtim.tv_sec || after.st_mtim.tv_nsec > before.st_mtim.tv_nsec);
    EXPECT(lseek(fd, 0, SEEK_HOLE) == 2 * PAGE && lseek(fd, 2 * PAGE, SEEK_DATA) == 5 * PAGE);
    EXPECT(lseek(fd, 3 * PAGE, SEEK_HOLE) == 3 * PAGE && lseek(fd, PAGE + 1, SEEK_DATA) == PAGE + 1);
    EXPECT(lseek(fd, 6 * PAGE, SEEK_HOLE) == 10 * PAGE);
    FAILS(lseek(fd, 10 * PAGE, SEEK_DATA), ENXIO);
    EXPECT(fallocate(fd, FALLOC_FL_ZERO_RANGE, 9 * PAGE, 3 * PAGE) == 0 && size_of("f") == 12 * PAGE);
    FAILS(lseek(fd, 9 * PAGE, SEEK_DATA), ENXIO);
    FAILS(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, PAGE), EOPNOTSUPP); /* as on tmpfs */
    FAILS(fallocate(fd, FALLOC_FL_INSERT_RANGE, 0, PAGE), EOPNOTSUPP);
    /* what is stored through a mapping is no hole, though the host has not seen it yet */
    mapped = mmap(NULL, 12 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped != MAP_FAILED) {
        mapped[3 * PAGE] = 'm';
        EXPECT(lseek(fd, 2 * PAGE, SEEK_DATA) == 3 * PAGE);
        EXPECT(fallocate(fd, PUNCH, 3 * PAGE, PAGE) == 0 && mapped[3 * PAGE] == 0);
        EXPECT(munmap(mapped, 12 * PAGE) == 0);
    }
    EXPECT(close(fd) == 0 && unlink("f") == 0);
}

/* A host without Control: nothing is a hole, and nothing changes. */
static void unknown(void)
{
    int fd = open("f", O_CREAT | O_RDWR, 0600);
    fill(fd, 2 * PAGE);
    FAILS(fallocate(fd, PUNCH, 0, PAGE), EOPNOTSUPP);
    EXPECT(is(fd, 0, 2 * PAGE, 'x') && lseek(fd, 5, SEEK_DATA) == 5 && lseek(fd, 5, SEEK_HOLE) == 2 * PAGE);
    EXPECT(close(fd) == 0 && unlink("f") == 0);
}

static void holes(void)
{
    for (MODE mode = CACHED; mode < MODES; mode++) {
        start(mode, 16 * MIB, 2);
        client(unknown);
        expect_empty();
        stop();
        start(mode, 16 * MIB, 2);
        treefs_controls(tree);
        client(punched);
        expect_empty();
        stop();
    }
}

int main(void)
{
    if (!mounts_begin())
        return SKIPPED;
    RUN(holes);
    return mounts_end();
}
#else
int main(void) { return 0; }
#endif
