/* A full volume, mappings, long listings, a kernel that forgets, odd names. */
#if defined(__linux__)
#include "support/mounted.h"

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
    /* What no volume could hold is too large, not refused for want of room. */
    FAILS(ftruncate(b, 1ll << 44), EFBIG);
    FAILS(ftruncate(b, 1ll << 62), EFBIG);
    FAILS(pwrite(b, "x", 1, 1ll << 62), EFBIG);
    FAILS(fallocate(b, 0, 1ll << 61, 4096), EFBIG);
    FAILS(ftruncate(b, 1ll << 43), ENOSPC);
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
    EXPECT(info.st_mtim.tv_sec > 1000); /* a mapped write counts */
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
    char name[32], *seen = calloc(1, ENTRIES), *again = calloc(1, ENTRIES), *later = calloc(1, ENTRIES);
    int count = 0, dots = 0, number, removed = 0;
    long middle = -1, gone = -1;
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
        EXPECT(sscanf(entry->d_name, "file-%d", &number) == 1 && number >= 0 && number < ENTRIES && !seen[number] &&
               entry->d_type == DT_REG && entry->d_ino != 0);
        seen[number] = 1;
        if (++count == ENTRIES / 2)
            middle = telldir(dir);
        if (count == 3)
            gone = telldir(dir);
        later[number] = count > ENTRIES / 2;
        if (count % 3 == 0) { /* removed while it is listed */
            EXPECT(unlink(entry->d_name) == 0);
            later[number] = 0;
            removed++;
        }
    }
    EXPECT(errno == 0 && count == ENTRIES && dots == 2);
    /* Back to the middle of what has changed since: what is left behind it comes once each, and nothing else. */
    seekdir(dir, middle);
    while ((entry = readdir(dir)) != NULL) {
        EXPECT(sscanf(entry->d_name, "file-%d", &number) == 1 && later[number]);
        later[number] = 0;
    }
    EXPECT(memchr(later, 1, ENTRIES) == NULL);
    /* Back to an entry that is gone, far away: nothing is left out. */
    seekdir(dir, gone);
    for (count = 0; readdir(dir) != NULL; count++)
        continue;
    EXPECT(count >= ENTRIES - removed - 2);
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

/* ---- a kernel that forgets everything at once ---- */

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

/* ---- names ---- */

static void odd_names(void)
{
    static const char *const good[] = {"\xc3\x9f", "SS", "\xf0\x9f\x98\x80", "trailing.", "trailing ", "...", "a:b",
        "*?\"<>|", "back\\slash", "\\", "new\nline", "\x01", "CON", "\xee\x80\x80", "e\xcc\x81", "\xc3\xa9", "\xff",
        "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\x80", "\xef\x81\x9c", "caf\xe9"};
    char name[800];
    int depth = 0, fd;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        EXPECT(put(good[i], good[i]) == 0);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        EXPECT(holds(good[i], good[i]));
    EXPECT(system("test \"$(ls -1bA | wc -l)\" -eq 24") == 0);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char target[64] = "";
        EXPECT(rename(good[i], "renamed") == 0 && holds("renamed", good[i]) && unlink("renamed") == 0);
        EXPECT(symlink(good[i], good[i]) == 0 && readlink(good[i], target, sizeof target - 1) > 0);
        EXPECT(strcmp(target, good[i]) == 0 && unlink(good[i]) == 0);
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
    EXPECT(mkdir("dir", 0755) == 0 && mkdir("dir/sub", 0755) == 0 && rename("dir", "Dir") == 0 &&
           system("test \"$(ls)\" = \"$(printf 'Dir\\nFOO')\"") == 0);
    EXPECT(put("other", "third") == 0 && rename("other", "foo") == 0 && holds("FOO", "third"));
    EXPECT(unlink("foo") == 0 && rmdir("DIR/SUB") == 0 && rmdir("DIR") == 0);
}

