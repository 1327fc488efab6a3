/*
 * Answers to the kernel: one writev of a header and what follows it. The op's gates and references are given up first,
 * so that whatever the answered program does next finds them free. A kernel that no longer wants the answer (ENOENT)
 * has not taken the look-up or the open along with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fuse/objects/front.h"

int reply_write(OP *op, int error, const void *data, size_t size)
{
    struct fuse_out_header header = {(UINT32)(sizeof header + size), -error, op_in(op)->unique};
    struct iovec parts[2] = {{&header, sizeof header}, {(void *)(uintptr_t)data, size}};
    ssize_t written;
    do
        written = size != 0 ? writev(op->front->fd, parts, 2) : write(op->front->fd, &header, sizeof header);
    while (written < 0 && errno == EINTR);
    return written < 0 ? errno : 0;
}

static void op_release(OP *op)
{
    FRONT *front = op->front;
    op_drop_handle(op);
    op_leave_names(op);
    op_leave_sizes(op);
    if (op->child == NULL && op->target == NULL)
        return;
    pthread_mutex_lock(&front->lock);
    for (int i = 0; i < 2; i++) {
        INODE **held = i == 0 ? &op->child : &op->target;
        if (*held != NULL) {
            (*held)->references--;
            inode_settle(front, *held);
            *held = NULL;
        }
    }
    pthread_mutex_unlock(&front->lock);
}

void op_end(OP *op)
{
    op_release(op);
    if (op->made != NULL)
        handle_discard(op->made);
    op->made = NULL;
    if (op->blank != NULL)
        inode_discard(op->front, op->blank);
    op->blank = NULL;
    op_give(op);
}

void reply_none(OP *op) { op_end(op); }

static void finish(OP *op, int error, const void *data, size_t size)
{
    op_release(op);
    reply_write(op, error, data, size);
    op_end(op);
}

void reply_error(OP *op, int error) { finish(op, error, NULL, 0); }
void reply_status(OP *op, NTSTATUS status) { finish(op, NT_SUCCESS(status) ? 0 : errno_of(status), NULL, 0); }
void reply_data(OP *op, const void *data, size_t size) { finish(op, 0, data, size); }

static void attr_valid(FRONT *front, const INODE *inode, uint64_t *seconds, uint32_t *nanoseconds)
{
    int keep = atomic_load_explicit(&inode->fresh, memory_order_relaxed);
    *seconds = keep ? front->timeoutSec : 0;
    *nanoseconds = keep ? front->timeoutNsec : 0;
}

void reply_attr(OP *op, INODE *inode)
{
    struct fuse_attr_out out;
    struct { /* fuse_statx_out, newer than some headers */
        UINT64 valid;
        UINT32 validNsec, flags;
        UINT64 spare[2];
        struct statx stat;
    } extended;
    FRONT *front = op->front;
    memset(&out, 0, sizeof out);
    memset(&extended, 0, sizeof extended);
    pthread_mutex_lock(&front->lock);
    attr_fill(front, inode, &out.attr);
    attr_valid(front, inode, &out.attr_valid, &out.attr_valid_nsec);
    statx_fill(inode, &out.attr, &extended.stat);
    pthread_mutex_unlock(&front->lock);
    extended.valid = out.attr_valid;
    extended.validNsec = out.attr_valid_nsec;
    if (op_in(op)->opcode == STATX_OPCODE)
        reply_data(op, &extended, sizeof extended);
    else
        reply_data(op, &out, sizeof out);
}

static void entry_fill(FRONT *front, INODE *inode, struct fuse_entry_out *out)
{
    memset(out, 0, sizeof *out);
    out->nodeid = (uintptr_t)inode;
    out->generation = inode->generation;
    out->entry_valid = front->timeoutSec;
    out->entry_valid_nsec = front->timeoutNsec;
    attr_valid(front, inode, &out->attr_valid, &out->attr_valid_nsec);
    attr_fill(front, inode, &out->attr);
}

static void lookup_undo(FRONT *front, INODE *inode, FILE_OBJECT *handle, UINT32 flags)
{
    pthread_mutex_lock(&front->lock);
    inode->lookups--;
    if (handle != NULL) {
        inode->opens--;
        inode->mappable -= (flags & O_ACCMODE) == O_RDWR;
    }
    inode_settle(front, inode);
    pthread_mutex_unlock(&front->lock);
}

void reply_entry(OP *op, INODE *inode)
{
    FRONT *front = op->front;
    struct fuse_entry_out out;
    pthread_mutex_lock(&front->lock);
    entry_fill(front, inode, &out);
    inode->lookups++;
    pthread_mutex_unlock(&front->lock);
    op_release(op);
    if (reply_write(op, 0, &out, sizeof out) != 0)
        lookup_undo(front, inode, NULL, 0);
    op_end(op);
}

void reply_negative(OP *op)
{
    FRONT *front = op->front;
    struct fuse_entry_out out;
    if (!front->cached) {
        reply_error(op, ENOENT);
        return;
    }
    memset(&out, 0, sizeof out);
    out.entry_valid = front->timeoutSec;
    reply_data(op, &out, sizeof out);
}

/* Under front.lock. */
static UINT32 open_flags(FRONT *front, const INODE *inode, UINT32 flags)
{
    return flags | (inode->info.FileAttributes & FILE_ATTRIBUTE_DIRECTORY ? 0 : front->openFlags);
}

void reply_created(OP *op, INODE *inode, FILE_OBJECT *handle)
{
    FRONT *front = op->front;
    struct {
        struct fuse_entry_out entry;
        struct fuse_open_out open;
    } out;
    pthread_mutex_lock(&front->lock);
    entry_fill(front, inode, &out.entry);
    inode->lookups++;
    out.open = (struct fuse_open_out){(uintptr_t)handle, open_flags(front, inode, 0), 0};
    pthread_mutex_unlock(&front->lock);
    op_release(op);
    if (reply_write(op, 0, &out, sizeof out) != 0)
        lookup_undo(front, inode, handle, op->flags);
    op_end(op);
}

void reply_open(OP *op, INODE *inode, UINT64 fh, UINT32 flags)
{
    struct fuse_open_out out = {fh, 0, 0};
    pthread_mutex_lock(&op->front->lock);
    out.open_flags = open_flags(op->front, inode, flags);
    pthread_mutex_unlock(&op->front->lock);
    reply_data(op, &out, sizeof out);
}

int op_learn(OP *op, const FSP_FSCTL_FILE_INFO *info)
{
    int known;
    pthread_mutex_lock(&op->front->lock);
    known = inode_learn(op->front, op->inode, info);
    pthread_mutex_unlock(&op->front->lock);
    if (!known)
        reply_error(op, EIO);
    return known;
}
