/*
 * Options of a volume and the answers to "how is it going": FspLinuxSetOption and the small counters.
 * Defaults come from the environment and from FspLinuxSetOption(NULL, …); changing a default touches no existing
 * volume.
 */
#include <stdio.h>

#include "core/queue.h"
#include "core/volumes.h"

#define DEFAULT_CLIENT_MEMORY_BYTES (160ull << 20) /* about 500,000 files that the kernel knows */

static pthread_mutex_t defaultsLock = PTHREAD_MUTEX_INITIALIZER;
static UINT64 defaults[OPTION_COUNT];
static int defaultsKnown;
OPTION_SETTER *options_further;

static const char *const names[OPTION_COUNT] = {"strict", "spin_us", "direct_io", "allow_other", "uid", "gid", "umask",
    "rename_extension",
    "hard_links",
    "unnamed_files",
    "client_memory"};

static void defaults_learn(void)
{
    const char *strict = getenv("WINFSP_LINUX_STRICT");
    if (defaultsKnown)
        return;
    defaultsKnown = 1;
    defaults[OPTION_STRICT] = strict != NULL ? strtoull(strict, NULL, 0) : 0;
    defaults[OPTION_SPIN_US] = platform_cpu_count() > 1 ? 20 : 0;
    defaults[OPTION_UID] = defaults[OPTION_GID] = UINT32_MAX; /* the mounting user's own */
    defaults[OPTION_UMASK] = 022;
    defaults[OPTION_CLIENT_MEMORY] = DEFAULT_CLIENT_MEMORY_BYTES;
}

void options_defaults(_Atomic(UINT64) options[OPTION_COUNT])
{
    pthread_mutex_lock(&defaultsLock);
    defaults_learn();
    for (int i = 0; i < OPTION_COUNT; i++)
        options[i] = defaults[i];
    pthread_mutex_unlock(&defaultsLock);
}

static NTSTATUS set(VOLUME *v, const char *name, UINT64 value)
{
    int found = -1;
    for (int i = 0; i < OPTION_COUNT; i++)
        if (strcmp(name, names[i]) == 0)
            found = i;
    if (found >= 0) {
        pthread_mutex_lock(&defaultsLock);
        defaults_learn();
        if (v == NULL)
            defaults[found] = value;
        else
            v->options[found] = value;
        pthread_mutex_unlock(&defaultsLock);
        if (v != NULL && found == OPTION_STRICT && value != 0)
            strict_init(v);
        return STATUS_SUCCESS;
    }
    /* that many receives return 0 bytes, as the driver's own retries make them */
    if (strcmp(name, "wake") == 0 && v != NULL) {
        queue_wake_receivers(v, (int)value);
        return STATUS_SUCCESS;
    }
    return options_further != NULL ? options_further(v, name, value) : STATUS_INVALID_PARAMETER;
}

NTSTATUS FspLinuxSetOption(FSP_FILE_SYSTEM *fs, const char *Name, UINT64 Value)
{
    return Name == NULL ? STATUS_INVALID_PARAMETER : set(volume_of(fs), Name, Value);
}

BOOLEAN FspLinuxCompletionsNest(void) { return 0; }

UINT64 FspLinuxOpenHandles(FSP_FILE_SYSTEM *fs)
{
    long long count = atomic_load(&volume_of(fs)->openHandles);
    return count < 0 ? 0 : (UINT64)count;
}

UINT64 FspLinuxClientMemory(FSP_FILE_SYSTEM *fs) { return volume_memory(volume_of(fs)); }

UINT64 FspLinuxPendingRequests(FSP_FILE_SYSTEM *fs)
{
    VOLUME *v = volume_of(fs);
    UINT64 count;
    pthread_mutex_lock(&v->lock);
    count = atomic_load(&v->pending) + v->inFlight;
    pthread_mutex_unlock(&v->lock);
    return count;
}
