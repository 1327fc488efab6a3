/* Clients that die, mounts that come and go, notifications. */
#if defined(__linux__)
#include "support/mounted.h"

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
    treefs_block(tree, "Read");
    for (int i = 0; i < 5; i++)
        clients[i] = begin(read_fresh);
    for (int tries = 0; treefs_calls(tree, "Read") < 5 && tries < 400; tries++)
        platform_sleep_ms(5);
    CHECK_EQUAL(treefs_calls(tree, "Read"), 5);
    for (int i = 0; i < 5; i++)
        kill(clients[i], SIGKILL);
    platform_sleep_ms(50);
    treefs_block(tree, NULL); /* an answer that was delivered cannot be called back: they die with it, not before */
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
        if ((fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600)) < 0 || write(fd, bytes, sizeof bytes) < 0 ||
            pread(fd, bytes, sizeof bytes, 0) < 0)
            break;
        close(fd);
        if (rename(name, "last") != 0)
            break;
        memset(bytes, 'w', sizeof bytes);
    }
    /* Depending on the moment. EACCES and EROFS would be a lie. */
    EXPECT(errno == ENOTCONN || errno == ECONNABORTED || errno == EIO || errno == ENODEV || errno == ENOENT ||
           errno == EXDEV);
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

/* ---- notifications ---- */

static void still_old(void) { EXPECT(holds("f", "content")); }

static void see_new(void)
{
    for (int tries = 0; !holds("f", "#######") && tries < 200; tries++)
        usleep(5000);
    EXPECT(holds("f", "#######"));
}

/* Below a directory whose name is longer than the files'. */
static void make_nest(void)
{
    EXPECT(mkdir("directory", 0755) == 0 && put("directory/b", "") == 0 && size_of("directory/a") == -1);
}
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

static void list_until_gone(void)
{
    DIR *listing = opendir(".");
    EXPECT(listing != NULL);
    errno = 0;
    while (readdir(listing) != NULL)
        ;
    EXPECT(errno == ENOTCONN);
}

static void make_until_gone(void) { FAILS(mkdir("made", 0755), ENOTCONN); }

static void *unblock_later(void *nothing)
{
    platform_sleep_ms(300);
    treefs_block(tree, NULL);
    return nothing;
}

/*
 * A client holds the directory while it waits for the host, and a notification waits for the directory. The mount goes
 * all the same: when the host never answers, and when it does and the client's next request is one that nobody reads.
 */
static void unmount_behind_notification(void)
{
    static const struct {
        const char *callback;
        void (*client)(void);
        int answers;
    } cases[] = {{"ReadDirectory", list_until_gone, 0}, {"GetSecurityByName", make_until_gone, 1}};
    for (int i = 0; i < 2; i++) {
        pthread_t unblocker;
        pid_t holder;
        start(UNCACHED, 16 * MIB, 2);
        treefs_block(tree, cases[i].callback);
        holder = begin(cases[i].client);
        for (int tries = 0; treefs_calls(tree, cases[i].callback) == 0 && tries < 400; tries++)
            platform_sleep_ms(5);
        CHECK_EQUAL(treefs_calls(tree, cases[i].callback), 1);
        tell(FILE_NOTIFY_CHANGE_FILE_NAME, FILE_ACTION_ADDED, u"\\f");
        platform_sleep_ms(100);
        if (cases[i].answers)
            CHECK_EQUAL(pthread_create(&unblocker, NULL, unblock_later, NULL), 0);
        alarm(60); /* or it would wait without end */
        FspFileSystemRemoveMountPoint(fs);
        alarm(0);
        CHECK_EQUAL(end(holder), 0);
        if (cases[i].answers)
            pthread_join(unblocker, NULL);
        treefs_block(tree, NULL);
        FspFileSystemStopDispatcher(fs);
        expect_no_violations(fs);
        treefs_delete(tree);
        CHECK(rmdir(directory) == 0 && mkdir(directory, 0755) == 0);
    }
}

/* ---- one mount, many callers ---- */

#define CALLERS 3

static pthread_barrier_t together;
static WCHAR mountedAt[64];

static void *set_at_once(void *status)
{
    pthread_barrier_wait(&together);
    *(NTSTATUS *)status = FspFileSystemSetMountPoint(fs, mountedAt);
    return NULL;
}

/* When it returns the mount is gone and everything closed, by either caller. */
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
    alarm(60); /* or they would go on without end */
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

int main(void)
{
    if (!mounts_begin())
        return SKIPPED;
    RUN(killed_clients);
    RUN(unmount_under_load);
    RUN(stop_under_load);
    RUN(unmount_busy);
    RUN(unmount_outside);
    RUN(mount_again);
    RUN(refused_mounts);
    RUN(notifications);
    RUN(unmount_behind_notification);
    RUN(mounts_at_once);
    return mounts_end();
}
#else
int main(void) { return 0; }
#endif
