/*
 * Extended attributes: those of Linux are those of Windows, under their whole names (`user.x`). An empty value is
 * allowed here and means deletion there: it is kept as one byte with a flag that Windows does not use.
 *
 * What the kernel asks before each first write and for each `ls -l` is answered from FILE_INFO, which says whether a
 * file has any.
 */
#include <errno.h>
#include <strings.h>
#include <sys/xattr.h>

#include "fuse/objects/front.h"

#define EMPTY_VALUE_FLAG 0x01u
#define HEAD_SIZE offsetof(FILE_FULL_EA_INFORMATION, EaName)

typedef struct {
    const FILE_FULL_EA_INFORMATION *ea;
    const char *value;
    size_t size;
} FOUND;

static int is_kept(const char *name)
{
    static const char *const spaces[] = {"user.", "trusted.", "security."};
    for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++)
        if (strncmp(name, spaces[i], strlen(spaces[i])) == 0)
            return 1;
    return 0; /* lists of POSIX among them: rights are the nine bits and a Windows descriptor */
}

/* The one at *at, which moves on; 0 at the end, or where the list makes no sense. */
static int next_of(const UINT8 **at, const UINT8 *end, FOUND *found)
{
    const FILE_FULL_EA_INFORMATION *ea = (const void *)*at;
    size_t left = (size_t)(end - *at), size;
    if (left < HEAD_SIZE || (size = HEAD_SIZE + ea->EaNameLength + 1u + ea->EaValueLength) > left)
        return 0;
    *found = (FOUND){
        ea, ea->EaName + ea->EaNameLength + 1, ea->Flags & EMPTY_VALUE_FLAG ? 0 : ea->EaValueLength};
    *at = ea->NextEntryOffset >= size && ea->NextEntryOffset <= left ? *at + ea->NextEntryOffset : end;
    return 1;
}

static int same_name(const OP *op, const char *name, const FILE_FULL_EA_INFORMATION *ea)
{
    return strlen(name) == ea->EaNameLength && (op->front->caseSensitive
                                                       ? memcmp(name, ea->EaName, ea->EaNameLength) == 0
                                                       : strncasecmp(name, ea->EaName, ea->EaNameLength) == 0);
}

/* Where the attributes of an answer lie; 0 when it is a failure, which has been replied. */
static int answered(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp, const UINT8 **at, const UINT8 **end)
{
    FSP_FSCTL_TRANSACT_BUF where = rsp->Rsp.QueryEa.Ea;
    if (!NT_SUCCESS(status_of(rsp)) || sizeof *rsp + where.Offset + (size_t)where.Size > rsp->Size) {
        reply_error(op, NT_SUCCESS(status_of(rsp)) ? EIO : errno_of(status_of(rsp)));
        return 0;
    }
    *at = rsp->Buffer + where.Offset;
    *end = *at + where.Size;
    return 1;
}

static int find(const OP *op, const char *name, const UINT8 *at, const UINT8 *end, FOUND *found)
{
    while (next_of(&at, end, found))
        if (same_name(op, name, found->ea))
            return 1;
    return 0;
}

/* As getxattr(2) and listxattr(2) answer: the length for a size of 0. */
static void reply_sized(OP *op, const void *bytes, size_t size)
{
    const struct fuse_getxattr_in *in = op_argument(op);
    struct fuse_getxattr_out out = {.size = (UINT32)size};
    if (in->size == 0)
        reply_data(op, &out, sizeof out);
    else if (in->size < size)
        reply_error(op, ERANGE);
    else
        reply_data(op, bytes, size);
}

/* Whether FILE_INFO says that it has none; nothing else than this kernel's requests changes that. */
static int has_none(OP *op)
{
    FRONT *front = op->front;
    int none;
    pthread_mutex_lock(&front->lock);
    none = front->cached && op->inode->known && op->inode->info.EaSize == 0;
    none = none || (op->inode->unlinked && op->inode->handle == NULL);
    pthread_mutex_unlock(&front->lock);
    return none;
}

/* ---- get, list ---- */

static void got(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    const UINT8 *at, *end;
    FOUND found;
    if (!answered(op, rsp, &at, &end))
        return;
    if (find(op, (const char *)((const struct fuse_getxattr_in *)op_argument(op) + 1), at, end, &found))
        reply_sized(op, found.value, found.size);
    else
        reply_error(op, ENODATA);
}

static void listed(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    const UINT8 *at, *end;
    FOUND found;
    char *names = op_data(op);
    size_t size = 0;
    int mayAll = op_in(op)->uid == 0;
    if (!answered(op, rsp, &at, &end))
        return;
    while (next_of(&at, end, &found)) {
        size_t length = found.ea->EaNameLength;
        memcpy(names + size, found.ea->EaName, length);
        names[size + length] = 0;
        if (is_kept(names + size) && (mayAll || strncmp(names + size, "trusted.", 8) != 0))
            size += length + 1;
    }
    reply_sized(op, names, size);
}

