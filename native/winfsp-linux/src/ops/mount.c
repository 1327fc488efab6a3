/*
 * Mounting a file system on a front end, and unmounting it (docs/winfsp.md, "Installation and mount points"). One at a
 * time for each file system.
 */
#include "ops/ops.h"

/* Within `mounting`. */
static NTSTATUS mount_at(FSP_FILE_SYSTEM *fs, const WCHAR *MountPoint, const FRONT_END *front)
{
    VOLUME *v = volume_of(fs);
    SIZE_T bytes;
    PWSTR copy;
    NTSTATUS status;
    if (fs->MountPoint != NULL)
        return STATUS_INVALID_PARAMETER;
    bytes = (wide_length(MountPoint) + 1) * sizeof(WCHAR);
    if ((copy = malloc(bytes)) == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    memcpy(copy, MountPoint, bytes);
    if (v->frontEnd != NULL) { /* of an earlier mount */
        v->front->forget(v, v->frontEnd);
        v->frontEnd = NULL;
    }
    v->front = front;
    status = front->attach(v, copy, &v->frontEnd);
    if (!NT_SUCCESS(status)) {
        v->frontEnd = NULL;
        free(copy);
        return status;
    }
    fs->MountPoint = copy;
    pthread_rwlock_wrlock(&v->mountLock);
    v->mounted = 1;
    pthread_rwlock_unlock(&v->mountLock);
    return STATUS_SUCCESS;
}

NTSTATUS file_system_mount(FSP_FILE_SYSTEM *fs, const WCHAR *mountPoint, const FRONT_END *front)
{
    VOLUME *v = volume_of(fs);
    NTSTATUS status;
    pthread_mutex_lock(&v->mounting);
    status = mount_at(fs, mountPoint, front);
    pthread_mutex_unlock(&v->mounting);
    return status;
}

static void unmount(FSP_FILE_SYSTEM *fs)
{
    VOLUME *v = volume_of(fs);
    if (fs->MountPoint == NULL)
        return;
    pthread_rwlock_wrlock(&v->mountLock);
    v->mounted = 0;
    pthread_rwlock_unlock(&v->mountLock);
    v->front->detach(v, v->frontEnd);
    free(fs->MountPoint);
    fs->MountPoint = NULL;
}

/* A second caller waits until the mount is gone: it may delete the file system afterwards. */
void FspFileSystemRemoveMountPoint(FSP_FILE_SYSTEM *fs)
{
    VOLUME *v = volume_of(fs);
    pthread_mutex_lock(&v->mounting);
    unmount(fs);
    pthread_mutex_unlock(&v->mounting); /* fs may be gone by now, the volume's struct is kept */
}

NTSTATUS FspLinuxRemoveIdleMountPoint(FSP_FILE_SYSTEM *fs)
{
    VOLUME *v = volume_of(fs);
    int error = 0;
    pthread_mutex_lock(&v->mounting);
    if (fs->MountPoint != NULL && v->front->release != NULL)
        error = v->front->release(v, v->frontEnd);
    if (error == 0)
        unmount(fs);
    pthread_mutex_unlock(&v->mounting);
    return error == 0 ? STATUS_SUCCESS : STATUS_SHARING_VIOLATION;
}

UINT32 FspLinuxMountMessage(FSP_FILE_SYSTEM *fs, char *Buffer, UINT32 Size)
{
    VOLUME *v = volume_of(fs);
    UINT32 needed;
    pthread_mutex_lock(&v->mounting);
    needed = (UINT32)strlen(v->mountMessage) + 1;
    if (Size > 0) {
        strncpy(Buffer, v->mountMessage, Size - 1);
        Buffer[Size - 1] = 0;
    }
    pthread_mutex_unlock(&v->mounting);
    return needed > 1 ? needed : 0;
}

PWSTR FspFileSystemMountPointF(FSP_FILE_SYSTEM *fs) { return fs->MountPoint; }
