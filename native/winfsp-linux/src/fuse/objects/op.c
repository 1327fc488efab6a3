/*
 * The pool of ops. An op is as big as the largest request, but only the pages that were ever used cost memory. The last
 * one used is taken first, so that a client that waits for each answer keeps one op warm.
 */
#include <sys/mman.h>

#include "fuse/objects/front.h"

#define MAX_POOLED_OPS 32u

/* Under front.lock, or when nobody else uses the front. */
static void op_free(OP *op)
{
    OP **at = &op->front->allOps;
    while (*at != op)
        at = &(*at)->nextOfAll;
    *at = op->nextOfAll;
    munmap(op->arena, ARENA_SIZE);
    free(op);
}

OP *op_take(FRONT *front)
{
    OP *op = atomic_exchange(&front->spare, NULL);
    if (op != NULL)
        return op;
    pthread_mutex_lock(&front->lock);
    if ((op = front->pool) != NULL) {
        front->pool = op->next;
        front->poolCount--;
    }
    pthread_mutex_unlock(&front->lock);
    if (op != NULL || (op = calloc(1, sizeof *op)) == NULL)
        return op;
    op->front = front;
    op->arena = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (op->arena == MAP_FAILED) {
        free(op);
        return NULL;
    }
    pthread_mutex_lock(&front->lock);
    op->nextOfAll = front->allOps;
    front->allOps = op;
    pthread_mutex_unlock(&front->lock);
    return op;
}

void op_give(OP *op)
{
    FRONT *front = op->front;
    OP *none = NULL;
    int drop;
    op->inode = NULL;
    atomic_store_explicit(&op->unique, 0, memory_order_relaxed);
    if (atomic_compare_exchange_strong(&front->spare, &none, op)) {
        atomic_fetch_sub(&front->opsActive, 1);
        return;
    }
    pthread_mutex_lock(&front->lock);
    if (!(drop = front->poolCount >= MAX_POOLED_OPS)) {
        op->next = front->pool;
        front->pool = op;
        front->poolCount++;
    }
    if (drop)
        op_free(op);
    pthread_mutex_unlock(&front->lock);
    atomic_fetch_sub(&front->opsActive, 1);
}

void op_refuse_active(FRONT *front, void (*refuse)(FRONT *front, UINT64 unique))
{
    pthread_mutex_lock(&front->lock);
    for (OP *op = front->allOps; op != NULL; op = op->nextOfAll) {
        UINT64 unique = atomic_load(&op->unique);
        if (unique != 0)
            refuse(front, unique);
    }
    pthread_mutex_unlock(&front->lock);
}

void op_free_all(FRONT *front)
{
    OP *op = atomic_exchange(&front->spare, NULL);
    if (op != NULL)
        op_free(op);
    while ((op = front->pool) != NULL) {
        front->pool = op->next;
        op_free(op);
    }
}
