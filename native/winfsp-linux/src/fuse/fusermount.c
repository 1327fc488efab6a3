/* fusermount3, the set-user-id program that mounts for those who are not root. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuse/front_end.h"

int fusermount(char *const arguments[], int fd)
{
    posix_spawn_file_actions_t actions;
    char *environment[] = {"_FUSE_COMMFD=3", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    pid_t child;
    int status = -1, error;
    posix_spawn_file_actions_init(&actions);
    if (fd >= 0)
        posix_spawn_file_actions_adddup2(&actions, fd, 3);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    error = posix_spawnp(&child, "fusermount3", &actions, NULL, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
        return -1;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            /* the program reaps all its children: whether it worked is seen by the descriptor */
            return errno == ECHILD ? 0 : -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int receive_descriptor(int socket)
{
    char byte, control[CMSG_SPACE(sizeof(int))];
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header;
    ssize_t length;
    int fd;
    do
        length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (length < 0 && errno == EINTR);
    header = length > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header == NULL || header->cmsg_type != SCM_RIGHTS)
        return -1;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

int fusermount_mount(FRONT *front, const char *options)
{
    int pair[2], fd = -1;
    char *arguments[] = {"fusermount3", "-o", (char *)(uintptr_t)options, "--", front->mountPoint, NULL};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return errno;
    if (pair[1] == 3) { /* dup2 onto itself would leave it closed in the child */
        int other = fcntl(pair[1], F_DUPFD_CLOEXEC, 4);
        close(pair[1]);
        pair[1] = other;
    }
    if (fusermount(arguments, pair[1]) == 0) {
        close(pair[1]);
        pair[1] = -1;
        fd = receive_descriptor(pair[0]);
    }
    close(pair[0]);
    if (pair[1] >= 0)
        close(pair[1]);
    if (fd < 0)
        return EPERM;
    front->fd = fd;
    return 0;
}
