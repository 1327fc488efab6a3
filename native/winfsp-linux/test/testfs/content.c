/* testfs: content, FileInfo, listings, reparse points. */
#include "testfs/inside.h"

static NTSTATUS Read(FSP_FILE_SYSTEM *fs, PVOID context, PVOID buffer, UINT64 offset, ULONG length, PULONG bytes)
{
    TESTFS *t = testfs_of(fs);
    NTSTATUS status = STATUS_SUCCESS;
    INODE *n;
    if (t->pendingStatus != 0)
        return t->pendingStatus;
    pthread_mutex_lock(&t->lock);
    n = testfs_open_inode(t, context);
    if (n == NULL || (n->open <= 0 && !t->faults.staleSuccess))
        status = STATUS_INVALID_HANDLE;
    else if (offset >= n->size)
        status = t->faults.readZeroAtEnd ? STATUS_SUCCESS : STATUS_END_OF_FILE;
    else {
        *bytes = n->size - offset < length ? (ULONG)(n->size - offset) : length;
        memcpy(buffer, n->bytes + offset, *bytes);
        if (t->faults.informationTooLarge)
            *bytes = length + 1;
    }
    pthread_mutex_unlock(&t->lock);
    return status;
}

static NTSTATUS Write(FSP_FILE_SYSTEM *fs, PVOID context, PVOID buffer, UINT64 offset, ULONG length, BOOLEAN toEnd,
    BOOLEAN constrained, PULONG bytes, FSP_FSCTL_FILE_INFO *info)
{
    TESTFS *t = testfs_of(fs);
    NTSTATUS status = STATUS_SUCCESS;
    INODE *n;
    if (t->pendingStatus != 0)
        return t->pendingStatus;
    pthread_mutex_lock(&t->lock);
    if ((n = testfs_open_inode(t, context)) == NULL)
        status = STATUS_INVALID_HANDLE;
    else {
        if (toEnd)
            offset = n->size;
        if (constrained)
            length = offset >= n->size ? 0 : n->size - offset < length ? (ULONG)(n->size - offset) : length;
        if (length != 0 && offset + length > n->size)
            testfs_resize(t, n, offset + length);
        if (length != 0)
            memcpy(n->bytes + offset, buffer, length);
        *bytes = t->faults.shortWrite ? length / 2 : length;
        n->times[2] = ++t->clock;
        if (!t->faults.emptyWriteInfo)
            testfs_fill(t, n, info);
    }
    pthread_mutex_unlock(&t->lock);
    return status;
}

static NTSTATUS GetFileInfo(FSP_FILE_SYSTEM *fs, PVOID context, FSP_FSCTL_FILE_INFO *info)
{
    TESTFS *t = testfs_of(fs);
    INODE *n;
    pthread_mutex_lock(&t->lock);
    if ((n = testfs_open_inode(t, context)) != NULL)
        testfs_fill(t, n, info);
    pthread_mutex_unlock(&t->lock);
    return n != NULL ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
}

static NTSTATUS Flush(FSP_FILE_SYSTEM *fs, PVOID context, FSP_FSCTL_FILE_INFO *info)
{
    NTSTATUS status;
    if (context == NULL)
        return STATUS_SUCCESS;
    status = GetFileInfo(fs, context, info);
    if (testfs_of(fs)->faults.sizeForgottenInFlush)
        info->FileSize = 0;
    return status;
}

static NTSTATUS SetBasicInfo(FSP_FILE_SYSTEM *fs, PVOID context, UINT32 attributes, UINT64 creation, UINT64 access,
    UINT64 write, UINT64 change, FSP_FSCTL_FILE_INFO *info)
{
    INODE *n = testfs_open_inode(testfs_of(fs), context);
    if (n == NULL)
        return STATUS_INVALID_HANDLE;
    if (attributes != INVALID_FILE_ATTRIBUTES)
        n->attributes = attributes;
    if (creation != 0)
        n->times[0] = creation;
    return GetFileInfo(fs, context, info);
}

static NTSTATUS SetFileSize(
    FSP_FILE_SYSTEM *fs, PVOID context, UINT64 size, BOOLEAN allocation, FSP_FSCTL_FILE_INFO *info)
{
    TESTFS *t = testfs_of(fs);
    INODE *n = testfs_open_inode(t, context);
    if (n == NULL)
        return STATUS_INVALID_HANDLE;
    t->lastAllocationFlag = allocation;
    if (!allocation)
        testfs_resize(t, n, size);
    else {
        if (size < n->size)
            testfs_resize(t, n, size);
        n->allocation = (size + t->unit - 1) / t->unit * t->unit;
    }
    return GetFileInfo(fs, context, info);
}

