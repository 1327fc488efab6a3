/*
 * The set-user-id and set-group-id bits, which go when a user who may not set them changes a file. The kernel says so
 * with the request (FUSE_HANDLE_KILLPRIV_V2); which of them go is decided here, by the rules of the kernel's own file
 * systems.
 */
#include <stdio.h>
#include <sys/stat.h>

#include "fuse/objects/front.h"
#include "fuse/objects/posix.h"

/* Of the process that asks, also by its supplementary groups, which the request does not name. In doubt it is not. */
static int caller_in_group(const OP *op, UINT32 gid)
{
    char path[64], line[4096];
    FILE *file;
    int found = op_in(op)->gid == gid;
    snprintf(path, sizeof path, "/proc/%u/status", op_in(op)->pid);
    if (found || (file = fopen(path, "re")) == NULL)
        return found;
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "Groups:", 7) == 0)
            for (char *at = line + 7, *end; !found; at = end) {
                unsigned long group = strtoul(at, &end, 10);
                if (end == at)
                    break;
                found = group == gid;
            }
    fclose(file);
    return found;
}

UINT32 mode_without_set_ids(const OP *op, UINT32 mode, UINT32 gid)
{
    UINT32 left = mode & ~(UINT32)S_ISUID;
    if ((mode & S_ISGID) && ((mode & S_IXGRP) || (op_in(op)->uid != 0 && !caller_in_group(op, gid))))
        left &= ~(UINT32)S_ISGID;
    return left;
}

int request_set_mode(OP *op, UINT32 uid, UINT32 gid, UINT32 mode)
{
    UINT8 sd[MAX_POSIX_SD_BYTES];
    UINT32 size = sizeof sd;
    posix_sd_from_mode(uid, gid, mode, sd, &size);
    request_context(op, FspFsctlTransactSetSecurityKind);
    op->req.Req.SetSecurity.SecurityInformation = OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION |
                                                  DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
    return request_add_bytes(&op->req, &op->req.Req.SetSecurity.SecurityDescriptor, sd, size);
}

static void dropped(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    if (!NT_SUCCESS(status_of(rsp))) {
        reply_status(op, status_of(rsp));
        return;
    }
    pthread_mutex_lock(&op->front->lock);
    op->inode->mode = (op->inode->mode & S_IFMT) | op->mode;
    pthread_mutex_unlock(&op->front->lock);
    op->afterDrop(op);
}

static void drop(OP *op)
{
    UINT32 uid, gid;
    pthread_mutex_lock(&op->front->lock);
    uid = op->inode->uid;
    gid = op->inode->gid;
    pthread_mutex_unlock(&op->front->lock);
    request_set_mode(op, uid, gid, op->mode);
    op_post(op, dropped);
}

void drop_set_ids(OP *op, THEN *then)
{
    FRONT *front = op->front;
    UINT32 mode, gid;
    pthread_mutex_lock(&front->lock);
    mode = S_ISREG(op->inode->mode) ? op->inode->mode & 07777 : 0;
    gid = op->inode->gid;
    pthread_mutex_unlock(&front->lock);
    op->mode = mode & (S_ISUID | S_ISGID) ? mode_without_set_ids(op, mode, gid) : mode;
    if (op->mode == mode || !front->persistentAcls) {
        then(op);
        return;
    }
    op->afterDrop = then;
    if (op->handle != NULL)
        drop(op);
    else
        with_handle(op, drop);
}
