/*
 * New names: create, mknod, mkdir, symlink; and files without one. All are one Create with FILE_CREATE; owner and mode
 * go along as a security descriptor. What is a link or a special file becomes so by a reparse point that is set behind
 * it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "fuse/objects/front.h"

static int name_argument(OP *op, const char *name)
{
    int error = name_of(name, op->name, &op->nameUnits, volume_params(op->front->volume)->MaxComponentLength);
    if (error != 0)
        reply_error(op, error);
    return error == 0;
}

/* What every new file does to the directory around it, and what a set-group-id directory does to every new file. */
static void prepare(OP *op, UINT32 mode)
{
    FRONT *front = op->front;
    op->disposition = FILE_CREATE;
    op->access = MAXIMUM_ALLOWED;
    op->mode = mode;
    op->uid = op_in(op)->uid;
    op->gid = op_in(op)->gid;
    pthread_mutex_lock(&front->lock);
    if (op->inode->mode & S_ISGID) {
        op->gid = op->inode->gid;
        if (S_ISDIR(mode))
            op->mode |= S_ISGID;
    }
    pthread_mutex_unlock(&front->lock);
    if (S_ISDIR(mode)) {
        op->createOptions = FILE_DIRECTORY_FILE;
        op->attributes = FILE_ATTRIBUTE_DIRECTORY;
    } else {
        op->createOptions = FILE_NON_DIRECTORY_FILE;
        op->attributes = 0;
    }
}

/* The new inode in op->child; 0 after a reply. */
static int adopt(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    NTSTATUS status = status_of(rsp);
    if (!NT_SUCCESS(status) || status == STATUS_REPARSE) {
        reply_status(op, NT_SUCCESS(status) ? STATUS_OBJECT_NAME_COLLISION : status);
        return 0;
    }
    atomic_store_explicit(&op->inode->fresh, 0, memory_order_relaxed); /* the directory's times */
    op->child = inode_adopt(op, op->inode, op->name, op->nameUnits, rsp);
    return 1;
}

/* ---- mkdir, mknod of a file ---- */

static void made(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    if (adopt(op, rsp))
        reply_entry(op, op->child);
}

static void make(OP *op)
{
    if (request_create(op, op->inode, op->name, op->nameUnits))
        op_post(op, made);
}

void do_mkdir(OP *op)
{
    const struct fuse_mkdir_in *in = op_argument(op);
    prepare(op, S_IFDIR | (in->mode & 07777));
    if (name_argument(op, (const char *)(in + 1)))
        names_enter(op, 0, make);
}

/* ---- create, tmpfile ---- */

static void reply_opened(OP *op)
{
    FRONT *front = op->front;
    FILE_OBJECT *handle;
    pthread_mutex_lock(&front->lock);
    op->child->opens++;
    op->child->mappable += (op->flags & O_ACCMODE) == O_RDWR;
    handle = op->child->handle;
    pthread_mutex_unlock(&front->lock);
    reply_created(op, op->child, handle);
}

static void created(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    if (!(op->flags & O_EXCL) && status_of(rsp) == STATUS_OBJECT_NAME_COLLISION) {
        /* It was made behind the kernel's back. ESTALE makes the kernel look again, and find it. */
        reply_error(op, ESTALE);
        return;
    }
    if (adopt(op, rsp))
        reply_opened(op);
}

static void create(OP *op)
{
    if (request_create(op, op->inode, op->name, op->nameUnits))
        op_post(op, created);
}

void do_create(OP *op)
{
    const struct fuse_create_in *in = op_argument(op);
    op->flags = in->flags;
    prepare(op, S_IFREG | (in->mode & 07777));
    if (name_argument(op, (const char *)(in + 1)))
        names_enter(op, 0, create);
}

