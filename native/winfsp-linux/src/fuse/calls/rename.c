/*
 * rename. The op is alone in `names`, so no path is in use while it changes, as the Windows driver has it with its
 * rename lock. A file that is replaced loses its name and lives on for those who have it open. WinFsp does not replace
 * directories: an empty one in the way is removed first, so for a moment neither is there.
 */
#include <errno.h>

#include "fuse/objects/front.h"

#define NOREPLACE 1u /* RENAME_NOREPLACE */

static void renamed(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FRONT *front = op->front;
    INODE *moved = op->child, *target = op->target;
    if (!NT_SUCCESS(status_of(rsp))) {
        reply_status(op, status_of(rsp));
        return;
    }
    pthread_mutex_lock(&front->lock);
    inode_unname_others(front, moved);
    if (target != NULL && target != moved) {
        inode_unname_others(front, target);
        inode_linger(front, target);
        inode_unname(front, target);
    }
    atomic_store_explicit(&op->oldDirectory->fresh, 0, memory_order_relaxed);
    atomic_store_explicit(&op->newDirectory->fresh, 0, memory_order_relaxed);
    atomic_store_explicit(&moved->fresh, 0, memory_order_relaxed);
    if (!moved->unlinked && !inode_rename(front, moved, op->newDirectory, op->newName, op->newNameUnits))
        /* no memory for the name: it works by its handle as long as it has one, and is looked up anew */
        inode_unname(front, moved);
    pthread_mutex_unlock(&front->lock);
    reply_error(op, 0);
}

static void go(OP *op)
{
    FRONT *front = op->front;
    int error;
    request_context(op, FspFsctlTransactSetInformationKind);
    op->req.Req.SetInformation.FileInformationClass = front->posix ? FileRenameInformationEx : FileRenameInformation;
    if (front->posix)
        op->req.Req.SetInformation.Info.RenameEx.Flags = FILE_RENAME_POSIX_SEMANTICS |
                                                         FILE_RENAME_IGNORE_READONLY_ATTRIBUTE |
                                                         (op->flags & NOREPLACE ? 0 : FILE_RENAME_REPLACE_IF_EXISTS);
    if (!(op->flags & NOREPLACE))
        op->req.Req.SetInformation.Info.Rename.AccessToken = (UINT64)op_in(op)->pid << 32 | FSP_LINUX_TOKEN_GRANT_ALL;
    error = request_inode_path(op, &op->req.FileName, op->child);
    if (error == 0)
        error = request_path(
            op, &op->req.Req.SetInformation.Info.Rename.NewFileName, op->newDirectory, op->newName, op->newNameUnits);
    if (error != 0)
        reply_error(op, error);
    else
        op_post(op, renamed);
}

static void with_source(OP *op)
{
    if (op->target != NULL && op->result != 0) {
        reply_error(op, op->result);
        return;
    }
    op->inode = op->child;
    with_handle(op, go);
}

static void have_source(OP *op)
{
    FRONT *front = op->front;
    INODE *target;
    int directory = 0;
    pthread_mutex_lock(&front->lock);
    if ((target = inode_find(front, op->newDirectory, op->newName, op->newNameUnits)) != NULL) {
        target->references++;
        op->target = target;
        /* The same file under another spelling is no obstacle: only its case changes. */
        directory = (target->info.FileAttributes & FILE_ATTRIBUTE_DIRECTORY) && target != op->child &&
                    target->info.IndexNumber != op->child->info.IndexNumber;
    }
    pthread_mutex_unlock(&front->lock);
    op->result = 0;
    if (target != NULL && (op->flags & NOREPLACE) && target->info.IndexNumber != op->child->info.IndexNumber)
        reply_error(op, EEXIST);
    else if (directory)
        remove_child(op, target, with_source);
    else
        with_source(op);
}

static void in_names(OP *op) { with_child(op, have_source); }

static void start(OP *op, UINT64 newDirectory, const char *names)
{
    UINT32 most = volume_params(op->front->volume)->MaxComponentLength;
    const char *newName = names + strlen(names) + 1;
    int error = name_of(names, op->name, &op->nameUnits, MAX_NAME_UNITS);
    if (error == 0)
        error = name_of(newName, op->newName, &op->newNameUnits, most);
    if (error == 0 && (op->flags & ~NOREPLACE) != 0)
        error = EINVAL; /* exchange and whiteout have no counterpart */
    op->oldDirectory = op->inode;
    op->newDirectory = inode_of(op->front, newDirectory);
    if (error != 0)
        reply_error(op, error);
    else
        names_enter(op, 1, in_names);
}

void do_rename(OP *op)
{
    const struct fuse_rename_in *in = op_argument(op);
    op->flags = 0;
    start(op, in->newdir, (const char *)(in + 1));
}

void do_rename2(OP *op)
{
    const struct fuse_rename2_in *in = op_argument(op);
    op->flags = in->flags;
    start(op, in->newdir, (const char *)(in + 1));
}
