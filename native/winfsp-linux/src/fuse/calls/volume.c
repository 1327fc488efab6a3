/* The handshake, and what concerns the whole volume. */
#include <errno.h>

#include "fuse/objects/front.h"

#define MAX_BACKGROUND 64
#define PRUNE_MINOR_VERSION 45 /* with FUSE_NOTIFY_PRUNE */
#define DIRECT_IO_ALLOW_MMAP_FLAG2 \
    (1u << 4) /* FUSE_DIRECT_IO_ALLOW_MMAP, bit 36 of the flags; newer than some headers */

/*
 * What is not asked for, and why. FUSE_ASYNC_DIO: the kernel then drops no pages after an asynchronous O_DIRECT write,
 * so what another program read meanwhile stays in its cache for good. FUSE_WRITEBACK_CACHE: it would take writes that
 * the host has not seen, and keep lengths and times of its own. FUSE_AUTO_INVAL_DATA, FUSE_DO_READDIRPLUS: nothing
 * changes behind the kernel's back without a notification.
 */
/*
 * A file handle (name_to_handle_at) would be of use only while the kernel knows the file anyway: without an inode
 * number to open a file by, as WinFsp has none, it goes stale when the kernel forgets. So there are none.
 */
#define NO_EXPORT_SUPPORT_FLAG2 (1u << 6) /* FUSE_NO_EXPORT_SUPPORT, bit 38 of the flags: Linux 6.9 */

void do_init(OP *op)
{
    FRONT *front = op->front;
    const struct fuse_init_in *in = op_argument(op);
    UINT32 wanted = FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_ATOMIC_O_TRUNC | FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES |
                    FUSE_HANDLE_KILLPRIV_V2;
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
        out.flags2 = in->flags2 & (DIRECT_IO_ALLOW_MMAP_FLAG2 | NO_EXPORT_SUPPORT_FLAG2);
    }
    if (in->minor < out.minor)
        out.minor = in->minor;
    front->prunes = in->minor >= PRUNE_MINOR_VERSION;
    out.max_readahead = in->max_readahead > MAX_DATA_BYTES ? in->max_readahead : MAX_DATA_BYTES;
    out.max_background = MAX_BACKGROUND;
    out.congestion_threshold = MAX_BACKGROUND * 3 / 4;
    out.max_write = MAX_DATA_BYTES;
    out.max_pages = MAX_DATA_BYTES / 4096;
    out.time_gran = 100;
    /* Nothing of a file is kept in the kernel when FileInfoTimeout says so, or when it could be reached by another
     * spelling of its name. */
    if (front->directIo || (!front->cached && (out.flags2 & DIRECT_IO_ALLOW_MMAP_FLAG2)))
        front->openFlags = FOPEN_DIRECT_IO;
    else
        front->openFlags = front->cached ? FOPEN_KEEP_CACHE : 0;
    reply_data(op, &out, sizeof out);
}

static void statfs_done(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FRONT *front = op->front;
    const FSP_LINUX_VOLUME_INFO *all = (const void *)&rsp->Rsp;
    const FSP_FSCTL_VOLUME_INFO *info = &all->info;
    struct fuse_statfs_out out;
    if (!NT_SUCCESS(status_of(rsp))) {
        reply_status(op, status_of(rsp));
        return;
    }
    memset(&out, 0, sizeof out);
    out.st.bsize = out.st.frsize = front->unit;
    out.st.blocks = info->TotalSize / front->unit;
    out.st.bfree = out.st.bavail = info->FreeSize / front->unit;
    out.st.files = all->counts.TotalFiles;
    out.st.ffree = all->counts.FreeFiles;
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

void do_nothing(OP *op) { reply_error(op, 0); }
