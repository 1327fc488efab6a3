/*
 * The library's own dispatcher threads, and what only makes sense on them (docs/winfsp.md, "Dispatching").
 *
 * A chain: every thread starts its successor and joins it at its end. A thread's answer goes out with its next Transact
 * call; an answer of STATUS_PENDING does not go out at all, a later SendResponse must follow. When strict, a response
 * buffer that was left pending is poisoned, so that a late handler which still writes to it is found out.
 */
#include "ops/ops.h"

static _Thread_local FSP_FILE_SYSTEM_OPERATION_CONTEXT context;
static _Thread_local int onDispatcherThread;

typedef struct link {
    FSP_FILE_SYSTEM *fs;
    ULONG successors;
    pthread_t thread;
    int started;
} LINK;

static void stop_on_error(FSP_FILE_SYSTEM *fs, NTSTATUS status)
{
    FspFileSystemSetDispatcherResultF(fs, status);
    FspFsctlStop0(fs->VolumeHandle);
}

/* Header zeroed, everything behind it poisoned; or finds where another thread wrote meanwhile. */
static void poison(FSP_FSCTL_TRANSACT_RSP *rsp)
{
    memset(rsp, 0, sizeof *rsp);
    memset(rsp->Buffer, POISON, FSP_FSCTL_TRANSACT_RSP_BUFFER_SIZEMAX);
}

static void check_poison(FSP_FILE_SYSTEM *fs, const FSP_FSCTL_TRANSACT_RSP *rsp, const FSP_FSCTL_TRANSACT_REQ *pending)
{
    const UINT8 *bytes = (const UINT8 *)rsp;
    for (size_t i = 0; i < FSP_FSCTL_TRANSACT_RSP_SIZEMAX; i++)
        if (bytes[i] != (i < sizeof *rsp ? 0 : POISON)) {
            strict_violation(volume_of(fs), pending,
                "the dispatcher's response buffer was written to (byte %zu) after STATUS_PENDING", i);
            return;
        }
}

static void serve(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    VOLUME *v = volume_of(fs);
    FSP_FSCTL_TRANSACT_REQ *pending = NULL;
    NTSTATUS status = FspFsctlTransact(v, NULL, 0, NULL, NULL, 0);
    SIZE_T size, aligned;
    if (!NT_SUCCESS(status)) {
        stop_on_error(fs, status);
        return;
    }
    memset(rsp, 0, sizeof *rsp);
    for (;;) {
        size = FSP_FSCTL_TRANSACT_REQ_SIZEMAX;
        status = FspFsctlTransact(v, rsp->Size != 0 ? rsp : NULL, rsp->Size, req, &size, 0);
        if (pending != NULL) {
            check_poison(fs, rsp, pending);
            if (size != 0 || !NT_SUCCESS(status)) {
                free(pending);
                pending = NULL;
            }
        }
        if (!NT_SUCCESS(status))
            break;
        memset(rsp, 0, sizeof *rsp);
        if (size == 0)
            continue;
        if (fs->DebugLog != 0)
            debug_log_request(fs, req);
        rsp->Size = sizeof *rsp;
        rsp->Kind = req->Kind;
        rsp->Hint = req->Hint;
        status = STATUS_INVALID_DEVICE_REQUEST;
        if (req->Kind < FspFsctlTransactKindCount && fs->Operations[req->Kind] != NULL) {
            status = FspFileSystemEnterOperationF(fs, req, rsp);
            if (NT_SUCCESS(status)) {
                status = fs->Operations[req->Kind](fs, req, rsp);
                FspFileSystemLeaveOperationF(fs, req, rsp);
            }
        }
        rsp->IoStatus.Status = (UINT32)status;
        aligned = FSP_FSCTL_DEFAULT_ALIGN_UP(rsp->Size);
        if (aligned > FSP_FSCTL_TRANSACT_RSP_SIZEMAX) {
            strict_violation(v, req, "the answer grew to %u bytes and is replaced by a failure", rsp->Size);
            memset(rsp, 0, sizeof *rsp);
            rsp->Size = sizeof *rsp;
            rsp->Kind = req->Kind;
            rsp->Hint = req->Hint;
            rsp->IoStatus.Status = (UINT32)STATUS_INVALID_DEVICE_REQUEST;
        } else {
            memset((UINT8 *)rsp + rsp->Size, 0, aligned - rsp->Size);
            rsp->Size = (UINT16)aligned;
        }
        if (fs->DebugLog != 0)
            debug_log_response(fs, rsp);
        if (status == STATUS_PENDING) {
            if (volume_is_strict(v)) {
                poison(rsp);
                if ((pending = malloc(req->Size)) != NULL)
                    memcpy(pending, req, req->Size);
            } else
                memset(rsp, 0, sizeof *rsp);
        }
    }
    free(pending);
    stop_on_error(fs, status);
}

