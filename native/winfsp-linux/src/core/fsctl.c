/* The calls that go to the driver on Windows: FspFsctl… on a volume (docs/winfsp.md, "Dispatching", "Installation and
 * mount points"). */
#include "core/queue.h"
#include "core/volumes.h"

enum { DISK = 1, NETWORK = 2 };

int device_kind(const WCHAR *path)
{
    static const WCHAR disk[] = u"WinFsp.Disk", net[] = u"WinFsp.Net";
    size_t length = path == NULL ? 0 : wide_length(path);
    if (wide_equal(path, length, disk, 11, 0))
        return DISK;
    return wide_equal(path, length, net, 10, 0) ? NETWORK : 0;
}

/* \server\share, with one backslash in front. */
static int is_share(const WCHAR *prefix)
{
    const WCHAR *at = prefix;
    if (at[0] != '\\' || at[1] == '\\')
        return 0;
    for (at++; *at != 0 && *at != '\\'; at++)
        ;
    return at[0] == '\\' && at[1] != 0;
}

NTSTATUS FspFsctlCreateVolume(PWSTR DevicePath, const FSP_FSCTL_VOLUME_PARAMS *VolumeParams, WCHAR *VolumeNameBuf,
    SIZE_T VolumeNameSize, PHANDLE PVolumeHandle)
{
    VOLUME *v;
    NTSTATUS status;
    *PVolumeHandle = NULL;
    if (device_kind(DevicePath) == 0)
        return STATUS_NO_SUCH_DEVICE;
    if (device_kind(DevicePath) == NETWORK && !is_share(VolumeParams->Prefix))
        return STATUS_INVALID_PARAMETER;
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

NTSTATUS FspFsctlTransact(HANDLE VolumeHandle, PVOID ResponseBuf, SIZE_T ResponseBufSize, PVOID RequestBuf,
    SIZE_T *PRequestBufSize, BOOLEAN Batch)
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

static NTSTATUS on_volume(HANDLE handle, void (*what)(VOLUME *volume))
{
    VOLUME *v = volume_enter(handle);
    if (v == NULL)
        return STATUS_INVALID_HANDLE;
    what(v);
    volume_leave(v);
    return STATUS_SUCCESS;
}

NTSTATUS FspFsctlStop(HANDLE VolumeHandle) { return on_volume(VolumeHandle, queue_cancel_all); }

NTSTATUS FspFsctlStop0(HANDLE VolumeHandle) { return on_volume(VolumeHandle, queue_stop_receiving); }

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
