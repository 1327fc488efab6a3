/*
 * The pool of ops. An op is as big as the largest request, but only the pages that were ever used cost memory. The last
 * one used is taken first, so that a client that waits for each answer keeps one op warm.
 */
#include <sys/mman.h>

#include "fuse/objects/front.h"

#define MAX_POOLED_OPS 32u

static void op_free(OP *op)
{
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
    return op;
}

void op_give(OP *op)
{
    FRONT *front = op->front;
    OP *none = NULL;
    int drop;
    op->inode = NULL;
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
    pthread_mutex_unlock(&front->lock);
    if (drop)
        op_free(op);
    atomic_fetch_sub(&front->opsActive, 1);
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
