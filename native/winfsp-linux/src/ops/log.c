/* The debug log: requests and answers as lines. */
#include <inttypes.h>
#include <stdio.h>

#include "ops/ops.h"

#if defined(_WIN32)
#include <io.h>
#define write _write
#else
#include <unistd.h>
#endif

static atomic_int logFd = 2;

void FspFileSystemSetDebugLogF(FSP_FILE_SYSTEM *fs, UINT32 DebugLog) { fs->DebugLog = DebugLog; }

void FspDebugLogSetHandle(HANDLE Handle) { atomic_store(&logFd, (int)(intptr_t)Handle); }

static void log_line(const char *text, int length)
{
    if (length > 0 && write(atomic_load(&logFd), text, (unsigned)length) < 0)
        return; /* nobody reads the log */
}

void debug_log_request(FSP_FILE_SYSTEM *fs, const FSP_FSCTL_TRANSACT_REQ *req)
{
    char line[1024], what[900];
    if (req->Kind >= 32 || !(fs->DebugLog >> req->Kind & 1))
        return;
    request_describe(req, what, sizeof what);
    log_line(line, snprintf(line, sizeof line, "> %s\n", what));
}

void debug_log_response(FSP_FILE_SYSTEM *fs, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    char line[256];
    if (rsp->Kind >= 32 || !(fs->DebugLog >> rsp->Kind & 1))
        return;
    log_line(line, snprintf(line, sizeof line, "< %s hint %" PRIx64 " status %08x information %u size %u\n",
                       kind_name(rsp->Kind), rsp->Hint, rsp->IoStatus.Status, rsp->IoStatus.Information, rsp->Size));
}
