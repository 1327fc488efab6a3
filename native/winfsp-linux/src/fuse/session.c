/* The session: ops read from /dev/fuse and handed to their operation. */
#include <errno.h>
#include <unistd.h>

#include "fuse/front_end.h"

/* What is missing is answered with ENOSYS: the kernel does it by itself, or does without (locks, flush at
 * close). */
/* Newer than some headers. */
#define TMPFILE_OPCODE 51u /* FUSE_TMPFILE */

static THEN *const operations[] = {
    [FUSE_LOOKUP] = do_lookup,
    [FUSE_FORGET] = do_forget,
    [FUSE_GETATTR] = do_getattr,
    [FUSE_SETATTR] = do_setattr,
    [FUSE_READLINK] = do_readlink,
    [FUSE_SYMLINK] = do_symlink,
    [FUSE_MKNOD] = do_mknod,
    [FUSE_MKDIR] = do_mkdir,
    [FUSE_UNLINK] = do_unlink,
    [FUSE_RMDIR] = do_rmdir,
    [FUSE_RENAME] = do_rename,
    [FUSE_LINK] = do_link,
    [FUSE_OPEN] = do_open,
    [FUSE_READ] = do_read,
    [FUSE_WRITE] = do_write,
    [FUSE_STATFS] = do_statfs,
    [FUSE_RELEASE] = do_release,
    [FUSE_FSYNC] = do_fsync,
    [FUSE_SETXATTR] = do_change_xattr,
    [FUSE_GETXATTR] = do_getxattr,
    [FUSE_LISTXATTR] = do_listxattr,
    [FUSE_REMOVEXATTR] = do_change_xattr,
    [FUSE_INIT] = do_init,
    [FUSE_OPENDIR] = do_opendir,
    [FUSE_READDIR] = do_readdir,
    [FUSE_RELEASEDIR] = do_releasedir,
    [FUSE_CREATE] = do_create,
    [FUSE_DESTROY] = do_nothing,
    [FUSE_BATCH_FORGET] = do_batch_forget,
    [FUSE_FALLOCATE] = do_fallocate,
    [FUSE_RENAME2] = do_rename2,
    [FUSE_LSEEK] = do_lseek,
    [FUSE_COPY_FILE_RANGE] = do_copy_range,
    [TMPFILE_OPCODE] = do_tmpfile,
    [STATX_OPCODE] = do_getattr,
};

static void run(OP *op, THEN *operation)
{
    int takesMemory = operation == do_lookup || operation == do_create || operation == do_tmpfile ||
                      operation == do_mkdir || operation == do_mknod || operation == do_symlink ||
                      operation == do_open || operation == do_link;
    if (!takesMemory || !memory_exceeds(op->front, 6) || !prune_may_help(op->front))
        operation(op);
    else if (memory_exceeds(op->front, 7))
        after_prune(op, operation);
    else {
        notifier_prune(op->front);
        operation(op);
    }
}

int front_receive(VOLUME *volume, void *context)
{
    FRONT *front = context;
    OP *op = op_take(front);
    const struct fuse_in_header *in;
    ssize_t length;
    if (op == NULL)
        return 0;
    length = read(front->fd, op->arena, ARENA_SIZE);
    atomic_fetch_add(&front->opsActive, 1);
    if (length < 0) {
        int error = errno;
        op_give(op);
        switch (error) {
        case EAGAIN:
        case EINTR:
            return 0;
        case ENOENT: /* interrupted before it was read */
            return 1;
        }
        /* ENODEV: unmounted, or its connection was aborted. When it is us who unmount the volume goes on: files are to
         * be closed yet. */
        if (atomic_load(&front->detaching) || atomic_load(&front->releasing))
            return 0;
        atomic_store(&front->gone, 1);
        return -1;
    }
    in = op_in(op);
    if ((size_t)length < sizeof *in || in->len != (UINT32)length) {
        op_give(op);
        return 1;
    }
    if (in->opcode != FUSE_FORGET && in->opcode != FUSE_BATCH_FORGET)
        atomic_store_explicit(&op->unique, in->unique, memory_order_relaxed);
    op->inode = inode_of(front, in->nodeid);
    if (in->opcode < sizeof operations / sizeof operations[0] && operations[in->opcode] != NULL)
        run(op, operations[in->opcode]);
    else
        reply_error(op, ENOSYS);
    return 1;
}
