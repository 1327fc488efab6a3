/* See testfs.h. */
#include "testfs/inside.h"

TESTFS *testfs_of(FSP_FILE_SYSTEM *fs) { return fs->UserContext; }

void testfs_note(TESTFS *t, const char *what)
{
    /* Not the file system's own lock: some callers hold it, others do not. */
    static pthread_mutex_t noting = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&noting);
    size_t used = strlen(t->log);
    snprintf(t->log + used, sizeof t->log - used, "%s ", what);
    pthread_mutex_unlock(&noting);
}

INODE *testfs_open_inode(TESTFS *t, PVOID context)
{
    for (INODE *n = t->inodes; n != NULL; n = n->next)
        if (n->context == (UINT64)(uintptr_t)context ||
            (t->faults.newContextEachOpen && n->context % 1000 == (UINT64)(uintptr_t)context % 1000))
            return n;
    return NULL;
}

int testfs_same(const WCHAR *a, const WCHAR *b) { return wide_equal(a, wide_length(a), b, wide_length(b), 0); }

INODE *testfs_find(TESTFS *t, const WCHAR *path)
{
    for (INODE *n = t->inodes; n != NULL; n = n->next)
        if (!n->deleted && testfs_same(n->path, path))
            return n;
    return NULL;
}

const WCHAR *testfs_leaf_of(const WCHAR *path)
{
    const WCHAR *leaf = path + wide_length(path);
    while (leaf > path && leaf[-1] != '\\')
        leaf--;
    return leaf;
}

int testfs_parent_of(const WCHAR *path, WCHAR *parent)
{
    size_t units = (size_t)(testfs_leaf_of(path) - path);
    if (units > 1)
        units--;
    memcpy(parent, path, units * sizeof *parent);
    parent[units] = 0;
    return units > 0;
}

INODE *testfs_add(TESTFS *t, const WCHAR *path, UINT32 attributes)
{
    INODE *n = calloc(1, sizeof *n), **at = &t->inodes;
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

void testfs_sd(INODE *inode, const void *sd, UINT32 size)
{
    memcpy(inode->sd, sd, size);
    inode->sdSize = size;
}

void testfs_resize(TESTFS *t, INODE *n, UINT64 size)
{
    n->bytes = realloc(n->bytes, size + 1);
    if (size > n->size)
        memset(n->bytes + n->size, 0, size - n->size);
    n->size = size;
    if (n->allocation < size)
        n->allocation = (size + t->unit - 1) / t->unit * t->unit;
}

void testfs_fill(TESTFS *t, INODE *n, FSP_FSCTL_FILE_INFO *info)
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

NTSTATUS testfs_lookup_failure(TESTFS *t, const WCHAR *path)
{
    WCHAR parent[300];
    INODE *up;
    testfs_parent_of(path, parent);
    up = testfs_find(t, parent);
    return up == NULL || !(up->attributes & FILE_ATTRIBUTE_DIRECTORY) ? STATUS_OBJECT_PATH_NOT_FOUND
                                                                      : STATUS_OBJECT_NAME_NOT_FOUND;
}

void testfs_params(FSP_FSCTL_VOLUME_PARAMS *params)
{
    memset(params, 0, sizeof *params);
    params->Version = sizeof *params;
    params->SectorSize = 512;
    params->SectorsPerAllocationUnit = 8;
    params->TransactTimeout = 1000;
    params->CasePreservedNames = params->UnicodeOnDisk = params->PersistentAcls = params->ReparsePoints =
        params->PassQueryDirectoryFileName = 1;
}

TESTFS *testfs_new(const FSP_FSCTL_VOLUME_PARAMS *params)
{
    /* O:BA G:BU D:(A;OICI;FA;;;BA)(A;OICI;FA;;;WD) */
    static const UINT8 rootSd[] = {1, 0, 4, 0x80, 72, 0, 0, 0, 88, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 2, 0, 52, 0, 2, 0,
        0, 0, 0, 3, 24, 0, 0xff, 1, 0x1f, 0, 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0, 0, 3, 20, 0, 0xff, 1,
        0x1f, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0, 1, 2, 0, 0, 0,
        0, 0, 5, 32, 0, 0, 0, 0x21, 2, 0, 0};
    FSP_FSCTL_VOLUME_PARAMS own;
    TESTFS *t = calloc(1, sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    testfs_set_names(&t->interface);
    testfs_set_content(&t->interface);
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
    while (t->inodes != NULL) {
        INODE *n = t->inodes;
        t->inodes = n->next;
        free(n->bytes);
        free(n);
    }
    pthread_mutex_destroy(&t->lock);
    free(t);
}
