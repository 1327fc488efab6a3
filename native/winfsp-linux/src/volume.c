/*
 * Volumes and FSP_FILE_SYSTEM objects: made, mounted, deleted (docs/winfsp.md (a), (f), (g)).
 *
 * A volume handle is the address of its structure. The structure of a deleted volume is kept, marked as gone, so that a late call with the
 * old handle gets STATUS_INVALID_HANDLE instead of somebody else's memory.
 */
#include "internal.h"

static pthread_mutex_t listLock = PTHREAD_MUTEX_INITIALIZER;
static VOLUME *gone;
static UINT32 volumeNumber;

static void params_defaults(FSP_FSCTL_VOLUME_PARAMS *to, const FSP_FSCTL_VOLUME_PARAMS *from)
{
    memset(to, 0, sizeof *to);
    memcpy(to, from, from->Version == 0 ? offsetof(FSP_FSCTL_VOLUME_PARAMS, FileSystemName) + sizeof from->FileSystemName : sizeof *from);
    if (to->SectorSize == 0)
        to->SectorSize = 512;
    if (to->SectorsPerAllocationUnit == 0)
        to->SectorsPerAllocationUnit = 1;
    if (to->MaxComponentLength == 0)
        to->MaxComponentLength = 255;
    if (to->TransactTimeout != 0 && (to->TransactTimeout < 1000 || to->TransactTimeout > 10000))
        to->TransactTimeout = 1000;
    if (to->IrpTimeout < 60000 || to->IrpTimeout > 600000)
        to->IrpTimeout = 300000;
    if (to->IrpCapacity < 100 || to->IrpCapacity > 1000)
        to->IrpCapacity = 1000;
    if (from->Version == 0 || !to->VolumeInfoTimeoutValid)
        to->VolumeInfoTimeout = to->FileInfoTimeout;
    if (from->Version == 0 || !to->DirInfoTimeoutValid)
        to->DirInfoTimeout = to->FileInfoTimeout;
    if (from->Version == 0 || !to->SecurityTimeoutValid)
        to->SecurityTimeout = to->FileInfoTimeout;
    if (from->Version == 0 || !to->StreamInfoTimeoutValid)
        to->StreamInfoTimeout = to->FileInfoTimeout;
    if (from->Version == 0 || !to->EaTimeoutValid)
        to->EaTimeout = to->FileInfoTimeout;
}

static int device_kind(const WCHAR *path) /* 1 disk, 2 net, 0 neither */
{
    static const WCHAR disk[] = u"WinFsp.Disk", net[] = u"WinFsp.Net";
    size_t length = path == NULL ? 0 : wide_length(path);
    if (wide_equal(path, length, disk, 11, 0))
        return 1;
    return wide_equal(path, length, net, 10, 0) ? 2 : 0;
}

