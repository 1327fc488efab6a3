/*
 * Directories. Whatever a directory holds, an open one costs little: the host is asked for a batch at a time by marker,
 * and only the markers of the last answer are kept, its window, since the kernel may go on after any record of it.
 *
 * A record's offset says which one it is in two ways: its position in the listing, and a hash of its name. A position
 * in the window is exact whatever happens to the directory meanwhile. Elsewhere (seekdir far back) the record is looked
 * for by its hash from the beginning; if it is gone, the listing begins anew, so that nothing is left out.
 */
#include <dirent.h>
#include <errno.h>

#include "fuse/objects/front.h"

#define MAX_BATCH_BYTES 65536u
#define MIN_BATCH_BYTES 4096u /* several of the longest records */
#define MAX_NAME_BYTES (MAX_NAME_UNITS * 3)
#define BATCH_OFFSET (MAX_DATA_BYTES / 2) /* of the host's records in op_data, behind those for the kernel */

/* Offsets: after ".", after "..", after the host's record k. */
#define AFTER_DOT 1u
#define AFTER_DOTS 2u
#define POSITION_OF(offset) ((UINT32)(offset)) /* of the next record; the host's first is at AFTER_DOTS */
#define HASH_OF(offset) ((UINT32)((offset) >> 32))

/* What continues a listing after a record, in a window. */
typedef struct {
    UINT64 nextOffset; /* DirectoryMarkerAsNextOffset */
    UINT32 units;
    WCHAR name[];
} MARK;

struct stream {
    STREAM *next, *previous; /* of front.streams */
    FILE_OBJECT *handle; /* held by the open directory */
    UINT8 *window; /* MARKs, 8-aligned, one after the other */
    size_t windowBytes;
    UINT32 first, count; /* position of the window's first record, and how many */
    UINT32 end; /* position at which the host said that there is no more; 0: not yet */
};

/* A listing under way in an op: where the next batch continues, and what is looked for. */
struct cursor {
    UINT32 position; /* of the next record */
    UINT32 seeks; /* the hash of the record to go on after; 0: none */
    int hasMark;
    UINT64 nextOffset;
    UINT32 units;
    WCHAR name[MAX_NAME_UNITS + 1];
    UINT8 *marks; /* those of the answer, in the second half of the records' room */
    size_t markBytes, bytes; /* of the marks, of the answer */
    UINT32 first, count;
};

static void window_free(FRONT *front, STREAM *stream)
{
    client_memory_give(front, stream->windowBytes);
    free(stream->window);
    stream->window = NULL;
    stream->windowBytes = stream->count = 0;
}

static void stream_free(FRONT *front, STREAM *stream)
{
    window_free(front, stream);
    client_memory_give(front, sizeof *stream);
    free(stream);
}

void streams_free(FRONT *front)
{
    while (front->streams != NULL) {
        STREAM *stream = front->streams;
        front->streams = stream->next;
        stream_free(front, stream);
    }
}

static size_t mark_size(UINT32 units) { return (sizeof(MARK) + units * sizeof(WCHAR) + 7) & ~(size_t)7; }

/* Never 0. */
static UINT32 hash_of(const WCHAR *name, UINT32 units)
{
    UINT64 hash = 0xcbf29ce484222325u;
    for (UINT32 i = 0; i < units; i++)
        hash = (hash ^ name[i]) * 0x100000001b3u;
    return (UINT32)((hash ^ hash >> 32) & 0x7fffffffu) | 1u;
}

/* ---- the answer ---- */

/* 0: no room for it. */
static int answer_add(OP *op, UINT64 ino, UINT64 offset, UINT32 type, const char *name, size_t bytes)
{
    const struct fuse_read_in *in = op_argument(op);
    size_t size = FUSE_REC_ALIGN(FUSE_NAME_OFFSET + bytes), most = in->size < BATCH_OFFSET ? in->size : BATCH_OFFSET;
    struct fuse_dirent *entry = (void *)((UINT8 *)op_data(op) + op->cursor->bytes);
    if (op->cursor->bytes + size > most)
        return 0;
    memset(entry, 0, size);
    entry->ino = ino;
    entry->off = offset;
    entry->namelen = (UINT32)bytes;
    entry->type = type;
    memcpy(entry->name, name, bytes);
    op->cursor->bytes += size;
    return 1;
}

static UINT64 number_of(const INODE *inode)
{
    return inode->info.IndexNumber != 0 ? inode->info.IndexNumber : (uintptr_t)inode;
}

