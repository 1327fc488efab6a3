/*
 * The place of a mount, held by descriptors: what is opened here is what is mounted on and unmounted, even if
 * directories above it are renamed meanwhile. A directory that something is mounted on cannot be renamed or removed,
 * so its parent and its name lead to the mount as long as it is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuse/front_end.h"

static char *read_link(int fd)
{
    char own[40], path[PATH_MAX];
    ssize_t length;
    snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
    length = readlink(own, path, sizeof path - 1);
    if (length <= 1 || path[0] != '/') /* the root cannot be mounted on */
        return NULL;
    path[length] = 0;
    return strdup(path);
}

/* Which file system the name of the place leads to. Asks that file system nothing. */
static int look(const PLACE *place, struct statx *info)
{
    memset(info, 0, sizeof *info);
    return statx(place->parent, place->name, AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
        STATX_TYPE | STATX_INO, info);
}

static int same(const struct statx *one, const struct statx *other)
{
    return one->stx_dev_major == other->stx_dev_major && one->stx_dev_minor == other->stx_dev_minor &&
           one->stx_ino == other->stx_ino;
}

/* Where the directory is now. */
static int locate(PLACE *place)
{
    if (place->parent >= 0)
        close(place->parent);
    free(place->path);
    place->parent = openat(place->directory, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    place->path = read_link(place->directory);
    if (place->parent < 0 || place->path == NULL)
        return ENOENT;
    place->name = strrchr(place->path, '/') + 1;
    snprintf(place->pinned, sizeof place->pinned, "/proc/self/fd/%d/%s", place->parent, place->name);
    return 0;
}

int place_open(PLACE *place, const char *path)
{
    struct statx found, named;
    int error;
    place->directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (place->directory < 0)
        return errno;
    if ((error = locate(place)) != 0)
        return error;
    memset(&found, 0, sizeof found);
    if (statx(place->directory, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &found) != 0 ||
        look(place, &named) != 0)
        return errno;
    place->coveredMajor = found.stx_dev_major;
    place->coveredMinor = found.stx_dev_minor;
    return same(&found, &named) ? 0 : ESTALE; /* renamed meanwhile */
}

int place_covered(PLACE *place, UINT32 *deviceMajor, UINT32 *deviceMinor)
{
    struct statx info;
    char *before = strdup(place->path);
    int moved = before == NULL || locate(place) != 0 || strcmp(before, place->path) != 0;
    free(before);
    if (place->path == NULL || look(place, &info) != 0)
        return ESTALE;
    *deviceMajor = info.stx_dev_major;
    *deviceMinor = info.stx_dev_minor;
    /* the directory was renamed before the mount, which lies elsewhere now */
    return moved || (info.stx_dev_major == place->coveredMajor && info.stx_dev_minor == place->coveredMinor) ? ESTALE
                                                                                                             : 0;
}

void place_close(PLACE *place)
{
    if (place->directory >= 0)
        close(place->directory);
    if (place->parent >= 0)
        close(place->parent);
    free(place->path);
    place->directory = place->parent = -1;
    place->path = NULL;
}
