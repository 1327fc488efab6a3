/* The way out, in an order in which no program hangs and no answer goes to a wrong descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "fuse/front_end.h"

#define IDLE_GRACE_MS 2000u
#define IDLE_POLL_NS 2000000u

/*
 * Under front.lock: until all ops have ended, and with forHandles all files are closed. Gives up when nothing moves:
 * then no thread serves. Looks again and again, since an op that ends touches nothing afterwards.
 */
static void wait_idle(FRONT *front, int forHandles)
{
    UINT64 deadline = 0;
    long least = LONG_MAX, left;
    while ((left = atomic_load(&front->opsActive) + (forHandles ? front->handlesOpen : front->closing)) > 0) {
        UINT64 now = platform_now_ns();
        if (left < least) {
            least = left;
            deadline = now + IDLE_GRACE_MS * 1000000ull;
        } else if (now >= deadline)
            break;
        platform_cond_wait_until(&front->idle, &front->lock, now + IDLE_POLL_NS);
    }
}

/* Programs asleep in the kernel get an error from here on, and answers that come later go to nowhere, not to
 * whatever has the number then. */
static void disconnect(FRONT *front)
{
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nowhere < 0)
        return;
    dup3(nowhere, front->fd, O_CLOEXEC);
    close(nowhere);
}

static void refuse(FRONT *front, UINT64 unique)
{
    struct fuse_out_header header = {sizeof header, -ENOTCONN, unique};
    ssize_t done = write(front->fd, &header, sizeof header);
    (void)done; /* ENOENT: answered meanwhile, or nobody waits any more */
}

/*
 * A notification on its way waits for a directory that a program holds, which waits for an answer: closing the
 * connection would not free it, because the notification keeps it open. So whatever programs wait for is refused here,
 * until the notification has returned: what a host still owes that no longer serves, and what nobody reads.
 */
static void refuse_until_notifier_ends(FRONT *front)
{
    struct pollfd some = {front->fd, POLLIN, 0};
    OP *op;
    if (notifier_ends(front) || (op = op_take(front)) == NULL)
        return;
    op_refuse_active(front, refuse);
    while (!notifier_ends(front)) {
        const struct fuse_in_header *in = op_in(op);
        ssize_t length = poll(&some, 1, IDLE_POLL_NS / 1000000u) > 0 ? read(front->fd, op->arena, ARENA_SIZE) : -1;
        if (length < (ssize_t)sizeof *in)
            platform_sleep_ms(IDLE_POLL_NS / 1000000u);
        else if (in->opcode != FUSE_FORGET && in->opcode != FUSE_BATCH_FORGET && in->opcode != FUSE_INTERRUPT)
            refuse(front, in->unique);
    }
    atomic_fetch_add(&front->opsActive, 1); /* which op_give takes back */
    op_give(op);
}

void fuse_detach(VOLUME *volume, void *frontEnd)
{
    FRONT *front = frontEnd;
    atomic_store(&front->detaching, 1);
    front_unmount(front);
    volume_set_source(volume, NULL);
    pthread_mutex_lock(&front->lock);
    wait_idle(front, 0);
    pthread_mutex_unlock(&front->lock);
    notifier_part(front);
    refuse_until_notifier_ends(front);
    disconnect(front);
    notifier_free(front);
    pthread_mutex_lock(&front->lock);
    if (atomic_load(&front->opsActive) == 0) { /* the kernel forgets no more: what it still knew is closed here */
        for (INODE *inode = front->newest; inode != NULL; inode = inode->nextOfAll)
            if (inode->handle != NULL) {
                handle_put(inode->handle);
                inode->handle = NULL;
            }
        if (front->root.handle != NULL)
            handle_put(front->root.handle);
        front->root.handle = NULL;
        wait_idle(front, 1);
    }
    pthread_mutex_unlock(&front->lock);
}

/* Detach follows when it is unmounted, and closes what the kernel has not closed. */
int fuse_release(VOLUME *volume, void *frontEnd)
{
    FRONT *front = frontEnd;
    int error;
    atomic_store(&front->releasing, 1);
    if ((error = front_unmount_idle(front)) != 0)
        atomic_store(&front->releasing, 0);
    return error;
}

void fuse_forget(VOLUME *volume, void *frontEnd)
{
    FRONT *front = frontEnd;
    int busy;
    pthread_mutex_lock(&front->lock);
    wait_idle(front, 0);
    busy = atomic_load(&front->opsActive) > 0 || front->closing > 0;
    pthread_mutex_unlock(&front->lock);
    /* mounted anew while the host still owes answers of the mount before: what they will write to must stay */
    if (busy)
        return;
    if (front->fd >= 0)
        close(front->fd);
    while (front->toClose != NULL) {
        FILE_OBJECT *handle = front->toClose;
        front->toClose = handle->next;
        handle_discard(handle);
    }
    free(front->closings);
    streams_free(front);
    inodes_free(front);
    op_free_all(front);
    pthread_cond_destroy(&front->idle);
    pthread_mutex_destroy(&front->lock);
    place_close(&front->place);
    free(front);
}
