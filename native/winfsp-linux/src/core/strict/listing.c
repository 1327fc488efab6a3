/*
 * Strict checks of directory listings: the records themselves, `.` and `..`, and that an enumeration goes on from its
 * marker and shows no name twice (docs/winfsp.md, "Callbacks"). An enumeration is recognised by its directory and the
 * last name it returned.
 */
#include <inttypes.h>

#include "core/strict/strict.h"

#define MAX_ENUMERATIONS 64u

typedef struct {
    UINT64 context, last, age;
    UINT64 *names; /* open-addressed set of hashes, 0 = free */
    UINT32 count, capacity;
} ENUMERATION;

struct strict_listing {
    pthread_mutex_t lock;
    UINT64 clock;
    ENUMERATION list[MAX_ENUMERATIONS];
};

static pthread_mutex_t makeLock = PTHREAD_MUTEX_INITIALIZER;

static LISTINGS *listings_of(LISTINGS **at)
{
    pthread_mutex_lock(&makeLock);
    if (*at == NULL && (*at = calloc(1, sizeof **at)) != NULL)
        pthread_mutex_init(&(*at)->lock, NULL);
    pthread_mutex_unlock(&makeLock);
    return *at;
}

void strict_listings_free(LISTINGS *listings)
{
    if (listings == NULL)
        return;
    for (UINT32 i = 0; i < MAX_ENUMERATIONS; i++)
        free(listings->list[i].names);
    pthread_mutex_destroy(&listings->lock);
    free(listings);
}

static UINT64 hash_name(const WCHAR *name, size_t units)
{
    UINT64 hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < units; i++) {
        hash = (hash ^ name[i]) * 0x100000001b3u;
        hash ^= hash >> 29;
    }
    return hash != 0 ? hash : 1;
}

/* 1: the name is new. */
static int remember(ENUMERATION *one, UINT64 hash)
{
    if (one->count * 2 >= one->capacity) {
        UINT32 capacity = one->capacity != 0 ? one->capacity * 2 : 256;
        UINT64 *grown = calloc(capacity, sizeof *grown);
        if (grown == NULL)
            return 1;
        for (UINT32 i = 0; i < one->capacity; i++)
            if (one->names[i] != 0) {
                UINT32 at = (UINT32)(one->names[i] >> 7) & (capacity - 1);
                while (grown[at] != 0)
                    at = (at + 1) & (capacity - 1);
                grown[at] = one->names[i];
            }
        free(one->names);
        one->names = grown;
        one->capacity = capacity;
    }
    for (UINT32 at = (UINT32)(hash >> 7) & (one->capacity - 1);; at = (at + 1) & (one->capacity - 1)) {
        if (one->names[at] == hash)
            return 0;
        if (one->names[at] == 0) {
            one->names[at] = hash;
            one->count++;
            return 1;
        }
    }
}

static ENUMERATION *enumeration_of(LISTINGS *listings, UINT64 context, UINT64 marker)
{
    ENUMERATION *oldest = &listings->list[0];
    for (UINT32 i = 0; i < MAX_ENUMERATIONS; i++) {
        ENUMERATION *one = &listings->list[i];
        if (marker != 0 && one->context == context && one->last == marker)
            return one;
        if (one->age < oldest->age)
            oldest = one;
    }
    if (marker != 0)
        return NULL; /* a marker out of nowhere: a test's, or a restart in the middle */
    oldest->context = context;
    oldest->last = 0;
    oldest->count = 0;
    if (oldest->names != NULL)
        memset(oldest->names, 0, oldest->capacity * sizeof *oldest->names);
    return oldest;
}

static int dots(const WCHAR *name, size_t units)
{
    return units == 1 && name[0] == '.' ? 1 : units == 2 && name[0] == '.' && name[1] == '.' ? 2 : 0;
}

