/* What clients can make the library keep in memory: it is counted, it has a limit, and at the limit they are refused.
 */
#if defined(__linux__)
#include <sys/resource.h>

#include "support/mounted.h"

#define LIMIT_BYTES (1u << 20)
#define FILES 20000
#define HELD 3900
#define REFUSALS 10000
#define LOOKS 1000 /* in a row */
#define PER_DIRECTORY 500
#define LONG_NAMES 2000
#define STREAMS 3500

static void more_descriptors(void)
{
    struct rlimit files = {4000, 4000};
    EXPECT(setrlimit(RLIMIT_NOFILE, &files) == 0);
}

static void start_limited(void)
{
    start(CACHED, 256 * MIB, 2);
    CHECK_EQUAL(FspLinuxSetOption(fs, "client_memory", LIMIT_BYTES), STATUS_SUCCESS);
}

/* While the client runs, the account is looked at all the time. The most that was seen. */
static UINT64 client_watched(void (*function)(void), useconds_t pauseUs)
{
    pid_t child = begin(function);
    UINT64 most = 0;
    int status;
    while (waitpid(child, &status, WNOHANG) == 0) {
        for (int i = 0; i < LOOKS; i++) {
            UINT64 now = FspLinuxClientMemory(fs);
            most = now > most ? now : most;
        }
        usleep(pauseUs);
    }
    CHECK_EQUAL(status, 0);
    return most;
}

/* ---- listings ---- */

/* A buffer for one or two entries, as small C libraries take it, so that the kernel goes on in the middle of answers.
 */
static void list_in_small_steps(void)
{
    char name[32], buffer[80], seen[1000] = {0};
    long bytes;
    int fd, count = 0, number;
    EXPECT(mkdir("steps", 0755) == 0 && chdir("steps") == 0);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "step-%d", i);
        EXPECT(mknod(name, S_IFREG | 0600, 0) == 0);
    }
    fd = open(".", O_RDONLY | O_DIRECTORY);
    while ((bytes = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0)
        for (long at = 0; at < bytes; at += *(unsigned short *)(void *)(buffer + at + 16)) {
            const char *entry = buffer + at + 19;
            if (entry[0] == '.')
                continue;
            EXPECT(sscanf(entry, "step-%d", &number) == 1 && !seen[number]);
            seen[number] = 1;
            count++;
            EXPECT(unlink(entry) == 0);
        }
    EXPECT(bytes == 0 && count == 1000 && chdir("..") == 0 && rmdir("steps") == 0);
}

static void small_steps(void)
{
    start(CACHED, 16 * MIB, 2);
    client(list_in_small_steps);
    expect_empty();
    stop();
}

static void make_long_names(void)
{
    char name[256];
    memset(name, 'n', 250);
    name[255] = 0;
    EXPECT(mkdir("long", 0755) == 0 && chdir("long") == 0);
    for (int i = 0; i < LONG_NAMES; i++) {
        snprintf(name + 200, 56, "%055d", i);
        EXPECT(mknod(name, S_IFREG | 0600, 0) == 0);
    }
}

/* Many open directories, each in the middle of its listing: refused at last, and it goes on when some are closed. */
static void list_a_thousand_times(void)
{
    static int fds[STREAMS];
    char buffer[32768];
    int opened = 0, refused = 0;
    more_descriptors();
    for (; opened < STREAMS && !refused; opened++) {
        fds[opened] = open("long", O_RDONLY | O_DIRECTORY);
        if (fds[opened] < 0)
            EXPECT(errno == ENOMEM && refused++ == 0);
        else if (syscall(SYS_getdents64, fds[opened], buffer, sizeof buffer) < 0)
            EXPECT(errno == ENOMEM && ++refused);
    }
    EXPECT(refused && opened > 10);
    while (opened-- > 0)
        close(fds[opened]);
    EXPECT(put("after", "x") == 0 && system("test $(ls long | wc -l) -eq 2000") == 0);
}

static void many_listings(void)
{
    UINT64 before;
    start(CACHED, 64 * MIB, 2);
    client(make_long_names);
    CHECK_EQUAL(
        FspLinuxSetOption(fs, "client_memory", (before = FspLinuxClientMemory(fs)) + LIMIT_BYTES), STATUS_SUCCESS);
    CHECK(client_watched(list_a_thousand_times, 200) <= before + LIMIT_BYTES);
    client(remove_all);
    expect_empty();
    stop();
}

/* ---- names ---- */

/* Far more files than there is memory to know: the kernel is told to forget, and the program notices nothing. */
static void make_and_look(void)
{
    char name[64];
    for (int i = 0; i < FILES; i++) {
        if (i % PER_DIRECTORY == 0) {
            snprintf(name, sizeof name, "d%d", i / PER_DIRECTORY);
            EXPECT(mkdir(name, 0755) == 0);
        }
        snprintf(name, sizeof name, "d%d/f%d", i / PER_DIRECTORY, i);
        EXPECT(put(name, "x") == 0);
    }
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "d%d/f%d", i / PER_DIRECTORY, i);
        EXPECT(holds(name, "x"));
    }
    EXPECT(system("rm -rf ./*") == 0);
}

static void forgets_in_time(void)
{
    start_limited();
    CHECK(client_watched(make_and_look, 200) <= LIMIT_BYTES);
    expect_empty();
    stop();
}

/* Descriptors without an open keep the kernel from forgetting: then names are refused, and again known afterwards. */
static void hold_without_open(void)
{
    char name[64];
    int held = 0, fd;
    more_descriptors();
    for (; held < HELD; held++) {
        snprintf(name, sizeof name, "h%d", held);
        if (mknod(name, S_IFREG | 0600, 0) != 0 || (fd = open(name, O_PATH)) < 0)
            break;
    }
    EXPECT(held > 500 && held < HELD && errno == ENOMEM);
    /* What is refused is never counted either, not even for a moment. */
    for (int i = 0; i < REFUSALS; i++)
        EXPECT(access("absent", F_OK) < 0 && (errno == ENOMEM || errno == ENOENT));
    close_range(3, ~0u, 0);
    for (int tries = 0; put("after", "x") != 0; tries++) {
        EXPECT(errno == ENOMEM && tries < 500);
        usleep(10000);
    }
    EXPECT(holds("after", "x"));
}

static void held_names(void)
{
    start_limited();
    CHECK(client_watched(hold_without_open, 0) <= LIMIT_BYTES);
    CHECK_EQUAL(FspLinuxSetOption(fs, "client_memory", 64 * MIB), STATUS_SUCCESS);
    client(remove_all);
    expect_empty();
    for (int tries = 0; FspLinuxClientMemory(fs) > 2000 && tries < 400; tries++)
        platform_sleep_ms(5);
    CHECK(FspLinuxClientMemory(fs) <= 2000); /* what the root has */
    stop();
}

int main(void)
{
    if (!mounts_begin())
        return SKIPPED;
    RUN(small_steps);
    RUN(many_listings);
    RUN(forgets_in_time);
    RUN(held_names);
    return mounts_end();
}
#else
int main(void) { return 0; }
#endif