static BOOLEAN add(TESTFS *t, INODE *n, const WCHAR *name, PVOID buffer, ULONG length, PULONG bytes)
{
    union {
        FSP_FSCTL_DIR_INFO info;
        UINT8 room[sizeof(FSP_FSCTL_DIR_INFO) + 600];
    } record;
    ULONG at = *bytes;
    memset(&record, 0, sizeof record);
    record.info.Size = (UINT16)(sizeof record.info + wide_length(name) * 2);
    memcpy(record.info.FileNameBuf, name, wide_length(name) * 2);
    if (t->faults.backslashName && name[0] != '.')
        record.info.FileNameBuf[0] = '\\';
    testfs_fill(t, n, &record.info.FileInfo);
    if (!FspFileSystemAddDirInfo(&record.info, buffer, length, bytes))
        return 0;
    if (t->faults.recordSize)
        ((FSP_FSCTL_DIR_INFO *)(void *)((UINT8 *)buffer + at))->Size = 50;
    return 1;
}

static NTSTATUS ReadDirectory(
    FSP_FILE_SYSTEM *fs, PVOID context, PWSTR pattern, PWSTR marker, PVOID buffer, ULONG length, PULONG bytes)
{
    TESTFS *t = testfs_of(fs);
    INODE *n = testfs_open_inode(t, context);
    int root, after = marker == NULL;
    WCHAR parent[300];
    if (n == NULL)
        return STATUS_INVALID_HANDLE;
    root = n->path[1] == 0;
    if (t->pendingStatus != 0)
        return t->pendingStatus;
    if (marker == NULL && (!root || t->faults.dotsInRoot) && !t->faults.noDots) {
        if (!add(t, n, u".", buffer, length, bytes) || !add(t, n, u"..", buffer, length, bytes))
            return STATUS_SUCCESS;
    }
    if (marker != NULL && marker[0] == '.')
        after = 1;
    for (INODE *at = t->inodes; at != NULL; at = at->next) { /* in the order of creation, which is stable */
        if (at == n || at->deleted || !testfs_parent_of(at->path, parent) || !testfs_same(parent, n->path) ||
            at->path[1] == 0)
            continue;
        if (!after && !t->faults.markerRepeats) {
            after = testfs_same(testfs_leaf_of(at->path), marker);
            continue;
        }
        if (!add(t, at, testfs_leaf_of(at->path), buffer, length, bytes) ||
            (t->faults.duplicateNames && !add(t, at, testfs_leaf_of(at->path), buffer, length, bytes)))
            return STATUS_SUCCESS;
    }
    if (!t->faults.noEndMark)
        FspFileSystemAddDirInfo(NULL, buffer, length, bytes);
    return STATUS_SUCCESS;
}

static NTSTATUS GetDirInfoByName(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name, FSP_FSCTL_DIR_INFO *info)
{
    TESTFS *t = testfs_of(fs);
    INODE *directory = testfs_open_inode(t, context), *n;
    WCHAR path[600];
    size_t units = wide_length(directory->path);
    memcpy(path, directory->path, units * 2);
    if (path[units - 1] != '\\')
        path[units++] = '\\';
    memcpy(path + units, name, (wide_length(name) + 1) * 2);
    testfs_note(t, "GetDirInfoByName");
    if ((n = testfs_find(t, path)) == NULL)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    info->Size = (UINT16)(sizeof *info + wide_length(testfs_leaf_of(n->path)) * 2);
    testfs_fill(t, n, &info->FileInfo);
    memcpy(info->FileNameBuf, testfs_leaf_of(n->path), info->Size - sizeof *info);
    return STATUS_SUCCESS;
}

static NTSTATUS GetReparsePoint(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name, PVOID buffer, PSIZE_T size)
{
    INODE *n = testfs_open_inode(testfs_of(fs), context);
    if (n->reparseSize == 0)
        return STATUS_NOT_A_REPARSE_POINT;
    memcpy(buffer, n->reparse, n->reparseSize);
    *size = n->reparseSize;
    return STATUS_SUCCESS;
}

static NTSTATUS SetReparsePoint(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name, PVOID buffer, SIZE_T size)
{
    INODE *n = testfs_open_inode(testfs_of(fs), context);
    memcpy(n->reparse, buffer, size);
    n->reparseSize = (UINT32)size;
    memcpy(&n->reparseTag, buffer, 4);
    n->attributes |= FILE_ATTRIBUTE_REPARSE_POINT;
    return STATUS_SUCCESS;
}

static NTSTATUS DeleteReparsePoint(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name, PVOID buffer, SIZE_T size)
{
    INODE *n = testfs_open_inode(testfs_of(fs), context);
    n->reparseSize = n->reparseTag = 0;
    n->attributes &= ~FILE_ATTRIBUTE_REPARSE_POINT;
    return STATUS_SUCCESS;
}

void testfs_set_content(FSP_FILE_SYSTEM_INTERFACE *interface)
{
    interface->Read = Read;
    interface->Write = Write;
    interface->GetFileInfo = GetFileInfo;
    interface->Flush = Flush;
    interface->SetBasicInfo = SetBasicInfo;
    interface->SetFileSize = SetFileSize;
    interface->ReadDirectory = ReadDirectory;
    interface->GetDirInfoByName = GetDirInfoByName;
    interface->GetReparsePoint = GetReparsePoint;
    interface->SetReparsePoint = SetReparsePoint;
    interface->DeleteReparsePoint = DeleteReparsePoint;
}
