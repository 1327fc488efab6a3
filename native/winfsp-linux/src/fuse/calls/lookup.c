/* Names and attributes: lookup, getattr, forget. */
#include <errno.h>

#include "fuse/objects/front.h"

static int descriptor_is_old(FRONT *front, const INODE *inode)
{
    UINT32 timeout = volume_params(front->volume)->SecurityTimeout;
    return front->persistentAcls && timeout != UINT32_MAX &&
           platform_now_ns() / 1000000 - inode->securityAtMs > timeout;
}

/* ---- attributes by handle ---- */

static void answer(OP *op)
{
    if (op->child != NULL)
        reply_entry(op, op->child);
    else
        reply_attr(op, op->inode);
}

static void security_done(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FSP_FSCTL_TRANSACT_BUF sd = rsp->Rsp.QuerySecurity.SecurityDescriptor;
    if (NT_SUCCESS(status_of(rsp)) && sizeof *rsp + sd.Offset + (size_t)sd.Size <= rsp->Size) {
        pthread_mutex_lock(&op->front->lock);
        inode_learn_security(op->front, op->inode, rsp->Buffer + sd.Offset, sd.Size);
        pthread_mutex_unlock(&op->front->lock);
    }
    answer(op);
}

static void query_done(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FRONT *front = op->front;
    int known, old;
    if (!NT_SUCCESS(status_of(rsp))) {
        reply_status(op, status_of(rsp));
        return;
    }
    pthread_mutex_lock(&front->lock);
    known = inode_learn(front, op->inode, &rsp->Rsp.QueryInformation.FileInfo);
    old = descriptor_is_old(front, op->inode);
    pthread_mutex_unlock(&front->lock);
    if (!known)
        reply_error(op, EIO);
    else if (old)
        op_post_context(op, FspFsctlTransactQuerySecurityKind, security_done);
    else
        answer(op);
}

static void query(OP *op) { op_post_context(op, FspFsctlTransactQueryInformationKind, query_done); }

static void query_unless_fresh(OP *op)
{
    FRONT *front = op->front;
    INODE *inode = op->inode;
    int known;
    pthread_mutex_lock(&front->lock);
    /* As the Windows driver does with an infinite FileInfoTimeout: nothing can have changed it but the kernel's own
     * requests. */
    known = front->cached && atomic_load_explicit(&inode->fresh, memory_order_relaxed);
    /* A program's working directory that was removed, say: the host cannot be asked any more. */
    known = known || (inode->known && inode->unlinked && inode->handle == NULL);
    pthread_mutex_unlock(&front->lock);
    if (known)
        answer(op);
    else
        with_handle(op, query);
}

void do_getattr(OP *op) { sizes_enter(op, op->inode, 0, query_unless_fresh); }

/* ---- look-up ---- */

static void looked_up(OP *op) { reply_entry(op, op->child); }

static void lookup_done(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    NTSTATUS status = status_of(rsp);
    if (!NT_SUCCESS(status) || status == STATUS_REPARSE) {
        if (errno_of(status) == ENOENT)
            reply_negative(op);
        else
            reply_status(op, NT_SUCCESS(status) ? STATUS_REPARSE_POINT_NOT_RESOLVED : status);
        return;
    }
    op->child = inode_adopt(op, op->inode, op->name, op->nameUnits, rsp);
    with_reparse_data(op, looked_up);
}

static void lookup_open(OP *op)
{
    op->disposition = FILE_OPEN;
    op->createOptions = op->attributes = 0;
    op->access = MAXIMUM_ALLOWED;
    if (request_create(op, op->inode, op->name, op->nameUnits))
        op_post(op, lookup_done);
}

void do_lookup(OP *op)
{
    FRONT *front = op->front;
    INODE *inode = NULL;
    int error = name_of(op_argument(op), op->name, &op->nameUnits, volume_params(front->volume)->MaxComponentLength);
    if (error != 0) {
        reply_error(op, error);
        return;
    }
    if (front->cached) { /* the kernel dropped the name from its cache, but not yet the file */
        pthread_mutex_lock(&front->lock);
        inode = inode_find(front, op->inode, op->name, op->nameUnits);
        if (inode != NULL && inode->handle != NULL && inode->lookups > 0)
            inode->references++;
        else
            inode = NULL;
        pthread_mutex_unlock(&front->lock);
    }
    if (inode != NULL) {
        op->inode = op->child = inode;
        sizes_enter(op, inode, 0, query_unless_fresh);
    } else
        names_enter(op, 0, lookup_open);
}

/* ---- forget ---- */

static void forget(FRONT *front, UINT64 nodeid, UINT64 lookups)
{
    INODE *inode = inode_of(front, nodeid);
    if (inode == &front->root)
        return;
    inode->lookups -= lookups < inode->lookups ? lookups : inode->lookups;
    inode_settle(front, inode);
}

void do_forget(OP *op)
{
    const struct fuse_forget_in *in = op_argument(op);
    pthread_mutex_lock(&op->front->lock);
    forget(op->front, op_in(op)->nodeid, in->nlookup);
    notifier_trim(op->front);
    pthread_mutex_unlock(&op->front->lock);
    reply_none(op);
}

void do_batch_forget(OP *op)
{
    const struct fuse_batch_forget_in *in = op_argument(op);
    const struct fuse_forget_one *one = (const void *)(in + 1);
    UINT32 most = (op_in(op)->len - sizeof(struct fuse_in_header) - sizeof *in) / sizeof *one;
    pthread_mutex_lock(&op->front->lock);
    for (UINT32 i = 0; i < in->count && i < most; i++)
        forget(op->front, one[i].nodeid, one[i].nlookup);
    notifier_trim(op->front);
    pthread_mutex_unlock(&op->front->lock);
    reply_none(op);
}
