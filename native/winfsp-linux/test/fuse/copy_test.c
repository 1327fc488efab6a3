/* copy_file_range inside a mount: which bytes, how many, and what others see of it; and the time of birth. */
#if defined(__linux__)
#include "support/mounted.h"

#define BIG (9 * MIB)

static ssize_t copy(int from, off_t at, int to, off_t where, size_t length)
{
    return copy_file_range(from, &at, to, &where, length, 0);
}

static void fill(const char *name)
{
    int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0644);
    static UINT32 words[BIG / sizeof(UINT32)];
    for (size_t i = 0; i < BIG / sizeof(UINT32); i++)
        words[i] = (UINT32)(i * 2654435761u);
    EXPECT(write(fd, words, sizeof words) == sizeof words && close(fd) == 0);
}

static int same(const char *a, off_t from, const char *b, off_t to, size_t length)
{
    static char one[MIB], other[MIB];
    int first = open(a, O_RDONLY), second = open(b, O_RDONLY), equal = 1;
    for (size_t done = 0; equal && done < length;) {
        size_t piece = length - done < MIB ? length - done : MIB;
        equal = pread(first, one, piece, from + (off_t)done) == (ssize_t)piece &&
                pread(second, other, piece, to + (off_t)done) == (ssize_t)piece && memcmp(one, other, piece) == 0;
        done += piece;
    }
    close(first);
    close(second);
    return equal;
}

static void whole_files(void)
{
    int from, to;
    size_t done = 0;
    fill("a");
    from = open("a", O_RDONLY);
    to = open("b", O_CREAT | O_WRONLY, 0644);
    while (done < BIG) {
        ssize_t count = copy(from, (off_t)done, to, (off_t)done, BIG - done);
        EXPECT(count > 0 && count <= (ssize_t)(BIG - done));
        done += (size_t)count;
    }
    EXPECT(copy(from, BIG, to, BIG, 10) == 0);
    EXPECT(close(to) == 0 && size_of("b") == BIG && same("a", 0, "b", 0, BIG));
    EXPECT(unlink("b") == 0 && close(from) == 0);
}

/* What was read before is not what is read afterwards; bytes around the range stay. */
static void pieces(void)
{
    int from = open("a", O_RDONLY), to = open("c", O_CREAT | O_WRONLY, 0644);
    struct stat before, after;
    EXPECT(ftruncate(to, 50000) == 0 && size_of("c") == 50000);
    EXPECT(same("c", 0, "c", 0, 50000) && fstat(to, &before) == 0);
    usleep(20000);
    EXPECT(copy(from, 1001, to, 7003, 20000) == 20000 && same("a", 1001, "c", 7003, 20000));
    EXPECT(fstat(to, &after) == 0 && after.st_size == 50000 && after.st_mtim.tv_nsec != before.st_mtim.tv_nsec);
    EXPECT(copy(from, 5, to, 49990, 100) == 100 && size_of("c") == 50090 && same("a", 5, "c", 49990, 100));
    EXPECT(copy(from, BIG - 7, to, 0, 100) == 7 && same("a", BIG - 7, "c", 0, 7));
    EXPECT(close(to) == 0 && close(from) == 0 && unlink("c") == 0);
}

/* Through a mapping the kernel has to do it. */
static void mapped(void)
{
    int from = open("a", O_RDONLY), to = open("m", O_CREAT | O_RDWR, 0644);
    char *bytes;
    EXPECT(ftruncate(to, 8192) == 0);
    bytes = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, to, 0);
    if (bytes != MAP_FAILED) { /* not over direct I/O */
        bytes[4999] = 'x';
        EXPECT(copy(from, 0, to, 1000, 3000) == 3000 && bytes[4999] == 'x');
        EXPECT(same("a", 0, "m", 1000, 3000) && munmap(bytes, 8192) == 0);
    }
    EXPECT(close(to) == 0 && close(from) == 0 && unlink("m") == 0);
}

static void full(void)
{
    int from = open("a", O_RDONLY), to = open("f", O_CREAT | O_WRONLY, 0644);
    EXPECT(ftruncate(to, (off_t)free_bytes() - 4096) == 0);
    FAILS(copy(from, 0, to, size_of("f"), MIB), ENOSPC);
    EXPECT(copy(from, 0, to, size_of("f"), 4096) == 4096 && free_bytes() == 0);
    EXPECT(close(to) == 0 && close(from) == 0 && unlink("f") == 0);
}

static void remove_source(void) { EXPECT(unlink("a") == 0); }

static void birth(void)
{
    struct statx info, again;
    int fd;
    EXPECT(put("t", "t") == 0 && statx(AT_FDCWD, "t", 0, STATX_ALL, &info) == 0);
    EXPECT((info.stx_mask & (STATX_BASIC_STATS | STATX_BTIME)) == (STATX_BASIC_STATS | STATX_BTIME));
    EXPECT(info.stx_size == 1 && info.stx_mode == mode_of("t") && info.stx_nlink >= 1);
    EXPECT(info.stx_btime.tv_sec > 1000000);
    usleep(20000);
    fd = open("t", O_WRONLY);
    EXPECT(write(fd, "uuu", 3) == 3 && statx(fd, "", AT_EMPTY_PATH, STATX_ALL, &again) == 0 && again.stx_size == 3);
    EXPECT(again.stx_btime.tv_sec == info.stx_btime.tv_sec && again.stx_btime.tv_nsec == info.stx_btime.tv_nsec);
    EXPECT(again.stx_mtime.tv_sec != info.stx_mtime.tv_sec || again.stx_mtime.tv_nsec != info.stx_mtime.tv_nsec);
    EXPECT(close(fd) == 0 && unlink("t") == 0);
}

static void copies(void)
{
    for (int controls = 0; controls < 2; controls++)
        for (MODE mode = CACHED; mode < MODES; mode++) {
            start(mode, 64 * MIB, 2);
            if (controls)
                treefs_controls(tree);
            client(whole_files);
            client(pieces);
            client(mapped);
            client(full);
            client(remove_source);
            client(birth);
            expect_empty();
            CHECK_EQUAL(treefs_calls(tree, "treefs_control") > 1, controls);
            stop();
        }
}

int main(void)
{
    if (!mounts_begin())
        return SKIPPED;
    RUN(copies);
    return mounts_end();
}
#else
int main(void) { return 0; }
#endif
