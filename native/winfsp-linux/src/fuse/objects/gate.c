/*
 * Gates: read-write locks on which no thread blocks. An op that may not enter waits in the queue, in order of arrival,
 * and is run by the thread that leaves. None overtakes, so neither side starves.
 */
#include "fuse/objects/front.h"

/* Ops that this thread is to run. One that ends at once lets in the next: a list, not a recursion as deep as there are
 * ops waiting. */
static _Thread_local struct {
    OP *first, *last;
    int running;
} here;

void gate_enter(OP *op, GATE *gate, int alone, THEN *then)
{
    FRONT *front = op->front;
    pthread_mutex_lock(&front->lock);
    if (gate->last != NULL || gate->alone || (alone && gate->inside > 0)) {
        op->then = then;
        op->wantsAlone = alone;
        op->next = gate->last != NULL ? gate->last->next : op;
        if (gate->last != NULL)
            gate->last->next = op;
        gate->last = op;
        pthread_mutex_unlock(&front->lock);
        return;
    }
    gate->inside++;
    gate->alone = alone;
    pthread_mutex_unlock(&front->lock);
    then(op);
}

void gate_leave(FRONT *front, GATE *gate)
{
    OP *op;
    pthread_mutex_lock(&front->lock);
    gate->inside--;
    gate->alone = 0;
    while (gate->last != NULL && !gate->alone && !((op = gate->last->next)->wantsAlone && gate->inside > 0)) {
        if (op == gate->last)
            gate->last = NULL;
        else
            gate->last->next = op->next;
        gate->inside++;
        gate->alone = op->wantsAlone;
        op->next = NULL;
        if (here.last != NULL)
            here.last->next = op;
        else
            here.first = op;
        here.last = op;
    }
    pthread_mutex_unlock(&front->lock);
    if (here.running)
        return;
    here.running = 1;
    while ((op = here.first) != NULL) {
        if ((here.first = op->next) == NULL)
            here.last = NULL;
        op->next = NULL;
        op->then(op);
    }
    here.running = 0;
}

void names_enter(OP *op, int alone, THEN *then)
{
    op->inNames = 1; /* from the queue on: it will be in when it runs */
    gate_enter(op, &op->front->names, alone, then);
}

void sizes_enter(OP *op, INODE *inode, int alone, THEN *then)
{
    op->inSizes = inode;
    gate_enter(op, &inode->sizes, alone, then);
}

void op_leave_names(OP *op)
{
    if (!op->inNames)
        return;
    op->inNames = 0;
    gate_leave(op->front, &op->front->names);
}

void op_leave_sizes(OP *op)
{
    INODE *inode = op->inSizes;
    if (inode == NULL)
        return;
    op->inSizes = NULL;
    gate_leave(op->front, &inode->sizes);
}
