/* Pipes, sockets and devices on a real mount: what they are, what they do, and what the host keeps of them. */
#if defined(__linux__)
#include <sys/socket.h>
#include <sys/un.h>

#include "support/mounted.h"

#define DEVICE_MAJOR 0xabc
#define DEVICE_MINOR 0x12345

static const struct {
    mode_t type;
    unsigned char listed;
    dev_t device;
} kinds[] = {
    {S_IFIFO, DT_FIFO, 0},
    {S_IFSOCK, DT_SOCK, 0},
    {S_IFCHR, DT_CHR, 0}, /* 0:0, as overlayfs marks what is deleted */
    {S_IFCHR, DT_CHR, 1 << 8 | 3},
    {S_IFBLK, DT_BLK, 0}, /* see device_of: makedev is no constant */
};
#define KINDS (sizeof kinds / sizeof kinds[0])

static dev_t device_of(size_t kind)
{
    return S_ISBLK(kinds[kind].type) ? makedev(DEVICE_MAJOR, DEVICE_MINOR) : kinds[kind].device;
}

static unsigned char listed_type(const char *name)
{
    DIR *listing = opendir(".");
    struct dirent *entry;
    unsigned char type = DT_UNKNOWN;
    while ((entry = readdir(listing)) != NULL)
        if (strcmp(entry->d_name, name) == 0)
            type = entry->d_type;
    closedir(listing);
    return type;
}

static void all_kinds(void)
{
    struct stat info;
    umask(0);
    for (size_t i = 0; i < KINDS; i++) {
        EXPECT(mknod("s", kinds[i].type | 0640, device_of(i)) == 0);
        EXPECT(lstat("s", &info) == 0 && info.st_mode == (kinds[i].type | 0640) && info.st_rdev == device_of(i) &&
               info.st_size == 0);
        EXPECT(listed_type("s") == kinds[i].listed);
        FAILS(mknod("s", kinds[i].type | 0600, 0), EEXIST);
        EXPECT(chmod("s", 04711) == 0 && chown("s", 12, 34) == 0);
        EXPECT(utimensat(AT_FDCWD, "s", (struct timespec[]){{1, 0}, {2, 0}}, 0) == 0);
        EXPECT(rename("s", "t") == 0 && lstat("t", &info) == 0 && info.st_mode == (kinds[i].type | 0711) &&
               info.st_uid == 12 && info.st_gid == 34 && info.st_mtime == 2 && info.st_rdev == device_of(i));
        FAILS(truncate("t", 0), EINVAL);
        EXPECT(put("s", "a file") == 0 && rename("s", "t") == 0 && S_ISREG(mode_of("t")) && holds("t", "a file"));
        EXPECT(unlink("t") == 0);
    }
}

static void devices_stay_closed(void)
{
    EXPECT(mknod("null", S_IFCHR | 0666, makedev(1, 3)) == 0);
    FAILS(open("null", O_RDONLY), EACCES); /* the mount is nodev */
    EXPECT(unlink("null") == 0);
}

static void pipe_carries(void)
{
    char bytes[6] = "";
    pid_t writer;
    EXPECT(mkfifo("p", 0600) == 0);
    if ((writer = fork()) == 0) {
        int fd = open("p", O_WRONLY);
        _exit(fd >= 0 && write(fd, "hello", 5) == 5 ? 0 : 1);
    }
    int fd = open("p", O_RDONLY), code;
    EXPECT(read(fd, bytes, 5) == 5 && strcmp(bytes, "hello") == 0 && read(fd, bytes, 5) == 0);
    EXPECT(waitpid(writer, &code, 0) == writer && code == 0);
    EXPECT(close(fd) == 0 && unlink("p") == 0);
}

static void socket_connects(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "s"};
    const struct sockaddr *at = (const void *)&address;
    char bytes[6] = "";
    int server = socket(AF_UNIX, SOCK_STREAM, 0), connection = socket(AF_UNIX, SOCK_STREAM, 0), accepted;
    EXPECT(bind(server, at, sizeof address) == 0 && S_ISSOCK(mode_of("s")) && listen(server, 1) == 0);
    FAILS(bind(connection, at, sizeof address), EADDRINUSE);
    EXPECT(connect(connection, at, sizeof address) == 0 && (accepted = accept(server, NULL, NULL)) >= 0);
    EXPECT(write(connection, "hello", 5) == 5 && read(accepted, bytes, 5) == 5 && strcmp(bytes, "hello") == 0);
    EXPECT(rename("s", "t") == 0);
    strcpy(address.sun_path, "t");
    EXPECT(connect(socket(AF_UNIX, SOCK_STREAM, 0), at, sizeof address) == 0);
    EXPECT(unlink("t") == 0);
    FAILS(connect(socket(AF_UNIX, SOCK_STREAM, 0), at, sizeof address), ENOENT);
    EXPECT(put("t", "no socket") == 0);
    FAILS(connect(socket(AF_UNIX, SOCK_STREAM, 0), at, sizeof address), ECONNREFUSED);
    EXPECT(unlink("t") == 0);
}

static void special_files(void)
{
    for (MODE mode = 0; mode < MODES; mode++) {
        start(mode, MIB, 2);
        client(all_kinds);
        client(devices_stay_closed);
        client(pipe_carries);
        client(socket_connects);
        expect_empty();
        stop();
    }
}

/* What a new front end learns of a file that an old one left. */
static void make_device(void) { EXPECT(mknod("d", S_IFBLK | 0600, makedev(DEVICE_MAJOR, DEVICE_MINOR)) == 0); }

static void find_device(void)
{
    struct stat info;
    EXPECT(lstat("d", &info) == 0 && S_ISBLK(info.st_mode) && info.st_rdev == makedev(DEVICE_MAJOR, DEVICE_MINOR));
    EXPECT(unlink("d") == 0);
}

static void numbers_are_kept(void)
{
    WCHAR place[300];
    mount_at(place);
    start(CACHED, MIB, 2);
    client(make_device);
    FspFileSystemRemoveMountPoint(fs);
    CHECK_EQUAL(FspFileSystemSetMountPoint(fs, place), STATUS_SUCCESS);
    client(find_device);
    stop();
}

static void no_special_files(void)
{
    FAILS(mkfifo("p", 0600), EPERM);
    FAILS(symlink("p", "l"), EPERM);
    EXPECT(mknod("f", S_IFREG | 0600, 0) == 0 && unlink("f") == 0);
}

static void without_reparse_points(void)
{
    FSP_FSCTL_VOLUME_PARAMS params;
    treefs_params(&params, UINT32_MAX);
    params.ReparsePoints = 0;
    CHECK_EQUAL(start_with(&params, CACHED, MIB, 2), STATUS_SUCCESS);
    client(no_special_files);
    stop();
}

int main(void)
{
    if (!mounts_begin())
        return SKIPPED;
    RUN(special_files);
    RUN(numbers_are_kept);
    RUN(without_reparse_points);
    return mounts_end();
}
#else
int main(void) { return 0; }
#endif
