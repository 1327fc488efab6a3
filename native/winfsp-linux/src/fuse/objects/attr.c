/* What the host says in its terms, what the kernel wants to hear in its own: FileInfo ↔ attributes, times, names,
 * NTSTATUS → errno. */
#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#include "fuse/objects/front.h"

#define FILETIME_OF_UNIX_EPOCH 116444736000000000ull /* 1601 to 1970, 100 ns */
#define MAX_FILE_BYTES ((1ull << 44) - (1u << 16)) /* NTFS's, with clusters of 4 KiB */
#define TICKS_PER_SECOND 10000000ull

static const struct {
    NTSTATUS status;
    int error;
} errors[] = {
    {STATUS_OBJECT_NAME_NOT_FOUND, ENOENT},
    {STATUS_OBJECT_PATH_NOT_FOUND, ENOENT},
    {STATUS_NO_SUCH_FILE, ENOENT},
    {STATUS_DELETE_PENDING, ENOENT},
    {STATUS_FILE_DELETED, ENOENT},
    {STATUS_OBJECT_NAME_COLLISION, EEXIST},
    {STATUS_OBJECT_NAME_INVALID, EINVAL},
    {STATUS_OBJECT_PATH_INVALID, EINVAL},
    {STATUS_OBJECT_PATH_SYNTAX_BAD, EINVAL},
    {STATUS_INVALID_PARAMETER, EINVAL},
    {STATUS_NAME_TOO_LONG, ENAMETOOLONG},
    {STATUS_NOT_A_DIRECTORY, ENOTDIR},
    {STATUS_FILE_IS_A_DIRECTORY, EISDIR},
    {STATUS_DIRECTORY_NOT_EMPTY, ENOTEMPTY},
    {STATUS_ACCESS_DENIED, EACCES},
    {STATUS_CANNOT_DELETE, EACCES},
    {STATUS_PRIVILEGE_NOT_HELD, EPERM},
    {STATUS_SHARING_VIOLATION, EBUSY},
    {STATUS_FILE_LOCK_CONFLICT, EAGAIN},
    {STATUS_LOCK_NOT_GRANTED, EAGAIN},
    {STATUS_USER_MAPPED_FILE, ETXTBSY},
    {STATUS_DISK_FULL, ENOSPC},
    {STATUS_QUOTA_EXCEEDED, EDQUOT},
    {STATUS_MEDIA_WRITE_PROTECTED, EROFS},
    {STATUS_INSUFFICIENT_RESOURCES, ENOMEM},
    {STATUS_NO_MEMORY, ENOMEM},
    {STATUS_NOT_IMPLEMENTED, EOPNOTSUPP}, /* never ENOSYS: the kernel would not ask again */
    {STATUS_NOT_SUPPORTED, EOPNOTSUPP},
    {STATUS_INVALID_DEVICE_REQUEST, EOPNOTSUPP},
    {STATUS_EAS_NOT_SUPPORTED, EOPNOTSUPP},
    {STATUS_NOT_A_REPARSE_POINT, EINVAL},
    {STATUS_REPARSE_POINT_NOT_RESOLVED, ELOOP},
    {STATUS_REPARSE, ELOOP},
    {STATUS_IO_TIMEOUT, ETIMEDOUT},
    {STATUS_INVALID_HANDLE, EBADF},
    {STATUS_FILE_CLOSED, EBADF},
};

int errno_of(NTSTATUS status)
{
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errors[i].status == status)
            return errors[i].error;
    return EIO; /* INTERNAL_ERROR of a handler that threw, CANCELLED by Stop, and whatever is unheard of */
}

int name_of(const char *name, WCHAR *units, UINT32 *count, UINT32 most)
{
    size_t bytes = strlen(name);
    ptrdiff_t length;
    length = name_to_utf16(name, bytes, units, most);
    if (length < 0)
        return ENAMETOOLONG;
    *count = (UINT32)length;
    return 0;
}

int size_error(NTSTATUS status, UINT64 end)
{
    return status == STATUS_DISK_FULL && end > MAX_FILE_BYTES ? EFBIG : errno_of(status);
}

UINT64 filetime_of(UINT64 seconds, UINT32 nanoseconds)
{
    int64_t signedSeconds = (int64_t)seconds;
    if (signedSeconds < -11644473600ll)
        return 1; /* 0 would mean "leave it" */
    if (signedSeconds > 910692730085ll)
        return INT64_MAX;
    return (UINT64)(signedSeconds * (int64_t)TICKS_PER_SECOND + (int64_t)FILETIME_OF_UNIX_EPOCH + nanoseconds / 100) +
           (signedSeconds == -11644473600ll && nanoseconds < 100);
}

UINT64 filetime_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now); /* the clock of the other file systems, so that times compare */
    return filetime_of((UINT64)now.tv_sec, (UINT32)now.tv_nsec);
}

static void unix_time(UINT64 filetime, uint64_t *seconds, uint32_t *nanoseconds)
{
    int64_t ticks = (int64_t)(filetime - FILETIME_OF_UNIX_EPOCH), whole = ticks / (int64_t)TICKS_PER_SECOND,
            rest = ticks % (int64_t)TICKS_PER_SECOND;
    if (rest < 0) {
        rest += (int64_t)TICKS_PER_SECOND;
        whole--;
    }
    *seconds = (uint64_t)whole;
    *nanoseconds = (uint32_t)rest * 100;
}

