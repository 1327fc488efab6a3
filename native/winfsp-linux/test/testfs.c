/* See testfs.h. */
#include "testfs.h"

int checksFailed, checksDone;

int violations_with(FSP_FILE_SYSTEM *fs, const char *part)
{
    char text[2048];
    int count = 0;
    for (UINT32 i = 0; i < FspLinuxViolationCount(fs); i++)
        if (FspLinuxViolationText(fs, i, text, sizeof text) != 0 && strstr(text, part) != NULL)
            count++;
    return count;
}

void expect_no_violations(FSP_FILE_SYSTEM *fs)
{
    char text[2048];
    for (UINT32 i = 0; i < FspLinuxViolationCount(fs); i++) {
        FspLinuxViolationText(fs, i, text, sizeof text);
        fprintf(stderr, "unexpected violation: %s\n", text);
    }
    CHECK_EQUAL(FspLinuxViolationCount(fs), 0);
}

static TESTFS *of(FSP_FILE_SYSTEM *fs) { return fs->UserContext; }

static void note(TESTFS *t, const char *what)
{
    size_t used = strlen(t->log);
    snprintf(t->log + used, sizeof t->log - used, "%s ", what);
}

static NODE *node_of(TESTFS *t, PVOID context)
{
    for (NODE *n = t->nodes; n != NULL; n = n->next)
        if (n->context == (UINT64)(uintptr_t)context || (t->faults.newContextEachOpen && n->context % 1000 == (UINT64)(uintptr_t)context % 1000))
            return n;
    return NULL;
}

static int same(const WCHAR *a, const WCHAR *b) { return wide_equal(a, wide_length(a), b, wide_length(b), 0); }

NODE *testfs_find(TESTFS *t, const WCHAR *path)
{
    for (NODE *n = t->nodes; n != NULL; n = n->next)
        if (!n->deleted && same(n->path, path))
            return n;
    return NULL;
}

static const WCHAR *leaf_of(const WCHAR *path)
{
    const WCHAR *leaf = path + wide_length(path);
    while (leaf > path && leaf[-1] != '\\')
        leaf--;
    return leaf;
}

static int parent_of(const WCHAR *path, WCHAR *parent)
{
    size_t units = (size_t)(leaf_of(path) - path);
    if (units > 1)
        units--;
    memcpy(parent, path, units * sizeof *parent);
    parent[units] = 0;
    return units > 0;
}

NODE *testfs_add(TESTFS *t, const WCHAR *path, UINT32 attributes)
{
    NODE *n = calloc(1, sizeof *n), **at = &t->nodes;
    memcpy(n->path, path, (wide_length(path) + 1) * sizeof *path);
    n->attributes = attributes;
    n->index = n->context = ++t->nextIndex;
    for (int i = 0; i < 4; i++)
        n->times[i] = ++t->clock;
    while (*at != NULL)
        at = &(*at)->next;
    *at = n;
    return n;
}

void testfs_sd(NODE *node, const void *sd, UINT32 size)
{
    memcpy(node->sd, sd, size);
    node->sdSize = size;
}

static void resize(TESTFS *t, NODE *n, UINT64 size)
{
    n->bytes = realloc(n->bytes, size + 1);
    if (size > n->size)
        memset(n->bytes + n->size, 0, size - n->size);
    n->size = size;
    if (n->allocation < size)
        n->allocation = (size + t->unit - 1) / t->unit * t->unit;
}

static void fill(TESTFS *t, NODE *n, FSP_FSCTL_FILE_INFO *info)
{
    FAULTS *f = &t->faults;
    if (f->emptyInfo)
        return;
    info->FileAttributes = n->attributes ^ (f->wrongDirectoryBit && n->open > 0 ? FILE_ATTRIBUTE_DIRECTORY : 0);
    info->ReparseTag = f->wrongTag ? 7 : n->reparseTag;
    info->AllocationSize = f->unroundedAllocation ? n->allocation + 1 : f->tooSmallAllocation ? 0 : n->allocation;
    info->FileSize = f->smallFileSize && n->size > 0 ? n->size - 1 : n->size;
    info->CreationTime = f->zeroTimes ? 0 : n->times[0];
    info->LastAccessTime = n->times[1];
    info->LastWriteTime = n->times[2];
    info->ChangeTime = n->times[3];
    info->IndexNumber = f->zeroIndex ? 0 : f->sharedIndex ? 77 : f->changingIndex ? ++t->clock + 1000 : n->index;
    info->HardLinks = f->hardLinks ? 1 : 0;
    info->EaSize = 0;
}

