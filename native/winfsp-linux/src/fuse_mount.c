/*
 * Mounting and unmounting: mount(2) for whoever may, fusermount3 for everybody else; and the way out, in an order in which no program hangs, no answer goes
 * to a wrong descriptor, and nobody else's mount is touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuse_front.h"

#define IDLE_GRACE_MS 2000u
#define IDLE_POLL_NS 2000000u
#define READ_AHEAD_KIB 1024

/* ---- paths ------------------------------------------------------------------------------------------------------------------------ */

static char *path_of(const WCHAR *mountPoint)
{
    size_t units = wide_length(mountPoint);
    char *path = malloc(units * 3 + 1), *absolute;
    ptrdiff_t length;
    if (path == NULL)
        return NULL;
    length = utf16_to_utf8(mountPoint, units, path, units * 3);
    if (length <= 0) {
        free(path);
        return NULL;
    }
    path[length] = 0;
    if ((absolute = realpath(path, NULL)) == NULL) /* the directory of the process may change before the unmount */
        return path;
    free(path);
    return absolute;
}

NTSTATUS fuse_preflight(const WCHAR *mountPoint)
{
    char *path = path_of(mountPoint);
    struct stat info;
    NTSTATUS status = STATUS_SUCCESS;
    if (path == NULL)
        return STATUS_OBJECT_NAME_INVALID;
    if (stat(path, &info) != 0)
        status = errno == ENOENT ? STATUS_OBJECT_PATH_NOT_FOUND : errno == ENOTCONN ? STATUS_OBJECT_NAME_COLLISION : STATUS_OBJECT_NAME_INVALID;
    else if (!S_ISDIR(info.st_mode))
        status = STATUS_NOT_A_DIRECTORY;
    else if (access("/dev/fuse", F_OK) != 0)
        status = STATUS_NO_SUCH_DEVICE;
    free(path);
    return status;
}

/* ---- fusermount3 ------------------------------------------------------------------------------------------------------------------ */

