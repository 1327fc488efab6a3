/*
 * Symbolic links: reparse points with the tag that Windows uses for its own, so that it could follow them. A target's
 * `/` is `\` there, a backslash U+F05C; both names of the buffer are the same bytes. The length that stat shows is that
 * of the UTF-8 form, which the host does not know.
 */
#include <errno.h>
#include <sys/stat.h>

#include "fuse/objects/front.h"

#define NAMES_OFFSET offsetof(REPARSE_DATA_BUFFER, SymbolicLinkReparseBuffer.PathBuffer)
#define HEAD_SIZE offsetof(REPARSE_DATA_BUFFER, GenericReparseBuffer)

int link_request(OP *op, const char *target)
{
    size_t bytes = strlen(target);
    union {
        REPARSE_DATA_BUFFER data;
        UINT8 room[NAMES_OFFSET + MAX_LINK_BYTES * sizeof(WCHAR)];
    } buffer;
    WCHAR *path = (WCHAR *)(void *)(buffer.room + NAMES_OFFSET);
    UINT32 units;
    int error = bytes > MAX_LINK_BYTES ? ENAMETOOLONG : name_of(target, path, &units, MAX_LINK_BYTES);
    if (error != 0)
        return error;
    for (UINT32 i = 0; i < units; i++)
        if (path[i] == '/')
            path[i] = '\\';
    memset(buffer.room, 0, NAMES_OFFSET);
    buffer.data.ReparseTag = IO_REPARSE_TAG_SYMLINK;
    buffer.data.ReparseDataLength = (UINT16)(NAMES_OFFSET - HEAD_SIZE + units * sizeof(WCHAR));
    buffer.data.SymbolicLinkReparseBuffer.SubstituteNameLength = buffer.data.SymbolicLinkReparseBuffer.PrintNameLength =
        (UINT16)(units * sizeof(WCHAR));
    buffer.data.SymbolicLinkReparseBuffer.Flags = target[0] == '/' ? 0 : SYMLINK_FLAG_RELATIVE;
    request_context(op, FspFsctlTransactFileSystemControlKind);
    op->req.Req.FileSystemControl.FsControlCode = FSCTL_SET_REPARSE_POINT;
    return request_add_bytes(
               &op->req, &op->req.Req.FileSystemControl.Buffer, buffer.room, NAMES_OFFSET + units * sizeof(WCHAR))
               ? 0
               : ENAMETOOLONG;
}

int link_target(const FSP_FSCTL_TRANSACT_RSP *rsp, char *target, size_t *size)
{
    FSP_FSCTL_TRANSACT_BUF where = rsp->Rsp.FileSystemControl.Buffer;
    const REPARSE_DATA_BUFFER *data = (const void *)(rsp->Buffer + where.Offset);
    WCHAR path[MAX_LINK_BYTES];
    size_t at, units;
    ptrdiff_t length;
    if (!NT_SUCCESS(status_of(rsp)))
        return errno_of(status_of(rsp));
    if (sizeof *rsp + where.Offset + (size_t)where.Size > rsp->Size || where.Size < NAMES_OFFSET ||
        data->ReparseTag != IO_REPARSE_TAG_SYMLINK)
        return EIO;
    at = NAMES_OFFSET + data->SymbolicLinkReparseBuffer.SubstituteNameOffset;
    units = data->SymbolicLinkReparseBuffer.SubstituteNameLength / sizeof(WCHAR);
    if (at + units * sizeof(WCHAR) > where.Size || units > MAX_LINK_BYTES)
        return EIO;
    memcpy(path, (const UINT8 *)data + at, units * sizeof(WCHAR));
    for (size_t i = 0; i < units; i++)
        if (path[i] == '\\')
            path[i] = '/';
    length = name_to_utf8(path, units, target, *size);
    if (length < 0)
        return length == -2 ? ENAMETOOLONG : EIO;
    *size = (size_t)length;
    return 0;
}

/* GET_REPARSE_POINT goes by name where the host likes (docs/winfsp.md, "Callbacks"), so the name goes along. */
int request_reparse(OP *op, INODE *inode)
{
    int error;
    request_context(op, FspFsctlTransactFileSystemControlKind);
    op->req.Req.FileSystemControl.FsControlCode = FSCTL_GET_REPARSE_POINT;
    error = request_inode_path(op, &op->req.FileName, inode);
    return error == ENOENT ? 0 : error; /* open, but without a name */
}

static void readlink_done(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    size_t size = MAX_LINK_BYTES;
    int error = link_target(rsp, op_data(op), &size);
    if (error != 0)
        reply_error(op, error);
    else
        reply_data(op, op_data(op), size);
}

static void read_target(OP *op)
{
    int error = request_reparse(op, op->inode);
    if (error != 0)
        reply_error(op, error);
    else
        op_post(op, readlink_done);
}

void do_readlink(OP *op) { with_handle(op, read_target); }
