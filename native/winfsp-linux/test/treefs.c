/* See treefs.h. */
#include <time.h>
#include <unistd.h>

#include "treefs.h"

#define UNIT 4096u

typedef struct file FILE_NODE;
struct file {
    FILE_NODE *parent, *next, *children; /* children are sorted by name */
    WCHAR name[256];
    UINT32 attributes, tag, sdSize, reparseSize;
    UINT64 size, allocation, times[4], index;
    UINT8 *bytes, sd[512], *reparse;
    long opens;
    int gone;
};

struct treefs {
    FSP_FILE_SYSTEM *fs;
    FSP_FILE_SYSTEM_INTERFACE interface;
    pthread_mutex_t lock;
    pthread_cond_t unblocked;
    FILE_NODE *root;
    UINT64 capacity, used, nextIndex;
    long nodes, opens;
    unsigned delayMs;
    int blocked, sensitive;
    struct {
        const char *name;
        long count;
    } calls[32];
};

static TREEFS *of(FSP_FILE_SYSTEM *fs) { return fs->UserContext; }
static UINT64 rounded(UINT64 size) { return (size + UNIT - 1) / UNIT * UNIT; }

static UINT64 now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    return 116444736000000000u + (UINT64)at.tv_sec * 10000000u + (UINT64)at.tv_nsec / 100;
}

static void enter(TREEFS *t, const char *callback)
{
    pthread_mutex_lock(&t->lock);
    for (int i = 0; i < 32; i++)
        if (t->calls[i].name == callback || t->calls[i].name == NULL) {
            t->calls[i].name = callback;
            t->calls[i].count++;
            break;
        }
}

static NTSTATUS leave(TREEFS *t, NTSTATUS status)
{
    pthread_mutex_unlock(&t->lock);
    return status;
}

static void dawdle(TREEFS *t)
{
    unsigned delay;
    pthread_mutex_lock(&t->lock);
    delay = t->delayMs;
    pthread_mutex_unlock(&t->lock);
    if (delay != 0)
        platform_sleep_ms(delay);
}

/* After the lock was given up, and longer than a write takes: the answer is old when it arrives. */
static NTSTATUS leave_late(TREEFS *t, NTSTATUS status)
{
    leave(t, status);
    for (int i = 0; i < 4; i++)
        dawdle(t);
    return status;
}

#define ENTER(fs) \
    TREEFS *t = of(fs); \
    enter(t, __func__)

