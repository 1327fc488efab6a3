/* Names and attributes: lookup, getattr, forget. */
#include <errno.h>

#include "fuse_front.h"

static int descriptor_is_old(FRONT *front, const NODE *node)
{
    UINT32 timeout = volume_params(front->volume)->SecurityTimeout;
    return front->persistentAcls && timeout != UINT32_MAX && platform_now_ns() / 1000000 - node->securityAtMs > timeout;
}

/* ---- attributes by handle -------------------------------------------------------------------------------------------------------- */

static void answer(OP *op)
{
    if (op->child != NULL)
        reply_entry(op, op->child);
    else
        reply_attr(op, op->node);
}

static void security_done(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FSP_FSCTL_TRANSACT_BUF sd = rsp->Rsp.QuerySecurity.SecurityDescriptor;
    if (NT_SUCCESS(status_of(rsp)) && sizeof *rsp + sd.Offset + (size_t)sd.Size <= rsp->Size) {
        pthread_mutex_lock(&op->front->lock);
        node_learn_security(op->front, op->node, rsp->Buffer + sd.Offset, sd.Size);
        pthread_mutex_unlock(&op->front->lock);
    }
    answer(op);
}

static void query_done(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FRONT *front = op->front;
    int old;
    if (!NT_SUCCESS(status_of(rsp))) {
        reply_status(op, status_of(rsp));
        return;
    }
    pthread_mutex_lock(&front->lock);
    node_learn(front, op->node, &rsp->Rsp.QueryInformation.FileInfo);
    old = descriptor_is_old(front, op->node);
    pthread_mutex_unlock(&front->lock);
    if (old)
        op_post_context(op, FspFsctlTransactQuerySecurityKind, security_done);
    else
        answer(op);
}

static void query(OP *op) { op_post_context(op, FspFsctlTransactQueryInformationKind, query_done); }

static void query_unless_fresh(OP *op)
{
    FRONT *front = op->front;
    NODE *node = op->node;
    int known;
    pthread_mutex_lock(&front->lock);
    /* As the Windows driver does with an infinite FileInfoTimeout: nobody can have changed it but the kernel's own requests. */
    known = front->cached && atomic_load_explicit(&node->fresh, memory_order_relaxed);
    /* Somebody's working directory that was removed, say: the host cannot be asked any more. */
    known = known || (node->known && node->unlinked && node->handle == NULL);
    pthread_mutex_unlock(&front->lock);
    if (known)
        answer(op);
    else
        with_handle(op, query);
}

void do_getattr(OP *op) { sizes_enter(op, op->node, 0, query_unless_fresh); }

/* ---- look-up --------------------------------------------------------------------------------------------------------------------- */

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
    if ((op->child = node_adopt(op, op->node, op->name, op->nameUnits, rsp)) == NULL)
        reply_error(op, ENOMEM);
    else
        with_link_length(op, looked_up);
}

static void lookup_open(OP *op)
{
    op->disposition = FILE_OPEN;
    op->createOptions = op->attributes = 0;
    op->access = MAXIMUM_ALLOWED;
    if (request_create(op, op->node, op->name, op->nameUnits))
        op_post(op, lookup_done);
}

void do_lookup(OP *op)
{
    FRONT *front = op->front;
    NODE *node = NULL;
    int error = name_of(op_argument(op), op->name, &op->nameUnits, volume_params(front->volume)->MaxComponentLength);
    if (error != 0) {
        reply_error(op, error);
        return;
    }
    if (front->cached) { /* the kernel dropped the name from its cache, but not yet the file */
        pthread_mutex_lock(&front->lock);
        node = node_find(front, op->node, op->name, op->nameUnits);
        if (node != NULL && node->handle != NULL && node->lookups > 0)
            node->references++;
        else
            node = NULL;
        pthread_mutex_unlock(&front->lock);
    }
    if (node != NULL) {
        op->node = op->child = node;
        sizes_enter(op, node, 0, query_unless_fresh);
    } else
        names_enter(op, 0, lookup_open);
}

/* ---- forget ---------------------------------------------------------------------------------------------------------------------- */

static void forget(FRONT *front, UINT64 nodeid, UINT64 lookups)
{
    NODE *node = node_of(front, nodeid);
    if (node == &front->root)
        return;
    node->lookups -= lookups < node->lookups ? lookups : node->lookups;
    node_settle(front, node);
}

void do_forget(OP *op)
{
    const struct fuse_forget_in *in = op_argument(op);
    pthread_mutex_lock(&op->front->lock);
    forget(op->front, op_in(op)->nodeid, in->nlookup);
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
    pthread_mutex_unlock(&op->front->lock);
    reply_none(op);
}
