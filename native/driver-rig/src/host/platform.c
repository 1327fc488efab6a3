/*
 * All that is taken from Win32: memory, threads, waiting, tokens, the log.
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include "rig.h"

int host_verbose;
static DWORD tls_index = TLS_OUT_OF_INDEXES, tls_serving = TLS_OUT_OF_INDEXES;
static HANDLE heap;
#define BUCKETS 256

static struct {
    CRITICAL_SECTION lock;
    CONDITION_VARIABLE changed;
} buckets[BUCKETS];

__attribute__((constructor)) static void begin(void)
{
    tls_index = TlsAlloc();
    tls_serving = TlsAlloc();
    heap = HeapCreate(0, 0, 0);
    for (int i = 0; i < BUCKETS; i++) {
        InitializeCriticalSection(&buckets[i].lock);
        InitializeConditionVariable(&buckets[i].changed);
    }
    char value[8];
    host_verbose = GetEnvironmentVariableA("RIG_VERBOSE", value, sizeof value) ? atoi(value) : 0;
}

/* To standard error, which is a file: Wine's Node cannot use pipes. */
static void put(const char *text)
{
    DWORD done;
    WriteFile(GetStdHandle(STD_ERROR_HANDLE), text, (DWORD)strlen(text), &done, NULL);
}

void host_log(const char *format, ...)
{
    char text[1024];
    va_list list;
    va_start(list, format);
    int n = snprintf(text, sizeof text, "rig[%04lx]: ", GetCurrentThreadId());
    vsnprintf(text + n, sizeof text - n - 2, format, list);
    va_end(list);
    strcat(text, "\n");
    put(text);
}

void host_fatal(const char *format, ...)
{
    char text[1024] = "rig: BUG CHECK: ";
    va_list list;
    va_start(list, format);
    vsnprintf(text + strlen(text), sizeof text - 64, format, list);
    va_end(list);
    strcat(text, "\n");
    put(text);
    TerminateProcess(GetCurrentProcess(), 99);
    for (;;)
        Sleep(1000);
}

/* In front of each block; behind it there are guard bytes. Both are checked when it is freed. */
typedef struct {
    uint64_t magic, bytes;
} BLOCK;

#define BLOCK_MAGIC 0x6b636f6c42676972ull
#define GUARD_BYTES 16
#define GUARD 0xfd

void *host_alloc(size_t bytes)
{
    BLOCK *block = HeapAlloc(heap, HEAP_ZERO_MEMORY, sizeof *block + bytes + GUARD_BYTES);
    if (block == NULL)
        host_fatal("no memory for %llu bytes", (unsigned long long)bytes);
    block->magic = BLOCK_MAGIC;
    block->bytes = bytes;
    memset((uint8_t *)(block + 1) + bytes, GUARD, GUARD_BYTES);
    return block + 1;
}

void host_free(void *memory)
{
    BLOCK *block = (BLOCK *)memory - 1;
    if (block->magic != BLOCK_MAGIC)
        host_fatal("block %p freed twice, or what lies in front of it was overwritten", memory);
    for (int i = 0; i < GUARD_BYTES; i++)
        if (((uint8_t *)memory)[block->bytes + i] != GUARD)
            host_fatal("%llu bytes at %p were overrun", (unsigned long long)block->bytes, memory);
    block->magic = 0;
    HeapFree(heap, 0, block);
}

void *host_thread(void) { return NtCurrentTeb(); }

void *host_tls_get(void) { return TlsGetValue(tls_index); }

void host_tls_set(void *value) { TlsSetValue(tls_index, value); }

void host_serving_set(uint32_t kind) { TlsSetValue(tls_serving, (void *)(uintptr_t)kind); }

uint32_t host_serving(void) { return (uint32_t)(uintptr_t)TlsGetValue(tls_serving); }

static volatile LONG counters[COUNTERS];

void count(uint32_t which) { InterlockedIncrement(&counters[which]); }

RIG_API uint64_t rig_counter(uint32_t which) { return which < COUNTERS ? (uint64_t)counters[which] : 0; }

/* Each thread has its own sequence, from the seed and the order in which threads came. */
static volatile LONG perturb_seed, perturb_one_in = 1, perturb_threads;

RIG_API void rig_perturb(uint32_t seed, uint32_t one_in)
{
    perturb_one_in = one_in > 0 ? (LONG)one_in : 1;
    perturb_seed = (LONG)seed;
}

void host_perturb(void)
{
    static __thread uint32_t state;
    if (perturb_seed == 0)
        return;
    if (state == 0)
        state = ((uint32_t)perturb_seed ^ (uint32_t)InterlockedIncrement(&perturb_threads) * 2654435761u) | 1;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    if (state % (uint32_t)perturb_one_in != 0)
        return;
    count(COUNT_PERTURBED);
    if (state >> 16 & 1)
        Sleep(state >> 17 & 1);
    else
        SwitchToThread();
}

static unsigned bucket(void *object) { return (unsigned)(((uintptr_t)object >> 3) * 2654435761u >> 13) % BUCKETS; }

void host_lock(void *object)
{
    host_perturb();
    EnterCriticalSection(&buckets[bucket(object)].lock);
}

