/*
 * The session: ops read from /dev/fuse and handed to their operation, the pool they come from, the handshake, and what concerns the whole volume.
 *
 * An op is as big as the largest request, but only the pages that were ever used cost memory. The last one used is taken first, so that a client
 * who waits for each answer keeps one op warm.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuse_front.h"

#define POOL_KEPT 32u
#define MAX_BACKGROUND 64
#define DIRECT_IO_ALLOW_MMAP_FLAG2 (1u << 4) /* FUSE_DIRECT_IO_ALLOW_MMAP, bit 36 of the flags; newer than some headers */

static void op_free(OP *op)
{
    munmap(op->arena, ARENA_SIZE);
    free(op);
}

OP *op_take(FRONT *front)
{
    OP *op = atomic_exchange(&front->spare, NULL);
    if (op != NULL)
        return op;
    pthread_mutex_lock(&front->lock);
    if ((op = front->pool) != NULL) {
        front->pool = op->next;
        front->poolCount--;
    }
    pthread_mutex_unlock(&front->lock);
    if (op != NULL || (op = calloc(1, sizeof *op)) == NULL)
        return op;
    op->front = front;
    op->arena = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (op->arena == MAP_FAILED) {
        free(op);
        return NULL;
    }
    return op;
}

void op_give(OP *op)
{
    FRONT *front = op->front;
    OP *none = NULL;
    int drop;
    op->node = NULL;
    if (atomic_compare_exchange_strong(&front->spare, &none, op)) {
        atomic_fetch_sub(&front->opsActive, 1);
        return;
    }
    pthread_mutex_lock(&front->lock);
    if (!(drop = front->poolCount >= POOL_KEPT)) {
        op->next = front->pool;
        front->pool = op;
        front->poolCount++;
    }
    pthread_mutex_unlock(&front->lock);
    if (drop)
        op_free(op);
    atomic_fetch_sub(&front->opsActive, 1);
}

void op_free_all(FRONT *front)
{
    OP *op = atomic_exchange(&front->spare, NULL);
    if (op != NULL)
        op_free(op);
    while ((op = front->pool) != NULL) {
        front->pool = op->next;
        op_free(op);
    }
}

NODE *node_of(FRONT *front, UINT64 nodeid) { return nodeid == FUSE_ROOT_ID ? &front->root : (NODE *)(uintptr_t)nodeid; }

/* ---- handshake ------------------------------------------------------------------------------------------------------------------- */

void do_init(OP *op)
{
    FRONT *front = op->front;
    const struct fuse_init_in *in = op_argument(op);
    UINT32 wanted = FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_ATOMIC_O_TRUNC | FUSE_ASYNC_DIO | FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES;
    struct fuse_init_out out;
    memset(&out, 0, sizeof out);
    out.major = FUSE_KERNEL_VERSION;
    out.minor = FUSE_KERNEL_MINOR_VERSION;
    if (in->major > FUSE_KERNEL_VERSION) { /* it asks again in our version */
        reply_data(op, &out, sizeof out);
        return;
    }
    if (in->major < FUSE_KERNEL_VERSION || in->minor < 28) { /* before FUSE_MAX_PAGES: 2018 */
        reply_error(op, EPROTO);
        return;
    }
    if (front->cached)
        wanted |= FUSE_CACHE_SYMLINKS;
    out.flags = in->flags & wanted;
    if ((in->flags & FUSE_INIT_EXT) && in->minor >= 36) {
        out.flags |= FUSE_INIT_EXT;
        out.flags2 = in->flags2 & DIRECT_IO_ALLOW_MMAP_FLAG2;
    }
    if (in->minor < out.minor)
        out.minor = in->minor;
    out.max_readahead = in->max_readahead > DATA_SIZEMAX ? in->max_readahead : DATA_SIZEMAX;
    out.max_background = MAX_BACKGROUND;
    out.congestion_threshold = MAX_BACKGROUND * 3 / 4;
    out.max_write = DATA_SIZEMAX;
    out.max_pages = DATA_SIZEMAX / 4096;
    out.time_gran = 100;
    /* Nothing of a file is kept in the kernel when FileInfoTimeout says so, or when it could be reached by another spelling of its name. */
    if (front->directIo || (!front->cached && out.flags2 != 0))
        front->openFlags = FOPEN_DIRECT_IO;
    else
        front->openFlags = front->cached ? FOPEN_KEEP_CACHE : 0;
    reply_data(op, &out, sizeof out);
}

/* ---- the volume ------------------------------------------------------------------------------------------------------------------ */

static void statfs_done(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FRONT *front = op->front;
    const FSP_FSCTL_VOLUME_INFO *info = &rsp->Rsp.QueryVolumeInformation.VolumeInfo;
    struct fuse_statfs_out out;
    if (!NT_SUCCESS(status_of(rsp))) {
        reply_status(op, status_of(rsp));
        return;
    }
    memset(&out, 0, sizeof out);
    out.st.bsize = out.st.frsize = front->unit;
    out.st.blocks = info->TotalSize / front->unit;
    out.st.bfree = out.st.bavail = info->FreeSize / front->unit;
    out.st.namelen = volume_params(front->volume)->MaxComponentLength;
    reply_data(op, &out, sizeof out);
}

void do_statfs(OP *op)
{
    pthread_mutex_lock(&op->front->lock);
    lingering_end(op->front);
    pthread_mutex_unlock(&op->front->lock);
    request_begin(&op->req, FspFsctlTransactQueryVolumeInformationKind);
    op_post(op, statfs_done);
}

static void do_nothing(OP *op) { reply_error(op, 0); }
static void do_refuse(OP *op) { reply_error(op, EPERM); }

/* ---- dispatch --------------------------------------------------------------------------------------------------------------------- */

/* What is missing is answered with ENOSYS: the kernel does it by itself, or does without (locks, attributes of users, flush at close). */
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
    [FUSE_LINK] = do_refuse, /* a file has one name here */
    [FUSE_OPEN] = do_open,
    [FUSE_READ] = do_read,
    [FUSE_WRITE] = do_write,
    [FUSE_STATFS] = do_statfs,
    [FUSE_RELEASE] = do_release,
    [FUSE_FSYNC] = do_fsync,
    [FUSE_INIT] = do_init,
    [FUSE_OPENDIR] = do_opendir,
    [FUSE_READDIR] = do_readdir,
    [FUSE_RELEASEDIR] = do_releasedir,
    [FUSE_CREATE] = do_create,
    [FUSE_DESTROY] = do_nothing,
    [FUSE_BATCH_FORGET] = do_batch_forget,
    [FUSE_FALLOCATE] = do_fallocate,
    [FUSE_RENAME2] = do_rename2,
};

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
        /* ENODEV: unmounted, or its connection was aborted. When it is us who unmount the volume goes on: files are to be closed yet. */
        if (atomic_load(&front->detaching))
            return 0;
        atomic_store(&front->gone, 1);
        return -1;
    }
    in = op_in(op);
    if ((size_t)length < sizeof *in || in->len != (UINT32)length) {
        op_give(op);
        return 1;
    }
    op->node = node_of(front, in->nodeid);
    if (in->opcode < sizeof operations / sizeof operations[0] && operations[in->opcode] != NULL)
        operations[in->opcode](op);
    else
        reply_error(op, ENOSYS);
    return 1;
}
