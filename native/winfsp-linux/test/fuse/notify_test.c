/* Notifications beside reads: what a program has seen of a change never turns old again, and the last change comes. */
#if defined(__linux__)
#include "support/mounted.h"

#define FIRST_SCRIBBLE 'A'
#define LAST_SCRIBBLE 'z'
#define PAGES 16
#define SIZE (PAGES * 4096)
#define LIMIT_MS 60000 /* on a machine that is busy */

static void make_large(void)
{
    int fd = open("f", O_CREAT | O_WRONLY, 0644);
    EXPECT(ftruncate(fd, SIZE) == 0);
}

/* By read and by load, page by page. */
static void see_changes_in_order(void)
{
    static char bytes[SIZE], least[PAGES];
    int fd = open("f", O_RDONLY), seen = 0;
    const volatile char *mapped = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
    UINT64 until = platform_now_ns() + LIMIT_MS * 1000000ull;
    EXPECT(fd >= 0 && mapped != MAP_FAILED);
    while (seen < PAGES) {
        EXPECT(pread(fd, bytes, SIZE, 0) == SIZE && platform_now_ns() < until);
        seen = 0;
        for (int page = 0; page < PAGES; page++) {
            char now = mapped[page * 4096];
            EXPECT(bytes[page * 4096] >= least[page] && now >= bytes[page * 4096]);
            least[page] = now;
            seen += now == LAST_SCRIBBLE;
        }
    }
}

static void reads_beside_notifications(void)
{
    pid_t clients[2];
    start(CACHED, 16 * MIB, 2);
    client(make_large);
    clients[0] = begin(see_changes_in_order);
    clients[1] = begin(see_changes_in_order);
    for (char byte = FIRST_SCRIBBLE; byte <= LAST_SCRIBBLE; byte++) {
        treefs_scribble(tree, u"\\f", byte);
        tell(FILE_NOTIFY_CHANGE_LAST_WRITE, FILE_ACTION_MODIFIED, u"\\f");
        platform_sleep_ms(3);
    }
    CHECK_EQUAL(end(clients[0]), 0);
    CHECK_EQUAL(end(clients[1]), 0);
    stop();
}

int main(void)
{
    if (!mounts_begin())
        return SKIPPED;
    RUN(reads_beside_notifications);
    return mounts_end();
}
#else
int main(void) { return 0; }
#endif
