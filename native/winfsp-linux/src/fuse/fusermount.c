/* fusermount3, the set-user-id program that mounts for those who are not root. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuse/front_end.h"

/* Not by PATH: its owner would choose what runs. The last is NixOS' place for set-user-id programs. */
static const char *const places[] = {
    "/usr/bin/fusermount3", "/bin/fusermount3", "/usr/local/bin/fusermount3", "/run/wrappers/bin/fusermount3"};

static const char *program(void)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (access(places[i], X_OK) == 0)
            return places[i];
    return NULL;
}

/* Its first line; what is longer than the buffer is lost. */
static void read_message(int fd, char message[MOUNT_MESSAGE_SIZE])
{
    size_t length = 0;
    ssize_t count;
    while (length < MOUNT_MESSAGE_SIZE - 1 &&
           ((count = read(fd, message + length, MOUNT_MESSAGE_SIZE - 1 - length)) > 0 || (count < 0 && errno == EINTR)))
        length += count > 0 ? (size_t)count : 0;
    message[length] = 0;
    message[strcspn(message, "\n")] = 0;
}

int fusermount(char *const arguments[], int fd, char message[MOUNT_MESSAGE_SIZE])
{
    posix_spawn_file_actions_t actions;
    char *environment[] = {"_FUSE_COMMFD=3", "LC_ALL=C", NULL};
    const char *path = program();
    pid_t child;
    int status = -1, error, words[2];
    message[0] = 0;
    if (path == NULL) {
        snprintf(message, MOUNT_MESSAGE_SIZE, "fusermount3 is not installed");
        return -1;
    }
    if (pipe2(words, O_CLOEXEC) != 0)
        return -1;
    posix_spawn_file_actions_init(&actions);
    if (fd >= 0)
        posix_spawn_file_actions_adddup2(&actions, fd, 3);
    posix_spawn_file_actions_adddup2(&actions, words[1], 2);
    error = posix_spawn(&child, path, &actions, NULL, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    close(words[1]);
    if (error == 0)
        read_message(words[0], message); /* until it has ended */
    close(words[0]);
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
    char *arguments[] = {"fusermount3", "-o", (char *)(uintptr_t)options, "--", front->place.path, NULL};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return errno;
    if (pair[1] == 3) { /* dup2 onto itself would leave it closed in the child */
        int other = fcntl(pair[1], F_DUPFD_CLOEXEC, 4);
        close(pair[1]);
        pair[1] = other;
    }
    if (fusermount(arguments, pair[1], front->message) == 0) {
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
