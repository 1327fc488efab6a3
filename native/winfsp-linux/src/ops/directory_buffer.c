/*
 * Building lists: records of a directory, of streams, of extended attributes, of notifications; and the
 * directory buffer, which collects a whole directory once and serves it in pieces, sorted (docs/winfsp.md,
 * "Functions").
 *
 * The record functions touch only the caller's memory. A directory buffer has a lock of its own: several handles may
 * share a pointer.
 */
#include "ops/ops.h"

/* Shared by all record kinds: `size` first, payload as it is; NULL writes the 2-byte end mark and moves on by 2. */
static BOOLEAN add_record(const void *record, PVOID buffer, ULONG length, PULONG transferred)
{
    static const UINT16 end = 0;
    UINT16 size = record != NULL ? *(const UINT16 *)record : sizeof end;
    ULONG advance = record != NULL ? (ULONG)FSP_FSCTL_DEFAULT_ALIGN_UP(size) : sizeof end;
    if (*transferred > length || length - *transferred < advance)
        return 0;
    memcpy((UINT8 *)buffer + *transferred, record != NULL ? record : &end, size);
    *transferred += advance;
    return 1;
}

BOOLEAN FspFileSystemAddDirInfo(FSP_FSCTL_DIR_INFO *info, PVOID Buffer, ULONG Length, PULONG PBytesTransferred)
{
    return add_record(info, Buffer, Length, PBytesTransferred);
}

BOOLEAN FspFileSystemAddStreamInfo(FSP_FSCTL_STREAM_INFO *info, PVOID Buffer, ULONG Length, PULONG PBytesTransferred)
{
    return add_record(info, Buffer, Length, PBytesTransferred);
}

BOOLEAN FspFileSystemAddNotifyInfo(FSP_FSCTL_NOTIFY_INFO *info, PVOID Buffer, ULONG Length, PULONG PBytesTransferred)
{
    return add_record(info, Buffer, Length, PBytesTransferred);
}

BOOLEAN FspFileSystemAddEa(
    PFILE_FULL_EA_INFORMATION single, PFILE_FULL_EA_INFORMATION ea, ULONG length, PULONG PBytesTransferred)
{
    UINT8 *base = (UINT8 *)ea;
    ULONG at = (*PBytesTransferred + 3) & ~3u, last = 0;
    UINT32 next, size;
    if (single == NULL) { /* the last record ends the list */
        if (*PBytesTransferred == 0)
            return 1;
        for (;;) {
            memcpy(&next, base + last, sizeof next);
            if (next == 0 || last + next >= *PBytesTransferred)
                break;
            last += next;
        }
        next = 0;
        memcpy(base + last, &next, sizeof next);
        return 1;
    }
    size = (UINT32)offsetof(FILE_FULL_EA_INFORMATION, EaName) + single->EaNameLength + 1 + single->EaValueLength;
    if (at > length || length - at < size)
        return 0;
    memcpy(base + at, single, size);
    next = (size + 3) & ~3u;
    memcpy(base + at, &next, sizeof next);
    *PBytesTransferred = at + size;
    return 1;
}

NTSTATUS FspFileSystemEnumerateEa(FSP_FILE_SYSTEM *fs,
    NTSTATUS (*each)(FSP_FILE_SYSTEM *, PVOID, PFILE_FULL_EA_INFORMATION), PVOID Context, PFILE_FULL_EA_INFORMATION ea,
    ULONG length)
{
    UINT8 *at = (UINT8 *)ea, *end = at + length;
    while (at + offsetof(FILE_FULL_EA_INFORMATION, EaName) <= end) {
        PFILE_FULL_EA_INFORMATION one = (void *)at;
        NTSTATUS status = each(fs, Context, one);
        if (!NT_SUCCESS(status) || one->NextEntryOffset == 0)
            return NT_SUCCESS(status) ? STATUS_SUCCESS : status;
        at += one->NextEntryOffset;
    }
    return STATUS_SUCCESS;
}

/* ---- directory buffers ---- */

typedef struct {
    pthread_rwlock_t lock;
    UINT8 *bytes;
    ULONG used, capacity;
    ULONG *index; /* offsets of the records, sorted at Release */
    ULONG count, indexCapacity;
    int filled;
} DIRBUF;

static pthread_mutex_t makeLock = PTHREAD_MUTEX_INITIALIZER;