void host_unlock(void *object) { LeaveCriticalSection(&buckets[bucket(object)].lock); }

int host_wait(void *object, int64_t *deadline)
{
    DWORD ms = INFINITE;
    if (deadline != NULL) {
        int64_t left = *deadline - host_now();
        if (left <= 0)
            return 0;
        ms = (DWORD)((left + 9999) / 10000);
    }
    unsigned i = bucket(object);
    SleepConditionVariableCS(&buckets[i].changed, &buckets[i].lock, ms);
    return 1;
}

void host_wake(void *object) { WakeAllConditionVariable(&buckets[bucket(object)].changed); }

int64_t host_now(void)
{
    FILETIME t;
    GetSystemTimeAsFileTime(&t);
    return ((int64_t)t.dwHighDateTime << 32) | t.dwLowDateTime;
}

void host_sleep(int64_t hundred_ns) { Sleep((DWORD)((hundred_ns + 9999) / 10000)); }

void host_yield(void)
{
    if (!SwitchToThread())
        Sleep(0);
}

struct start {
    void (*body)(void *);
    void *argument;
};

static DWORD WINAPI run(void *p)
{
    struct start s = *(struct start *)p;
    host_free(p);
    s.body(s.argument);
    return 0;
}

void host_start_thread(void (*body)(void *), void *argument)
{
    struct start *s = host_alloc(sizeof *s);
    s->body = body;
    s->argument = argument;
    CloseHandle(CreateThread(NULL, 0, run, s, 0, NULL));
}

uint32_t host_process_id(void) { return GetCurrentProcessId(); }

/* Opened once: every open of a file asks, and each question is one to another process. NULL: there is none. */
static HANDLE process_token(void)
{
    static HANDLE volatile own;
    HANDLE opened = NULL;
    if (own != NULL || !OpenProcessToken(GetCurrentProcess(), TOKEN_ALL_ACCESS, &opened))
        return own;
    if (InterlockedCompareExchangePointer((PVOID volatile *)&own, opened, NULL) != NULL)
        CloseHandle(opened);
    return own;
}

void *host_token_handle(void)
{
    HANDLE copy = NULL;
    DuplicateTokenEx(process_token(), TOKEN_QUERY | TOKEN_IMPERSONATE | TOKEN_DUPLICATE, NULL, SecurityIdentification,
        TokenImpersonation, &copy);
    return copy;
}

void host_close_handle(void *handle) { CloseHandle(handle); }

int32_t host_access_check(void *descriptor, uint32_t desired, uint32_t *granted)
{
    static GENERIC_MAPPING map = {FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS};
    HANDLE token = host_token_handle();
    PRIVILEGE_SET privileges;
    DWORD size = sizeof privileges, mask = 0;
    BOOL ok = FALSE;
    BOOL called = AccessCheck(descriptor, token, desired, &map, &privileges, &size, &mask, &ok);
    CloseHandle(token);
    *granted = mask;
    return called && ok ? 0 : (int32_t)0xC0000022;
}

void *host_reserve(size_t bytes) { return VirtualAlloc(NULL, bytes, MEM_RESERVE, PAGE_READWRITE); }

void host_commit(void *at, size_t bytes) { VirtualAlloc(at, bytes, MEM_COMMIT, PAGE_READWRITE); }

void host_release(void *at) { VirtualFree(at, 0, MEM_RELEASE); }

uint32_t host_privileges(void)
{
    static const WCHAR *const names[] = {L"SeChangeNotifyPrivilege", L"SeBackupPrivilege", L"SeRestorePrivilege"};
    static LUID luid[3];
    static int ready;
    HANDLE token;
    uint32_t have = 0;
    if (!ready) {
        for (int i = 0; i < 3; i++)
            LookupPrivilegeValueW(NULL, names[i], &luid[i]);
        ready = 1;
    }
    if ((token = process_token()) == NULL)
        return 1;

    union {
        TOKEN_PRIVILEGES p;
        char room[2048];
    } u;

    DWORD n;
    if (GetTokenInformation(token, TokenPrivileges, &u, sizeof u, &n))
        for (DWORD i = 0; i < u.p.PrivilegeCount; i++)
            for (int k = 0; k < 3; k++)
                if (u.p.Privileges[i].Luid.LowPart == luid[k].LowPart &&
                    (u.p.Privileges[i].Attributes & SE_PRIVILEGE_ENABLED))
                    have |= 1u << k;
    return have;
}

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG bytes); /* RtlGenRandom */

void host_random(void *buffer, size_t bytes) { SystemFunction036(buffer, (ULONG)bytes); }

void host_raise(int32_t status)
{
    RaiseException((DWORD)status, EXCEPTION_NONCONTINUABLE, 0, NULL);
    for (;;)
        Sleep(1000);
}

void *host_ntdll(const char *name) { return (void *)GetProcAddress(GetModuleHandleA("ntdll.dll"), name); }

void *host_own_export(const char *name)
{
    HMODULE own = NULL;
    GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
        (LPCSTR)host_own_export, &own);
    return (void *)GetProcAddress(own, name);
}

void *host_library(const char *library, const char *name)
{
    HMODULE module = LoadLibraryA(library);
    return module == NULL ? NULL : (void *)GetProcAddress(module, name);
}
