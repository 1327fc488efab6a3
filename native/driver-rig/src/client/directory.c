/*
 * The NT client: listing, renaming and change notification.
 */
#include "kernel.h"

RIG_API int32_t rig_directory(void *file, void *buffer, uint32_t length, uint32_t information_class,
    const wchar_t *pattern, uint32_t flags, uint32_t *done)
{
    if (!has_access(file, FILE_LIST_DIRECTORY))
        return STATUS_ACCESS_DENIED;
    PIO_STACK_LOCATION sp;
    UNICODE_STRING name = {0, 0, NULL};
    PIRP irp = irp_for(file, IRP_MJ_DIRECTORY_CONTROL, IRP_MN_QUERY_DIRECTORY, UserMode, &sp);
    irp->UserBuffer = buffer;
    sp->Flags = (UCHAR)flags;
    sp->Parameters.QueryDirectory.Length = length;
    sp->Parameters.QueryDirectory.FileInformationClass = information_class;
    if (pattern != NULL) {
        name.Length = name.MaximumLength = (USHORT)(wide_length(pattern) * 2);
        name.Buffer = (WCHAR *)pattern;
        sp->Parameters.QueryDirectory.FileName = (void *)&name;
    }
    return irp_run(file, irp, done);
}

RIG_API int32_t rig_rename(void *file, const wchar_t *target, void *root, uint32_t information_class, uint32_t flags)
{
    if (!has_access(file, DELETE))
        return STATUS_ACCESS_DENIED;
    ULONG chars = wide_length(target), bytes = sizeof(FILE_RENAME_INFORMATION) + chars * 2;
    PFILE_OBJECT parent = NULL;
    if (root != NULL || target[0] == '\\') {
        rig_open_t request = {
            .path = target,
            .root = root,
            .access = FILE_WRITE_DATA | SYNCHRONIZE,
            .share = FILE_SHARE_READ | FILE_SHARE_WRITE,
            .disposition = FILE_OPEN,
            .options = FILE_OPEN_FOR_BACKUP_INTENT,
            .flags = SL_OPEN_TARGET_DIRECTORY,
        };
        NTSTATUS status = file_open(&request, &parent, NULL);
        if (!NT_SUCCESS(status))
            return status;
    }
    FILE_RENAME_INFORMATION *info = host_alloc(bytes);
    *(ULONG *)info = flags;
    info->RootDirectory = root;
    info->FileNameLength = chars * 2;
    RtlCopyMemory(info->FileName, target, chars * 2);
    PIO_STACK_LOCATION sp;
    PIRP irp = irp_for(file, IRP_MJ_SET_INFORMATION, 0, UserMode, &sp);
    irp_buffer(irp, info, bytes, NULL, 0);
    sp->Parameters.SetFile.Length = bytes;
    sp->Parameters.SetFile.FileInformationClass = information_class;
    sp->Parameters.SetFile.FileObject = parent;
    if (parent != NULL)
        sp->Parameters.SetFile.ReplaceIfExists = flags & 1;
    NTSTATUS status = irp_run(file, irp, NULL);
    if (parent != NULL)
        rig_close(parent);
    host_free(info);
    return status;
}

RIG_API int32_t rig_notify(void *file, void *buffer, uint32_t length, uint32_t filter, int tree, void **request)
{
    PIO_STACK_LOCATION sp;
    PIRP irp = irp_for(file, IRP_MJ_DIRECTORY_CONTROL, IRP_MN_NOTIFY_CHANGE_DIRECTORY, UserMode, &sp);
    irp->UserBuffer = buffer;
    sp->Flags = tree ? SL_WATCH_TREE : 0;
    sp->Parameters.NotifyDirectory.Length = length;
    sp->Parameters.NotifyDirectory.CompletionFilter = filter;
    return request_send(file, irp, request);
}
