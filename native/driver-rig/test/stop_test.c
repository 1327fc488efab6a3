/* What the rig does not have stops the run and says its name; so do errors that end Windows. Each in a process of its
 * own. */
#include "check.h"

PVOID K_MmGetSystemRoutineAddress(PUNICODE_STRING name);
PIRP K_IoBuildDeviceIoControlRequest(
    ULONG, PDEVICE_OBJECT, PVOID, ULONG, PVOID, ULONG, BOOLEAN, PKEVENT, PIO_STATUS_BLOCK);
NTSTATUS K_ExInitializeResourceLite(PERESOURCE resource);
VOID K_ExReleaseResourceLite(PERESOURCE resource);
VOID K_KeBugCheckEx(ULONG code, ULONG_PTR a, ULONG_PTR b, ULONG_PTR c, ULONG_PTR d);
intptr_t _spawnl(int mode, const char *path, const char *first, ...);
int atoi(const char *digits);

static void double_free(void)
{
    void *memory = pool_allocate(100, 'tseT');
    pool_free(memory);
    pool_free(memory);
}

static void overrun(void)
{
    UCHAR *memory = pool_allocate(100, 'tseT');
    RtlZeroMemory(memory - 16, 16);
    pool_free(memory);
}

static void other_devices(void) { K_IoBuildDeviceIoControlRequest(0, NULL, NULL, 0, NULL, 0, FALSE, NULL, NULL); }

static void not_held(void)
{
    ERESOURCE resource;
    K_ExInitializeResourceLite(&resource);
    K_ExReleaseResourceLite(&resource);
}

static void completed_twice(void)
{
    PIRP irp = irp_allocate(1);
    irp->Type = 0;
    irp_complete(irp);
}

static void too_often(void)
{
    void *object = ob_create(OB_TYPE, 8);
    ob_dereference(object);
    ob_dereference(object);
}

static void bug_check(void) { K_KeBugCheckEx(0xc2, 1, 2, 3, 4); }

static void (*const deeds[])(void) = {
    double_free, overrun, other_devices, not_held, completed_twice, too_often, bug_check};

int main(int argc, char **argv)
{
    if (argc > 1) {
        deeds[atoi(argv[1])]();
        return 0;
    }
    for (int i = 0; i < (int)(sizeof deeds / sizeof *deeds); i++) {
        char digit[] = {(char)('0' + i), 0};
        CHECK_EQUAL(_spawnl(0, argv[0], "stop_test", digit, NULL), 99);
    }
    UNICODE_STRING unknown = text(L"FsRtlNobodyHasThis"), known = text(L"IoFreeMdl");
    CHECK(K_MmGetSystemRoutineAddress(&unknown) == NULL);
    (void)known;
    return passed("what is not there stops the run");
}
