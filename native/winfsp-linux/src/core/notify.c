/*
 * Notifications: changes made behind the kernel's back (docs/winfsp.md, "Caching"). Here there is no rename lock to
 * take, so Begin always succeeds; the records are split up, their names made absolute, and handed to the kernel front
 * end one by one.
 */
#include "core/volumes.h"

#define MAX_PATH_UNITS 32767u

NTSTATUS notify_parse(const void *records, SIZE_T size, NOTIFY_EACH *each, void *context)
{
    const UINT8 *at = records;
    WCHAR *absolute = malloc((MAX_PATH_UNITS + 1) * sizeof *absolute);
    size_t directoryUnits = 0;
    NTSTATUS status = STATUS_SUCCESS;
    if (absolute == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (SIZE_T left = size; left >= sizeof(UINT16);) {
        const FSP_FSCTL_NOTIFY_INFO *info = (const void *)at;
        SIZE_T bytes = info->Size, step = FSP_FSCTL_DEFAULT_ALIGN_UP(bytes);
        size_t units, prefix = 0;
        if (bytes < sizeof *info)
            break; /* the end mark */
        if (bytes > left) {
            status = STATUS_INVALID_PARAMETER;
            break;
        }
        units = (bytes - sizeof *info) / sizeof(WCHAR);
        if (units == 0 || info->FileNameBuf[0] != '\\') { /* relative to the last absolute name's directory */
            prefix = directoryUnits > 1 ? directoryUnits + 1 : 1;
            absolute[prefix - 1] = '\\';
        }
        if (prefix + units > MAX_PATH_UNITS) {
            status = STATUS_OBJECT_NAME_INVALID;
            break;
        }
        memcpy(absolute + prefix, info->FileNameBuf, units * sizeof(WCHAR));
        if (prefix == 0) {
            for (directoryUnits = units; directoryUnits > 1 && absolute[directoryUnits - 1] != '\\';)
                directoryUnits--;
            if (directoryUnits > 1)
                directoryUnits--; /* without its separator, but for the root */
        }
        each(context, info->Filter, info->Action, absolute, prefix + units);
        if (step >= left)
            break;
        at += step;
        left -= step;
    }
    free(absolute);
    return status;
}

static void to_front_end(void *context, UINT32 filter, UINT32 action, const WCHAR *name, size_t units)
{
    VOLUME *v = context;
    pthread_rwlock_rdlock(&v->mountLock);
    if (v->mounted)
        v->front->notify(v, v->frontEnd, filter, action, name, units);
    pthread_rwlock_unlock(&v->mountLock);
}

NTSTATUS FspFsctlNotify(HANDLE VolumeHandle, FSP_FSCTL_NOTIFY_INFO *NotifyInfo, SIZE_T Size)
{
    VOLUME *v = volume_enter(VolumeHandle);
    NTSTATUS status;
    if (v == NULL)
        return STATUS_INVALID_HANDLE;
    status = notify_parse(NotifyInfo, Size, to_front_end, v);
    volume_leave(v);
    return status;
}

NTSTATUS FspFileSystemNotifyBegin(FSP_FILE_SYSTEM *fs, ULONG Timeout)
{
    return atomic_load(&volume_of(fs)->stopped0) ? STATUS_CANCELLED : STATUS_SUCCESS;
}

NTSTATUS FspFileSystemNotifyEnd(FSP_FILE_SYSTEM *fs)
{
    UINT16 end = 0;
    return FspFsctlNotify(fs->VolumeHandle, (void *)&end, sizeof end);
}

NTSTATUS FspFileSystemNotify(FSP_FILE_SYSTEM *fs, FSP_FSCTL_NOTIFY_INFO *NotifyInfo, SIZE_T Size)
{
    return FspFsctlNotify(fs->VolumeHandle, NotifyInfo, Size);
}
