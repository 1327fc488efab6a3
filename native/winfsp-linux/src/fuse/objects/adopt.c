/* What a successful Create says about an inode: its handle and its FileInfo. */
#include "fuse/objects/front.h"

static void learn(FRONT *front, INODE *inode, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FSP_FSCTL_TRANSACT_BUF sd = rsp->Rsp.Create.Opened.SecurityDescriptor;
    /* An inode with a handle knows better: its length may have changed since this answer was given. */
    if (!front->cached || !inode->known || (inode->handle == NULL && !inode->sizes.alone))
        inode_learn(front, inode, &rsp->Rsp.Create.Opened.FileInfo);
    if (sd.Size != 0 && sizeof *rsp + sd.Offset + (size_t)sd.Size <= rsp->Size)
        inode_learn_security(front, inode, rsp->Buffer + sd.Offset, sd.Size);
}

static void install(OP *op, INODE *inode)
{
    if (inode->handle == NULL)
        inode->handle = op->made;
    else {
        op->made->context.UserContext = inode->handle->context.UserContext; /* the first one stays */
        handle_put(op->made);
    }
    op->made = NULL;
}

/* One more lookup of the kernel's, and the handle of this one. */
static void take_in(OP *op, INODE *inode, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    inode->references++;
    learn(op->front, inode, rsp);
    inode_number(op->front, inode);
    install(op, inode);
}

INODE *inode_adopt(OP *op, INODE *dir, const WCHAR *name, size_t units, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FRONT *front = op->front;
    const FSP_FSCTL_FILE_INFO *info = &rsp->Rsp.Create.Opened.FileInfo;
    INODE *inode;
    NAME *known;
    pthread_mutex_lock(&front->lock);
    handle_opened(op->made, rsp);
    known = name_find(front, dir, name, units);
    /* replaced behind the kernel's back */
    if (known != NULL && known->inode->known && known->inode->info.IndexNumber != info->IndexNumber) {
        name_remove(front, known);
        known = NULL;
    }
    inode = inode_find_number(front, info->IndexNumber);
    if (inode == NULL)
        inode = known != NULL ? known->inode : NULL;
    else if (known == NULL && (front->caseSensitive || inode->unlinked))
        name_add(front, inode, dir, name, units); /* without memory it is found by its number again */
    if (inode == NULL) {
        inode = op->blank;
        op->blank = NULL;
        inode_insert(front, dir, inode);
    }
    take_in(op, inode, rsp);
    pthread_mutex_unlock(&front->lock);
    return inode;
}

INODE *inode_adopt_unnamed(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FRONT *front = op->front;
    INODE *inode = op->blank;
    op->blank = NULL;
    pthread_mutex_lock(&front->lock);
    handle_opened(op->made, rsp);
    inode_insert(front, NULL, inode);
    take_in(op, inode, rsp);
    pthread_mutex_unlock(&front->lock);
    return inode;
}

int inode_readopt(OP *op, INODE *inode, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FRONT *front = op->front;
    int same;
    pthread_mutex_lock(&front->lock);
    handle_opened(op->made, rsp);
    same = !inode->known || inode->info.IndexNumber == rsp->Rsp.Create.Opened.FileInfo.IndexNumber;
    if (same) {
        learn(front, inode, rsp);
        install(op, inode);
        op->handle = inode->handle; /* at once: a last close beside this may take it from the inode */
        op->handle->references++;
        op->ownsHandle = 1;
    } else {
        handle_put(op->made);
        op->made = NULL;
        inode_unname(front, inode);
    }
    pthread_mutex_unlock(&front->lock);
    return same;
}
