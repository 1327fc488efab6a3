/*
 * setattr: chmod, chown, truncate, utimes, or several of them at once, by path or by open file. Each part is the
 * request that Windows has for it, in the order security, length, times; the first refusal ends it.
 */
#include <errno.h>
#include <sys/stat.h>

#include "fuse/objects/front.h"

#define TOUCH 0x80000000u /* only the change time, after a change of security */
#define TRIM 0x40000000u /* what was reserved beyond the length is given back, as by the kernel's own file systems */

static void next(OP *op);

static void info_done(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    const struct fuse_setattr_in *in = op_argument(op);
    if (!NT_SUCCESS(status_of(rsp))) {
        reply_error(op, size_error(status_of(rsp), in->valid & FATTR_SIZE ? in->size : 0));
        return;
    }
    if (!op_learn(op, &rsp->Rsp.SetInformation.FileInfo))
        return;
    op->flags = 1; /* the answer's attributes are known */
    next(op);
}

static void security_done(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FRONT *front = op->front;
    if (!NT_SUCCESS(status_of(rsp))) {
        reply_status(op, status_of(rsp));
        return;
    }
    pthread_mutex_lock(&front->lock);
    op->inode->uid = op->uid;
    op->inode->gid = op->gid;
    op->inode->mode = (op->inode->mode & S_IFMT) | op->mode;
    op->inode->securityAtMs = platform_now_ns() / 1000000;
    pthread_mutex_unlock(&front->lock);
    next(op);
}

static void set_security(OP *op)
{
    FRONT *front = op->front;
    const INODE *inode = op->inode;
    int same;
    op->valid |= TOUCH;
    pthread_mutex_lock(&front->lock);
    same = op->uid == inode->uid && op->gid == inode->gid && op->mode == (inode->mode & 07777);
    pthread_mutex_unlock(&front->lock);
    /* Without access lists nothing but READONLY can be kept, which set_times sees to; and unpackers set the owner that
     * a file has already. */
    if (!front->persistentAcls || (front->cached && same)) {
        next(op);
        return;
    }
    request_set_mode(op, op->uid, op->gid, op->mode);
    op_post(op, security_done);
}

/* fallocate(2) may have reserved more than the length covers: a cut to the very length means that, too. */
static void size_done(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    const FSP_FSCTL_FILE_INFO *info = &rsp->Rsp.SetInformation.FileInfo;
    UINT64 unit = op->front->unit;
    if (NT_SUCCESS(status_of(rsp)) && info->FileSize == op->size &&
        info->AllocationSize > (info->FileSize + unit - 1) / unit * unit)
        op->valid |= TRIM;
    info_done(op, rsp);
}

static void set_size(OP *op, UINT32 class, STEP *done)
{
    const struct fuse_setattr_in *in = op_argument(op);
    request_context(op, FspFsctlTransactSetInformationKind);
    op->req.Req.SetInformation.FileInformationClass = class;
    op->req.Req.SetInformation.Info.EndOfFile.FileSize = in->size; /* or the allocation's: they lie at one place */
    op_post(op, done);
}

static void set_times(OP *op, UINT32 valid)
{
    const struct fuse_setattr_in *in = op_argument(op);
    UINT64 now = filetime_now();
    UINT32 attributes, wanted, type;
    pthread_mutex_lock(&op->front->lock);
    wanted = attributes = op->inode->info.FileAttributes;
    type = op->inode->mode;
    pthread_mutex_unlock(&op->front->lock);
    if ((valid & TOUCH) && S_ISREG(type)) {
        if (op->mode & 0222)
            wanted &= ~FILE_ATTRIBUTE_READONLY;
        else if (!op->front->persistentAcls)
            wanted |= FILE_ATTRIBUTE_READONLY;
    }
    wanted &= ~(FILE_ATTRIBUTE_NORMAL | FILE_ATTRIBUTE_REPARSE_POINT);
    request_context(op, FspFsctlTransactSetInformationKind);
    op->req.Req.SetInformation.FileInformationClass = FileBasicInformation;
    op->req.Req.SetInformation.Info.Basic.FileAttributes = (wanted ^ attributes) & FILE_ATTRIBUTE_READONLY
                                                               ? (wanted != 0 ? wanted : FILE_ATTRIBUTE_NORMAL)
                                                               : INVALID_FILE_ATTRIBUTES;
    if (valid & (FATTR_ATIME | FATTR_ATIME_NOW))
        op->req.Req.SetInformation.Info.Basic.LastAccessTime =
            valid & FATTR_ATIME_NOW ? now : filetime_of(in->atime, in->atimensec);
    if (valid & (FATTR_MTIME | FATTR_MTIME_NOW))
        op->req.Req.SetInformation.Info.Basic.LastWriteTime =
            valid & FATTR_MTIME_NOW ? now : filetime_of(in->mtime, in->mtimensec);
    op->req.Req.SetInformation.Info.Basic.ChangeTime =
        valid & FATTR_CTIME ? filetime_of(in->ctime, in->ctimensec) : now;
    op_post(op, info_done);
}

