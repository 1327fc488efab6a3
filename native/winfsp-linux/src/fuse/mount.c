/* Mounting: mount(2) for those who may, fusermount3 for all others; and unmounting what is ours only. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "fuse/front_end.h"

#define READ_AHEAD_KIB 1024

char *mount_path(const WCHAR *mountPoint)
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

static int mount_directly(FRONT *front, const char *options)
{
    char all[256], place[40];
    unsigned long flags = MS_NOSUID | MS_NODEV | (volume_params(front->volume)->ReadOnlyVolume ? MS_RDONLY : 0);
    int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC), error;
    if (fd < 0)
        return errno == ENOENT || errno == ENXIO || errno == ENODEV ? ENODEV : errno;
    snprintf(all, sizeof all, "fd=%d,rootmode=40000,user_id=%u,group_id=%u,%s", fd, getuid(), getgid(), options);
    snprintf(place, sizeof place, "/proc/self/fd/%d", front->place.directory);
    if (mount("winfsp", place, "fuse.winfsp", flags, all) != 0) {
        error = errno;
        close(fd);
        return error;
    }
    front->fd = fd;
    return 0;
}

static int mount_any(FRONT *front)
{
    const char *own =
        volume_option(front->volume, OPTION_ALLOW_OTHER) ? "default_permissions,allow_other" : "default_permissions";
    char options[128];
    int error = mount_directly(front, own), second;
    if (error == 0 || error == ENODEV || geteuid() == 0)
        return error;
    snprintf(options, sizeof options, "%s%s,nosuid,nodev,fsname=winfsp,subtype=winfsp",
        volume_params(front->volume)->ReadOnlyVolume ? "ro," : "", own);
    second = fusermount_mount(front, options);
    return second == 0 ? 0 : error;
}

static int unmount_with(FRONT *front, int flags, char message[MOUNT_MESSAGE_SIZE])
{
    char *lazy[] = {"fusermount3", "-u", "-z", "--", front->place.path, NULL};
    char *idle[] = {"fusermount3", "-u", "--", front->place.path, NULL};
    if (umount2(front->place.pinned, flags | UMOUNT_NOFOLLOW) == 0)
        return 0;
    if (errno == EBUSY || geteuid() == 0)
        return errno;
    if (fusermount((flags & MNT_DETACH) != 0 ? lazy : idle, -1, message) == 0)
        return 0;
    return strstr(message, "busy") != NULL ? EBUSY : EPERM;
}

static void read_ahead(FRONT *front)
{
    char path[80];
    FILE *file;
    snprintf(path, sizeof path, "/sys/class/bdi/%u:%u/read_ahead_kb", front->deviceMajor, front->deviceMinor);
    if ((file = fopen(path, "we")) != NULL) {
        fprintf(file, "%d", READ_AHEAD_KIB);
        fclose(file);
    }
}

/* Learns which device the mount is, so that it can be told from others at its place; and sets more read-ahead, where we
 * may. Asks the file system nothing. */
int front_mount(FRONT *front)
{
    char message[MOUNT_MESSAGE_SIZE];
    int error = mount_any(front);
    if (error != 0)
        return error;
    if ((error = place_covered(&front->place, &front->deviceMajor, &front->deviceMinor)) != 0) {
        unmount_with(front, MNT_DETACH, message);
        return error;
    }
    read_ahead(front);
    return 0;
}

/*
 * Whether ours is still mounted. While the kernel holds the connection no other mount gets its device number.
 * Afterwards another may, at the same place even: then only a mount that is dead can be ours (an aborted connection
 * leaves one).
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
        found = sscanf(line, "%*d %*d %u:%u", &major, &minor) == 2 && major == front->deviceMajor &&
                minor == front->deviceMinor && strstr(line, " - fuse.winfsp ") != NULL;
    }
    free(line);
    fclose(file);
    return found && (!atomic_load(&front->gone) ||
                        (statfs(front->place.pinned, &info) != 0 && (errno == ENOTCONN || errno == ECONNABORTED)));
}

void front_unmount(FRONT *front)
{
    char message[MOUNT_MESSAGE_SIZE];
    if (still_mounted(front))
        unmount_with(front, MNT_DETACH, message);
}

int front_unmount_idle(FRONT *front)
{
    char message[MOUNT_MESSAGE_SIZE];
    return still_mounted(front) && unmount_with(front, 0, message) == EBUSY ? EBUSY : 0;
}
