/*
 * Files of several names: link(2), and what becomes of the names that calls have taken away, moved or added. Where case
 * does not count, each spelling that the kernel knows of a name is an inode of its own, which goes and moves with it.
 *
 * WinFsp knows nothing of links; a host that switches "hard_links" on is asked by a Rename with a bit of its own.
 */
#include <errno.h>

#include "fuse/objects/front.h"

int inode_is_linked(const FRONT *front, const INODE *inode)
{
    return front->hardLinks && !(inode->info.FileAttributes & FILE_ATTRIBUTE_DIRECTORY) && inode->info.HardLinks > 1;
}

static NAME *name_of_inode(INODE *inode, const INODE *parent, const WCHAR *text, size_t units)
{
    NAME *name = inode->unlinked ? NULL : &inode->name;
    while (name != NULL &&
           !(name->parent == parent && name->units == units && memcmp(name->text, text, units * sizeof *text) == 0))
        name = name->other;
    return name;
}

static void unname_others(FRONT *front, INODE *inode)
{
    INODE *other = first_spelling(front, inode), *next;
    for (; other != NULL; other = next) {
        next = next_spelling(other->nextOfNumber, inode);
        inode_unname(front, other);
    }
}

void inode_set_links(FRONT *front, INODE *inode, UINT32 count)
{
    inode->info.HardLinks = count;
    for (INODE *other = first_spelling(front, inode); other != NULL; other = next_spelling(other->nextOfNumber, inode))
        other->info.HardLinks = count;
}

void name_gone(FRONT *front, INODE *inode, INODE *parent, const WCHAR *text, size_t units)
{
    int linked = inode_is_linked(front, inode);
    NAME *name = name_of_inode(inode, parent, text, units);
    if (front->hardLinks)
        inode_set_links(front, inode, linked ? inode->info.HardLinks - 1 : 0);
    if (!front->caseSensitive)
        unname_others(front, inode); /* with other links: the next look-up of one names it again */
    if (linked && name != NULL)
        name_remove(front, name);
    else
        inode_unname(front, inode);
}

static void rename_spelling(FRONT *front, INODE *inode, INODE *to, const WCHAR *text, size_t units)
{
    if (inode->unlinked)
        return;
    inode->references++;
    inode_unname(front, inode);
    /* no memory for the name: it works by its handle as long as it has one, and is looked up anew */
    name_add(front, inode, to, text, units);
    inode->references--;
    inode_settle(front, inode);
}

void name_moved(
    FRONT *front, INODE *inode, INODE *from, const WCHAR *text, size_t units, INODE *to, const WCHAR *new, size_t more)
{
    INODE *other, *next;
    NAME *name = name_of_inode(inode, from, text, units);
    atomic_store_explicit(&inode->fresh, 0, memory_order_relaxed);
    if (inode_is_linked(front, inode)) {
        if (!front->caseSensitive)
            unname_others(front, inode);
        if (name_add(front, inode, to, new, more) && name != NULL)
            name = name_of_inode(inode, from, text, units);
        if (name != NULL)
            name_remove(front, name);
        return;
    }
    for (other = front->caseSensitive ? NULL : first_spelling(front, inode); other != NULL; other = next) {
        next = next_spelling(other->nextOfNumber, inode);
        rename_spelling(front, other, to, new, more);
    }
    rename_spelling(front, inode, to, new, more);
}

/* ---- link, alone in `names` as with every change of one ---- */

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

static void ask(OP *op)
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

static void in_names(OP *op) { with_handle(op, ask); }

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