/* 0: no room. */
static int add_dots(OP *op, UINT64 from)
{
    FRONT *front = op->front;
    UINT64 own, parent;
    pthread_mutex_lock(&front->lock);
    own = number_of(op->inode);
    parent = number_of(op->inode->name.parent != NULL ? op->inode->name.parent : op->inode);
    pthread_mutex_unlock(&front->lock);
    return (from >= AFTER_DOT || answer_add(op, own, AFTER_DOT, DT_DIR, ".", 1)) &&
           (from >= AFTER_DOTS || answer_add(op, parent, AFTER_DOTS, DT_DIR, "..", 2));
}

/* Names that no Linux program could use (a slash, surrogates that stand for no bytes) are left out; `.` and `..` are
 * there already. 0: no room for it. */
static int add_record(OP *op, const FSP_FSCTL_DIR_INFO *info, UINT32 units, UINT32 position)
{
    char name[MAX_NAME_BYTES];
    ptrdiff_t length = name_to_utf8(info->FileNameBuf, units, name, sizeof name);
    UINT64 offset = (UINT64)hash_of(info->FileNameBuf, units) << 32 | (position + 1);
    if (length <= 0 || memchr(name, '/', (size_t)length) != NULL ||
        (name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'))))
        return 1;
    return answer_add(op, info->FileInfo.IndexNumber != 0 ? info->FileInfo.IndexNumber : 1, offset,
        IFTODT(type_of(&info->FileInfo)), name, (size_t)length);
}

static void go_on_after(struct cursor *cursor, const FSP_FSCTL_DIR_INFO *info, UINT32 units)
{
    cursor->hasMark = 1;
    cursor->nextOffset = info->NextOffset;
    cursor->units = units;
    memcpy(cursor->name, info->FileNameBuf, units * sizeof(WCHAR));
}

static void keep_mark(struct cursor *cursor, const FSP_FSCTL_DIR_INFO *info, UINT32 units)
{
    MARK *mark = (void *)(cursor->marks + cursor->markBytes);
    mark->nextOffset = info->NextOffset;
    mark->units = units;
    memcpy(mark->name, info->FileNameBuf, units * sizeof(WCHAR));
    if (cursor->count++ == 0)
        cursor->first = cursor->position;
    cursor->markBytes += mark_size(units);
}

enum { MORE, FULL, ENDED, MALFORMED };

/* The records of one batch, as far as they are wanted and have room. */
static int take_batch(OP *op, const UINT8 *at, UINT32 left)
{
    struct cursor *cursor = op->cursor;
    int any = 0;
    while (left >= sizeof(UINT16)) {
        const FSP_FSCTL_DIR_INFO *info = (const void *)at;
        UINT32 size = info->Size, step = (UINT32)FSP_FSCTL_DEFAULT_ALIGN_UP(size), units;
        if (size < sizeof *info) /* the end mark */
            return ENDED;
        units = (size - (UINT32)sizeof *info) / sizeof(WCHAR);
        if (size > left || units > MAX_NAME_UNITS)
            return MALFORMED;
        any = 1;
        if (cursor->seeks != 0) {
            if (hash_of(info->FileNameBuf, units) == cursor->seeks)
                cursor->seeks = 0;
        } else if (add_record(op, info, units, cursor->position))
            keep_mark(cursor, info, units);
        else
            return FULL;
        go_on_after(cursor, info, units);
        cursor->position++;
        if (step >= left)
            break;
        at += step;
        left -= step;
    }
    return any ? MORE : ENDED;
}

/* ---- readdir ---- */

/* The markers of what the kernel gets now replace those of the answer before. 0: no memory. */
static int keep_window(OP *op)
{
    FRONT *front = op->front;
    STREAM *stream = op->stream;
    struct cursor *cursor = op->cursor;
    UINT8 *window;
    if (cursor->count == 0)
        return 1;
    if (!client_memory_take(front, cursor->markBytes))
        return 0;
    if ((window = malloc(cursor->markBytes)) == NULL) {
        client_memory_give(front, cursor->markBytes);
        return 0;
    }
    memcpy(window, cursor->marks, cursor->markBytes);
    window_free(front, stream);
    stream->window = window;
    stream->windowBytes = cursor->markBytes;
    stream->first = cursor->first;
    stream->count = cursor->count;
    return 1;
}

static void finish(OP *op, int error)
{
    size_t bytes = op->cursor->bytes;
    if (error == 0 && !keep_window(op))
        error = ENOMEM;
    free(op->cursor);
    op->cursor = NULL;
    if (error != 0)
        reply_error(op, error);
    else
        reply_data(op, op_data(op), bytes);
}

static void fetch(OP *op);

static void listed(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    struct cursor *cursor = op->cursor;
    NTSTATUS status = status_of(rsp);
    int state = ENDED;
    if (NT_SUCCESS(status))
        state = take_batch(op, (UINT8 *)op_data(op) + BATCH_OFFSET, rsp->IoStatus.Information);
    else if (status != STATUS_NO_MORE_FILES) {
        finish(op, errno_of(status));
        return;
    }
    if (state == MALFORMED)
        finish(op, EIO);
    else if (state == ENDED && cursor->seeks != 0) { /* the record is gone */
        cursor->seeks = 0;
        cursor->position = AFTER_DOTS;
        cursor->hasMark = 0;
        fetch(op);
    } else if (state == ENDED) {
        op->stream->end = cursor->position;
        finish(op, 0);
    } else if (state == FULL)
        finish(op, cursor->bytes == 0 ? EINVAL : 0); /* EINVAL: not room for one */
    else if (cursor->bytes != 0)
        finish(op, 0);
    else { /* none of them is for the kernel */
        cursor->count = 0;
        cursor->markBytes = 0;
        fetch(op);
    }
}

static void fetch(OP *op)
{
    const struct fuse_read_in *in = op_argument(op);
    const FSP_FSCTL_VOLUME_PARAMS *params = volume_params(op->front->volume);
    struct cursor *cursor = op->cursor;
    UINT64 wanted = (UINT64)in->size * 3; /* a record of the host's is about so much longer than one for the kernel */
    if (wanted > MAX_BATCH_BYTES || cursor->seeks != 0)
        wanted = MAX_BATCH_BYTES;
    op->handle = op->stream->handle;
    request_context(op, FspFsctlTransactQueryDirectoryKind);
    op->req.Req.QueryDirectory.Address = (uintptr_t)op_data(op) + BATCH_OFFSET;
    op->req.Req.QueryDirectory.Length = wanted < MIN_BATCH_BYTES ? MIN_BATCH_BYTES : (UINT32)wanted;
    op->req.Req.QueryDirectory.CaseSensitive = params->CaseSensitiveSearch;
    if (cursor->hasMark && params->DirectoryMarkerAsNextOffset)
        request_add_bytes(&op->req, &op->req.Req.QueryDirectory.Marker, &cursor->nextOffset, sizeof cursor->nextOffset);
    else if (cursor->hasMark)
        request_add_name(&op->req, &op->req.Req.QueryDirectory.Marker, cursor->name, cursor->units);
    op_post(op, listed);
}

/* Where the listing goes on; 0: nowhere, it had ended there. */
static int find_place(OP *op, UINT64 offset)
{
    STREAM *stream = op->stream;
    struct cursor *cursor = op->cursor;
    UINT32 position = POSITION_OF(offset), at = position - 1;
    cursor->position = AFTER_DOTS;
    if (offset == 0)
        stream->end = 0;
    if (position <= AFTER_DOTS)
        return stream->end != AFTER_DOTS;
    if (stream->end == position)
        return 0;
    if (at < stream->first || at - stream->first >= stream->count) {
        cursor->seeks = HASH_OF(offset);
        stream->end = 0; /* positions are counted anew */
        return 1;
    }
    for (const UINT8 *mark = stream->window;; mark += mark_size(((const MARK *)(const void *)mark)->units))
        if (at-- == stream->first) {
            const MARK *found = (const void *)mark;
            cursor->position = position;
            cursor->hasMark = 1;
            cursor->nextOffset = found->nextOffset;
            cursor->units = found->units;
            memcpy(cursor->name, found->name, found->units * sizeof(WCHAR));
            return 1;
        }
}

void do_readdir(OP *op)
{
    const struct fuse_read_in *in = op_argument(op);
    op->stream = (STREAM *)(uintptr_t)in->fh;
    if ((op->cursor = calloc(1, sizeof *op->cursor)) == NULL) {
        reply_error(op, ENOMEM);
        return;
    }
    op->cursor->marks = (UINT8 *)op_data(op) + BATCH_OFFSET + MAX_BATCH_BYTES;
    if (!add_dots(op, in->offset))
        finish(op, op->cursor->bytes == 0 ? EINVAL : 0);
    else if (find_place(op, in->offset))
        fetch(op);
    else
        finish(op, 0);
}

/* ---- opendir, releasedir ---- */

static void opened(OP *op)
{
    FRONT *front = op->front;
    INODE *inode = op->inode;
    STREAM *stream = client_memory_take(front, sizeof *stream) ? calloc(1, sizeof *stream) : NULL;
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
    stream_free(front, stream);
    reply_error(op, 0);
}