NTSTATUS volume_create(const FSP_FSCTL_VOLUME_PARAMS *params, VOLUME **out)
{
    VOLUME *v;
    UINT32 number;
    static const WCHAR stem[] = u"\\Device\\Volume{winfsp-linux-0000}";
    if (params->Version != 0 && params->Version != sizeof *params)
        return STATUS_INVALID_PARAMETER;
    if (params->UmFileContextIsUserContext2 && params->UmFileContextIsFullContext)
        return STATUS_INVALID_PARAMETER;
    if ((v = calloc(1, sizeof *v)) == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    pthread_mutex_init(&v->lock, NULL);
    pthread_rwlock_init(&v->mountLock, NULL);
    pthread_mutex_init(&v->mounting, NULL);
    platform_cond_init(&v->wake);
    platform_cond_init(&v->quiet);
    v->tail = &v->head;
    v->freeSlot = UINT32_MAX;
    v->wakeFd = -1;
    params_defaults(&v->params, params);
    v->allocationUnit = (UINT32)v->params.SectorSize * v->params.SectorsPerAllocationUnit;
    options_defaults(v->options);
    v->holdTimeoutMs = options_default_hold_timeout_ms;
    pthread_mutex_lock(&listLock);
    number = ++volumeNumber;
    pthread_mutex_unlock(&listLock);
    memcpy(v->name, stem, sizeof stem);
    for (size_t at = wide_length(stem) - 2, left = 4; left > 0; left--, at--, number >>= 4)
        v->name[at] = (WCHAR) "0123456789abcdef"[number & 15];
    strict_init(v);
    atomic_store(&v->magic, VOLUME_MAGIC);
    *out = v;
    return STATUS_SUCCESS;
}

VOLUME *volume_enter(HANDLE handle)
{
    VOLUME *v = handle;
    if (v == NULL || v == (VOLUME *)(intptr_t)-1 || ((uintptr_t)v & 7) != 0 || atomic_load_explicit(&v->magic, memory_order_acquire) != VOLUME_MAGIC)
        return NULL;
    atomic_fetch_add(&v->inside, 1);
    if (atomic_load(&v->magic) != VOLUME_MAGIC) {
        volume_leave(v);
        return NULL;
    }
    return v;
}

void volume_leave(VOLUME *v)
{
    atomic_fetch_sub(&v->inside, 1);
}

void volume_destroy(VOLUME *v)
{
    queue_stop(v, 1);
    if (v->frontEnd != NULL)
        fuse_forget(v, v->frontEnd);
    v->frontEnd = NULL;
    atomic_store(&v->magic, 0);
    while (atomic_load(&v->inside) > 0) { /* callers that were still in Transact come out by themselves: it is stopped */
        pthread_mutex_lock(&v->lock);
        pthread_cond_broadcast(&v->wake);
        if (v->pollers > 0)
            platform_wake_post(v->wakeFd, (unsigned)v->pollers);
        pthread_mutex_unlock(&v->lock);
        platform_sleep_ms(1);
    }
    scripts_free(v);
    strict_free(v);
    if (v->wakeFd >= 0)
        platform_wake_close(v->wakeFd);
    v->wakeFd = -1;
    free(v->slots);
    v->slots = NULL;
    v->slotCount = 0;
    pthread_mutex_lock(&listLock);
    v->nextGone = gone;
    gone = v;
    pthread_mutex_unlock(&listLock);
}

const FSP_FSCTL_VOLUME_PARAMS *volume_params(VOLUME *v) { return &v->params; }
UINT64 volume_option(VOLUME *v, OPTION option) { return v->options[option]; }
int volume_is_strict(VOLUME *v) { return v->options[OPTION_STRICT] != 0; }
FSP_FILE_SYSTEM *volume_file_system(VOLUME *v) { return v->fileSystem; }

/* ---- driver calls ------------------------------------------------------------------------------------------------------------ */

NTSTATUS FspFsctlCreateVolume(PWSTR DevicePath, const FSP_FSCTL_VOLUME_PARAMS *VolumeParams, WCHAR *VolumeNameBuf, SIZE_T VolumeNameSize,
    PHANDLE PVolumeHandle)
{
    VOLUME *v;
    NTSTATUS status;
    *PVolumeHandle = NULL;
    if (device_kind(DevicePath) == 0)
        return STATUS_NO_SUCH_DEVICE;
    status = volume_create(VolumeParams, &v);
    if (!NT_SUCCESS(status))
        return status;
    if (VolumeNameBuf != NULL) {
        SIZE_T bytes = (wide_length(v->name) + 1) * sizeof(WCHAR);
        if (VolumeNameSize < bytes) {
            volume_destroy(v);
            return STATUS_INVALID_PARAMETER;
        }
        memcpy(VolumeNameBuf, v->name, bytes);
    }
    *PVolumeHandle = v;
    return STATUS_SUCCESS;
}

NTSTATUS FspFsctlTransact(HANDLE VolumeHandle, PVOID ResponseBuf, SIZE_T ResponseBufSize, PVOID RequestBuf, SIZE_T *PRequestBufSize, BOOLEAN Batch)
{
    VOLUME *v = volume_enter(VolumeHandle);
    NTSTATUS status;
    if (v == NULL) {
        if (PRequestBufSize != NULL)
            *PRequestBufSize = 0;
        return STATUS_INVALID_HANDLE;
    }
    status = queue_transact(v, ResponseBuf, ResponseBufSize, RequestBuf, PRequestBufSize, Batch);
    volume_leave(v);
    return status;
}

static NTSTATUS stop(HANDLE handle, int cancel)
{
    VOLUME *v = volume_enter(handle);
    if (v == NULL)
        return STATUS_INVALID_HANDLE;
    queue_stop(v, cancel);
    volume_leave(v);
    return STATUS_SUCCESS;
}

NTSTATUS FspFsctlStop(HANDLE VolumeHandle) { return stop(VolumeHandle, 1); }
NTSTATUS FspFsctlStop0(HANDLE VolumeHandle) { return stop(VolumeHandle, 0); }

NTSTATUS FspFsctlPreflight(PWSTR DevicePath)
{
    NTSTATUS status = device_kind(DevicePath) == 0 ? STATUS_NO_SUCH_DEVICE : STATUS_SUCCESS;
#if defined(_WIN32)
    status = mount_script("Device", DevicePath, status);
#endif
    return status;
}

NTSTATUS FspVersion(PUINT32 PVersion)
{
    *PVersion = 0x00020001;
    return STATUS_SUCCESS;
}

NTSTATUS FspFsctlServiceVersion(PUINT32 PVersion) { return FspVersion(PVersion); }
NTSTATUS FspFsctlStartService(void) { return STATUS_SUCCESS; }

NTSTATUS FspFsctlGetVolumeList(PWSTR DevicePath, WCHAR *VolumeListBuf, PSIZE_T PVolumeListSize)
{
    if (device_kind(DevicePath) == 0)
        return STATUS_NO_SUCH_DEVICE;
    *PVolumeListSize = 0; /* volumes belong to one process here, so there is nothing to list for others */
    return STATUS_SUCCESS;
}

/* ---- FSP_FILE_SYSTEM ----------------------------------------------------------------------------------------------------------- */

NTSTATUS FspFileSystemPreflight(PWSTR DevicePath, PWSTR MountPoint)
{
    NTSTATUS status = FspFsctlPreflight(DevicePath);
    if (!NT_SUCCESS(status) || MountPoint == NULL)
        return status;
    return fuse_preflight(MountPoint);
}

NTSTATUS FspFileSystemCreate(PWSTR DevicePath, const FSP_FSCTL_VOLUME_PARAMS *VolumeParams, const FSP_FILE_SYSTEM_INTERFACE *Interface,
    FSP_FILE_SYSTEM **PFileSystem)
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

/* Within `mounting`. */
static NTSTATUS mount_at(FSP_FILE_SYSTEM *fs, PWSTR MountPoint)
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
        fuse_forget(v, v->frontEnd);
        v->frontEnd = NULL;
    }
    status = fuse_attach(v, copy, &v->frontEnd);
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

