/*
 * The account of memory that clients cause, as the front end uses it. What the kernel knows costs memory here for each
 * file, and it forgets only when the machine is short of it.
 *
 * When the account of what the kernel knows comes near its limit, the kernel is asked to forget the oldest files that
 * nobody uses (FUSE_NOTIFY_PRUNE, Linux 6.18). It keeps those that a program holds by O_PATH, say: then the limit is
 * what counts. An older kernel cannot be asked; there inodes and file objects are bounded by the number of files only.
 */
#include "fuse/objects/front.h"

#define PRUNE_PAUSE_MS 1000u /* after a time that did not help */
#define MAX_LOOKS 4096u /* at inodes, without letting go of the lock */

int client_memory_take(FRONT *front, UINT64 bytes) { return volume_memory_take(front->volume, bytes); }

void client_memory_add(FRONT *front, UINT64 bytes) { volume_memory_add(front->volume, bytes); }

void client_memory_give(FRONT *front, UINT64 bytes) { volume_memory_give(front->volume, bytes); }

int inode_memory_take(FRONT *front, UINT64 bytes)
{
    if (front->prunes)
        return client_memory_take(front, bytes);
    client_memory_add(front, bytes);
    return 1;
}

int memory_exceeds(FRONT *front, UINT32 eighths)
{
    return volume_memory(front->volume) > volume_option(front->volume, OPTION_CLIENT_MEMORY) / 8 * eighths;
}

int prune_may_help(FRONT *front)
{
    int help;
    pthread_mutex_lock(&front->lock);
    help = front->prunes && platform_now_ns() / 1000000 >= front->pruneAtMs;
    pthread_mutex_unlock(&front->lock);
    return help;
}

void prune_pause(FRONT *front) { front->pruneAtMs = platform_now_ns() / 1000000 + PRUNE_PAUSE_MS; }

UINT32 prune_choose(FRONT *front, UINT64 *nodeids, UINT32 most)
{
    UINT32 count = 0;
    INODE *inode;
    if (!memory_exceeds(front, 4))
        return 0;
    for (UINT32 looks = 0; looks < MAX_LOOKS && count < most && (inode = front->oldest) != NULL; looks++) {
        if (inode->opens == 0 && inode->references == 0 && inode->lookups > 0)
            nodeids[count++] = (uintptr_t)inode;
        inode_renew(front, inode);
    }
    return count;
}
