/* testfs: the volume, names, handles, security. */
#include "testfs/inside.h"

static NTSTATUS GetVolumeInfo(FSP_FILE_SYSTEM *fs, FSP_FSCTL_VOLUME_INFO *info)
{
    TESTFS *t = testfs_of(fs);
    info->TotalSize = 1000000;
    info->FreeSize = t->faults.freeAboveTotal ? 2000000 : 500000;
    info->VolumeLabelLength = (UINT16)(wide_length(t->label) * 2);
    memcpy(info->VolumeLabel, t->label, info->VolumeLabelLength);
    return STATUS_SUCCESS;
}

static NTSTATUS SetVolumeLabel(FSP_FILE_SYSTEM *fs, PWSTR label, FSP_FSCTL_VOLUME_INFO *info)
{
    memcpy(testfs_of(fs)->label, label, (wide_length(label) + 1) * 2);
    return GetVolumeInfo(fs, info);
}

static NTSTATUS GetSecurityByName(
    FSP_FILE_SYSTEM *fs, PWSTR name, PUINT32 attributes, PSECURITY_DESCRIPTOR sd, SIZE_T *size)
{
    TESTFS *t = testfs_of(fs);
    NTSTATUS status = STATUS_SUCCESS;
    INODE *n;
    pthread_mutex_lock(&t->lock);
    testfs_note(t, size != NULL ? "GetSecurityByName" : attributes != NULL ? "GetAttributesByName" : "Exists");
    if (size != NULL && t->capacityCount < 16)
        t->capacities[t->capacityCount++] = *size;
    if ((n = testfs_find(t, name)) == NULL)
        status = testfs_lookup_failure(t, name);
    else {
        if (attributes != NULL)
            *attributes = n->attributes;
        if (size != NULL) {
            if (t->faults.overflowForEver || n->sdSize > *size) {
                status = STATUS_BUFFER_OVERFLOW;
                t->overflows++;
            } else if (sd != NULL)
                memcpy(sd, n->sd, n->sdSize);
            *size = n->sdSize;
        }
    }
    pthread_mutex_unlock(&t->lock);
    return status;
}

static void opened(TESTFS *t, INODE *n, PVOID *context, FSP_FSCTL_FILE_INFO *info, PWSTR asked)
{
    FSP_FSCTL_OPEN_FILE_INFO *open = (void *)info;
    if (t->faults.newContextEachOpen)
        n->context += 1000;
    testfs_fill(t, n, info);
    *context = t->faults.contextZero ? NULL : (PVOID)(uintptr_t)n->context;
    if (t->normalize || t->faults.wrongNormalizedName) {
        size_t bytes = wide_length(n->path) * 2;
        memcpy(open->NormalizedName, n->path, bytes);
        open->NormalizedNameSize = (UINT16)bytes;
        if (t->faults.wrongNormalizedName)
            open->NormalizedName[1] ^= 1;
    }
    n->open++;
}

static NTSTATUS Create(FSP_FILE_SYSTEM *fs, PWSTR name, UINT32 options, UINT32 granted, UINT32 attributes,
    PSECURITY_DESCRIPTOR sd, UINT64 allocation, PVOID *context, FSP_FSCTL_FILE_INFO *info)
{
    TESTFS *t = testfs_of(fs);
    NTSTATUS status = STATUS_SUCCESS;
    SD_VIEW view;
    pthread_mutex_lock(&t->lock);
    testfs_note(t, "Create");
    t->lastOptions = options;
    t->lastGranted = granted;
    t->lastAttributes = attributes;
    t->lastSdSize = sd != NULL ? (int)sd_view(sd, SIZE_MAX, &view) : 0;
    if (sd != NULL)
        memcpy(t->lastSd, sd, (size_t)t->lastSdSize);
    if (testfs_find(t, name) != NULL)
        status = STATUS_OBJECT_NAME_COLLISION;
    else if ((status = testfs_lookup_failure(t, name)) == STATUS_OBJECT_NAME_NOT_FOUND) {
        INODE *n = testfs_add(
            t, name, options & FILE_DIRECTORY_FILE ? FILE_ATTRIBUTE_DIRECTORY : attributes | FILE_ATTRIBUTE_ARCHIVE);
        if (sd != NULL)
            testfs_sd(n, sd, (UINT32)t->lastSdSize);
        if (t->faults.emptyAccessList) {
            static const UINT8 empty[] = {
                1, 0, 4, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 2, 0, 8, 0, 0, 0, 0, 0};
            testfs_sd(n, empty, sizeof empty);
        }
        n->allocation = (allocation + t->unit - 1) / t->unit * t->unit;
        opened(t, n, context, info, name);
        status = STATUS_SUCCESS;
    }
    pthread_mutex_unlock(&t->lock);
    return status;
}

static NTSTATUS Open(
    FSP_FILE_SYSTEM *fs, PWSTR name, UINT32 options, UINT32 granted, PVOID *context, FSP_FSCTL_FILE_INFO *info)
{
    TESTFS *t = testfs_of(fs);
    NTSTATUS status = STATUS_SUCCESS;
    INODE *n;
    pthread_mutex_lock(&t->lock);
    testfs_note(t, "Open");
    t->lastOptions = options;
    t->lastGranted = granted;
    if ((n = testfs_find(t, name)) == NULL)
        status = testfs_lookup_failure(t, name);
    else
        opened(t, n, context, info, name);
    pthread_mutex_unlock(&t->lock);
    return status;
}

