/*
 * Directories: a stream is the listing as one opendir (or rewinddir) sees it, fetched batch by batch with markers and
 * kept as the records that the kernel wants, so that an offset is an index and stays valid whatever happens to the
 * directory meanwhile.
 */
#include <dirent.h>
#include <errno.h>

#include "fuse/objects/front.h"

#define BATCH_SIZE 65536u
#define MAX_NAME_BYTES (MAX_NAME_UNITS * 3)

struct stream {
    STREAM *next, *previous; /* of front.streams */
    FILE_OBJECT *handle; /* held by the open directory */
    UINT8 *bytes; /* struct fuse_dirent one after the other */
    size_t used, room;
    UINT32 *ends; /* where record i ends */
    UINT32 count, capacity;
    int complete, started;
    UINT64 nextOffset; /* DirectoryMarkerAsNextOffset */
    WCHAR marker[MAX_NAME_UNITS + 1];
    UINT32 markerUnits;
};

static void stream_free(STREAM *stream)
{
    free(stream->bytes);
    free(stream->ends);
    free(stream);
}

void streams_free(FRONT *front)
{
    while (front->streams != NULL) {
        STREAM *stream = front->streams;
        front->streams = stream->next;
        stream_free(stream);
    }
}

static int add(STREAM *stream, UINT64 ino, UINT32 type, const char *name, size_t bytes)
{
    size_t size = FUSE_REC_ALIGN(FUSE_NAME_OFFSET + bytes);
    struct fuse_dirent *entry;
    if (stream->used + size > UINT32_MAX)
        return 0;
    if (stream->used + size > stream->room) {
        size_t room = stream->room ? stream->room * 2 : 4096;
        UINT8 *grown = realloc(stream->bytes, room);
        if (grown == NULL)
            return 0;
        stream->bytes = grown;
        stream->room = room;
    }
    if (stream->count == stream->capacity) {
        UINT32 capacity = stream->capacity ? stream->capacity * 2 : 64;
        UINT32 *grown = realloc(stream->ends, capacity * sizeof *grown);
        if (grown == NULL)
            return 0;
        stream->ends = grown;
        stream->capacity = capacity;
    }
    entry = (void *)(stream->bytes + stream->used);
    memset(entry, 0, size);
    entry->ino = ino;
    entry->off = stream->count + 1;
    entry->namelen = (UINT32)bytes;
    entry->type = type;
    memcpy(entry->name, name, bytes);
    stream->used += size;
    stream->ends[stream->count++] = (UINT32)stream->used;
    return 1;
}

static UINT64 number_of(const INODE *inode)
{
    return inode->info.IndexNumber != 0 ? inode->info.IndexNumber : (uintptr_t)inode;
}

static int restart(FRONT *front, STREAM *stream, INODE *inode)
{
    int done;
    stream->used = stream->count = 0;
    stream->complete = 0;
    stream->started = 1;
    stream->markerUnits = 0;
    pthread_mutex_lock(&front->lock);
    done = add(stream, number_of(inode), DT_DIR, ".", 1) &&
           add(stream, number_of(inode->parent != NULL ? inode->parent : inode), DT_DIR, "..", 2);
    pthread_mutex_unlock(&front->lock);
    return done;
}