static void next(OP *op)
{
    const UINT32 security = FATTR_MODE | FATTR_UID | FATTR_GID,
                 times = FATTR_ATIME | FATTR_MTIME | FATTR_ATIME_NOW | FATTR_MTIME_NOW | FATTR_CTIME;
    UINT32 valid = op->valid;
    if (valid & security) {
        op->valid &= ~security;
        set_security(op);
    } else if (valid & FATTR_SIZE) {
        op->valid &= ~(UINT32)FATTR_SIZE;
        op->size = inode_info(op->front, op->inode).FileSize;
        set_size(op, FileEndOfFileInformation, size_done);
    } else if (valid & TRIM) {
        op->valid &= ~TRIM;
        set_size(op, FileAllocationInformation, info_done);
    } else if (valid & (times | TOUCH)) {
        op->valid &= ~(times | TOUCH);
        set_times(op, valid);
    } else if (!op->flags)
        op_post_context(op, FspFsctlTransactQueryInformationKind, info_done);
    else
        reply_attr(op, op->inode);
}

/*
 * A change of length or owner says so. A request without anything precedes a write, which says it again, or is a chown
 * that leaves owner and group as they are; the kernel has not looked whether its caller may do that, so it counts for
 * the owner and root only.
 */
static int loses_set_ids(const OP *op, const struct fuse_setattr_in *in)
{
    UINT32 caller = op_in(op)->uid;
    int nothing = (in->valid & ~(UINT32)(FATTR_FH | FATTR_LOCKOWNER)) == 0;
    return (in->valid & FATTR_KILL_SUIDGID) || (nothing && (caller == 0 || caller == op->inode->uid));
}

static void begin(OP *op)
{
    const struct fuse_setattr_in *in = op_argument(op);
    FRONT *front = op->front;
    INODE *inode = op->inode;
    int foreign;
    pthread_mutex_lock(&front->lock);
    op->uid = in->valid & FATTR_UID ? in->uid : inode->uid;
    op->gid = in->valid & FATTR_GID ? in->gid : inode->gid;
    op->mode = (in->valid & FATTR_MODE ? in->mode : inode->mode) & 07777;
    if (loses_set_ids(op, in) && !S_ISDIR(inode->mode)) {
        UINT32 left = mode_without_set_ids(op, op->mode, inode->gid);
        op->valid |= left != op->mode ? FATTR_MODE : 0;
        op->mode = left;
    }
    foreign = op->uid != inode->uid || op->gid != inode->gid;
    pthread_mutex_unlock(&front->lock);
    if (!front->persistentAcls && foreign) {
        reply_error(op, EPERM);
        return;
    }
    next(op);
}

static void with_inode(OP *op) { with_handle(op, begin); }

static void in_sizes(OP *op) { sizes_enter(op, op->inode, 1, with_inode); }

void do_setattr(OP *op)
{
    const struct fuse_setattr_in *in = op_argument(op);
    int flush;
    op->valid = in->valid;
    op->flags = 0;
    pthread_mutex_lock(&op->front->lock);
    flush = op->inode->mappable > 0 && (in->valid & (FATTR_MTIME | FATTR_MTIME_NOW | FATTR_SIZE)) == FATTR_MTIME;
    pthread_mutex_unlock(&op->front->lock);
    if (flush) /* what was stored before is older than the time that is set, and must not arrive after it */
        notifier_flush(op, op->inode, in_sizes);
    else
        in_sizes(op);
}