static NTSTATUS lookup_failure(TESTFS *t, const WCHAR *path)
{
    WCHAR parent[300];
    NODE *up;
    parent_of(path, parent);
    up = testfs_find(t, parent);
    return up == NULL || !(up->attributes & FILE_ATTRIBUTE_DIRECTORY) ? STATUS_OBJECT_PATH_NOT_FOUND : STATUS_OBJECT_NAME_NOT_FOUND;
}

static NTSTATUS GetVolumeInfo(FSP_FILE_SYSTEM *fs, FSP_FSCTL_VOLUME_INFO *info)
{
    TESTFS *t = of(fs);
    info->TotalSize = 1000000;
    info->FreeSize = t->faults.freeAboveTotal ? 2000000 : 500000;
    info->VolumeLabelLength = (UINT16)(wide_length(t->label) * 2);
    memcpy(info->VolumeLabel, t->label, info->VolumeLabelLength);
    return STATUS_SUCCESS;
}

static NTSTATUS SetVolumeLabel(FSP_FILE_SYSTEM *fs, PWSTR label, FSP_FSCTL_VOLUME_INFO *info)
{
    memcpy(of(fs)->label, label, (wide_length(label) + 1) * 2);
    return GetVolumeInfo(fs, info);
}

static NTSTATUS GetSecurityByName(FSP_FILE_SYSTEM *fs, PWSTR name, PUINT32 attributes, PSECURITY_DESCRIPTOR sd, SIZE_T *size)
{
    TESTFS *t = of(fs);
    NTSTATUS status = STATUS_SUCCESS;
    NODE *n;
    pthread_mutex_lock(&t->lock);
    note(t, size != NULL ? "GetSecurityByName" : attributes != NULL ? "GetAttributesByName" : "Exists");
    if (size != NULL && t->capacityCount < 16)
        t->capacities[t->capacityCount++] = *size;
    if ((n = testfs_find(t, name)) == NULL)
        status = lookup_failure(t, name);
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

static void opened(TESTFS *t, NODE *n, PVOID *context, FSP_FSCTL_FILE_INFO *info, PWSTR asked)
{
    FSP_FSCTL_OPEN_FILE_INFO *open = (void *)info;
    if (t->faults.newContextEachOpen)
        n->context += 1000;
    fill(t, n, info);
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

static NTSTATUS Create(FSP_FILE_SYSTEM *fs, PWSTR name, UINT32 options, UINT32 granted, UINT32 attributes, PSECURITY_DESCRIPTOR sd, UINT64 allocation,
    PVOID *context, FSP_FSCTL_FILE_INFO *info)
{
    TESTFS *t = of(fs);
    NTSTATUS status = STATUS_SUCCESS;
    SD_VIEW view;
    pthread_mutex_lock(&t->lock);
    note(t, "Create");
    t->lastOptions = options;
    t->lastGranted = granted;
    t->lastAttributes = attributes;
    t->lastSdSize = sd != NULL ? (int)sd_view(sd, SIZE_MAX, &view) : 0;
    if (sd != NULL)
        memcpy(t->lastSd, sd, (size_t)t->lastSdSize);
    if (testfs_find(t, name) != NULL)
        status = STATUS_OBJECT_NAME_COLLISION;
    else if ((status = lookup_failure(t, name)) == STATUS_OBJECT_NAME_NOT_FOUND) {
        NODE *n = testfs_add(t, name, options & FILE_DIRECTORY_FILE ? FILE_ATTRIBUTE_DIRECTORY : attributes | FILE_ATTRIBUTE_ARCHIVE);
        if (sd != NULL)
            testfs_sd(n, sd, (UINT32)t->lastSdSize);
        if (t->faults.emptyAccessList) {
            static const UINT8 empty[] = {1, 0, 4, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 2, 0, 8, 0, 0, 0, 0, 0};
            testfs_sd(n, empty, sizeof empty);
        }
        n->allocation = (allocation + t->unit - 1) / t->unit * t->unit;
        opened(t, n, context, info, name);
        status = STATUS_SUCCESS;
    }
    pthread_mutex_unlock(&t->lock);
    return status;
}

static NTSTATUS Open(FSP_FILE_SYSTEM *fs, PWSTR name, UINT32 options, UINT32 granted, PVOID *context, FSP_FSCTL_FILE_INFO *info)
{
    TESTFS *t = of(fs);
    NTSTATUS status = STATUS_SUCCESS;
    NODE *n;
    pthread_mutex_lock(&t->lock);
    note(t, "Open");
    t->lastOptions = options;
    t->lastGranted = granted;
    if ((n = testfs_find(t, name)) == NULL)
        status = lookup_failure(t, name);
    else
        opened(t, n, context, info, name);
    pthread_mutex_unlock(&t->lock);
    return status;
}

static NTSTATUS Overwrite(FSP_FILE_SYSTEM *fs, PVOID context, UINT32 attributes, BOOLEAN replace, UINT64 allocation, FSP_FSCTL_FILE_INFO *info)
{
    TESTFS *t = of(fs);
    NODE *n;
    pthread_mutex_lock(&t->lock);
    note(t, "Overwrite");
    t->lastReplace = replace;
    n = node_of(t, context);
    if (n != NULL && !t->faults.failOverwrite) {
        n->size = 0;
        n->allocation = 0;
        n->attributes = (replace ? attributes : n->attributes | attributes) | FILE_ATTRIBUTE_ARCHIVE;
        fill(t, n, info);
    }
    pthread_mutex_unlock(&t->lock);
    return t->faults.failOverwrite ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
}

static void Cleanup(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name, ULONG flags)
{
    TESTFS *t = of(fs);
    NODE *n;
    pthread_mutex_lock(&t->lock);
    note(t, name != NULL ? "Cleanup(name)" : "Cleanup");
    t->lastFlags = flags;
    if ((flags & FspCleanupDelete) && (n = node_of(t, context)) != NULL)
        n->deleted = 1;
    pthread_mutex_unlock(&t->lock);
}

static void Close(FSP_FILE_SYSTEM *fs, PVOID context)
{
    TESTFS *t = of(fs);
    NODE *n;
    pthread_mutex_lock(&t->lock);
    note(t, "Close");
    if ((n = node_of(t, context)) != NULL)
        n->open--;
    pthread_mutex_unlock(&t->lock);
}

static NTSTATUS Read(FSP_FILE_SYSTEM *fs, PVOID context, PVOID buffer, UINT64 offset, ULONG length, PULONG bytes)
{
    TESTFS *t = of(fs);
    NTSTATUS status = STATUS_SUCCESS;
    NODE *n;
    if (t->pendingStatus != 0)
        return t->pendingStatus;
    pthread_mutex_lock(&t->lock);
    n = node_of(t, context);
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

static NTSTATUS Write(FSP_FILE_SYSTEM *fs, PVOID context, PVOID buffer, UINT64 offset, ULONG length, BOOLEAN toEnd, BOOLEAN constrained, PULONG bytes,
    FSP_FSCTL_FILE_INFO *info)
{
    TESTFS *t = of(fs);
    NTSTATUS status = STATUS_SUCCESS;
    NODE *n;
    if (t->pendingStatus != 0)
        return t->pendingStatus;
    pthread_mutex_lock(&t->lock);
    if ((n = node_of(t, context)) == NULL)
        status = STATUS_INVALID_HANDLE;
    else {
        if (toEnd)
            offset = n->size;
        if (constrained)
            length = offset >= n->size ? 0 : n->size - offset < length ? (ULONG)(n->size - offset) : length;
        if (length != 0 && offset + length > n->size)
            resize(t, n, offset + length);
        if (length != 0)
            memcpy(n->bytes + offset, buffer, length);
        *bytes = t->faults.shortWrite ? length / 2 : length;
        n->times[2] = ++t->clock;
        if (!t->faults.emptyWriteInfo)
            fill(t, n, info);
    }
    pthread_mutex_unlock(&t->lock);
    return status;
}

static NTSTATUS GetFileInfo(FSP_FILE_SYSTEM *fs, PVOID context, FSP_FSCTL_FILE_INFO *info)
{
    TESTFS *t = of(fs);
    NODE *n;
    pthread_mutex_lock(&t->lock);
    if ((n = node_of(t, context)) != NULL)
        fill(t, n, info);
    pthread_mutex_unlock(&t->lock);
    return n != NULL ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
}

static NTSTATUS Flush(FSP_FILE_SYSTEM *fs, PVOID context, FSP_FSCTL_FILE_INFO *info)
{
    NTSTATUS status;
    if (context == NULL)
        return STATUS_SUCCESS;
    status = GetFileInfo(fs, context, info);
    if (of(fs)->faults.sizeForgottenInFlush)
        info->FileSize = 0;
    return status;
}

static NTSTATUS SetBasicInfo(FSP_FILE_SYSTEM *fs, PVOID context, UINT32 attributes, UINT64 creation, UINT64 access, UINT64 write, UINT64 change,
    FSP_FSCTL_FILE_INFO *info)
{
    NODE *n = node_of(of(fs), context);
    if (n == NULL)
        return STATUS_INVALID_HANDLE;
    if (attributes != INVALID_FILE_ATTRIBUTES)
        n->attributes = attributes;
    if (creation != 0)
        n->times[0] = creation;
    return GetFileInfo(fs, context, info);
}

static NTSTATUS SetFileSize(FSP_FILE_SYSTEM *fs, PVOID context, UINT64 size, BOOLEAN allocation, FSP_FSCTL_FILE_INFO *info)
{
    TESTFS *t = of(fs);
    NODE *n = node_of(t, context);
    if (n == NULL)
        return STATUS_INVALID_HANDLE;
    t->lastAllocationFlag = allocation;
    if (!allocation)
        resize(t, n, size);
    else {
        if (size < n->size)
            resize(t, n, size);
        n->allocation = (size + t->unit - 1) / t->unit * t->unit;
    }
    return GetFileInfo(fs, context, info);
}

static NTSTATUS CanDelete(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name)
{
    TESTFS *t = of(fs);
    NODE *n = node_of(t, context);
    WCHAR parent[300];
    note(t, "CanDelete");
    for (NODE *at = t->nodes; at != NULL; at = at->next)
        if (at != n && !at->deleted && parent_of(at->path, parent) && same(parent, n->path))
            return STATUS_DIRECTORY_NOT_EMPTY;
    return STATUS_SUCCESS;
}

static NTSTATUS Rename(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name, PWSTR newName, BOOLEAN replace)
{
    TESTFS *t = of(fs);
    NODE *n = node_of(t, context), *target = testfs_find(t, newName);
    note(t, "Rename");
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
    TESTFS *t = of(fs);
    NODE *n = node_of(t, context);
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

static NTSTATUS SetSecurity(FSP_FILE_SYSTEM *fs, PVOID context, SECURITY_INFORMATION info, PSECURITY_DESCRIPTOR modification)
{
    NODE *n = node_of(of(fs), context);
    PSECURITY_DESCRIPTOR made;
    SD_VIEW view;
    NTSTATUS status = FspSetSecurityDescriptor(n->sd, info, modification, &made);
    if (!NT_SUCCESS(status))
        return status;
    testfs_sd(n, made, (UINT32)sd_view(made, SIZE_MAX, &view));
    FspDeleteSecurityDescriptor(made, (NTSTATUS(*)(void))(uintptr_t)FspSetSecurityDescriptor);
    return STATUS_SUCCESS;
}

static BOOLEAN add(TESTFS *t, NODE *n, const WCHAR *name, PVOID buffer, ULONG length, PULONG bytes)
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
    fill(t, n, &record.info.FileInfo);
    if (!FspFileSystemAddDirInfo(&record.info, buffer, length, bytes))
        return 0;
    if (t->faults.recordSize)
        ((FSP_FSCTL_DIR_INFO *)(void *)((UINT8 *)buffer + at))->Size = 50;
    return 1;
}

static NTSTATUS ReadDirectory(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR pattern, PWSTR marker, PVOID buffer, ULONG length, PULONG bytes)
{
    TESTFS *t = of(fs);
    NODE *n = node_of(t, context);
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
    for (NODE *at = t->nodes; at != NULL; at = at->next) { /* in the order of creation, which is stable */
        if (at == n || at->deleted || !parent_of(at->path, parent) || !same(parent, n->path) || at->path[1] == 0)
            continue;
        if (!after && !t->faults.markerRepeats) {
            after = same(leaf_of(at->path), marker);
            continue;
        }
        if (!add(t, at, leaf_of(at->path), buffer, length, bytes) || (t->faults.duplicateNames && !add(t, at, leaf_of(at->path), buffer, length, bytes)))
            return STATUS_SUCCESS;
    }
    if (!t->faults.noEndMark)
        FspFileSystemAddDirInfo(NULL, buffer, length, bytes);
    return STATUS_SUCCESS;
}

static NTSTATUS GetDirInfoByName(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name, FSP_FSCTL_DIR_INFO *info)
{
    TESTFS *t = of(fs);
    NODE *directory = node_of(t, context), *n;
    WCHAR path[600];
    size_t units = wide_length(directory->path);
    memcpy(path, directory->path, units * 2);
    if (path[units - 1] != '\\')
        path[units++] = '\\';
    memcpy(path + units, name, (wide_length(name) + 1) * 2);
    note(t, "GetDirInfoByName");
    if ((n = testfs_find(t, path)) == NULL)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    info->Size = (UINT16)(sizeof *info + wide_length(leaf_of(n->path)) * 2);
    fill(t, n, &info->FileInfo);
    memcpy(info->FileNameBuf, leaf_of(n->path), info->Size - sizeof *info);
    return STATUS_SUCCESS;
}

static NTSTATUS GetReparsePoint(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name, PVOID buffer, PSIZE_T size)
{
    NODE *n = node_of(of(fs), context);
    if (n->reparseSize == 0)
        return STATUS_NOT_A_REPARSE_POINT;
    memcpy(buffer, n->reparse, n->reparseSize);
    *size = n->reparseSize;
    return STATUS_SUCCESS;
}

static NTSTATUS SetReparsePoint(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name, PVOID buffer, SIZE_T size)
{
    NODE *n = node_of(of(fs), context);
    memcpy(n->reparse, buffer, size);
    n->reparseSize = (UINT32)size;
    memcpy(&n->reparseTag, buffer, 4);
    n->attributes |= FILE_ATTRIBUTE_REPARSE_POINT;
    return STATUS_SUCCESS;
}

static NTSTATUS DeleteReparsePoint(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name, PVOID buffer, SIZE_T size)
{
    NODE *n = node_of(of(fs), context);
    n->reparseSize = n->reparseTag = 0;
    n->attributes &= ~FILE_ATTRIBUTE_REPARSE_POINT;
    return STATUS_SUCCESS;
}

void testfs_params(FSP_FSCTL_VOLUME_PARAMS *params)
{
    memset(params, 0, sizeof *params);
    params->Version = sizeof *params;
    params->SectorSize = 512;
    params->SectorsPerAllocationUnit = 8;
    params->TransactTimeout = 1000;
    params->CasePreservedNames = params->UnicodeOnDisk = params->PersistentAcls = params->ReparsePoints = params->PassQueryDirectoryFileName = 1;
}

TESTFS *testfs_new(const FSP_FSCTL_VOLUME_PARAMS *params)
{
    /* O:BA G:BU D:(A;OICI;FA;;;BA)(A;OICI;FA;;;WD) */
    static const UINT8 rootSd[] = {1, 0, 4, 0x80, 72, 0, 0, 0, 88, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 2, 0, 52, 0, 2, 0, 0, 0, 0, 3, 24, 0, 0xff, 1, 0x1f, 0, 1, 2,
        0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0, 0, 3, 20, 0, 0xff, 1, 0x1f, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0,
        0x20, 2, 0, 0, 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x21, 2, 0, 0};
    FSP_FSCTL_VOLUME_PARAMS own;
    TESTFS *t = calloc(1, sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    t->interface = (FSP_FILE_SYSTEM_INTERFACE){.GetVolumeInfo = GetVolumeInfo, .SetVolumeLabel = SetVolumeLabel, .GetSecurityByName = GetSecurityByName,
        .Create = Create, .Open = Open, .Overwrite = Overwrite, .Cleanup = Cleanup, .Close = Close, .Read = Read, .Write = Write, .Flush = Flush,
        .GetFileInfo = GetFileInfo, .SetBasicInfo = SetBasicInfo, .SetFileSize = SetFileSize, .CanDelete = CanDelete, .Rename = Rename,
        .GetSecurity = GetSecurity, .SetSecurity = SetSecurity, .ReadDirectory = ReadDirectory, .GetDirInfoByName = GetDirInfoByName,
        .GetReparsePoint = GetReparsePoint, .SetReparsePoint = SetReparsePoint, .DeleteReparsePoint = DeleteReparsePoint};
    if (params == NULL) {
        testfs_params(&own);
        params = &own;
    }
    t->clock = 130000000000000000u;
    t->unit = (UINT32)params->SectorSize * params->SectorsPerAllocationUnit;
    FspLinuxSetOption(NULL, "strict", 1);
    if (!NT_SUCCESS(FspFileSystemCreate((PWSTR)u"WinFsp.Disk", params, &t->interface, &t->fs)))
        abort();
    t->fs->UserContext = t;
    testfs_sd(testfs_add(t, u"\\", FILE_ATTRIBUTE_DIRECTORY), rootSd, sizeof rootSd);
    return t;
}

void testfs_delete(TESTFS *t)
{
    FspFileSystemDelete(t->fs);
    while (t->nodes != NULL) {
        NODE *n = t->nodes;
        t->nodes = n->next;
        free(n->bytes);
        free(n);
    }
    pthread_mutex_destroy(&t->lock);
    free(t);
}

NTSTATUS op(TESTFS *t, REQUEST *request, RESPONSE *response)
{
    NTSTATUS status;
    memset(&response->rsp, 0, sizeof response->rsp);
    memset(response->rsp.Buffer, POISON, FSP_FSCTL_TRANSACT_RSP_BUFFER_SIZEMAX);
    response->rsp.Size = sizeof response->rsp;
    response->rsp.Kind = request->req.Kind;
    t->log[0] = 0;
    t->capacityCount = 0;
    status = t->fs->Operations[request->req.Kind](t->fs, &request->req, &response->rsp);
    response->rsp.IoStatus.Status = (UINT32)status;
    return status;
}

NTSTATUS ask_data(TESTFS *t, REQUEST *request, RESPONSE *response, void *data, UINT32 *size)
{
    UINT64 ticket;
    UINT32 room = sizeof *response;
    UINT32 total = request->req.Size;
    NTSTATUS status;
    if (request->req.Kind == FspFsctlTransactWriteKind && data != NULL)
        status = FspLinuxScriptSubmitData(t->fs->VolumeHandle, request, total, data, *size, &ticket);
    else
        status = FspLinuxScriptSubmit(t->fs->VolumeHandle, request, total, &ticket);
    if (!NT_SUCCESS(status))
        return status;
    status = FspLinuxScriptWait(t->fs->VolumeHandle, ticket, 20000, response, &room);
    if (status != STATUS_SUCCESS)
        return status;
    if (data != NULL && request->req.Kind != FspFsctlTransactWriteKind)
        FspLinuxScriptData(t->fs->VolumeHandle, ticket, data, size);
    FspLinuxScriptForget(t->fs->VolumeHandle, ticket);
    return (NTSTATUS)response->rsp.IoStatus.Status;
}

NTSTATUS ask(TESTFS *t, REQUEST *request, RESPONSE *response) { return ask_data(t, request, response, NULL, NULL); }

void req_create(REQUEST *r, const WCHAR *path, UINT32 disposition, UINT32 options, UINT32 access)
{
    request_begin(&r->req, FspFsctlTransactCreateKind);
    r->req.Req.Create.CreateOptions = disposition << 24 | options;
    r->req.Req.Create.DesiredAccess = access;
    r->req.Req.Create.UserMode = 1;
    r->req.Req.Create.HasTraversePrivilege = 1;
    r->req.Req.Create.FileAttributes = options & FILE_DIRECTORY_FILE ? FILE_ATTRIBUTE_DIRECTORY : 0;
    request_add_name(&r->req, &r->req.FileName, path, wide_length(path));
}

void req_context(REQUEST *r, UINT32 kind, UINT64 context)
{
    request_begin(&r->req, kind);
    r->req.Req.Context.UserContext = context;
}

void req_read(REQUEST *r, UINT64 context, UINT64 offset, UINT32 length, void *address)
{
    req_context(r, FspFsctlTransactReadKind, context);
    r->req.Req.Read.Address = (UINT64)(uintptr_t)address;
    r->req.Req.Read.Offset = offset;
    r->req.Req.Read.Length = length;
}

void req_write(REQUEST *r, UINT64 context, UINT64 offset, const void *bytes, UINT32 length, int constrained)
{
    req_context(r, FspFsctlTransactWriteKind, context);
    r->req.Req.Write.Address = (UINT64)(uintptr_t)bytes;
    r->req.Req.Write.Offset = offset;
    r->req.Req.Write.Length = length;
    r->req.Req.Write.ConstrainedIo = constrained != 0;
}

void req_set_size(REQUEST *r, UINT64 context, UINT32 class, UINT64 size)
{
    req_context(r, FspFsctlTransactSetInformationKind, context);
    r->req.Req.SetInformation.FileInformationClass = class;
    r->req.Req.SetInformation.Info.EndOfFile.FileSize = size;
}

void req_list(REQUEST *r, UINT64 context, const WCHAR *pattern, const WCHAR *marker, UINT32 length, void *address)
{
    req_context(r, FspFsctlTransactQueryDirectoryKind, context);
    r->req.Req.QueryDirectory.Address = (UINT64)(uintptr_t)address;
    r->req.Req.QueryDirectory.Length = length;
    if (pattern != NULL)
        request_add_name(&r->req, &r->req.Req.QueryDirectory.Pattern, pattern, wide_length(pattern));
    if (marker != NULL)
        request_add_name(&r->req, &r->req.Req.QueryDirectory.Marker, marker, wide_length(marker));
}

void req_rename(REQUEST *r, UINT64 context, const WCHAR *from, const WCHAR *to, UINT32 flags)
{
    req_context(r, FspFsctlTransactSetInformationKind, context);
    r->req.Req.SetInformation.FileInformationClass = FileRenameInformationEx;
    r->req.Req.SetInformation.Info.RenameEx.Flags = flags;
    request_add_name(&r->req, &r->req.FileName, from, wide_length(from));
    request_add_name(&r->req, &r->req.Req.SetInformation.Info.RenameEx.NewFileName, to, wide_length(to));
}

UINT64 open_file(TESTFS *t, const WCHAR *path, UINT32 disposition, UINT32 options)
{
    REQUEST r;
    static _Thread_local RESPONSE q;
    req_create(&r, path, disposition, options, FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE);
    return NT_SUCCESS(ask(t, &r, &q)) ? q.rsp.Rsp.Create.Opened.UserContext : 0;
}

void close_file(TESTFS *t, UINT64 context)
{
    REQUEST r;
    static _Thread_local RESPONSE q;
    req_context(&r, FspFsctlTransactCleanupKind, context);
    ask(t, &r, &q);
    req_context(&r, FspFsctlTransactCloseKind, context);
    ask(t, &r, &q);
}