/* The records of one answer. 0, or an errno. */
static int take_batch(FRONT *front, STREAM *stream, const UINT8 *at, UINT32 bytes)
{
    UINT32 left = bytes, taken = 0;
    while (left >= sizeof(UINT16)) {
        const FSP_FSCTL_DIR_INFO *info = (const void *)at;
        UINT32 size = info->Size, step = (UINT32)FSP_FSCTL_DEFAULT_ALIGN_UP(size);
        char name[MAX_NAME_BYTES];
        UINT32 units, attributes;
        ptrdiff_t length;
        if (size < sizeof *info) { /* the end mark */
            stream->complete = 1;
            return 0;
        }
        if (size > left)
            return EIO;
        units = (size - (UINT32)sizeof *info) / sizeof(WCHAR);
        if (units > MAX_NAME_UNITS)
            return EIO;
        memcpy(stream->marker, info->FileNameBuf, units * sizeof(WCHAR));
        stream->markerUnits = units;
        stream->nextOffset = info->NextOffset;
        taken++;
        length = utf16_to_utf8(info->FileNameBuf, units, name, sizeof name);
        attributes = info->FileInfo.FileAttributes;
        /* Names that no Linux program could use (half a surrogate pair, a slash) are left out; `.` and `..` are there
         * already. */
        if (length > 0 && memchr(name, '/', (size_t)length) == NULL &&
            !(name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.')))) {
            UINT32 type =
                (attributes & FILE_ATTRIBUTE_REPARSE_POINT) && info->FileInfo.ReparseTag == IO_REPARSE_TAG_SYMLINK
                    ? DT_LNK
                : attributes & FILE_ATTRIBUTE_DIRECTORY ? DT_DIR
                                                        : DT_REG;
            if (!add(stream, info->FileInfo.IndexNumber != 0 ? info->FileInfo.IndexNumber : 1, type, name,
                    (size_t)length))
                return ENOMEM;
        }
        if (step >= left)
            break;
        at += step;
        left -= step;
    }
    if (taken == 0)
        stream->complete = 1;
    return 0;
}

static void serve(OP *op);

static void listed(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    STREAM *stream = op->stream;
    int error = 0;
    if (status_of(rsp) == STATUS_NO_MORE_FILES)
        stream->complete = 1;
    else if (!NT_SUCCESS(status_of(rsp)))
        error = errno_of(status_of(rsp));
    else
        error = take_batch(op->front, stream, op_data(op), rsp->IoStatus.Information);
    if (error != 0)
        reply_error(op, error);
    else
        serve(op);
}

static void fetch(OP *op)
{
    STREAM *stream = op->stream;
    const FSP_FSCTL_VOLUME_PARAMS *params = volume_params(op->front->volume);
    op->handle = stream->handle;
    request_context(op, FspFsctlTransactQueryDirectoryKind);
    op->req.Req.QueryDirectory.Address = (uintptr_t)op_data(op);
    op->req.Req.QueryDirectory.Length = BATCH_SIZE;
    op->req.Req.QueryDirectory.CaseSensitive = params->CaseSensitiveSearch;
    if (stream->markerUnits != 0) {
        if (params->DirectoryMarkerAsNextOffset)
            request_add_bytes(
                &op->req, &op->req.Req.QueryDirectory.Marker, &stream->nextOffset, sizeof stream->nextOffset);
        else
            request_add_name(&op->req, &op->req.Req.QueryDirectory.Marker, stream->marker, stream->markerUnits);
    }
    op_post(op, listed);
}

static void serve(OP *op)
{
    const struct fuse_read_in *in = op_argument(op);
    STREAM *stream = op->stream;
    if (in->offset < stream->count) {
        size_t begin = in->offset == 0 ? 0 : stream->ends[in->offset - 1], end = begin;
        for (UINT64 i = in->offset;
            i < stream->count && stream->ends[i] - begin <= in->size && stream->ends[i] - begin <= MAX_DATA_BYTES; i++)
            end = stream->ends[i];
        if (end == begin)
            reply_error(op, EINVAL); /* not room for one */
        else {
            /* once the kernel has the answer the stream may be closed at any moment */
            memcpy(op_data(op), stream->bytes + begin, end - begin);
            reply_data(op, op_data(op), end - begin);
        }
    } else if (stream->complete)
        reply_data(op, NULL, 0);
    else
        fetch(op);
}

void do_readdir(OP *op)
{
    const struct fuse_read_in *in = op_argument(op);
    op->stream = (STREAM *)(uintptr_t)in->fh;
    if ((in->offset == 0 || !op->stream->started) && !restart(op->front, op->stream, op->inode))
        reply_error(op, ENOMEM);
    else
        serve(op);
}

/* ---- opendir, releasedir ---- */

static void opened(OP *op)
{
    FRONT *front = op->front;
    INODE *inode = op->inode;
    STREAM *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        reply_error(op, ENOMEM);
        return;
    }
    pthread_mutex_lock(&front->lock);
    inode->opens++;
    stream->handle = inode->handle;
    if ((stream->next = front->streams) != NULL)
        front->streams->previous = stream;
    front->streams = stream;
    pthread_mutex_unlock(&front->lock);
    reply_open(op, inode, (uintptr_t)stream, 0);
}

static void in_names(OP *op) { with_handle(op, opened); }

void do_opendir(OP *op) { names_enter(op, 0, in_names); }

void do_releasedir(OP *op)
{
    const struct fuse_release_in *in = op_argument(op);
    STREAM *stream = (STREAM *)(uintptr_t)in->fh;
    FRONT *front = op->front;
    pthread_mutex_lock(&front->lock);
    if (stream->previous != NULL)
        stream->previous->next = stream->next;
    else
        front->streams = stream->next;
    if (stream->next != NULL)
        stream->next->previous = stream->previous;
    op->inode->opens--;
    inode_settle(front, op->inode);
    pthread_mutex_unlock(&front->lock);
    stream_free(stream);
    reply_error(op, 0);
}