static int compare(TREEFS *t, const WCHAR *a, size_t aUnits, const WCHAR *b, size_t bUnits)
{
    for (size_t i = 0; i < aUnits && i < bUnits; i++) {
        WCHAR x = t->sensitive ? a[i] : wide_upper(a[i]), y = t->sensitive ? b[i] : wide_upper(b[i]);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return aUnits == bUnits ? 0 : aUnits < bUnits ? -1 : 1;
}

static FILE_NODE *child(TREEFS *t, FILE_NODE *parent, const WCHAR *name, size_t units)
{
    for (FILE_NODE *f = parent->children; f != NULL; f = f->next) {
        int order = compare(t, f->name, wide_length(f->name), name, units);
        if (order == 0)
            return f;
        if (order > 0)
            break;
    }
    return NULL;
}

/* The file, or its directory in *parent and its last name in *leaf. */
static NTSTATUS find(TREEFS *t, const WCHAR *path, FILE_NODE **file, FILE_NODE **parent, const WCHAR **leaf)
{
    FILE_NODE *at = t->root;
    *parent = NULL;
    *leaf = path + 1;
    while (*path == '\\' && path[1] != 0) {
        size_t units = 0;
        path++;
        while (path[units] != 0 && path[units] != '\\')
            units++;
        if (at == NULL || !(at->attributes & FILE_ATTRIBUTE_DIRECTORY))
            return STATUS_OBJECT_PATH_NOT_FOUND;
        *parent = at;
        *leaf = path;
        at = child(t, at, path, units);
        path += units;
    }
    *file = at;
    return at != NULL ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
}

static void attach(TREEFS *t, FILE_NODE *parent, FILE_NODE *f)
{
    FILE_NODE **at = &parent->children;
    while (*at != NULL && compare(t, (*at)->name, wide_length((*at)->name), f->name, wide_length(f->name)) < 0)
        at = &(*at)->next;
    f->next = *at;
    *at = f;
    f->parent = parent;
    parent->times[2] = parent->times[3] = now();
}

static FILE_NODE *add(TREEFS *t, FILE_NODE *parent, const WCHAR *leaf, UINT32 attributes)
{
    FILE_NODE *f = calloc(1, sizeof *f);
    memcpy(f->name, leaf, wide_length(leaf) * 2);
    f->attributes = attributes;
    f->index = ++t->nextIndex;
    f->times[0] = f->times[1] = f->times[2] = f->times[3] = now();
    attach(t, parent, f);
    t->nodes++;
    return f;
}

static void detach(FILE_NODE *f)
{
    FILE_NODE **at = &f->parent->children;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    f->parent->times[2] = f->parent->times[3] = now();
    f->parent = NULL;
}

static void destroy_if_unused(TREEFS *t, FILE_NODE *f)
{
    if (!f->gone || f->opens > 0)
        return;
    t->used -= f->allocation;
    t->nodes--;
    free(f->bytes);
    free(f->reparse);
    free(f);
}

static void remove_name(TREEFS *t, FILE_NODE *f)
{
    detach(f);
    f->gone = 1;
    destroy_if_unused(t, f);
}

static NTSTATUS charge(TREEFS *t, FILE_NODE *f, UINT64 allocation)
{
    if (allocation > f->allocation && allocation - f->allocation > t->capacity - t->used)
        return STATUS_DISK_FULL;
    t->used += allocation - f->allocation;
    f->allocation = allocation;
    return STATUS_SUCCESS;
}

static NTSTATUS resize(TREEFS *t, FILE_NODE *f, UINT64 size)
{
    NTSTATUS status = STATUS_SUCCESS;
    if (size > INT64_MAX - UNIT)
        return STATUS_INVALID_PARAMETER;
    if (rounded(size) > f->allocation || size < f->size)
        status = charge(t, f, rounded(size));
    if (!NT_SUCCESS(status))
        return status;
    if (size > f->size) {
        f->bytes = realloc(f->bytes, size);
        memset(f->bytes + f->size, 0, size - f->size);
    }
    f->size = size;
    f->times[2] = f->times[3] = now();
    return STATUS_SUCCESS;
}

static void fill(FILE_NODE *f, FSP_FSCTL_FILE_INFO *info)
{
    memset(info, 0, sizeof *info);
    info->FileAttributes = f->attributes;
    info->ReparseTag = f->tag;
    info->AllocationSize = f->allocation;
    info->FileSize = f->size;
    info->CreationTime = f->times[0];
    info->LastAccessTime = f->times[1];
    info->LastWriteTime = f->times[2];
    info->ChangeTime = f->times[3];
    info->IndexNumber = f->index;
}

static void opened(TREEFS *t, FILE_NODE *f, PVOID *context, FSP_FSCTL_FILE_INFO *info)
{
    FSP_FSCTL_OPEN_FILE_INFO *open = (void *)info;
    f->opens++;
    t->opens++;
    *context = f;
    fill(f, info);
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
    info->TotalSize = t->capacity;
    info->FreeSize = t->capacity - t->used;
    return leave(t, STATUS_SUCCESS);
}

static NTSTATUS GetSecurityByName(FSP_FILE_SYSTEM *fs, PWSTR name, PUINT32 attributes, PSECURITY_DESCRIPTOR sd, SIZE_T *size)
{
    FILE_NODE *f, *parent;
    const WCHAR *leaf;
    NTSTATUS status;
    ENTER(fs);
    status = find(t, name, &f, &parent, &leaf);
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
    return leave(t, status);
}

static NTSTATUS Create(FSP_FILE_SYSTEM *fs, PWSTR name, UINT32 options, UINT32 granted, UINT32 attributes, PSECURITY_DESCRIPTOR sd, UINT64 allocation,
    PVOID *context, FSP_FSCTL_FILE_INFO *info)
{
    FILE_NODE *f, *parent;
    const WCHAR *leaf;
    NTSTATUS status;
    SD_VIEW view;
    ENTER(fs);
    status = find(t, name, &f, &parent, &leaf);
    if (NT_SUCCESS(status))
        return leave(t, STATUS_OBJECT_NAME_COLLISION);
    if (status != STATUS_OBJECT_NAME_NOT_FOUND)
        return leave(t, status);
    f = add(t, parent, leaf, options & FILE_DIRECTORY_FILE ? FILE_ATTRIBUTE_DIRECTORY : attributes | FILE_ATTRIBUTE_ARCHIVE);
    if (sd != NULL)
        memcpy(f->sd, sd, f->sdSize = (UINT32)sd_view(sd, SIZE_MAX, &view));
    opened(t, f, context, info);
    return leave(t, STATUS_SUCCESS);
}

static NTSTATUS Open(FSP_FILE_SYSTEM *fs, PWSTR name, UINT32 options, UINT32 granted, PVOID *context, FSP_FSCTL_FILE_INFO *info)
{
    FILE_NODE *f, *parent;
    const WCHAR *leaf;
    NTSTATUS status;
    ENTER(fs);
    status = find(t, name, &f, &parent, &leaf);
    if (NT_SUCCESS(status))
        opened(t, f, context, info);
    return leave(t, status);
}

static NTSTATUS Overwrite(FSP_FILE_SYSTEM *fs, PVOID context, UINT32 attributes, BOOLEAN replace, UINT64 allocation, FSP_FSCTL_FILE_INFO *info)
{
    FILE_NODE *f = context;
    ENTER(fs);
    resize(t, f, 0);
    charge(t, f, 0);
    f->attributes = (replace ? attributes : f->attributes | attributes) | FILE_ATTRIBUTE_ARCHIVE;
    fill(f, info);
    return leave(t, STATUS_SUCCESS);
}

static void Cleanup(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name, ULONG flags)
{
    FILE_NODE *f = context;
    ENTER(fs);
    if (flags & FspCleanupSetAllocationSize)
        charge(t, f, rounded(f->size));
    if (flags & FspCleanupSetLastWriteTime)
        f->times[2] = f->times[3] = now();
    if ((flags & FspCleanupDelete) && !f->gone && f->children == NULL)
        remove_name(t, f);
    leave_late(t, STATUS_SUCCESS);
}

static void Close(FSP_FILE_SYSTEM *fs, PVOID context)
{
    FILE_NODE *f = context;
    ENTER(fs);
    f->opens--;
    t->opens--;
    destroy_if_unused(t, f);
    leave(t, STATUS_SUCCESS);
}

static NTSTATUS Read(FSP_FILE_SYSTEM *fs, PVOID context, PVOID buffer, UINT64 offset, ULONG length, PULONG bytes)
{
    FILE_NODE *f = context;
    dawdle(of(fs));
    ENTER(fs);
    while (t->blocked)
        pthread_cond_wait(&t->unblocked, &t->lock);
    if (offset >= f->size)
        return leave(t, STATUS_END_OF_FILE);
    *bytes = f->size - offset < length ? (ULONG)(f->size - offset) : length;
    memcpy(buffer, f->bytes + offset, *bytes);
    return leave(t, STATUS_SUCCESS);
}

static NTSTATUS Write(FSP_FILE_SYSTEM *fs, PVOID context, PVOID buffer, UINT64 offset, ULONG length, BOOLEAN toEnd, BOOLEAN constrained, PULONG bytes,
    FSP_FSCTL_FILE_INFO *info)
{
    FILE_NODE *f = context;
    NTSTATUS status = STATUS_SUCCESS;
    dawdle(of(fs));
    ENTER(fs);
    if (toEnd)
        offset = f->size;
    if (constrained)
        length = offset >= f->size ? 0 : f->size - offset < length ? (ULONG)(f->size - offset) : length;
    if (length != 0 && offset + length > f->size)
        status = resize(t, f, offset + length);
    if (NT_SUCCESS(status)) {
        if (length != 0)
            memcpy(f->bytes + offset, buffer, length);
        *bytes = length;
        if (!constrained)
            f->times[2] = f->times[3] = now();
        fill(f, info);
    }
    return leave(t, status);
}

static NTSTATUS GetFileInfo(FSP_FILE_SYSTEM *fs, PVOID context, FSP_FSCTL_FILE_INFO *info)
{
    ENTER(fs);
    fill(context, info);
    return leave_late(t, STATUS_SUCCESS);
}

static NTSTATUS Flush(FSP_FILE_SYSTEM *fs, PVOID context, FSP_FSCTL_FILE_INFO *info)
{
    ENTER(fs);
    if (context != NULL)
        fill(context, info);
    return leave(t, STATUS_SUCCESS);
}

static NTSTATUS SetBasicInfo(FSP_FILE_SYSTEM *fs, PVOID context, UINT32 attributes, UINT64 creation, UINT64 access, UINT64 write, UINT64 change,
    FSP_FSCTL_FILE_INFO *info)
{
    FILE_NODE *f = context;
    UINT64 times[4] = {creation, access, write, change};
    ENTER(fs);
    if (attributes != INVALID_FILE_ATTRIBUTES)
        f->attributes = (attributes & ~FILE_ATTRIBUTE_NORMAL) | (f->attributes & FILE_ATTRIBUTE_REPARSE_POINT);
    for (int i = 0; i < 4; i++)
        if (times[i] != 0)
            f->times[i] = times[i];
    fill(f, info);
    return leave(t, STATUS_SUCCESS);
}

static NTSTATUS SetFileSize(FSP_FILE_SYSTEM *fs, PVOID context, UINT64 size, BOOLEAN allocation, FSP_FSCTL_FILE_INFO *info)
{
    FILE_NODE *f = context;
    NTSTATUS status = STATUS_SUCCESS;
    dawdle(of(fs));
    ENTER(fs);
    if (allocation) {
        if (size < f->size)
            status = resize(t, f, size);
        else
            status = charge(t, f, rounded(size));
    } else
        status = resize(t, f, size);
    fill(f, info);
    return leave(t, status);
}

static NTSTATUS CanDelete(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name)
{
    FILE_NODE *f = context;
    ENTER(fs);
    return leave(t, f->children != NULL ? STATUS_DIRECTORY_NOT_EMPTY : STATUS_SUCCESS);
}

static NTSTATUS Rename(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name, PWSTR newName, BOOLEAN replace)
{
    FILE_NODE *f = context, *target, *parent;
    const WCHAR *leaf;
    NTSTATUS status;
    ENTER(fs);
    status = find(t, newName, &target, &parent, &leaf);
    if (status == STATUS_OBJECT_PATH_NOT_FOUND || parent == NULL)
        return leave(t, STATUS_OBJECT_PATH_NOT_FOUND);
    if (target != NULL && target != f) {
        if (!replace)
            return leave(t, STATUS_OBJECT_NAME_COLLISION);
        if (target->attributes & FILE_ATTRIBUTE_DIRECTORY)
            return leave(t, STATUS_ACCESS_DENIED);
        remove_name(t, target);
    }
    detach(f);
    memset(f->name, 0, sizeof f->name);
    memcpy(f->name, leaf, wide_length(leaf) * 2);
    attach(t, parent, f);
    f->times[3] = now();
    return leave_late(t, STATUS_SUCCESS);
}

static NTSTATUS GetSecurity(FSP_FILE_SYSTEM *fs, PVOID context, PSECURITY_DESCRIPTOR sd, SIZE_T *size)
{
    FILE_NODE *f = context;
    ENTER(fs);
    memcpy(sd, f->sd, f->sdSize);
    *size = f->sdSize;
    return leave(t, STATUS_SUCCESS);
}

static NTSTATUS SetSecurity(FSP_FILE_SYSTEM *fs, PVOID context, SECURITY_INFORMATION info, PSECURITY_DESCRIPTOR modification)
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
        FspDeleteSecurityDescriptor(made, (NTSTATUS(*)(void))(uintptr_t)FspSetSecurityDescriptor);
    }
    return leave(t, status);
}