/* Reads the flag, or sets it to `value`: a bit between others, so under the volume's lock. */
static BOOLEAN stopping(FSP_FILE_SYSTEM *fs, int value)
{
    BOOLEAN was;
    pthread_mutex_lock(&volume_of(fs)->lock);
    was = fs->DispatcherStopping;
    if (value >= 0)
        fs->DispatcherStopping = value != 0;
    pthread_mutex_unlock(&volume_of(fs)->lock);
    return was;
}

static void *thread_main(void *argument)
{
    LINK *self = argument, next = {self->fs, self->successors - 1, 0, 0};
    FSP_FILE_SYSTEM *fs = self->fs;
    FSP_FSCTL_TRANSACT_REQ *req = malloc(FSP_FSCTL_TRANSACT_REQ_SIZEMAX);
    FSP_FSCTL_TRANSACT_RSP *rsp = malloc(FSP_FSCTL_TRANSACT_RSP_SIZEMAX);
    if (self->successors > 0)
        next.started = pthread_create(&next.thread, NULL, thread_main, &next) == 0;
    if (req == NULL || rsp == NULL || (self->successors > 0 && !next.started))
        stop_on_error(fs, STATUS_INSUFFICIENT_RESOURCES);
    else {
        context.Request = req;
        context.Response = rsp;
        onDispatcherThread = 1;
        serve(fs, req, rsp);
        onDispatcherThread = 0;
        context.Request = NULL;
        context.Response = NULL;
    }
    free(req);
    free(rsp);
    if (next.started)
        pthread_join(next.thread, NULL);
    if (self->successors + 1 == fs->DispatcherThreadCount && fs->Interface->DispatcherStopped != NULL)
        fs->Interface->DispatcherStopped(fs, stopping(fs, -1));
    return NULL;
}