static NTSTATUS mount_at_free_letter(FSP_FILE_SYSTEM *fs)
{
    NTSTATUS status = STATUS_INVALID_PARAMETER; /* Linux has no letters to choose one from */
#if defined(_WIN32)
    WCHAR letter[3] = u"Z:";
    for (; letter[0] >= 'D' && fs->MountPoint == NULL; letter[0]--)
        if (NT_SUCCESS(status = mount_at(fs, letter)))
            break;
#endif
    return status;
}

NTSTATUS FspFileSystemSetMountPointEx(FSP_FILE_SYSTEM *fs, PWSTR MountPoint, PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    VOLUME *v = volume_of(fs);
    NTSTATUS status;
    pthread_mutex_lock(&v->mounting);
    status = MountPoint != NULL ? mount_at(fs, MountPoint) : mount_at_free_letter(fs);
    pthread_mutex_unlock(&v->mounting);
    return status;
}

NTSTATUS FspFileSystemSetMountPoint(FSP_FILE_SYSTEM *fs, PWSTR MountPoint) { return FspFileSystemSetMountPointEx(fs, MountPoint, NULL); }

static void unmount(FSP_FILE_SYSTEM *fs)
{
    VOLUME *v = volume_of(fs);
    if (fs->MountPoint == NULL)
        return;
    pthread_rwlock_wrlock(&v->mountLock);
    v->mounted = 0;
    pthread_rwlock_unlock(&v->mountLock);
    fuse_detach(v, v->frontEnd);
    free(fs->MountPoint);
    fs->MountPoint = NULL;
}

/* Whoever comes second waits until the mount is gone: the caller may delete the file system afterwards. */
void FspFileSystemRemoveMountPoint(FSP_FILE_SYSTEM *fs)
{
    VOLUME *v = volume_of(fs);
    pthread_mutex_lock(&v->mounting);
    unmount(fs);
    pthread_mutex_unlock(&v->mounting); /* fs may be gone by now, the volume's struct is kept */
}

PWSTR FspFileSystemMountPointF(FSP_FILE_SYSTEM *fs) { return fs->MountPoint; }

/* ---- what stands in for a kernel front end that is not built in ------------------------------------------------------------------ */

#if !defined(_WIN32) /* the Windows build has src/mount_script.c */
#define STAND_IN __attribute__((weak)) /* the strong ones are in src/fuse_*.c */
STAND_IN NTSTATUS fuse_preflight(const WCHAR *mountPoint) { return STATUS_SUCCESS; }
STAND_IN NTSTATUS fuse_attach(VOLUME *volume, const WCHAR *mountPoint, void **frontEnd) { return STATUS_NOT_IMPLEMENTED; }
STAND_IN void fuse_detach(VOLUME *volume, void *frontEnd) {}
STAND_IN void fuse_forget(VOLUME *volume, void *frontEnd) {}
STAND_IN void fuse_notify(VOLUME *volume, void *frontEnd, UINT32 filter, UINT32 action, const WCHAR *name, size_t length) {}
#endif