static const struct {
    UINT32 tag, type;
} types[] = {
    {IO_REPARSE_TAG_SYMLINK, S_IFLNK},
    {IO_REPARSE_TAG_AF_UNIX, S_IFSOCK},
    {IO_REPARSE_TAG_LX_FIFO, S_IFIFO},
    {IO_REPARSE_TAG_LX_CHR, S_IFCHR},
    {IO_REPARSE_TAG_LX_BLK, S_IFBLK},
};

static UINT32 type_of_tag(UINT32 tag)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].tag == tag)
            return types[i].type;
    return 0;
}

UINT32 tag_of_type(UINT32 type)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].type == type)
            return types[i].tag;
    return 0;
}

UINT32 type_of(const FSP_FSCTL_FILE_INFO *info)
{
    UINT32 special = info->FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT ? type_of_tag(info->ReparseTag) : 0;
    if (special != 0)
        return special;
    return info->FileAttributes & FILE_ATTRIBUTE_DIRECTORY ? S_IFDIR : S_IFREG;
}

int inode_learn(FRONT *front, INODE *inode, const FSP_FSCTL_FILE_INFO *info)
{
    if (inode->known && inode->info.IndexNumber != info->IndexNumber)
        return 0;
    if (!inode->known) { /* until a descriptor says more */
        inode->uid = front->uid;
        inode->gid = front->gid;
        inode->mode = 0777 & ~front->umask;
    }
    inode->info = *info;
    inode->known = 1;
    inode->mode = (inode->mode & 07777) | type_of(info);
    atomic_store_explicit(&inode->fresh, 1, memory_order_relaxed);
    return 1;
}

void inode_learn_security(FRONT *front, INODE *inode, const void *sd, size_t size)
{
    UINT32 uid = UINT32_MAX, gid = UINT32_MAX, mode;
    if (posix_mode_from_sd(sd, (UINT32)size, &uid, &gid, &mode) != 0)
        return;
    /* a Windows descriptor: it belongs to whom the mount belongs to, and is masked as for a new file */
    if (uid == UINT32_MAX)
        mode &= ~front->umask;
    inode->uid = uid == UINT32_MAX ? front->uid : uid;
    inode->gid = gid == UINT32_MAX ? front->gid : gid;
    inode->mode = (inode->mode & S_IFMT) | mode;
    inode->securityAtMs = platform_now_ns() / 1000000;
}

void attr_fill(FRONT *front, INODE *inode, struct fuse_attr *attr)
{
    const FSP_FSCTL_FILE_INFO *info = &inode->info;
    memset(attr, 0, sizeof *attr);
    attr->ino = info->IndexNumber != 0 ? info->IndexNumber : (uintptr_t)inode;
    attr->mode = S_ISLNK(inode->mode) ? S_IFLNK | 0777 : inode->mode;
    if ((info->FileAttributes & FILE_ATTRIBUTE_READONLY) && S_ISREG(inode->mode))
        attr->mode &= ~0222u;
    attr->size = S_ISLNK(inode->mode) ? inode->linkBytes : info->FileSize;
    attr->blocks = info->AllocationSize / 512;
    unix_time(info->LastAccessTime, &attr->atime, &attr->atimensec);
    unix_time(info->LastWriteTime, &attr->mtime, &attr->mtimensec);
    unix_time(info->ChangeTime, &attr->ctime, &attr->ctimensec);
    attr->nlink = front->hardLinks ? info->HardLinks : inode->unlinked ? 0 : 1;
    attr->uid = inode->uid;
    attr->gid = inode->gid;
    attr->blksize = 4096;
    attr->rdev = inode->device;
}

static struct statx_timestamp timestamp(uint64_t seconds, uint32_t nanoseconds)
{
    return (struct statx_timestamp){.tv_sec = (int64_t)seconds, .tv_nsec = nanoseconds};
}

void statx_fill(const INODE *inode, const struct fuse_attr *attr, struct statx *stat)
{
    uint64_t seconds;
    uint32_t nanoseconds;
    unix_time(inode->info.CreationTime, &seconds, &nanoseconds);
    *stat = (struct statx){
        .stx_mask = STATX_BASIC_STATS | STATX_BTIME,
        .stx_blksize = attr->blksize,
        .stx_nlink = attr->nlink,
        .stx_uid = attr->uid,
        .stx_gid = attr->gid,
        .stx_mode = (UINT16)attr->mode,
        .stx_ino = attr->ino,
        .stx_size = attr->size,
        .stx_blocks = attr->blocks,
        .stx_atime = timestamp(attr->atime, attr->atimensec),
        .stx_btime = timestamp(seconds, nanoseconds),
        .stx_ctime = timestamp(attr->ctime, attr->ctimensec),
        .stx_mtime = timestamp(attr->mtime, attr->mtimensec),
        .stx_rdev_major = attr->rdev >> 8 & 0xfff,
        .stx_rdev_minor = (attr->rdev & 0xff) | (attr->rdev >> 12 & 0xfff00),
    };
}

FSP_FSCTL_FILE_INFO inode_info(FRONT *front, const INODE *inode)
{
    FSP_FSCTL_FILE_INFO info;
    pthread_mutex_lock(&front->lock);
    info = inode->info;
    pthread_mutex_unlock(&front->lock);
    return info;
}
