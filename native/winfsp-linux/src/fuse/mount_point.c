/* The calls of the API that mount: SetMountPoint and its look ahead, over FUSE. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/volumes.h"
#include "fuse/front_end.h"
#include "ops/ops.h"

static const FRONT_END fuse = {fuse_attach, fuse_detach, fuse_release, fuse_forget, fuse_notify};

static NTSTATUS preflight(const WCHAR *mountPoint)
{
    char *path = mount_path(mountPoint);
    struct stat info;
    NTSTATUS status = STATUS_SUCCESS;
    if (path == NULL)
        return STATUS_OBJECT_NAME_INVALID;
    if (stat(path, &info) != 0)
        status = errno == ENOENT     ? STATUS_OBJECT_PATH_NOT_FOUND
                 : errno == ENOTCONN ? STATUS_OBJECT_NAME_COLLISION
                                     : STATUS_OBJECT_NAME_INVALID;
    else if (!S_ISDIR(info.st_mode))
        status = STATUS_NOT_A_DIRECTORY;
    else if (access("/dev/fuse", F_OK) != 0)
        status = STATUS_NO_SUCH_DEVICE;
    free(path);
    return status;
}

NTSTATUS FspFsctlPreflight(PWSTR DevicePath)
{
    return device_kind(DevicePath) == 0 ? STATUS_NO_SUCH_DEVICE : STATUS_SUCCESS;
}

NTSTATUS FspFileSystemPreflight(PWSTR DevicePath, PWSTR MountPoint)
{
    NTSTATUS status = FspFsctlPreflight(DevicePath);
    if (!NT_SUCCESS(status) || MountPoint == NULL)
        return status;
    return preflight(MountPoint);
}

NTSTATUS FspFileSystemSetMountPointEx(FSP_FILE_SYSTEM *fs, PWSTR MountPoint, PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    if (MountPoint == NULL) /* Linux has no letters to choose one from */
        return STATUS_INVALID_PARAMETER;
    return file_system_mount(fs, MountPoint, &fuse);
}

NTSTATUS FspFileSystemSetMountPoint(FSP_FILE_SYSTEM *fs, PWSTR MountPoint)
{
    return FspFileSystemSetMountPointEx(fs, MountPoint, NULL);
}
