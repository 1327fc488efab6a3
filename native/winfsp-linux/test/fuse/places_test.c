/* Where a drive is mounted, and by whom: places that move, mounts that are in use, an ordinary user. */
#if defined(__linux__)
#include "support/mounted.h"

static void prepare_file(void) { EXPECT(put("f", "content") == 0); }

static void hold_open_and_go_on(void)
{
    char byte;
    int fd = open("held", O_CREAT | O_RDWR, 0600);
    EXPECT(write(fd, "x", 1) == 1);
    kill(getpid(), SIGSTOP);
    EXPECT(pread(fd, &byte, 1, 0) == 1 && byte == 'x' && unlink("held") == 0);
}

/* Without a question to what is mounted there. */
static dev_t device_of(const char *path)
{
    struct statx info;
    memset(&info, 0, sizeof info);
    return statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_TYPE, &info) != 0
               ? 0
               : makedev(info.stx_dev_major, info.stx_dev_minor);
}

static void unmount_idle(void)
{
    int status;
    pid_t held;
    start(CACHED, 16 * MIB, 2);
    held = begin(hold_open_and_go_on);
    waitpid(held, &status, WUNTRACED);
    CHECK_EQUAL(FspLinuxRemoveIdleMountPoint(fs), STATUS_SHARING_VIOLATION);
    client(prepare_file); /* nothing has changed */
    kill(held, SIGCONT);
    CHECK(end(held) == 0);
    CHECK_EQUAL(FspLinuxRemoveIdleMountPoint(fs), STATUS_SUCCESS);
    CHECK(fs->MountPoint == NULL);
    CHECK_EQUAL(FspLinuxRemoveIdleMountPoint(fs), STATUS_SUCCESS);
    stop();
    CHECK(rmdir(directory) == 0 && mkdir(directory, 0755) == 0);
}

/* What is mounted on is what was opened, and what is unmounted is what was mounted, whatever is renamed above. */
static void renamed_above(void)
{
    char above[64], aside[64], below[80], held[80];
    WCHAR at[80];
    FSP_FSCTL_VOLUME_PARAMS params;
    struct stat on, off;
    int fd;
    snprintf(above, sizeof above, "%s-above", directory);
    snprintf(aside, sizeof aside, "%s-aside", directory);
    snprintf(below, sizeof below, "%s/below", above);
    CHECK(mkdir(above, 0755) == 0 && mkdir(below, 0755) == 0 && stat(below, &off) == 0);
    treefs_params(&params, 0);
    tree = treefs_new(&params, MIB);
    fs = treefs_file_system(tree);
    CHECK_EQUAL(FspFileSystemStartDispatcher(fs, 2), STATUS_SUCCESS);

    /* held by a descriptor, then moved away: it is the held one, under its new name */
    CHECK((fd = open(below, O_PATH | O_CLOEXEC)) >= 0);
    CHECK(rename(above, aside) == 0 && mkdir(above, 0755) == 0 && mkdir(below, 0755) == 0);
    snprintf(held, sizeof held, "/proc/self/fd/%d", fd);
    for (int i = 0; i == 0 || at[i - 1] != 0; i++)
        at[i] = (WCHAR)held[i];
    CHECK_EQUAL(FspFileSystemSetMountPoint(fs, at), STATUS_SUCCESS);
    close(fd);
    CHECK(strlen(aside) + sizeof "/below" <= sizeof below);
    CHECK(device_of(below) == off.st_dev);
    snprintf(below, sizeof below, "%s/below", aside);
    CHECK(device_of(below) != off.st_dev);

    /* another mount at the old path, and ours elsewhere again: ours goes, the other stays */
    snprintf(held, sizeof held, "%s/below", above);
    CHECK_EQUAL(mount("none", held, "tmpfs", 0, NULL), 0);
    CHECK(stat(held, &on) == 0);
    FspFileSystemRemoveMountPoint(fs);
    CHECK(device_of(held) == on.st_dev && device_of(below) == off.st_dev);
    CHECK_EQUAL(umount2(held, 0), 0);
    FspFileSystemStopDispatcher(fs);
    treefs_delete(tree);
    CHECK(rmdir(held) == 0 && rmdir(below) == 0 && rmdir(above) == 0 && rmdir(aside) == 0);
}

/* ---- an ordinary user ---- */

static void user_work(void)
{
    struct stat info;
    EXPECT(put("mine", "mine") == 0 && holds("mine", "mine") && stat("mine", &info) == 0 && info.st_uid == 65534);
    EXPECT(unlink("mine") == 0);
}

/* In a mount namespace of this process: a /dev/fuse that everybody may open, as most systems have it. */
static int device_for_all(void)
{
    struct stat info;
    if (stat("/dev/fuse", &info) == 0 && (info.st_mode & 06) == 06)
        return 1;
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", "/dev/shm", "tmpfs", 0, NULL) == 0 &&
           mknod("/dev/shm/fuse", S_IFCHR | 0666, info.st_rdev) == 0 && chmod("/dev/shm/fuse", 0666) == 0 &&
           mount("/dev/shm/fuse", "/dev/fuse", NULL, MS_BIND, NULL) == 0;
}

#define NO_DEVICE 77

static int others_allowed(void)
{
    char text[4096] = "";
    int fd = open("/etc/fuse.conf", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[length < 0 ? 0 : length] = 0;
    return strncmp(text, "user_allow_other", 16) == 0 || strstr(text, "\nuser_allow_other") != NULL;
}

/* fusermount3 refuses what /etc/fuse.conf does not allow, and says so. */
static int refusal_is_told(const FSP_FSCTL_VOLUME_PARAMS *params)
{
    char message[512] = "";
    WCHAR at[64];
    NTSTATUS status;
    mount_at(at);
    tree = treefs_new(params, MIB);
    fs = treefs_file_system(tree);
    FspLinuxSetOption(fs, "allow_other", 1);
    status = FspFileSystemSetMountPoint(fs, at);
    FspLinuxMountMessage(fs, message, sizeof message);
    treefs_delete(tree);
    return status == STATUS_ACCESS_DENIED && strstr(message, "user_allow_other") != NULL;
}

static void ordinary_user(void)
{
    pid_t child;
    int status;
    if (geteuid() != 0 || access("/usr/bin/fusermount3", X_OK) != 0) {
        printf("skipped: ordinary_user: takes root, to become one, and fusermount3\n");
        return;
    }
    CHECK_EQUAL(chown(directory, 65534, 65534), 0);
    if ((child = fork()) == 0) {
        FSP_FSCTL_VOLUME_PARAMS params;
        if (!device_for_all())
            _exit(NO_DEVICE);
        treefs_params(&params, UINT32_MAX);
        if (setgid(65534) != 0 || setuid(65534) != 0)
            _exit(98);
        checksFailed = 0;
        if (!others_allowed() && !refusal_is_told(&params))
            _exit(96);
        if (start_with(&params, CACHED, 16 * MIB, 2) != STATUS_SUCCESS)
            _exit(97);
        client(user_work);
        stop();
        _exit(checksFailed);
    }
    status = end(child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_DEVICE)
        printf("skipped: ordinary_user: other users may not open /dev/fuse here, and no device node can be made\n");
    else
        CHECK_EQUAL(status, 0);
    CHECK_EQUAL(chown(directory, 0, 0), 0);
    CHECK(rmdir(directory) == 0 && mkdir(directory, 0755) == 0);
}

int main(void)
{
    if (!mounts_begin())
        return SKIPPED;
    RUN(unmount_idle);
    RUN(renamed_above);
    RUN(ordinary_user);
    return mounts_end();
}
#else
int main(void) { return 0; }
#endif
