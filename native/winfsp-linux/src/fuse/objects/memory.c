/*
 * The account of memory that clients cause, as the front end uses it. What the kernel knows costs memory here for each
 * file, and it forgets only when the machine is short of it; see notify.c for what is done about that.
 */
#include "fuse/objects/front.h"

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