static NTSTATUS Overwrite(FSP_FILE_SYSTEM *fs, PVOID context, UINT32 attributes, BOOLEAN replace, UINT64 allocation,
    FSP_FSCTL_FILE_INFO *info)
{
    TESTFS *t = testfs_of(fs);
    INODE *n;
    pthread_mutex_lock(&t->lock);
    testfs_note(t, "Overwrite");
    t->lastReplace = replace;
    n = testfs_open_inode(t, context);
    if (n != NULL && !t->faults.failOverwrite) {
        n->size = 0;
        n->allocation = 0;
        n->attributes = (replace ? attributes : n->attributes | attributes) | FILE_ATTRIBUTE_ARCHIVE;
        testfs_fill(t, n, info);
    }
    pthread_mutex_unlock(&t->lock);
    return t->faults.failOverwrite ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
}

static void Cleanup(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name, ULONG flags)
{
    TESTFS *t = testfs_of(fs);
    INODE *n;
    pthread_mutex_lock(&t->lock);
    testfs_note(t, name != NULL ? "Cleanup(name)" : "Cleanup");
    t->lastFlags = flags;
    if ((flags & FspCleanupDelete) && (n = testfs_open_inode(t, context)) != NULL)
        n->deleted = 1;
    pthread_mutex_unlock(&t->lock);
}

static void Close(FSP_FILE_SYSTEM *fs, PVOID context)
{
    TESTFS *t = testfs_of(fs);
    INODE *n;
    pthread_mutex_lock(&t->lock);
    testfs_note(t, "Close");
    if ((n = testfs_open_inode(t, context)) != NULL)
        n->open--;
    pthread_mutex_unlock(&t->lock);
}

static NTSTATUS CanDelete(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name)
{
    TESTFS *t = testfs_of(fs);
    INODE *n = testfs_open_inode(t, context);
    WCHAR parent[300];
    testfs_note(t, "CanDelete");
    for (INODE *at = t->inodes; at != NULL; at = at->next)
        if (at != n && !at->deleted && testfs_parent_of(at->path, parent) && testfs_same(parent, n->path))
            return STATUS_DIRECTORY_NOT_EMPTY;
    return STATUS_SUCCESS;
}

static NTSTATUS Rename(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name, PWSTR newName, BOOLEAN replace)
{
    TESTFS *t = testfs_of(fs);
    INODE *n = testfs_open_inode(t, context), *target = testfs_find(t, newName);
    testfs_note(t, "Rename");
    t->lastReplace = replace;
    if (target != NULL && target != n) {
        if (!replace)
            return STATUS_OBJECT_NAME_COLLISION;
        target->deleted = 1;
    }
    memcpy(n->path, newName, (wide_length(newName) + 1) * 2);
    return STATUS_SUCCESS;
}

static NTSTATUS GetSecurity(FSP_FILE_SYSTEM *fs, PVOID context, PSECURITY_DESCRIPTOR sd, SIZE_T *size)
{
    TESTFS *t = testfs_of(fs);
    INODE *n = testfs_open_inode(t, context);
    if (n == NULL)
        return STATUS_INVALID_HANDLE;
    if (*size < n->sdSize) {
        *size = n->sdSize;
        return STATUS_BUFFER_OVERFLOW;
    }
    memcpy(sd, n->sd, n->sdSize);
    *size = n->sdSize;
    if (t->faults.invalidDescriptor)
        ((UINT8 *)sd)[0] = 9;
    return STATUS_SUCCESS;
}

static NTSTATUS SetSecurity(
    FSP_FILE_SYSTEM *fs, PVOID context, SECURITY_INFORMATION info, PSECURITY_DESCRIPTOR modification)
{
    INODE *n = testfs_open_inode(testfs_of(fs), context);
    PSECURITY_DESCRIPTOR made;
    SD_VIEW view;
    NTSTATUS status = FspSetSecurityDescriptor(n->sd, info, modification, &made);
    if (!NT_SUCCESS(status))
        return status;
    testfs_sd(n, made, (UINT32)sd_view(made, SIZE_MAX, &view));
    FspDeleteSecurityDescriptor(made, (NTSTATUS (*)(void))(uintptr_t)FspSetSecurityDescriptor);
    return STATUS_SUCCESS;
}

void testfs_set_names(FSP_FILE_SYSTEM_INTERFACE *interface)
{
    interface->GetVolumeInfo = GetVolumeInfo;
    interface->SetVolumeLabel = SetVolumeLabel;
    interface->GetSecurityByName = GetSecurityByName;
    interface->Create = Create;
    interface->Open = Open;
    interface->Overwrite = Overwrite;
    interface->Cleanup = Cleanup;
    interface->Close = Close;
    interface->CanDelete = CanDelete;
    interface->Rename = Rename;
    interface->GetSecurity = GetSecurity;
    interface->SetSecurity = SetSecurity;
}