/* An open file is one file whatever it is called: its locks, its mapping, its length. */
static void spellings_of_open_file(void)
{
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat one, other;
    char *first, *second, count[4];
    int fd = open("Data", O_CREAT | O_RDWR, 0600), again, status;
    pid_t child;
    EXPECT(ftruncate(fd, 8192) == 0 && stat("DATA", &one) == 0 && stat("data", &one) == 0);
    again = open("dATA", O_RDWR);
    EXPECT(fstat(fd, &one) == 0 && fstat(again, &other) == 0 && one.st_ino == other.st_ino);
    first = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    second = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0);
    EXPECT(first != MAP_FAILED && second != MAP_FAILED);
    for (int i = 0; i < 100; i++) {
        first[i * 80] = (char)i;
        EXPECT(second[i * 80] == (char)i);
    }
    EXPECT(munmap(first, 8192) == 0 && munmap(second, 8192) == 0);
    EXPECT(flock(fd, LOCK_EX) == 0);
    FAILS(flock(again, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    EXPECT(flock(fd, LOCK_UN) == 0 && fcntl(fd, F_SETLK, &all) == 0);
    if ((child = fork()) == 0) {
        int third = open("datA", O_RDWR);
        FAILS(fcntl(third, F_SETLK, &all), EAGAIN);
        EXPECT(ftruncate(third, 5) == 0);
        _exit(0);
    }
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    EXPECT(fstat(fd, &one) == 0 && one.st_size == 5 && size_of("DaTa") == 5);
    /* It follows when it is renamed under another spelling, and is gone for all when it is removed. */
    EXPECT(rename("DATA", "Moved") == 0 && fstat(fd, &one) == 0 && one.st_nlink == 1);
    EXPECT(write(fd, "now", 3) == 3 && pread(again, count, 3, 0) == 3 && memcmp(count, "now", 3) == 0);
    EXPECT(unlink("mOVED") == 0 && fstat(fd, &one) == 0 && one.st_nlink == 0 && write(fd, "x", 1) == 1);
    close(fd);
    close(again);
}

static void make_counted(void) { EXPECT(put("many", "0") == 0); }
static void check_counted(void) { EXPECT(holds("Many", "6000") && unlink("MANY") == 0); }

/* Opens and closes by all spellings at once: each gets the file, and its lock excludes the others. */
static void open_by_spelling(void)
{
    static const char *const names[] = {"many", "Many", "mANY", "MANY"};
    unsigned seed = (unsigned)getpid();
    for (int i = 0; i < 2000; i++) {
        int fd = open(names[rand_r(&seed) % 4], O_RDWR);
        EXPECT(fd >= 0 && flock(fd, LOCK_EX) == 0);
        char count[16] = "";
        EXPECT(pread(fd, count, 7, 0) >= 0);
        snprintf(count, sizeof count, "%d", atoi(count) + 1);
        EXPECT(pwrite(fd, count, strlen(count), 0) > 0);
        close(fd);
    }
}

static void move_working_directory(void)
{
    EXPECT(mkdir("wd", 0755) == 0 && chdir("WD") == 0 && put("inside", "x") == 0);
    EXPECT(rename("../wd", "../wd2") == 0 && holds("inside", "x") && put("other", "y") == 0);
    EXPECT(system("test \"$(ls)\" = \"$(printf 'inside\\nother')\"") == 0 && holds("../WD2/other", "y"));
    EXPECT(unlink("inside") == 0 && unlink("other") == 0 && chdir("..") == 0 && rmdir("wD2") == 0);
}

static void case_insensitive(void)
{
    pid_t clients[3];
    for (int timeout = 0; timeout < 2; timeout++) {
        FSP_FSCTL_VOLUME_PARAMS params;
        treefs_params(&params, timeout ? UINT32_MAX : 0);
        params.CaseSensitiveSearch = 0;
        CHECK_EQUAL(start_with(&params, CACHED, 16 * MIB, 2), STATUS_SUCCESS);
        client(spellings);
        client(spellings_of_open_file);
        client(move_working_directory);
        client(make_counted);
        for (int i = 0; i < 3; i++)
            clients[i] = begin(open_by_spelling);
        for (int i = 0; i < 3; i++)
            CHECK_EQUAL(end(clients[i]), 0);
        client(check_counted);
        expect_empty();
        stop();
    }
}

int main(void)
{
    if (!mounts_begin())
        return SKIPPED;
    RUN(full);
    RUN(mappings);
    RUN(listings);
    RUN(forgetting);
    RUN(names);
    RUN(case_insensitive);
    return mounts_end();
}
#else
int main(void) { return 0; }
#endif