NTSTATUS FspFileSystemStartDispatcher(FSP_FILE_SYSTEM *fs, ULONG ThreadCount)
{
    LINK *first;
    NTSTATUS status;
    if (fs->DispatcherThread != NULL)
        return STATUS_INVALID_PARAMETER;
    if (ThreadCount == 0) {
        ThreadCount = platform_cpu_count();
        ThreadCount = ThreadCount < 4 ? 4 : ThreadCount > 16 ? 16 : ThreadCount;
    }
    if (ThreadCount < 2)
        ThreadCount = 2;
    if (!NT_SUCCESS(status = FspFsctlTransact(fs->VolumeHandle, NULL, 0, NULL, NULL, 0)))
        return status;
    if ((first = calloc(1, sizeof *first)) == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    first->fs = fs;
    first->successors = ThreadCount - 1;
    fs->DispatcherThreadCount = ThreadCount;
    fs->DispatcherResult = STATUS_SUCCESS;
    fs->DispatcherThread = first;
    if (pthread_create(&first->thread, NULL, thread_main, first) != 0) {
        fs->DispatcherThread = NULL;
        free(first);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return STATUS_SUCCESS;
}

void FspFileSystemStopDispatcher(FSP_FILE_SYSTEM *fs)
{
    LINK *first = fs->DispatcherThread;
    if (first == NULL)
        return;
    stopping(fs, 1);
    FspFsctlStop0(fs->VolumeHandle);
    pthread_join(first->thread, NULL);
    FspFsctlStop(fs->VolumeHandle);
    stopping(fs, 0);
    fs->DispatcherThread = NULL;
    free(first);
}

void FspFileSystemSendResponse(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    NTSTATUS status;
    if (fs->DebugLog != 0)
        debug_log_response(fs, rsp);
    status = FspFsctlTransact(fs->VolumeHandle, rsp, rsp->Size, NULL, NULL, 0);
    if (!NT_SUCCESS(status))
        stop_on_error(fs, status);
}

FSP_FILE_SYSTEM_OPERATION_CONTEXT *FspFileSystemGetOperationContext(void)
{
    return onDispatcherThread ? &context : NULL;
}

BOOLEAN FspFileSystemIsOperationCaseSensitiveF(void)
{
    const FSP_FSCTL_TRANSACT_REQ *req = context.Request;
    if (req == NULL) /* Windows would read address 0 */
        return 0;
    return req->Kind == FspFsctlTransactCreateKind           ? req->Req.Create.CaseSensitive
           : req->Kind == FspFsctlTransactQueryDirectoryKind ? req->Req.QueryDirectory.CaseSensitive
                                                             : 0;
}

UINT32 FspFileSystemOperationProcessIdF(void)
{
    const FSP_FSCTL_TRANSACT_REQ *req = context.Request;
    if (req == NULL)
        return 0;
    switch (req->Kind) {
    case FspFsctlTransactCreateKind:
        return (UINT32)(req->Req.Create.AccessToken >> 32);
    case FspFsctlTransactSetInformationKind:
        if (req->Req.SetInformation.FileInformationClass == FileRenameInformation ||
            req->Req.SetInformation.FileInformationClass == FileRenameInformationEx)
            return (UINT32)(req->Req.SetInformation.Info.Rename.AccessToken >> 32);
    }
    return 0;
}

NTSTATUS FspFileSystemEnterOperationF(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    return fs->EnterOperation != NULL ? fs->EnterOperation(fs, req, rsp) : STATUS_SUCCESS;
}

NTSTATUS FspFileSystemLeaveOperationF(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_RSP *rsp)
{
    return fs->LeaveOperation != NULL ? fs->LeaveOperation(fs, req, rsp) : STATUS_SUCCESS;
}

void FspFileSystemSetOperationGuardF(
    FSP_FILE_SYSTEM *fs, FSP_FILE_SYSTEM_OPERATION_GUARD *Enter, FSP_FILE_SYSTEM_OPERATION_GUARD *Leave)
{
    fs->EnterOperation = Enter;
    fs->LeaveOperation = Leave;
}

void FspFileSystemSetOperationGuardStrategyF(FSP_FILE_SYSTEM *fs, FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY strategy)
{
    fs->OpGuardStrategy = strategy;
}

void FspFileSystemSetOperationF(FSP_FILE_SYSTEM *fs, ULONG Index, FSP_FILE_SYSTEM_OPERATION *Operation)
{
    if (Index < FspFsctlTransactKindCount)
        fs->Operations[Index] = Operation;
}

void FspFileSystemGetDispatcherResultF(FSP_FILE_SYSTEM *fs, NTSTATUS *PDispatcherResult)
{
    *PDispatcherResult = __atomic_load_n(&fs->DispatcherResult, __ATOMIC_ACQUIRE);
}

void FspFileSystemSetDispatcherResultF(FSP_FILE_SYSTEM *fs, NTSTATUS DispatcherResult)
{
    NTSTATUS none = STATUS_SUCCESS;
    if (!NT_SUCCESS(DispatcherResult)) /* the first failure is the one to know */
        __atomic_compare_exchange_n(
            &fs->DispatcherResult, &none, DispatcherResult, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

void FspFileSystemStopServiceIfNecessary(FSP_FILE_SYSTEM *fs, BOOLEAN Normally) {} /* there are no services here */
