/* treefs: the callbacks. */
#include "treefs/inside.h"

static UINT32 link_count(const FILE_NODE *f)
{
    UINT32 count = (UINT32)f->names;
    if (f->attributes & FILE_ATTRIBUTE_DIRECTORY) {
        count += !f->gone;
        for (const FILE_NODE *child = f->children; child != NULL; child = child->next)
            count += (child->attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    }
    return count;
}

void treefs_fill(TREEFS *t, FILE_NODE *f, FSP_FSCTL_FILE_INFO *info)
{
    memset(info, 0, sizeof *info);
    info->HardLinks = t->hardLinks ? link_count(f) : 0;
    info->FileAttributes = f->attributes;
    info->ReparseTag = f->tag;
    info->EaSize = f->eaSize;
    info->AllocationSize = f->allocation;
    info->FileSize = f->size;
    info->CreationTime = f->times[0];
    info->LastAccessTime = f->times[1];
    info->LastWriteTime = f->times[2];
    info->ChangeTime = f->times[3];
    info->IndexNumber = f->index;
}

static void treefs_opened(TREEFS *t, FILE_NODE *f, PVOID *context, FSP_FSCTL_FILE_INFO *info)
{
    FSP_FSCTL_OPEN_FILE_INFO *open = (void *)info;
    f->opens++;
    t->opens++;
    *context = f;
    treefs_fill(t, f, info);
    if (!t->sensitive) {
        FILE_NODE *chain[64];
        int depth = 0;
        size_t used = 0;
        for (FILE_NODE *up = f; up->parent != NULL; up = up->parent)
            chain[depth++] = up;
        if (depth == 0)
            open->NormalizedName[used++] = '\\';
        while (depth-- > 0) {
            open->NormalizedName[used++] = '\\';
            memcpy(open->NormalizedName + used, chain[depth]->name, wide_length(chain[depth]->name) * 2);
            used += wide_length(chain[depth]->name);
        }
        open->NormalizedNameSize = (UINT16)(used * 2);
    }
}

static NTSTATUS GetVolumeInfo(FSP_FILE_SYSTEM *fs, FSP_FSCTL_VOLUME_INFO *info)
{
    ENTER(fs);
    FSP_LINUX_VOLUME_INFO *all = (void *)info;
    all->counts = (FSP_LINUX_FILE_COUNTS){1000, 1000 - (UINT64)t->inodes};
    info->TotalSize = t->capacity;
    info->FreeSize = t->capacity - t->used;
    return treefs_leave(t, STATUS_SUCCESS);
}

static NTSTATUS GetSecurityByName(
    FSP_FILE_SYSTEM *fs, PWSTR name, PUINT32 attributes, PSECURITY_DESCRIPTOR sd, SIZE_T *size)
{
    FILE_NODE *f, *parent;
    const WCHAR *leaf;
    NTSTATUS status;
    ENTER(fs);
    status = treefs_find(t, name, &f, &parent, &leaf);
    if (NT_SUCCESS(status)) {
        if (attributes != NULL)
            *attributes = f->attributes;
        if (size != NULL) {
            if (*size < f->sdSize)
                status = STATUS_BUFFER_OVERFLOW;
            else if (sd != NULL)
                memcpy(sd, f->sd, f->sdSize);
            *size = f->sdSize;
        }
    }
    return treefs_leave(t, status);
}

static NTSTATUS Create(FSP_FILE_SYSTEM *fs, PWSTR name, UINT32 options, UINT32 granted, UINT32 attributes,
    PSECURITY_DESCRIPTOR sd, UINT64 allocation, PVOID *context, FSP_FSCTL_FILE_INFO *info)
{
    FILE_NODE *f, *parent;
    const WCHAR *leaf;
    NTSTATUS status;
    SD_VIEW view;
    ENTER(fs);
    status = treefs_find(t, name, &f, &parent, &leaf);
    if (NT_SUCCESS(status))
        return treefs_leave(t, STATUS_OBJECT_NAME_COLLISION);
    if (status != STATUS_OBJECT_NAME_NOT_FOUND)
        return treefs_leave(t, status);
    f = treefs_add_child(t, parent, leaf,
        options & FILE_DIRECTORY_FILE ? FILE_ATTRIBUTE_DIRECTORY : attributes | FILE_ATTRIBUTE_ARCHIVE);
    if (sd != NULL)
        memcpy(f->sd, sd, f->sdSize = (UINT32)sd_view(sd, SIZE_MAX, &view));
    if (options & FSP_LINUX_CREATE_UNNAMED) {
        treefs_detach(f);
        f->gone = 1;
        f->names = 0;
    }
    treefs_opened(t, f, context, info);
    return treefs_leave(t, STATUS_SUCCESS);
}

static NTSTATUS Open(
    FSP_FILE_SYSTEM *fs, PWSTR name, UINT32 options, UINT32 granted, PVOID *context, FSP_FSCTL_FILE_INFO *info)
{
    FILE_NODE *f, *parent;
    const WCHAR *leaf;
    NTSTATUS status;
    ENTER(fs);
    status = treefs_find(t, name, &f, &parent, &leaf);
    if (NT_SUCCESS(status))
        treefs_opened(t, f, context, info);
    return treefs_leave(t, status);
}

static NTSTATUS Overwrite(FSP_FILE_SYSTEM *fs, PVOID context, UINT32 attributes, BOOLEAN replace, UINT64 allocation,
    FSP_FSCTL_FILE_INFO *info)
{
    FILE_NODE *f = context;
    ENTER(fs);
    treefs_resize(t, f, 0);
    treefs_charge(t, f, 0);
    f->eaSize = 0; /* a file that is overwritten loses them */
    f->attributes = (replace ? attributes : f->attributes | attributes) | FILE_ATTRIBUTE_ARCHIVE;
    treefs_fill(t, f, info);
    return treefs_leave(t, STATUS_SUCCESS);
}

static void Cleanup(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name, ULONG flags)
{
    FILE_NODE *f = context;
    ENTER(fs);
    if (flags & FspCleanupSetAllocationSize)
        treefs_charge(t, f, treefs_rounded(f->size));
    if (flags & FspCleanupSetLastWriteTime)
        f->times[2] = f->times[3] = treefs_now();
    if ((flags & FspCleanupDelete) && !f->gone && f->children == NULL) {
        FILE_NODE *entry = t->hardLinks ? treefs_entry_at(t, name) : f;
        if (entry != NULL && (entry == f || entry->linked == f))
            treefs_remove_name(t, entry);
    }
    treefs_leave_late(t, STATUS_SUCCESS);
}

static void Close(FSP_FILE_SYSTEM *fs, PVOID context)
{
    FILE_NODE *f = context;
    ENTER(fs);
    f->opens--;
    t->opens--;
    treefs_destroy_if_unused(t, f);
    treefs_leave(t, STATUS_SUCCESS);
}

static NTSTATUS Read(FSP_FILE_SYSTEM *fs, PVOID context, PVOID buffer, UINT64 offset, ULONG length, PULONG bytes)
{
    FILE_NODE *f = context;
    treefs_dawdle(treefs_of(fs));
    ENTER(fs);
    if (offset >= f->size)
        return treefs_leave(t, STATUS_END_OF_FILE);
    *bytes = f->size - offset < length ? (ULONG)(f->size - offset) : length;
    memcpy(buffer, f->bytes + offset, *bytes);
    return treefs_leave(t, STATUS_SUCCESS);
}

static NTSTATUS Write(FSP_FILE_SYSTEM *fs, PVOID context, PVOID buffer, UINT64 offset, ULONG length, BOOLEAN toEnd,
    BOOLEAN constrained, PULONG bytes, FSP_FSCTL_FILE_INFO *info)
{
    FILE_NODE *f = context;
    NTSTATUS status = STATUS_SUCCESS;
    treefs_dawdle(treefs_of(fs));
    ENTER(fs);
    if (toEnd)
        offset = f->size;
    if (constrained)
        length = offset >= f->size ? 0 : f->size - offset < length ? (ULONG)(f->size - offset) : length;
    if (length != 0 && offset + length > f->size)
        status = treefs_resize(t, f, offset + length);
    if (NT_SUCCESS(status)) {
        if (length != 0)
            memcpy(f->bytes + offset, buffer, length);
        *bytes = length;
        if (!constrained)
            f->times[2] = f->times[3] = treefs_now();
        treefs_fill(t, f, info);
    }
    return treefs_leave(t, status);
}

static NTSTATUS GetFileInfo(FSP_FILE_SYSTEM *fs, PVOID context, FSP_FSCTL_FILE_INFO *info)
{
    ENTER(fs);
    treefs_fill(t, context, info);
    return treefs_leave_late(t, STATUS_SUCCESS);
}

static NTSTATUS Flush(FSP_FILE_SYSTEM *fs, PVOID context, FSP_FSCTL_FILE_INFO *info)
{
    ENTER(fs);
    if (context != NULL)
        treefs_fill(t, context, info);
    return treefs_leave(t, STATUS_SUCCESS);
}

static NTSTATUS SetBasicInfo(FSP_FILE_SYSTEM *fs, PVOID context, UINT32 attributes, UINT64 creation, UINT64 access,
    UINT64 write, UINT64 change, FSP_FSCTL_FILE_INFO *info)
{
    FILE_NODE *f = context;
    UINT64 times[4] = {creation, access, write, change};
    ENTER(fs);
    if (attributes != INVALID_FILE_ATTRIBUTES)
        f->attributes = (attributes & ~FILE_ATTRIBUTE_NORMAL) | (f->attributes & FILE_ATTRIBUTE_REPARSE_POINT);
    for (int i = 0; i < 4; i++)
        if (times[i] != 0)
            f->times[i] = times[i];
    treefs_fill(t, f, info);
    return treefs_leave(t, STATUS_SUCCESS);
}

static NTSTATUS SetFileSize(
    FSP_FILE_SYSTEM *fs, PVOID context, UINT64 size, BOOLEAN allocation, FSP_FSCTL_FILE_INFO *info)
{
    FILE_NODE *f = context;
    NTSTATUS status = STATUS_SUCCESS;
    treefs_dawdle(treefs_of(fs));
    ENTER(fs);
    if (allocation) {
        if (size < f->size)
            status = treefs_resize(t, f, size);
        else
            status = treefs_charge(t, f, treefs_rounded(size));
    } else
        status = treefs_resize(t, f, size);
    treefs_fill(t, f, info);
    return treefs_leave(t, status);
}

static NTSTATUS CanDelete(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name)
{
    FILE_NODE *f = context;
    ENTER(fs);
    return treefs_leave(t, f->children != NULL ? STATUS_DIRECTORY_NOT_EMPTY : STATUS_SUCCESS);
}

static NTSTATUS Rename(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name, PWSTR newName, BOOLEAN replace)
{
    FILE_NODE *f = context, *target, *parent, *entry;
    const WCHAR *leaf;
    NTSTATUS status;
    ENTER(fs);
    status = treefs_find(t, newName, &target, &parent, &leaf);
    if (status == STATUS_OBJECT_PATH_NOT_FOUND || parent == NULL)
        return treefs_leave(t, STATUS_OBJECT_PATH_NOT_FOUND);
    if (replace & FSP_LINUX_RENAME_LINK) {
        if (target == NULL)
            treefs_add_link(t, f, parent, leaf);
        return treefs_leave_late(t, target == NULL ? STATUS_SUCCESS : STATUS_OBJECT_NAME_COLLISION);
    }
    entry = t->hardLinks ? treefs_entry_at(t, name) : f;
    if (entry == NULL || (entry != f && entry->linked != f))
        return treefs_leave(t, STATUS_OBJECT_NAME_NOT_FOUND);
    if (target != NULL && target != f) {
        if (!(replace & 1))
            return treefs_leave(t, STATUS_OBJECT_NAME_COLLISION);
        if (target->attributes & FILE_ATTRIBUTE_DIRECTORY)
            return treefs_leave(t, STATUS_ACCESS_DENIED);
        treefs_remove_name(t, treefs_entry(t, parent, leaf, wide_length(leaf)));
    }
    if (replace & FSP_LINUX_RENAME_WHITEOUT)
        treefs_add_whiteout(t, entry->parent, entry->name, f);
    treefs_detach(entry);
    memset(entry->name, 0, sizeof entry->name);
    memcpy(entry->name, leaf, wide_length(leaf) * 2);
    treefs_attach(t, parent, entry);
    f->times[3] = treefs_now();
    return treefs_leave_late(t, STATUS_SUCCESS);
}

static NTSTATUS GetSecurity(FSP_FILE_SYSTEM *fs, PVOID context, PSECURITY_DESCRIPTOR sd, SIZE_T *size)
{
    FILE_NODE *f = context;
    ENTER(fs);
    memcpy(sd, f->sd, f->sdSize);
    *size = f->sdSize;
    return treefs_leave(t, STATUS_SUCCESS);
}

static NTSTATUS SetSecurity(
    FSP_FILE_SYSTEM *fs, PVOID context, SECURITY_INFORMATION info, PSECURITY_DESCRIPTOR modification)
{
    FILE_NODE *f = context;
    PSECURITY_DESCRIPTOR made;
    SD_VIEW view;
    NTSTATUS status;
    ENTER(fs);
    status = FspSetSecurityDescriptor(f->sd, info, modification, &made);
    if (NT_SUCCESS(status)) {
        f->sdSize = (UINT32)sd_view(made, SIZE_MAX, &view);
        memcpy(f->sd, made, f->sdSize);
        FspDeleteSecurityDescriptor(made, (NTSTATUS (*)(void))(uintptr_t)FspSetSecurityDescriptor);
    }
    return treefs_leave(t, status);
}

static int list(TREEFS *t, FILE_NODE *f, const WCHAR *name, PVOID buffer, ULONG length, PULONG bytes)
{
    union {
        FSP_FSCTL_DIR_INFO info;
        UINT8 room[sizeof(FSP_FSCTL_DIR_INFO) + 512];
    } record;
    size_t size = wide_length(name) * 2;
    memset(&record, 0, sizeof record);
    record.info.Size = (UINT16)(sizeof record.info + size);
    memcpy(record.info.FileNameBuf, name, size);
    treefs_fill(t, f, &record.info.FileInfo);
    return FspFileSystemAddDirInfo(&record.info, buffer, length, bytes);
}

static NTSTATUS ReadDirectory(
    FSP_FILE_SYSTEM *fs, PVOID context, PWSTR pattern, PWSTR marker, PVOID buffer, ULONG length, PULONG bytes)
{
    FILE_NODE *f = context;
    ENTER(fs);
    if (marker == NULL && f != t->root &&
        (!list(t, f, u".", buffer, length, bytes) ||
            !list(t, f->parent != NULL ? f->parent : f, u"..", buffer, length, bytes)))
        return treefs_leave(t, STATUS_SUCCESS);
    if (marker != NULL && marker[0] == '.' && (marker[1] == 0 || (marker[1] == '.' && marker[2] == 0)))
        marker = NULL;
    for (FILE_NODE *at = f->children; at != NULL; at = at->next)
        if ((marker == NULL || treefs_compare(t, at->name, wide_length(at->name), marker, wide_length(marker)) > 0) &&
            !list(t, at->linked != NULL ? at->linked : at, at->name, buffer, length, bytes))
            return treefs_leave(t, STATUS_SUCCESS);
    FspFileSystemAddDirInfo(NULL, buffer, length, bytes);
    return treefs_leave(t, STATUS_SUCCESS);
}

static NTSTATUS GetReparsePoint(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name, PVOID buffer, PSIZE_T size)
{
    FILE_NODE *f = context;
    ENTER(fs);
    if (f->reparse == NULL)
        return treefs_leave(t, STATUS_NOT_A_REPARSE_POINT);
    memcpy(buffer, f->reparse, f->reparseSize);
    *size = f->reparseSize;
    return treefs_leave(t, STATUS_SUCCESS);
}

static NTSTATUS SetReparsePoint(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name, PVOID buffer, SIZE_T size)
{
    FILE_NODE *f = context;
    ENTER(fs);
    free(f->reparse);
    f->reparse = malloc(size);
    memcpy(f->reparse, buffer, size);
    f->reparseSize = (UINT32)size;
    memcpy(&f->tag, buffer, sizeof f->tag);
    f->attributes |= FILE_ATTRIBUTE_REPARSE_POINT;
    return treefs_leave(t, STATUS_SUCCESS);
}

void treefs_set_callbacks(FSP_FILE_SYSTEM_INTERFACE *interface)
{
    treefs_set_ea_callbacks(interface);
    interface->GetVolumeInfo = GetVolumeInfo;
    interface->GetSecurityByName = GetSecurityByName;
    interface->Create = Create;
    interface->Open = Open;
    interface->Overwrite = Overwrite;
    interface->Cleanup = Cleanup;
    interface->Close = Close;
    interface->Read = Read;
    interface->Write = Write;
    interface->GetFileInfo = GetFileInfo;
    interface->Flush = Flush;
    interface->SetBasicInfo = SetBasicInfo;
    interface->SetFileSize = SetFileSize;
    interface->CanDelete = CanDelete;
    interface->Rename = Rename;
    interface->Control = treefs_control;
    interface->GetSecurity = GetSecurity;
    interface->SetSecurity = SetSecurity;
    interface->ReadDirectory = ReadDirectory;
    interface->GetReparsePoint = GetReparsePoint;
    interface->SetReparsePoint = SetReparsePoint;
}