static void query_one(OP *op) { op_post_context(op, FspFsctlTransactQueryEaKind, got); }
static void query_all(OP *op) { op_post_context(op, FspFsctlTransactQueryEaKind, listed); }
static void get(OP *op) { with_handle(op, query_one); }
static void list(OP *op) { with_handle(op, query_all); }

void do_getxattr(OP *op)
{
    const char *name = (const char *)((const struct fuse_getxattr_in *)op_argument(op) + 1);
    if (!op->front->extendedAttributes)
        reply_error(op, ENOSYS); /* the kernel does not ask again */
    else if (!is_kept(name))
        reply_error(op, EOPNOTSUPP);
    else if (has_none(op))
        reply_error(op, ENODATA);
    else
        sizes_enter(op, op->inode, 0, get);
}

void do_listxattr(OP *op)
{
    if (!op->front->extendedAttributes)
        reply_error(op, ENOSYS);
    else if (has_none(op))
        reply_sized(op, NULL, 0);
    else
        sizes_enter(op, op->inode, 0, list);
}

/* ---- set, remove ---- */

typedef struct {
    const char *name, *value;
    UINT32 size, flags;
} CHANGE;

/* A value of no size is a removal. Without FUSE_SETXATTR_EXT the request has the short form. */
static CHANGE change_of(const OP *op)
{
    if (op_in(op)->opcode == FUSE_REMOVEXATTR)
        return (CHANGE){.name = op_argument(op), .flags = XATTR_REPLACE};
    const UINT32 *in = op_argument(op);
    const char *name = (const char *)op_argument(op) + FUSE_COMPAT_SETXATTR_IN_SIZE;
    return (CHANGE){name, name + strlen(name) + 1, in[0], in[1]};
}

static void changed(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    NTSTATUS status = status_of(rsp);
    if (!NT_SUCCESS(status))
        reply_error(op, status == STATUS_EA_TOO_LARGE ? ENOSPC : errno_of(status));
    else if (op_learn(op, &rsp->Rsp.SetEa.FileInfo))
        reply_error(op, 0);
}

static void apply(OP *op)
{
    CHANGE change = change_of(op);
    int empty = op_in(op)->opcode == FUSE_SETXATTR && change.size == 0;
    size_t nameBytes = strlen(change.name), valueBytes = empty ? 1 : change.size;
    size_t bytes = HEAD_SIZE + nameBytes + 1 + valueBytes;
    union {
        FILE_FULL_EA_INFORMATION ea;
        UINT8 bytes[FSP_FSCTL_TRANSACT_REQ_SIZEMAX];
    } list;
    if (bytes > sizeof list) {
        reply_error(op, ENOSPC);
        return;
    }
    memset(list.bytes, 0, bytes);
    list.ea.Flags = empty ? EMPTY_VALUE_FLAG : 0;
    list.ea.EaNameLength = (UINT8)nameBytes;
    list.ea.EaValueLength = (UINT16)valueBytes;
    memcpy(list.bytes + HEAD_SIZE, change.name, nameBytes);
    if (change.size != 0)
        memcpy(list.bytes + HEAD_SIZE + nameBytes + 1, change.value, change.size);
    request_context(op, FspFsctlTransactSetEaKind);
    if (request_add_bytes(&op->req, &op->req.Req.SetEa.Ea, list.bytes, bytes))
        op_post(op, changed);
    else
        reply_error(op, ENOSPC);
}

static void checked(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    const UINT8 *at, *end;
    CHANGE change = change_of(op);
    FOUND found;
    int isThere;
    if (!answered(op, rsp, &at, &end))
        return;
    isThere = find(op, change.name, at, end, &found);
    if (isThere && (change.flags & XATTR_CREATE))
        reply_error(op, EEXIST);
    else if (!isThere && (change.flags & XATTR_REPLACE))
        reply_error(op, ENODATA);
    else
        apply(op);
}

static void check(OP *op)
{
    if (change_of(op).flags & (XATTR_CREATE | XATTR_REPLACE))
        op_post_context(op, FspFsctlTransactQueryEaKind, checked);
    else
        apply(op);
}

static void change(OP *op) { with_handle(op, check); }

void do_change_xattr(OP *op)
{
    if (!op->front->extendedAttributes)
        reply_error(op, ENOSYS);
    else if (!is_kept(change_of(op).name))
        reply_error(op, EOPNOTSUPP);
    else
        sizes_enter(op, op->inode, 1, change);
}
