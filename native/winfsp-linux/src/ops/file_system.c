/* FSP_FILE_SYSTEM objects: made with their table of operations, and deleted (docs/winfsp.md, "Functions"). */
#include "core/volumes.h"
#include "ops/ops.h"

NTSTATUS FspFileSystemCreate(PWSTR DevicePath, const FSP_FSCTL_VOLUME_PARAMS *VolumeParams,
    const FSP_FILE_SYSTEM_INTERFACE *Interface, FSP_FILE_SYSTEM **PFileSystem)
{
    static const FSP_FILE_SYSTEM_INTERFACE none;
    static FSP_FILE_SYSTEM_OPERATION *const operations[FspFsctlTransactKindCount] = {
        [FspFsctlTransactCreateKind] = FspFileSystemOpCreate,
        [FspFsctlTransactOverwriteKind] = FspFileSystemOpOverwrite,
        [FspFsctlTransactCleanupKind] = FspFileSystemOpCleanup,
        [FspFsctlTransactCloseKind] = FspFileSystemOpClose,
        [FspFsctlTransactReadKind] = FspFileSystemOpRead,
        [FspFsctlTransactWriteKind] = FspFileSystemOpWrite,
        [FspFsctlTransactQueryInformationKind] = FspFileSystemOpQueryInformation,
        [FspFsctlTransactSetInformationKind] = FspFileSystemOpSetInformation,
        [FspFsctlTransactQueryEaKind] = FspFileSystemOpQueryEa,
        [FspFsctlTransactSetEaKind] = FspFileSystemOpSetEa,
        [FspFsctlTransactFlushBuffersKind] = FspFileSystemOpFlushBuffers,
        [FspFsctlTransactQueryVolumeInformationKind] = FspFileSystemOpQueryVolumeInformation,
        [FspFsctlTransactSetVolumeInformationKind] = FspFileSystemOpSetVolumeInformation,
        [FspFsctlTransactQueryDirectoryKind] = FspFileSystemOpQueryDirectory,
        [FspFsctlTransactFileSystemControlKind] = FspFileSystemOpFileSystemControl,
        [FspFsctlTransactDeviceControlKind] = FspFileSystemOpDeviceControl,
        [FspFsctlTransactQuerySecurityKind] = FspFileSystemOpQuerySecurity,
        [FspFsctlTransactSetSecurityKind] = FspFileSystemOpSetSecurity,
        [FspFsctlTransactQueryStreamInformationKind] = FspFileSystemOpQueryStreamInformation,
    };
    FSP_FILE_SYSTEM *fs;
    pthread_rwlock_t *guard;
    VOLUME *v;
    HANDLE handle;
    NTSTATUS status;

    *PFileSystem = NULL;
    if (VolumeParams->UmFileContextIsUserContext2 && VolumeParams->UmFileContextIsFullContext)
        return STATUS_INVALID_PARAMETER;
    if ((fs = calloc(1, sizeof *fs)) == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    if ((guard = malloc(sizeof *guard)) == NULL) {
        free(fs);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    status = FspFsctlCreateVolume(DevicePath, VolumeParams, fs->VolumeName, sizeof fs->VolumeName, &handle);
    if (!NT_SUCCESS(status)) {
        free(guard);
        free(fs);
        return status;
    }
    pthread_rwlock_init(guard, NULL);
    v = handle;
    v->fileSystem = fs;
    fs->Version = sizeof *fs;
    fs->VolumeHandle = handle;
    fs->OpGuardLock = guard;
    fs->EnterOperation = FspFileSystemOpEnter;
    fs->LeaveOperation = FspFileSystemOpLeave;
    memcpy(fs->Operations, operations, sizeof operations);
    fs->Interface = Interface != NULL ? Interface : &none;
    fs->UmFileContextIsUserContext2 = VolumeParams->UmFileContextIsUserContext2;
    fs->UmFileContextIsFullContext = VolumeParams->UmFileContextIsFullContext;
    fs->UmNoReparsePointsDirCheck = VolumeParams->UmNoReparsePointsDirCheck;
    *PFileSystem = fs;
    return STATUS_SUCCESS;
}

void FspFileSystemDelete(FSP_FILE_SYSTEM *fs)
{
    if (fs == NULL)
        return;
    if (fs->DispatcherThread != NULL) { /* Windows would free the object under its threads' feet */
        strict_violation(volume_of(fs), NULL, "the file system was deleted with its dispatcher running");
        FspFileSystemStopDispatcher(fs);
    }
    FspFileSystemRemoveMountPoint(fs);
    volume_destroy(volume_of(fs));
    pthread_rwlock_destroy(fs->OpGuardLock);
    free(fs->OpGuardLock);
    free(fs);
}
