/*
 * Pipes, sockets and devices: reparse points with the tags that Windows (sockets) and its Subsystem for Linux use. The
 * tag says what a file is; a device's number is the data: major, then minor, 32 bits each.
 */
#include <errno.h>
#include <sys/stat.h>

#include "fuse/objects/front.h"

#define HEAD_SIZE offsetof(REPARSE_DATA_BUFFER, GenericReparseBuffer)

typedef struct {
    UINT32 major, minor;
} DEVICE_NUMBER;

static int is_device(UINT32 mode) { return S_ISCHR(mode) || S_ISBLK(mode); }

int special_request(OP *op, UINT32 type, UINT32 device)
{
    UINT8 bytes[HEAD_SIZE + sizeof(DEVICE_NUMBER)] = {0};
    DEVICE_NUMBER number = {device >> 8 & 0xfff, (device & 0xff) | (device >> 12 & 0xfff00)};
    UINT16 length = is_device(type) ? sizeof number : 0;
    UINT32 tag = tag_of_type(type);
    if (tag == 0)
        return EPERM;
    memcpy(bytes, &tag, sizeof tag);
    memcpy(bytes + offsetof(REPARSE_DATA_BUFFER, ReparseDataLength), &length, sizeof length);
    memcpy(bytes + HEAD_SIZE, &number, length);
    request_context(op, FspFsctlTransactFileSystemControlKind);
    op->req.Req.FileSystemControl.FsControlCode = FSCTL_SET_REPARSE_POINT;
    request_add_bytes(&op->req, &op->req.Req.FileSystemControl.Buffer, bytes, HEAD_SIZE + length);
    return 0;
}

/* 0:0 for data without a number: nothing that a program could open is there. */
static UINT32 device_of(const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FSP_FSCTL_TRANSACT_BUF where = rsp->Rsp.FileSystemControl.Buffer;
    DEVICE_NUMBER number;
    if (!NT_SUCCESS(status_of(rsp)) || where.Size < HEAD_SIZE + sizeof number ||
        sizeof *rsp + where.Offset + (size_t)where.Size > rsp->Size)
        return 0;
    memcpy(&number, rsp->Buffer + where.Offset + HEAD_SIZE, sizeof number);
    return (number.minor & 0xff) | (number.major & 0xfff) << 8 | (number.minor & 0xfff00) << 12;
}

static void data_done(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    INODE *inode = op->child;
    size_t size = MAX_LINK_BYTES;
    UINT32 device = device_of(rsp);
    int linkKnown = S_ISLNK(inode->mode) && link_target(rsp, op_data(op), &size) == 0;
    pthread_mutex_lock(&op->front->lock);
    if (linkKnown)
        inode->linkBytes = (UINT32)size;
    if (is_device(inode->mode)) {
        inode->device = device;
        inode->deviceKnown = 1;
    }
    pthread_mutex_unlock(&op->front->lock);
    op_drop_handle(op);
    op->afterOpen(op);
}

void with_reparse_data(OP *op, THEN *then)
{
    FRONT *front = op->front;
    INODE *inode = op->child;
    int learn;
    pthread_mutex_lock(&front->lock);
    learn = inode->handle != NULL && ((S_ISLNK(inode->mode) && inode->linkBytes == 0) ||
                                         (is_device(inode->mode) && !inode->deviceKnown));
    if (learn) {
        op->handle = inode->handle;
        op->handle->references++;
        op->ownsHandle = 1;
    }
    pthread_mutex_unlock(&front->lock);
    op->afterOpen = then;
    if (learn && request_reparse(op, inode) == 0)
        op_post(op, data_done);
    else {
        op_drop_handle(op);
        then(op);
    }
}