static int list(FILE_NODE *f, const WCHAR *name, PVOID buffer, ULONG length, PULONG bytes)
{
    union {
        FSP_FSCTL_DIR_INFO info;
        UINT8 room[sizeof(FSP_FSCTL_DIR_INFO) + 512];
    } record;
    size_t size = wide_length(name) * 2;
    memset(&record, 0, sizeof record);
    record.info.Size = (UINT16)(sizeof record.info + size);
    memcpy(record.info.FileNameBuf, name, size);
    fill(f, &record.info.FileInfo);
    return FspFileSystemAddDirInfo(&record.info, buffer, length, bytes);
}

static NTSTATUS ReadDirectory(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR pattern, PWSTR marker, PVOID buffer, ULONG length, PULONG bytes)
{
    FILE_NODE *f = context;
    ENTER(fs);
    if (marker == NULL && f != t->root && (!list(f, u".", buffer, length, bytes) || !list(f->parent != NULL ? f->parent : f, u"..", buffer, length, bytes)))
        return leave(t, STATUS_SUCCESS);
    if (marker != NULL && marker[0] == '.' && (marker[1] == 0 || (marker[1] == '.' && marker[2] == 0)))
        marker = NULL;
    for (FILE_NODE *at = f->children; at != NULL; at = at->next)
        if ((marker == NULL || compare(t, at->name, wide_length(at->name), marker, wide_length(marker)) > 0) && !list(at, at->name, buffer, length, bytes))
            return leave(t, STATUS_SUCCESS);
    FspFileSystemAddDirInfo(NULL, buffer, length, bytes);
    return leave(t, STATUS_SUCCESS);
}

