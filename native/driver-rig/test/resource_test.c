/* ERESOURCE: who may hold it together with whom, recursion, conversion, and hand-over to another owner. */
#include "check.h"

NTSTATUS K_ExInitializeResourceLite(PERESOURCE resource);
NTSTATUS K_ExDeleteResourceLite(PERESOURCE resource);
BOOLEAN K_ExAcquireResourceExclusiveLite(PERESOURCE resource, BOOLEAN wait);
BOOLEAN K_ExAcquireResourceSharedLite(PERESOURCE resource, BOOLEAN wait);
VOID K_ExReleaseResourceLite(PERESOURCE resource);
VOID K_ExReleaseResourceForThreadLite(PERESOURCE resource, ERESOURCE_THREAD owner);
VOID K_ExSetResourceOwnerPointer(PERESOURCE resource, PVOID owner);
VOID K_ExConvertExclusiveToSharedLite(PERESOURCE resource);
BOOLEAN K_ExIsResourceAcquiredExclusiveLite(PERESOURCE resource);
ULONG K_ExIsResourceAcquiredSharedLite(PERESOURCE resource);

static ERESOURCE resource;
static volatile LONG answer, stage;

static void try_exclusive(void *unused)
{
    answer = K_ExAcquireResourceExclusiveLite(&resource, FALSE);
    if (answer)
        K_ExReleaseResourceLite(&resource);
    stage = 1;
}

static void try_shared(void *unused)
{
    answer = K_ExAcquireResourceSharedLite(&resource, FALSE);
    if (answer)
        K_ExReleaseResourceLite(&resource);
    stage = 1;
}

static LONG by_another(void (*body)(void *))
{
    stage = 0;
    host_start_thread(body, NULL);
    CHECK(becomes(&stage, 1));
    return answer;
}

static volatile LONG writer_in, writer_out;

static void writer(void *unused)
{
    K_ExAcquireResourceExclusiveLite(&resource, TRUE);
    writer_in = 1;
    K_ExReleaseResourceLite(&resource);
    writer_out = 1;
}

/* Many threads, one counter each way: an exclusive holder is alone. */
#define THREADS 6
#define ROUNDS 4000
static volatile LONG readers, writers, wrong, finished;

static void mixed(void *argument)
{
    unsigned state = (unsigned)(ULONG_PTR)argument * 7919 + 1;
    for (int i = 0; i < ROUNDS; i++) {
        state = state * 1103515245 + 12345;
        if (state >> 16 & 3) {
            K_ExAcquireResourceSharedLite(&resource, TRUE);
            _InterlockedIncrement(&readers);
            if (writers != 0)
                wrong = 1;
            _InterlockedDecrement(&readers);
        } else {
            K_ExAcquireResourceExclusiveLite(&resource, TRUE);
            if (_InterlockedIncrement(&writers) != 1 || readers != 0)
                wrong = 1;
            _InterlockedDecrement(&writers);
        }
        K_ExReleaseResourceLite(&resource);
    }
    _InterlockedIncrement(&finished);
}

int main(void)
{
    K_ExInitializeResourceLite(&resource);
    CHECK(K_ExAcquireResourceExclusiveLite(&resource, TRUE));
    CHECK(K_ExAcquireResourceExclusiveLite(&resource, FALSE));
    CHECK(K_ExAcquireResourceSharedLite(&resource, FALSE));
    CHECK(K_ExIsResourceAcquiredExclusiveLite(&resource));
    CHECK_EQUAL(K_ExIsResourceAcquiredSharedLite(&resource), 3);
    CHECK(!by_another(try_shared));
    for (int i = 0; i < 3; i++)
        K_ExReleaseResourceLite(&resource);
    CHECK(by_another(try_exclusive));

    K_ExAcquireResourceExclusiveLite(&resource, TRUE);
    K_ExConvertExclusiveToSharedLite(&resource);
    CHECK(!K_ExIsResourceAcquiredExclusiveLite(&resource));
    CHECK(by_another(try_shared));
    CHECK(!by_another(try_exclusive));

    /* A waiting writer holds new readers back, but not one that reads already. */
    host_start_thread(writer, NULL);
    sleep_ms(100);
    CHECK_EQUAL(writer_in, 0);
    CHECK(!by_another(try_shared));
    CHECK(K_ExAcquireResourceSharedLite(&resource, TRUE));
    K_ExReleaseResourceLite(&resource);
    K_ExReleaseResourceLite(&resource);
    CHECK(becomes(&writer_out, 1));

    /* Handed to a request, any thread may release it. */
    ERESOURCE_THREAD owner = (ERESOURCE_THREAD)&answer | 3;
    K_ExAcquireResourceExclusiveLite(&resource, TRUE);
    K_ExSetResourceOwnerPointer(&resource, (PVOID)owner);
    CHECK(!K_ExIsResourceAcquiredExclusiveLite(&resource));
    CHECK(!K_ExAcquireResourceSharedLite(&resource, FALSE));
    K_ExReleaseResourceForThreadLite(&resource, owner);
    CHECK(by_another(try_exclusive));

    rig_perturb(7, 50);
    for (ULONG_PTR i = 0; i < THREADS; i++)
        host_start_thread(mixed, (void *)i);
    CHECK(becomes(&finished, THREADS));
    CHECK_EQUAL(wrong, 0);
    CHECK(rig_counter(COUNT_PERTURBED) > 0);
    K_ExDeleteResourceLite(&resource);
    return passed("ERESOURCE");
}