static void made_unnamed(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    if (!NT_SUCCESS(status_of(rsp)) || status_of(rsp) == STATUS_REPARSE) {
        reply_status(op, NT_SUCCESS(status_of(rsp)) ? STATUS_REPARSE_POINT_NOT_RESOLVED : status_of(rsp));
        return;
    }
    op->child = inode_adopt_unnamed(op, rsp);
    reply_opened(op);
}

static void make_unnamed(OP *op)
{
    op->createOptions |= FSP_LINUX_CREATE_UNNAMED;
    if (request_create(op, op->inode, u"-", 1)) /* in place of a name */
        op_post(op, made_unnamed);
}

void do_tmpfile(OP *op)
{
    const struct fuse_create_in *in = op_argument(op);
    if (!op->front->unnamedFiles) {
        reply_error(op, ENOSYS); /* the kernel does not ask again */
        return;
    }
    op->flags = in->flags;
    prepare(op, S_IFREG | (in->mode & 07777));
    names_enter(op, 0, make_unnamed);
}

/* ---- symlink, mknod of a special file ---- */

static void special_undone(OP *op) { reply_error(op, op->error); }

static void special_failed(OP *op, int error)
{
    INODE *child = op->child;
    op_drop_handle(op);
    op->error = error;
    remove_child(op, child, op->inode, op->name, op->nameUnits, special_undone);
}

static void special_known(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    int known;
    if (!NT_SUCCESS(status_of(rsp))) {
        special_failed(op, errno_of(status_of(rsp)));
        return;
    }
    pthread_mutex_lock(&op->front->lock);
    known = inode_learn(op->front, op->child, &rsp->Rsp.QueryInformation.FileInfo);
    if (S_ISLNK(op->mode))
        op->child->linkBytes = (UINT32)op->size;
    else {
        op->child->device = op->device;
        op->child->deviceKnown = 1;
    }
    pthread_mutex_unlock(&op->front->lock);
    if (known)
        reply_entry(op, op->child);
    else
        special_failed(op, EIO);
}

static void special_set(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    if (NT_SUCCESS(status_of(rsp)))
        op_post_context(op, FspFsctlTransactQueryInformationKind, special_known);
    else
        special_failed(op, errno_of(status_of(rsp)) == EOPNOTSUPP ? EPERM : errno_of(status_of(rsp)));
}

static void special_made(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    int error;
    if (!adopt(op, rsp))
        return;
    pthread_mutex_lock(&op->front->lock);
    op->handle = op->child->handle;
    op->handle->references++;
    op->ownsHandle = 1;
    pthread_mutex_unlock(&op->front->lock);
    error = S_ISLNK(op->mode) ? link_request(op, (const char *)op_argument(op) + strlen(op_argument(op)) + 1)
                              : special_request(op, op->mode & S_IFMT, op->device);
    if (error == 0)
        op_post(op, special_set);
    else
        special_failed(op, error);
}

static void special_make(OP *op)
{
    if (request_create(op, op->inode, op->name, op->nameUnits))
        op_post(op, special_made);
}

static void special_begin(OP *op, UINT32 mode, const char *name)
{
    if (!op->front->reparsePoints) {
        reply_error(op, EPERM);
        return;
    }
    prepare(op, mode);
    if (name_argument(op, name)) /* alone, so that no other call meets the file that is not special yet */
        names_enter(op, 1, special_make);
}

void do_symlink(OP *op)
{
    const char *name = op_argument(op), *target = name + strlen(name) + 1;
    op->size = strlen(target);
    special_begin(op, S_IFLNK | 0777, name);
}

void do_mknod(OP *op)
{
    const struct fuse_mknod_in *in = op_argument(op);
    const char *name = (const char *)(in + 1);
    if (S_ISREG(in->mode)) {
        prepare(op, in->mode);
        if (name_argument(op, name))
            names_enter(op, 0, make);
        return;
    }
    op->device = S_ISCHR(in->mode) || S_ISBLK(in->mode) ? in->rdev : 0;
    special_begin(op, in->mode, name);
}