static NTSTATUS GetReparsePoint(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name, PVOID buffer, PSIZE_T size)
{
    FILE_NODE *f = context;
    ENTER(fs);
    if (f->reparse == NULL)
        return leave(t, STATUS_NOT_A_REPARSE_POINT);
    memcpy(buffer, f->reparse, f->reparseSize);
    *size = f->reparseSize;
    return leave(t, STATUS_SUCCESS);
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
    return leave(t, STATUS_SUCCESS);
}

void treefs_params(FSP_FSCTL_VOLUME_PARAMS *params, UINT32 fileInfoTimeout)
{
    memset(params, 0, sizeof *params);
    params->Version = sizeof *params;
    params->SectorSize = 512;
    params->SectorsPerAllocationUnit = UNIT / 512;
    params->TransactTimeout = 1000;
    params->FileInfoTimeout = fileInfoTimeout;
    params->CasePreservedNames = params->UnicodeOnDisk = params->PersistentAcls = params->ReparsePoints = params->CaseSensitiveSearch = 1;
    params->PostCleanupWhenModifiedOnly = params->SupportsPosixUnlinkRename = 1;
}

TREEFS *treefs_new(const FSP_FSCTL_VOLUME_PARAMS *params, UINT64 capacityBytes)
{
    TREEFS *t = calloc(1, sizeof *t);
    UINT32 size = sizeof t->root->sd;
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->unblocked, NULL);
    t->capacity = capacityBytes;
    t->sensitive = params->CaseSensitiveSearch;
    t->root = calloc(1, sizeof *t->root);
    t->root->attributes = FILE_ATTRIBUTE_DIRECTORY;
    t->root->index = ++t->nextIndex;
    t->root->times[0] = t->root->times[1] = t->root->times[2] = t->root->times[3] = now();
    posix_sd_from_mode(getuid(), getgid(), 0755, t->root->sd, &size);
    t->root->sdSize = size;
    t->interface = (FSP_FILE_SYSTEM_INTERFACE){.GetVolumeInfo = GetVolumeInfo, .GetSecurityByName = GetSecurityByName, .Create = Create, .Open = Open,
        .Overwrite = Overwrite, .Cleanup = Cleanup, .Close = Close, .Read = Read, .Write = Write, .Flush = Flush, .GetFileInfo = GetFileInfo,
        .SetBasicInfo = SetBasicInfo, .SetFileSize = SetFileSize, .CanDelete = CanDelete, .Rename = Rename, .GetSecurity = GetSecurity,
        .SetSecurity = SetSecurity, .ReadDirectory = ReadDirectory, .GetReparsePoint = GetReparsePoint, .SetReparsePoint = SetReparsePoint};
    FspLinuxSetOption(NULL, "strict", 1);
    if (!NT_SUCCESS(FspFileSystemCreate((PWSTR)u"WinFsp.Disk", params, &t->interface, &t->fs)))
        abort();
    t->fs->UserContext = t;
    return t;
}

