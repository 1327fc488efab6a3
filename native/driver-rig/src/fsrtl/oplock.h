/*
 * FsRtl: opportunistic locks, what their two files share. A file (one stream) has a list of those that hold an oplock
 * and a list of requests that wait until a broken one is acknowledged. One lock for all files.
 *
 * Source of the rules: MS-FSA 2.1.4.12 and 2.1.5.17/18, and "Breaking Oplocks" of the Windows driver documentation.
 * Windows: a file that was opened with an oplock key shares its oplocks with others of that key. Here every handle has
 * its own key, and a filter oplock is never granted.
 */
#ifndef OPLOCK_H
#define OPLOCK_H
#include "kernel.h"

/* Windows' public values, which these headers lack. */
#define STATUS_OPLOCK_SWITCHED_TO_NEW_HANDLE ((NTSTATUS)0x00000215)
#define STATUS_OPLOCK_HANDLE_CLOSED ((NTSTATUS)0x00000216)

enum {
    CACHE_READ = OPLOCK_LEVEL_CACHE_READ,
    CACHE_HANDLE = OPLOCK_LEVEL_CACHE_HANDLE,
    CACHE_WRITE = OPLOCK_LEVEL_CACHE_WRITE
};

typedef struct HOLDER {
    struct HOLDER *next;
    PFILE_OBJECT file;
    ULONG level;      /* CACHE_ bits; level 2 is READ, level 1 READ|WRITE, batch READ|WRITE|HANDLE */
    BOOLEAN legacy;   /* requested as level 1, 2 or batch */
    BOOLEAN breaking; /* told, not yet acknowledged */
    BOOLEAN closing;  /* acknowledged by the promise of a close */
    ULONG broken_to;
    PIRP irp; /* the request that is completed by a break; NULL while breaking */
} HOLDER;

typedef struct WAITER {
    struct WAITER *next;
    PIRP irp;
    ULONG lost; /* the bits whose break it waits for */
    BOOLEAN any_key;
    PVOID context;
    POPLOCK_WAIT_COMPLETE_ROUTINE completion; /* NULL: the request is only completed */
    BOOLEAN due;                              /* taken out, and nobody can cancel it any more */
} WAITER;

typedef struct STATE {
    struct STATE *next; /* of all files, so that a cancellation finds its request */
    HOLDER *holders;
    WAITER *waiters;
} STATE;

/* Requests that are to be completed when the lock is released: completion calls back into the driver. */
typedef struct {
    PIRP irps[64];
    int count;
    WAITER *waiters;
} DUE;

extern char oplocks; /* the lock's address */
extern STATE *oplock_states;

static inline PIO_STACK_LOCATION stack_of(PIRP irp) { return irp->Tail.Overlay.CurrentStackLocation; }

/* All with the lock. */
BOOLEAN oplock_pend(PIRP irp); /* FALSE: it has been cancelled already */
/* Ends a holder's request with this outcome. FALSE: its cancellation has it, and the holder hears nothing. */
BOOLEAN oplock_end(DUE *due, HOLDER *holder, NTSTATUS status, ULONG new_level);
void oplock_forget(STATE *state, HOLDER *holder);
/* Ends all that a handle holds; `status`: for those that are not legacy. */
void oplock_end_all(STATE *state, PFILE_OBJECT file, NTSTATUS status, DUE *due);
BOOLEAN oplock_must_wait(STATE *state, PFILE_OBJECT file, ULONG lost, BOOLEAN any_key);
void oplock_release_waiters(STATE *state, DUE *due);
/* Gives up the lock and completes what is due. */
void oplock_unlock(DUE *due);
#endif