/* Runs it with `fd` as its descriptor 3 (-1: none). Its exit code, or -1. */
static int fusermount(char *const arguments[], int fd)
{
    posix_spawn_file_actions_t actions;
    char *environment[] = {"_FUSE_COMMFD=3", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    pid_t child;
    int status = -1, error;
    posix_spawn_file_actions_init(&actions);
    if (fd >= 0)
        posix_spawn_file_actions_adddup2(&actions, fd, 3);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    error = posix_spawnp(&child, "fusermount3", &actions, NULL, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
        return -1;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return errno == ECHILD ? 0 : -1; /* the program reaps all its children: whether it worked is seen by the descriptor */
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int receive_descriptor(int socket)
{
    char byte, control[CMSG_SPACE(sizeof(int))];
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header;
    ssize_t length;
    int fd;
    do
        length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (length < 0 && errno == EINTR);
    header = length > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header == NULL || header->cmsg_type != SCM_RIGHTS)
        return -1;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

static int mount_by_helper(FRONT *front, const char *options)
{
    int pair[2], fd = -1;
    char *arguments[] = {"fusermount3", "-o", (char *)(uintptr_t)options, "--", front->mountPoint, NULL};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return errno;
    if (pair[1] == 3) { /* dup2 onto itself would leave it closed in the child */
        int other = fcntl(pair[1], F_DUPFD_CLOEXEC, 4);
        close(pair[1]);
        pair[1] = other;
    }
    if (fusermount(arguments, pair[1]) == 0) {
        close(pair[1]);
        pair[1] = -1;
        fd = receive_descriptor(pair[0]);
    }
    close(pair[0]);
    if (pair[1] >= 0)
        close(pair[1]);
    if (fd < 0)
        return EPERM;
    front->fd = fd;
    return 0;
}

/* ---- mount ------------------------------------------------------------------------------------------------------------------------ */

static int mount_directly(FRONT *front, const char *options)
{
    char all[256];
    unsigned long flags = MS_NOSUID | MS_NODEV | (volume_params(front->volume)->ReadOnlyVolume ? MS_RDONLY : 0);
    int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC), error;
    if (fd < 0)
        return errno == ENOENT || errno == ENXIO || errno == ENODEV ? ENODEV : errno;
    snprintf(all, sizeof all, "fd=%d,rootmode=40000,user_id=%u,group_id=%u,%s", fd, getuid(), getgid(), options);
    if (mount("winfsp", front->mountPoint, "fuse.winfsp", flags, all) != 0) {
        error = errno;
        close(fd);
        return error;
    }
    front->fd = fd;
    return 0;
}

static int mount_any(FRONT *front)
{
    const char *own = volume_option(front->volume, OPTION_ALLOW_OTHER) ? "default_permissions,allow_other" : "default_permissions";
    char options[128];
    int error = mount_directly(front, own), second;
    if (error == 0 || error == ENODEV || geteuid() == 0)
        return error;
    snprintf(options, sizeof options, "%s%s,nosuid,nodev,fsname=winfsp,subtype=winfsp", volume_params(front->volume)->ReadOnlyVolume ? "ro," : "", own);
    second = mount_by_helper(front, options);
    return second == 0 ? 0 : error;
}

/* Which device the mount is, so that it can be told from others at its place; and more read-ahead, where we may set it. Asks the file system nothing. */
static void mount_know(FRONT *front)
{
    struct statx info;
    char path[80];
    FILE *file;
    memset(&info, 0, sizeof info);
    if (statx(AT_FDCWD, front->mountPoint, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE, &info) != 0)
        return;
    front->deviceMajor = info.stx_dev_major;
    front->deviceMinor = info.stx_dev_minor;
    snprintf(path, sizeof path, "/sys/class/bdi/%u:%u/read_ahead_kb", front->deviceMajor, front->deviceMinor);
    if ((file = fopen(path, "we")) != NULL) {
        fprintf(file, "%d", READ_AHEAD_KIB);
        fclose(file);
    }
}

/*
 * Whether ours is still mounted. While the kernel holds the connection nobody else gets its device number. Afterwards somebody may, at the same place even: then
 * only a mount that is dead can be ours (an aborted connection leaves one).
 */
static int still_mounted(FRONT *front)
{
    FILE *file = fopen("/proc/self/mountinfo", "re");
    struct statfs info;
    char *line = NULL;
    size_t size = 0;
    int found = 0;
    if (file == NULL)
        return !atomic_load(&front->gone);
    while (!found && getline(&line, &size, file) > 0) {
        unsigned major, minor;
        found = sscanf(line, "%*d %*d %u:%u", &major, &minor) == 2 && major == front->deviceMajor && minor == front->deviceMinor &&
            strstr(line, " - fuse.winfsp ") != NULL;
    }
    free(line);
    fclose(file);
    return found && (!atomic_load(&front->gone) || (statfs(front->mountPoint, &info) != 0 && (errno == ENOTCONN || errno == ECONNABORTED)));
}

static void unmount(FRONT *front)
{
    char *arguments[] = {"fusermount3", "-u", "-z", "--", front->mountPoint, NULL};
    if (!still_mounted(front))
        return;
    if (umount2(front->mountPoint, MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
        fusermount(arguments, -1);
}

NTSTATUS fuse_attach(VOLUME *volume, const WCHAR *mountPoint, void **frontEnd)
{
    const FSP_FSCTL_VOLUME_PARAMS *params = volume_params(volume);
    FRONT *front = calloc(1, sizeof *front);
    SOURCE source = {-1, front_receive, front};
    NTSTATUS status = STATUS_SUCCESS;
    int error;
    if (front == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    front->volume = volume;
    front->fd = -1;
    pthread_mutex_init(&front->lock, NULL);
    platform_cond_init(&front->idle);
    front->uid = volume_option(volume, OPTION_UID) == UINT32_MAX ? getuid() : (UINT32)volume_option(volume, OPTION_UID);
    front->gid = volume_option(volume, OPTION_GID) == UINT32_MAX ? getgid() : (UINT32)volume_option(volume, OPTION_GID);
    front->umask = (UINT32)volume_option(volume, OPTION_UMASK) & 0777;
    front->unit = (UINT32)params->SectorSize * params->SectorsPerAllocationUnit;
    front->caseSensitive = params->CaseSensitiveSearch;
    front->cached = params->FileInfoTimeout == UINT32_MAX && front->caseSensitive;
    front->persistentAcls = params->PersistentAcls;
    front->cleanupWhenModifiedOnly = params->PostCleanupWhenModifiedOnly;
    front->posix = params->SupportsPosixUnlinkRename;
    front->symlinks = params->ReparsePoints;
    front->directIo = volume_option(volume, OPTION_DIRECT_IO) != 0;
    if (front->cached)
        front->timeoutSec = INT32_MAX;
    else if (front->caseSensitive) {
        front->timeoutSec = params->FileInfoTimeout / 1000;
        front->timeoutNsec = params->FileInfoTimeout % 1000 * 1000000;
    }
    front->root.lookups = 1;
    front->root.mode = S_IFDIR;
    if ((front->mountPoint = path_of(mountPoint)) == NULL)
        status = STATUS_OBJECT_NAME_INVALID;
    else if ((error = mount_any(front)) != 0)
        status = error == ENODEV ? STATUS_NO_SUCH_DEVICE
            : error == EPERM || error == EACCES ? STATUS_ACCESS_DENIED
            : error == ENOENT ? STATUS_OBJECT_PATH_NOT_FOUND
            : error == ENOTDIR ? STATUS_NOT_A_DIRECTORY
            : error == EBUSY ? STATUS_OBJECT_NAME_COLLISION
                             : STATUS_UNSUCCESSFUL;
    if (!NT_SUCCESS(status)) {
        fuse_forget(volume, front);
        return status;
    }
    fcntl(front->fd, F_SETFL, fcntl(front->fd, F_GETFL) | O_NONBLOCK);
    mount_know(front);
    source.fd = front->fd;
    *frontEnd = front;
    volume_set_source(volume, &source);
    return STATUS_SUCCESS;
}

/* ---- the way out -------------------------------------------------------------------------------------------------------------------- */

/*
 * Under front.lock: until all ops have ended, and with forHandles all files are closed. Gives up when nothing moves: then nobody serves. Looks again and again, since
 * an op that ends touches nothing afterwards.
 */
static void wait_idle(FRONT *front, int forHandles)
{
    UINT64 deadline = 0;
    long least = LONG_MAX, left;
    while ((left = atomic_load(&front->opsActive) + (forHandles ? front->handlesOpen : front->closing)) > 0) {
        UINT64 now = platform_now_ns();
        if (left < least) {
            least = left;
            deadline = now + IDLE_GRACE_MS * 1000000ull;
        } else if (now >= deadline)
            break;
        platform_cond_wait_until(&front->idle, &front->lock, now + IDLE_POLL_NS);
    }
}

/* Whoever is asleep in the kernel gets an error from here on, and answers that come later go to nowhere, not to whatever has the number then. */
static void disconnect(FRONT *front)
{
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nowhere < 0)
        return;
    dup3(nowhere, front->fd, O_CLOEXEC);
    close(nowhere);
}

void fuse_detach(VOLUME *volume, void *frontEnd)
{
    FRONT *front = frontEnd;
    atomic_store(&front->detaching, 1);
    unmount(front);
    volume_set_source(volume, NULL);
    pthread_mutex_lock(&front->lock);
    wait_idle(front, 0);
    pthread_mutex_unlock(&front->lock);
    disconnect(front);
    notifier_stop(front);
    pthread_mutex_lock(&front->lock);
    if (atomic_load(&front->opsActive) == 0) { /* the kernel forgets no more: what it still knew is closed here */
        for (NODE *node = front->all; node != NULL; node = node->nextOfAll)
            if (node->handle != NULL) {
                handle_put(node->handle);
                node->handle = NULL;
            }
        if (front->root.handle != NULL)
            handle_put(front->root.handle);
        front->root.handle = NULL;
        wait_idle(front, 1);
    }
    pthread_mutex_unlock(&front->lock);
}

void fuse_forget(VOLUME *volume, void *frontEnd)
{
    FRONT *front = frontEnd;
    int busy;
    pthread_mutex_lock(&front->lock);
    wait_idle(front, 0);
    busy = atomic_load(&front->opsActive) > 0 || front->closing > 0;
    pthread_mutex_unlock(&front->lock);
    if (busy) /* mounted anew while the host still owes answers of the mount before: what they will write to must stay */
        return;
    if (front->fd >= 0)
        close(front->fd);
    while (front->toClose != NULL) {
        FILE_OBJECT *handle = front->toClose;
        front->toClose = handle->next;
        handle_discard(handle);
    }
    streams_free(front);
    nodes_free(front);
    op_free_all(front);
    pthread_cond_destroy(&front->idle);
    pthread_mutex_destroy(&front->lock);
    free(front->mountPoint);
    free(front);
}