FSP_FILE_SYSTEM *treefs_file_system(TREEFS *t) { return t->fs; }

static void free_tree(FILE_NODE *f)
{
    while (f->children != NULL) {
        FILE_NODE *first = f->children;
        f->children = first->next;
        free_tree(first);
    }
    free(f->bytes);
    free(f->reparse);
    free(f);
}

void treefs_delete(TREEFS *t)
{
    FspFileSystemDelete(t->fs);
    free_tree(t->root);
    pthread_cond_destroy(&t->unblocked);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

UINT64 treefs_used(TREEFS *t)
{
    UINT64 used;
    pthread_mutex_lock(&t->lock);
    used = t->used;
    pthread_mutex_unlock(&t->lock);
    return used;
}

long treefs_nodes(TREEFS *t)
{
    long nodes;
    pthread_mutex_lock(&t->lock);
    nodes = t->nodes;
    pthread_mutex_unlock(&t->lock);
    return nodes;
}

long treefs_opens(TREEFS *t)
{
    long opens;
    pthread_mutex_lock(&t->lock);
    opens = t->opens;
    pthread_mutex_unlock(&t->lock);
    return opens;
}

long treefs_calls(TREEFS *t, const char *callback)
{
    long count = 0;
    pthread_mutex_lock(&t->lock);
    for (int i = 0; i < 32 && t->calls[i].name != NULL; i++)
        if (strcmp(t->calls[i].name, callback) == 0)
            count = t->calls[i].count;
    pthread_mutex_unlock(&t->lock);
    return count;
}

void treefs_delay(TREEFS *t, unsigned milliseconds)
{
    pthread_mutex_lock(&t->lock);
    t->delayMs = milliseconds;
    pthread_mutex_unlock(&t->lock);
}

void treefs_block(TREEFS *t, int on)
{
    pthread_mutex_lock(&t->lock);
    t->blocked = on;
    pthread_cond_broadcast(&t->unblocked);
    pthread_mutex_unlock(&t->lock);
}

void treefs_scribble(TREEFS *t, const WCHAR *path, char byte)
{
    FILE_NODE *f, *parent;
    const WCHAR *leaf;
    pthread_mutex_lock(&t->lock);
    if (NT_SUCCESS(find(t, path, &f, &parent, &leaf)))
        memset(f->bytes, byte, f->size);
    pthread_mutex_unlock(&t->lock);
}

void treefs_add(TREEFS *t, const WCHAR *path)
{
    FILE_NODE *f, *parent;
    const WCHAR *leaf;
    UINT32 size;
    pthread_mutex_lock(&t->lock);
    if (find(t, path, &f, &parent, &leaf) == STATUS_OBJECT_NAME_NOT_FOUND) {
        f = add(t, parent, leaf, FILE_ATTRIBUTE_ARCHIVE);
        size = sizeof f->sd;
        posix_sd_from_mode(getuid(), getgid(), 0644, f->sd, &size);
        f->sdSize = size;
    }
    pthread_mutex_unlock(&t->lock);
}

void treefs_remove(TREEFS *t, const WCHAR *path)
{
    FILE_NODE *f, *parent;
    const WCHAR *leaf;
    pthread_mutex_lock(&t->lock);
    if (NT_SUCCESS(find(t, path, &f, &parent, &leaf)))
        remove_name(t, f);
    pthread_mutex_unlock(&t->lock);
}