void strict_listing(VOLUME *v, LISTINGS **at, const FSP_FSCTL_TRANSACT_REQ *req, UINT32 bytes, int isRoot)
{
    const UINT8 *base = (const UINT8 *)(uintptr_t)req->Req.QueryDirectory.Address;
    const WCHAR *marker = NULL;
    UINT64 markerHash = 0;
    size_t markerUnits = 0;
    UINT32 used = 0, number = 0, length = req->Req.QueryDirectory.Length;
    int byOffset = v->params.DirectoryMarkerAsNextOffset, patterned = req->Req.QueryDirectory.Pattern.Size != 0,
        ended = 0;
    LISTINGS *listings = listings_of(at);
    ENUMERATION *one = NULL;
    if (bytes > length) {
        strict_violation(v, req, "%u bytes listed into %u", bytes, length);
        return;
    }
    if (listings == NULL)
        return;
    if (!byOffset && (marker = request_text(req, req->Req.QueryDirectory.Marker, &markerUnits)) != NULL) {
        markerHash = hash_name(marker, markerUnits);
    }
    pthread_mutex_lock(&listings->lock);
    if (!byOffset && !patterned)
        one = enumeration_of(listings, req->Req.Context.UserContext ^ req->Req.Context.UserContext2 << 1, markerHash);
    if (one != NULL)
        one->age = ++listings->clock;
    while (used + sizeof(UINT16) <= bytes) {
        const FSP_FSCTL_DIR_INFO *info = (const void *)(base + used);
        size_t units, step;
        int dot;
        if (info->Size == 0) {
            ended = 1;
            used += sizeof(UINT16);
            break;
        }
        if (info->Size < sizeof *info || info->Size > bytes - used || info->Size % 2 != 0) {
            strict_violation(v, req, "record %u has Size %u, with %u bytes left", number, info->Size, bytes - used);
            break;
        }
        units = (info->Size - sizeof *info) / sizeof(WCHAR);
        step = FSP_FSCTL_DEFAULT_ALIGN_UP(info->Size);
        dot = dots(info->FileNameBuf, units);
        if (units == 0 || units > v->params.MaxComponentLength)
            strict_violation(v, req, "record %u has a name of %zu units", number, units);
        for (size_t i = 0; i < units; i++)
            if (info->FileNameBuf[i] == 0 || info->FileNameBuf[i] == '\\') {
                strict_violation(v, req, "record %u has a name with a NUL or a separator in it", number);
                break;
            }
        if (marker != NULL && wide_equal(info->FileNameBuf, units, marker, markerUnits, 1))
            strict_violation(v, req, "record %u is the marker itself: an enumeration would never end", number);
        if (dot != 0 && isRoot == 1)
            strict_violation(v, req, "record %u is `.` or `..` in the root", number);
        if (dot != 0 && !(info->FileInfo.FileAttributes & FILE_ATTRIBUTE_DIRECTORY))
            strict_violation(v, req, "`.` or `..` is no directory");
        if (isRoot == 0 && marker == NULL && !patterned && !byOffset && number < 2 && dot != (int)number + 1)
            strict_violation(v, req, "record %u of a directory must be `%s`", number, number == 0 ? "." : "..");
        if (dot == 0)
            strict_file_info(v, req, &info->FileInfo, " of a record");
        if (one != NULL) {
            UINT64 hash = hash_name(info->FileNameBuf, units);
            if (!remember(one, hash))
                strict_violation(v, req, "record %u shows a name that this enumeration has shown before", number);
            one->last = hash;
        }
        number++;
        if (step > bytes - used) {
            if (used + info->Size != bytes)
                strict_violation(v, req, "record %u is not padded to 8", number - 1);
            used = bytes;
            break;
        }
        used += (UINT32)step;
    }
    if (ended && used != bytes)
        strict_violation(v, req, "%u bytes follow the end mark", bytes - used);
    if (isRoot == 0 && marker == NULL && !patterned && !byOffset && number < 2 && ended)
        strict_violation(v, req, "a directory lists %u names; `.` and `..` come first", number);
    pthread_mutex_unlock(&listings->lock);
}