static DIRBUF *dirbuf_of(PVOID *pointer, int make)
{
    DIRBUF *buffer = __atomic_load_n((DIRBUF **)pointer, __ATOMIC_ACQUIRE);
    if (buffer != NULL || !make)
        return buffer;
    pthread_mutex_lock(&makeLock);
    buffer = *pointer;
    if (buffer == NULL && (buffer = calloc(1, sizeof *buffer)) != NULL) {
        pthread_rwlock_init(&buffer->lock, NULL);
        __atomic_store_n((DIRBUF **)pointer, buffer, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&makeLock);
    return buffer;
}

BOOLEAN FspFileSystemAcquireDirectoryBufferEx(PVOID *PDirBuffer, BOOLEAN Reset, ULONG CapacityHint, PNTSTATUS PResult)
{
    DIRBUF *buffer = dirbuf_of(PDirBuffer, 1);
    if (buffer == NULL) {
        *PResult = STATUS_INSUFFICIENT_RESOURCES;
        return 0;
    }
    *PResult = STATUS_SUCCESS;
    pthread_rwlock_wrlock(&buffer->lock);
    if (buffer->filled && !Reset) {
        pthread_rwlock_unlock(&buffer->lock);
        return 0;
    }
    buffer->used = buffer->count = 0;
    buffer->filled = 0;
    if (CapacityHint > buffer->capacity) {
        UINT8 *grown = realloc(buffer->bytes, CapacityHint);
        if (grown != NULL) {
            buffer->bytes = grown;
            buffer->capacity = CapacityHint;
        }
    }
    return 1; /* with the lock, until Release */
}

BOOLEAN FspFileSystemAcquireDirectoryBuffer(PVOID *PDirBuffer, BOOLEAN Reset, PNTSTATUS PResult)
{
    return FspFileSystemAcquireDirectoryBufferEx(PDirBuffer, Reset, 0, PResult);
}

/* A record may be longer than all that is there already. 0: no memory. */
static int make_room(DIRBUF *buffer, ULONG size)
{
    ULONG capacity = buffer->capacity != 0 ? buffer->capacity : 4096;
    UINT8 *grown;
    while (capacity - buffer->used < size) {
        if (capacity > UINT32_MAX / 2)
            return 0;
        capacity *= 2;
    }
    if (capacity == buffer->capacity)
        return 1;
    if ((grown = realloc(buffer->bytes, capacity)) == NULL)
        return 0;
    buffer->bytes = grown;
    buffer->capacity = capacity;
    return 1;
}

BOOLEAN FspFileSystemFillDirectoryBuffer(PVOID *PDirBuffer, FSP_FSCTL_DIR_INFO *info, PNTSTATUS PResult)
{
    DIRBUF *buffer = *PDirBuffer;
    ULONG size = (ULONG)FSP_FSCTL_DEFAULT_ALIGN_UP(info->Size);
    *PResult = STATUS_SUCCESS;
    if (!make_room(buffer, size)) {
        *PResult = STATUS_INSUFFICIENT_RESOURCES;
        return 0;
    }
    if (buffer->count == buffer->indexCapacity) {
        ULONG capacity = buffer->indexCapacity != 0 ? buffer->indexCapacity * 2 : 64;
        ULONG *grown = realloc(buffer->index, capacity * sizeof *grown);
        if (grown == NULL) {
            *PResult = STATUS_INSUFFICIENT_RESOURCES;
            return 0;
        }
        buffer->index = grown;
        buffer->indexCapacity = capacity;
    }
    memcpy(buffer->bytes + buffer->used, info, info->Size);
    buffer->index[buffer->count++] = buffer->used;
    buffer->used += size;
    return 1;
}

static int compare_names(const WCHAR *a, size_t aUnits, const WCHAR *b, size_t bUnits)
{
    int aDots = aUnits <= 2 && aUnits > 0 && a[0] == '.' && (aUnits == 1 || a[1] == '.') ? (int)aUnits : 3;
    int bDots = bUnits <= 2 && bUnits > 0 && b[0] == '.' && (bUnits == 1 || b[1] == '.') ? (int)bUnits : 3;
    if (aDots != bDots)
        return aDots - bDots;
    for (size_t i = 0; i < aUnits && i < bUnits; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return aUnits < bUnits ? -1 : aUnits > bUnits;
}

static FSP_FSCTL_DIR_INFO *record_at(const DIRBUF *buffer, ULONG i)
{
    return (void *)(buffer->bytes + buffer->index[i]);
}
static size_t record_units(const FSP_FSCTL_DIR_INFO *info) { return (info->Size - sizeof *info) / sizeof(WCHAR); }

static _Thread_local const DIRBUF *sorting; /* qsort has no argument for it */

static int compare_records(const void *a, const void *b)
{
    const FSP_FSCTL_DIR_INFO *left = (const void *)(sorting->bytes + *(const ULONG *)a),
                             *right = (const void *)(sorting->bytes + *(const ULONG *)b);
    return compare_names(left->FileNameBuf, record_units(left), right->FileNameBuf, record_units(right));
}

void FspFileSystemReleaseDirectoryBuffer(PVOID *PDirBuffer)
{
    DIRBUF *buffer = *PDirBuffer;
    sorting = buffer;
    if (buffer->count > 1)
        qsort(buffer->index, buffer->count, sizeof *buffer->index, compare_records);
    buffer->filled = 1;
    pthread_rwlock_unlock(&buffer->lock);
}

void FspFileSystemReadDirectoryBuffer(
    PVOID *PDirBuffer, PWSTR Marker, PVOID Buffer, ULONG Length, PULONG PBytesTransferred)
{
    DIRBUF *buffer = dirbuf_of(PDirBuffer, 0);
    ULONG low = 0, high;
    size_t units = Marker != NULL ? wide_length(Marker) : 0;
    if (buffer == NULL) {
        FspFileSystemAddDirInfo(NULL, Buffer, Length, PBytesTransferred);
        return;
    }
    pthread_rwlock_rdlock(&buffer->lock);
    /* the first name after the marker, which may be gone itself; an empty one is before all names, `.` too */
    for (high = units != 0 ? buffer->count : 0; low < high;) {
        ULONG middle = low + (high - low) / 2;
        FSP_FSCTL_DIR_INFO *info = record_at(buffer, middle);
        if (compare_names(info->FileNameBuf, record_units(info), Marker, units) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    while (low < buffer->count && FspFileSystemAddDirInfo(record_at(buffer, low), Buffer, Length, PBytesTransferred))
        low++;
    if (low == buffer->count)
        FspFileSystemAddDirInfo(NULL, Buffer, Length, PBytesTransferred);
    pthread_rwlock_unlock(&buffer->lock);
}

void FspFileSystemDeleteDirectoryBuffer(PVOID *PDirBuffer)
{
    DIRBUF *buffer = *PDirBuffer;
    if (buffer == NULL)
        return;
    *PDirBuffer = NULL;
    pthread_rwlock_destroy(&buffer->lock);
    free(buffer->bytes);
    free(buffer->index);
    free(buffer);
}
