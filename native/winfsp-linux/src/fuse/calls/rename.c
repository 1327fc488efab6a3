/*
 * rename. The op is alone in `names`, so no path is in use while it changes, as the Windows driver has it with its
 * rename lock. A file that is replaced loses its name and lives on for those who have it open.
 *
 * WinFsp's Rename neither replaces directories nor exchanges names. A host that switches "rename_extension" on does
 * both in one step; for others an empty directory in the way is removed first, so for a moment neither is there, and
 * an exchange is refused.
 */
#include <errno.h>

#include "fuse/objects/front.h"

#define NOREPLACE 1u /* RENAME_NOREPLACE */
#define EXCHANGE 2u /* RENAME_EXCHANGE */
#define WHITEOUT 4u /* RENAME_WHITEOUT */

static int extended(const FRONT *front)
{
    return front->posix && volume_option(front->volume, OPTION_RENAME_EXTENSION) != 0;
}

/* ---- whiteout ---- */

/*
 * A device has taken the old name, with the descriptor of what moved. It shall belong to the caller, with no rights for
 * anyone. The rename has been answered: whatever comes of this, further answers come to nothing.
 */

static void whiteout_done(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp) { reply_error(op, 0); }

static void whiteout_own(OP *op)
{
    if (request_set_mode(op, op_in(op)->uid, op_in(op)->gid, 0))
        op_post(op, whiteout_done);
    else
        reply_error(op, 0);
}

static void whiteout_found(OP *op)
{
    op->inode = op->child;
    with_handle(op, whiteout_own);
}

static void whiteout_owned(OP *op)
{
    FRONT *front = op->front;
    reply_write(op, 0, NULL, 0);
    op_drop_handle(op);
    pthread_mutex_lock(&front->lock);
    op->child->references--;
    inode_settle(front, op->child);
    op->child = NULL;
    pthread_mutex_unlock(&front->lock);
    op->inode = op->oldDirectory;
    with_child(op, whiteout_found);
}

/* ---- rename ---- */

/* Also under another spelling, or another of its names. */
static int is_same_file(const INODE *a, const INODE *b) { return a == b || a->info.IndexNumber == b->info.IndexNumber; }

static void renamed(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FRONT *front = op->front;
    INODE *moved = op->child, *target = op->target;
    if (!NT_SUCCESS(status_of(rsp))) {
        reply_status(op, status_of(rsp));
        return;
    }
    pthread_mutex_lock(&front->lock);
    if (target != NULL && !is_same_file(target, moved)) {
        if (op->flags & EXCHANGE) {
            name_moved(front, target, op->newDirectory, op->newName, op->newNameUnits, op->oldDirectory, op->name,
                op->nameUnits);
        } else {
            if (!inode_is_linked(front, target)) {
                inode_linger(front, target);
                target->replaced = 1;
            }
            name_gone(front, target, op->newDirectory, op->newName, op->newNameUnits);
        }
    }
    atomic_store_explicit(&op->oldDirectory->fresh, 0, memory_order_relaxed);
    atomic_store_explicit(&op->newDirectory->fresh, 0, memory_order_relaxed);
    name_moved(
        front, moved, op->oldDirectory, op->name, op->nameUnits, op->newDirectory, op->newName, op->newNameUnits);
    pthread_mutex_unlock(&front->lock);
    if (op->flags & WHITEOUT)
        whiteout_owned(op);
    else
        reply_error(op, 0);
}

static void go(OP *op)
{
    FRONT *front = op->front;
    UINT32 flags;
    int error;
    request_context(op, FspFsctlTransactSetInformationKind);
    op->req.Req.SetInformation.FileInformationClass = front->posix ? FileRenameInformationEx : FileRenameInformation;
    if (front->posix) {
        flags = FILE_RENAME_POSIX_SEMANTICS | FILE_RENAME_IGNORE_READONLY_ATTRIBUTE;
        if (!(op->flags & (NOREPLACE | EXCHANGE)))
            flags |= FILE_RENAME_REPLACE_IF_EXISTS;
        if (extended(front))
            flags |= (FSP_LINUX_RENAME_POSIX | (op->flags & EXCHANGE ? FSP_LINUX_RENAME_EXCHANGE : 0) |
                         (op->flags & WHITEOUT ? FSP_LINUX_RENAME_WHITEOUT : 0))
                     << FSP_LINUX_RENAME_SHIFT;
        op->req.Req.SetInformation.Info.RenameEx.Flags = flags;
    }
    if (!(op->flags & NOREPLACE))
        op->req.Req.SetInformation.Info.Rename.AccessToken = (UINT64)op_in(op)->pid << 32 | FSP_LINUX_TOKEN_GRANT_ALL;
    error = request_path(op, &op->req.FileName, op->oldDirectory, op->name, op->nameUnits);
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
        directory = (target->info.FileAttributes & FILE_ATTRIBUTE_DIRECTORY) && !is_same_file(target, op->child);
    }
    pthread_mutex_unlock(&front->lock);
    op->result = 0;
    if (target == NULL && (op->flags & EXCHANGE))
        reply_error(op, ENOENT);
    else if (target != NULL && (op->flags & NOREPLACE) && !is_same_file(target, op->child))
        reply_error(op, EEXIST);
    else if (directory && !extended(front))
        remove_child(op, target, op->newDirectory, op->newName, op->newNameUnits, with_source);
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
    /* The kernel has refused an exchange together with either of the others. */
    if (error == 0 && (op->flags & ~(extended(op->front) ? NOREPLACE | EXCHANGE | WHITEOUT : NOREPLACE)) != 0)
        error = EINVAL;
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
