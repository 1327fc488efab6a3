/* Many clients at once: on one file, on the same names, against each other. */
#if defined(__linux__)
#include "support/mounted.h"

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

/* Writes, cuts and extensions of one file by several processes at once: its length must never be set back by an older
 * one. */
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

/* ---- one file's permissions and times, changed and asked for by many ---- */

#define CHANGES 60

static void make_one(void) { EXPECT(put("one", "x") == 0 && chmod("one", 0640) == 0); }

static void change_attributes(void)
{
    for (int i = 0; i < CHANGES; i++) {
        struct timespec times[2] = {{1000 + i, 0}, {2000 + i, 0}};
        EXPECT(chmod("one", i % 2 ? 0600 : 0640) == 0);
        EXPECT(utimensat(AT_FDCWD, "one", times, 0) == 0);
    }
}

static void ask_attributes(void)
{
    for (int i = 0; i < CHANGES * 2; i++) {
        mode_t mode;
        int fd = open("one", O_RDONLY);
        EXPECT(fd >= 0 && close(fd) == 0);
        mode = mode_of("one") & 0777;
        EXPECT(mode == 0600 || mode == 0640);
    }
}

/* No client sees a permission that was never set; and every access of the inode is under its lock (tsan-test). */
static void shared_attributes(void)
{
    for (MODE mode = CACHED; mode < MODES; mode++) {
        pid_t clients[4];
        start(mode, 64 * MIB, 4);
        client(make_one);
        treefs_delay(tree, 1);
        for (int i = 0; i < 4; i++)
            clients[i] = begin(i < 2 ? change_attributes : ask_attributes);
        for (int i = 0; i < 4; i++)
            CHECK_EQUAL(end(clients[i]), 0);
        stop();
    }
}

/* An answer about the length that is older than a write must not be believed after it: the next extension would cut the
 * file. */
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
        /* a read makes what is known of the access time old */
        EXPECT(pread(fd, &byte, 1, 0) >= 0 && fstat(fd, &info) == 0);
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
    int dir;
    /* it leads nowhere while the directory has its other name */
    while ((dir = open("stay", O_RDONLY | O_DIRECTORY)) < 0)
        EXPECT(errno == ENOENT);
    for (int i = 0; i < 300; i++) {
        int fd;
        snprintf(name, sizeof name, "%d-%d", getpid(), i);
        EXPECT((fd = openat(dir, name, O_CREAT | O_EXCL | O_RDWR, 0600)) >= 0);
        close(fd);
        EXPECT(unlinkat(dir, name, 0) == 0);
    }
}

static void make_directories(void)
{
    EXPECT(mkdir("d", 0755) == 0 && mkdir("d/sub", 0755) == 0 && symlink("d/sub", "stay") == 0);
}

static void paths_in_motion(void)
{
    pid_t clients[3];
    start(CACHED, 64 * MIB, 4);
    client(make_directories);
    clients[0] = begin(create_below);
    clients[1] = begin(create_below);
    treefs_delay(tree, 1);
    clients[2] = begin(rename_around);
    for (int i = 0; i < 3; i++)
        CHECK_EQUAL(end(clients[i]), 0);
    stop();
}

#define MEETING_LIMIT_MS 60000 /* on a machine that is busy */

/* An open that meets a delete gets the file, whole and for good, or none. */
static void make_and_remove(void)
{
    for (;;) /* until it is killed */
        EXPECT(mknod("met", S_IFREG | 0600, 0) == 0 && unlink("met") == 0); /* most of the time is the removal's */
}

static void open_and_use(void)
{
    off_t own = 100 + getpid() % 1000 * 16;
    int met = 0, missed = 0, byte;
    UINT64 until = platform_now_ns() + MEETING_LIMIT_MS * 1000000ull;
    while ((met < 500 || missed < 500) && platform_now_ns() < until) {
        int fd = open("met", O_RDWR);
        if (fd < 0) {
            EXPECT(errno == ENOENT); /* and not ESTALE, which is nobody's business */
            missed++;
            continue;
        }
        met++;
        for (byte = 'a'; byte <= 'c'; byte++) {
            char seen = 0, out = (char)byte;
            struct stat info;
            EXPECT(pwrite(fd, &out, 1, own) == 1 && pread(fd, &seen, 1, own) == 1 && seen == out);
            EXPECT(fstat(fd, &info) == 0 && info.st_size > own);
        }
        close(fd);
    }
    EXPECT(met >= 500 && missed >= 500);
}

static void opens_meet_deletes(void)
{
    pid_t clients[3];
    start(CACHED, 64 * MIB, 4);
    treefs_delay(tree, 1);
    clients[0] = begin(make_and_remove);
    clients[1] = begin(open_and_use);
    clients[2] = begin(open_and_use);
    CHECK_EQUAL(end(clients[1]), 0);
    CHECK_EQUAL(end(clients[2]), 0);
    kill(clients[0], SIGKILL);
    end(clients[0]);
    client(remove_all);
    expect_empty();
    stop();
}

/* A program that replaces a file by a rename never leaves its name without one: one that cuts it finds the old or the
 * new one. */
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

/* Everything at once on a few names: creates, removes, renames, lists. Errors are fine, hangs and violations are not.
 */
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

int main(void)
{
    if (!mounts_begin())
        return SKIPPED;
    RUN(appends);
    RUN(shared_lengths);
    RUN(shared_attributes);
    RUN(old_answers);
    RUN(paths_in_motion);
    RUN(opens_meet_deletes);
    RUN(cuts_meet_replacements);
    RUN(shared_names);
    return mounts_end();
}
#else
int main(void) { return 0; }
#endif
