/*
 * link: a file gets one more name, or again one when it has none. WinFsp knows nothing of it; a host that switches
 * "hard_links" on is asked by a Rename with a bit of its own. The op is alone in `names`, as with every change of one.
 */
#include <errno.h>

#include "fuse/objects/front.h"

static void linked(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FRONT *front = op->front;
    INODE *inode = op->inode;
    if (!NT_SUCCESS(status_of(rsp))) {
        reply_status(op, status_of(rsp));
        return;
    }
    pthread_mutex_lock(&front->lock);
    inode_set_links(front, inode, inode->info.HardLinks + 1);
    /* without memory it is found by its number */
    name_add(front, inode, op->newDirectory, op->newName, op->newNameUnits);
    atomic_store_explicit(&inode->fresh, 0, memory_order_relaxed); /* the change time */
    atomic_store_explicit(&op->newDirectory->fresh, 0, memory_order_relaxed);
    inode->references++;
    op->child = inode;
    pthread_mutex_unlock(&front->lock);
    reply_entry(op, inode);
}

static void go(OP *op)
{
    int error;
    request_context(op, FspFsctlTransactSetInformationKind);
    op->req.Req.SetInformation.FileInformationClass = FileRenameInformationEx;
    op->req.Req.SetInformation.Info.RenameEx.Flags = FSP_LINUX_RENAME_LINK << FSP_LINUX_RENAME_SHIFT;
    error = request_inode_path(op, &op->req.FileName, op->inode);
    if (error == 0 || error == ENOENT) /* open, but without a name */
        error = request_path(
            op, &op->req.Req.SetInformation.Info.Rename.NewFileName, op->newDirectory, op->newName, op->newNameUnits);
    if (error != 0)
        reply_error(op, error);
    else
        op_post(op, linked);
}

static void in_names(OP *op) { with_handle(op, go); }

void do_link(OP *op)
{
    const struct fuse_link_in *in = op_argument(op);
    FRONT *front = op->front;
    int error = name_of(
        (const char *)(in + 1), op->newName, &op->newNameUnits, volume_params(front->volume)->MaxComponentLength);
    if (!front->hardLinks)
        error = EPERM; /* a file has one name there */
    op->newDirectory = op->inode;
    op->inode = inode_of(front, in->oldnodeid);
    if (error != 0)
        reply_error(op, error);
    else
        names_enter(op, 1, in_names);
}
