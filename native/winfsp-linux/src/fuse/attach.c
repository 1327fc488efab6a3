/* A front end made and mounted. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuse/front_end.h"

NTSTATUS fuse_attach(VOLUME *volume, const WCHAR *mountPoint, void **frontEnd)
{
    const FSP_FSCTL_VOLUME_PARAMS *params = volume_params(volume);
    FRONT *front = calloc(1, sizeof *front);
    SOURCE source = {-1, front_receive, front};
    NTSTATUS status = STATUS_SUCCESS;
    char *path;
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
    front->reparsePoints = params->ReparsePoints;
    front->hardLinks = volume_option(volume, OPTION_HARD_LINKS) != 0;
    front->unnamedFiles = front->hardLinks && volume_option(volume, OPTION_UNNAMED_FILES) != 0;
    front->extendedAttributes = params->ExtendedAttributes;
    front->directIo = volume_option(volume, OPTION_DIRECT_IO) != 0;
    if (front->cached)
        front->timeoutSec = INT32_MAX;
    else if (front->caseSensitive) {
        front->timeoutSec = params->FileInfoTimeout / 1000;
        front->timeoutNsec = params->FileInfoTimeout % 1000 * 1000000;
    }
    front->root.lookups = 1;
    front->root.mode = S_IFDIR;
    front->place.directory = front->place.parent = -1;
    path = mount_path(mountPoint);
    if (path == NULL)
        status = STATUS_OBJECT_NAME_INVALID;
    else if (!closings_new(front))
        status = STATUS_INSUFFICIENT_RESOURCES;
    else if ((error = place_open(&front->place, path)) != 0 || (error = front_mount(front)) != 0)
        status = error == ENODEV                     ? STATUS_NO_SUCH_DEVICE
                 : error == EPERM || error == EACCES ? STATUS_ACCESS_DENIED
                 : error == ENOENT                   ? STATUS_OBJECT_PATH_NOT_FOUND
                 : error == ENOTDIR                  ? STATUS_NOT_A_DIRECTORY
                 : error == EBUSY || error == ESTALE ? STATUS_OBJECT_NAME_COLLISION
                                                     : STATUS_UNSUCCESSFUL;
    free(path);
    volume_set_mount_message(volume, front->message);
    if (!NT_SUCCESS(status)) {
        fuse_forget(volume, front);
        return status;
    }
    fcntl(front->fd, F_SETFL, fcntl(front->fd, F_GETFL) | O_NONBLOCK);
    source.fd = front->fd;
    *frontEnd = front;
    volume_set_source(volume, &source);
    return STATUS_SUCCESS;
}
