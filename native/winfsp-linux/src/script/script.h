/*
 * The script front end, which only the test build of the library has: requests made by a test, byte for byte, and
 * answers held back as the Windows driver may hold them.
 *
 * Options beside those of winfsp.h, each of one volume:
 *
 * - "hold_completion" 0: off; 1: every answer whose completion may nest on Windows blocks its Transact until a request
 * of the library's own was answered; otherwise a mask of kinds (bit 1 << Kind) that do so always.
 *
 * - "hold_timeout_ms" (5000): how long before that counts as a deadlock (a violation; the answer is then delivered).
 *
 * "strict" 2 seals transfer buffers after the answer: a touch is then a crash, as on Windows.
 */
#ifndef WINFSP_LINUX_SCRIPT_H
#define WINFSP_LINUX_SCRIPT_H

#include "core/base/volume.h"

/* Scripted requests: any bytes, from any thread, on any volume, mounted or not. */
/*
 * - Submit: Request.Size bytes at Request; the ticket is the Hint that the host will see. Read, Write and
 * QueryDirectory with Address 0 get a guarded transfer buffer of Length bytes; for a Write, the bytes from Request.Size
 * to Size fill it. STATUS_CANCELLED before Transact0 and after Stop0.
 *
 * - Wait: STATUS_TIMEOUT when nothing came; *ResponseSize: room in, Size out (STATUS_BUFFER_TOO_SMALL); 0xffffffff
 * waits without end.
 *
 * - Data: what the host put into the transfer buffer (Information bytes), or what it was given to write. *Size: room
 * in, bytes there out.
 *
 * - Forget: frees the ticket, at once or when its answer comes.
 */
FSP_API NTSTATUS FspLinuxScriptSubmit(HANDLE Volume, const void *Request, UINT32 Size, UINT64 *Ticket);
FSP_API NTSTATUS FspLinuxScriptWait(
    HANDLE Volume, UINT64 Ticket, UINT32 TimeoutMs, void *Response, UINT32 *ResponseSize);
FSP_API NTSTATUS FspLinuxScriptData(HANDLE Volume, UINT64 Ticket, void *Buffer, UINT32 *Size);
FSP_API NTSTATUS FspLinuxScriptForget(HANDLE Volume, UINT64 Ticket);
/* The delivery of Ticket's answer blocks inside Transact until Nested was answered (or the volume is stopped). Call
 * before the answer can come. */
FSP_API NTSTATUS FspLinuxScriptHold(HANDLE Volume, UINT64 Ticket, UINT64 NestedTicket);
/* Puts bytes into the transfer buffer of a Write before it is submitted: Submit with this function instead. */
FSP_API NTSTATUS FspLinuxScriptSubmitData(
    HANDLE Volume, const void *Request, UINT32 Size, const void *Data, UINT32 DataSize, UINT64 *Ticket);

/* The rest is for src/script itself. */
#define TICKET_BUCKETS 1024u

typedef struct ticket TICKET;
typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    TICKET *buckets[TICKET_BUCKETS];
    /* hold.c */
    _Atomic(UINT64) hold;
    atomic_uint holdTimeoutMs;
    int directoryRenames; /* deliveries of directory renames under way; under volume.lock */
} SCRIPTS;

SCRIPTS *scripts_of(VOLUME *volume); /* made at the first call; NULL: no memory */

#if defined(_WIN32)
int script_environment(const char *name, char *value, size_t size); /* 0: not set, empty or too long */
#endif

#endif
