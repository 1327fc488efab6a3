/*
 * Io: devices, volume parameter blocks, registered file systems, and mounting.
 * Windows: device stacks with filters. Here: every device stands alone. The mount request consumes a reference to the
 * disk.
 */
#include "kernel.h"

#define FILE_SYSTEMS 4
static PDEVICE_OBJECT file_systems[FILE_SYSTEMS];
static KSPIN_LOCK vpb_lock;

KERNEL NTSTATUS K_IoCreateDevice(PDRIVER_OBJECT driver, ULONG extension, PUNICODE_STRING name, DEVICE_TYPE type,
    ULONG characteristics, BOOLEAN exclusive, PDEVICE_OBJECT *device)
{
    PDEVICE_OBJECT d = ob_create(OB_DEVICE, sizeof *d + 64 + extension);
    d->Type = IO_TYPE_DEVICE;
    d->Size = (USHORT)(sizeof *d + extension);
    d->DriverObject = driver;
    d->DeviceType = type;
    d->Characteristics = characteristics;
    d->Flags = DO_DEVICE_INITIALIZING | (name != NULL ? DO_DEVICE_HAS_NAME : 0);
    d->StackSize = 1;
    d->DeviceExtension = extension ? (void *)(((ULONG_PTR)(d + 1) + 15) & ~(ULONG_PTR)15) : NULL;
    if (type == FILE_DEVICE_DISK || type == FILE_DEVICE_VIRTUAL_DISK || type == FILE_DEVICE_CD_ROM ||
        type == FILE_DEVICE_TAPE) {
        d->Vpb = pool_allocate(sizeof(VPB), ' bpV');
        RtlZeroMemory(d->Vpb, sizeof(VPB));
        d->Vpb->Type = IO_TYPE_VPB;
        d->Vpb->Size = sizeof(VPB);
        d->Vpb->RealDevice = d;
    }
    host_lock(driver);
    d->NextDevice = driver->DeviceObject;
    driver->DeviceObject = d;
    host_unlock(driver);
    if (name != NULL)
        name_add(name->Buffer, name->Length / 2, d, NULL, 0);
    *device = d;
    return STATUS_SUCCESS;
}

KERNEL VOID K_IoDeleteDevice(PDEVICE_OBJECT device)
{
    PDRIVER_OBJECT driver = device->DriverObject;
    host_lock(driver);
    for (PDEVICE_OBJECT *p = &driver->DeviceObject; *p != NULL; p = &(*p)->NextDevice)
        if (*p == device) {
            *p = device->NextDevice;
            break;
        }
    host_unlock(driver);
    name_remove_device(device);
    if (device->Vpb != NULL) {
        pool_free(device->Vpb);
        device->Vpb = NULL;
    }
    ob_dereference(device);
}

KERNEL NTSTATUS K_IoEnumerateDeviceObjectList(PDRIVER_OBJECT driver, PDEVICE_OBJECT *list, ULONG bytes, PULONG count)
{
    ULONG n = 0;
    host_lock(driver);
    for (PDEVICE_OBJECT d = driver->DeviceObject; d != NULL; d = d->NextDevice)
        n++;
    *count = n;
    if (n * sizeof *list > bytes) {
        host_unlock(driver);
        return STATUS_BUFFER_TOO_SMALL;
    }
    n = 0;
    for (PDEVICE_OBJECT d = driver->DeviceObject; d != NULL; d = d->NextDevice) {
        ob_reference(d);
        list[n++] = d;
    }
    host_unlock(driver);
    return STATUS_SUCCESS;
}

KERNEL VOID K_IoRegisterFileSystem(PDEVICE_OBJECT device)
{
    for (int i = 0; i < FILE_SYSTEMS; i++)
        if (file_systems[i] == NULL) {
            file_systems[i] = device;
            return;
        }
    host_fatal("more than %d file systems", FILE_SYSTEMS);
}

KERNEL VOID K_IoUnregisterFileSystem(PDEVICE_OBJECT device)
{
    for (int i = 0; i < FILE_SYSTEMS; i++)
        if (file_systems[i] == device)
            file_systems[i] = NULL;
}

KERNEL VOID K_IoAcquireVpbSpinLock(PKIRQL irql)
{
    while (_InterlockedExchange64((LONG64 volatile *)&vpb_lock, 1) != 0)
        host_yield();
    *irql = 0;
}

KERNEL VOID K_IoReleaseVpbSpinLock(KIRQL irql) { _InterlockedExchange64((LONG64 volatile *)&vpb_lock, 0); }

KERNEL BOOLEAN K_IoIsWdmVersionAvailable(UCHAR major, UCHAR minor) { return TRUE; }

GENERIC_MAPPING g_file_mapping = {FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS};

KERNEL PGENERIC_MAPPING K_IoGetFileObjectGenericMapping(void) { return &g_file_mapping; }

NTSTATUS device_mount(PDEVICE_OBJECT disk)
{
    for (int i = 0; i < FILE_SYSTEMS; i++) {
        if (file_systems[i] == NULL)
            continue;
        KEVENT event;
        IO_STATUS_BLOCK iosb;
        event_initialize(&event, NotificationEvent, FALSE);
        PIRP irp = irp_allocate(file_systems[i]->StackSize);
        PIO_STACK_LOCATION sp = irp->Tail.Overlay.CurrentStackLocation - 1;
        irp->Flags = IRP_MOUNT_COMPLETION | IRP_SYNCHRONOUS_PAGING_IO;
        irp->RequestorMode = KernelMode;
        irp->UserEvent = &event;
        irp->UserIosb = &iosb;
        sp->MajorFunction = IRP_MJ_FILE_SYSTEM_CONTROL;
        sp->MinorFunction = IRP_MN_MOUNT_VOLUME;
        sp->Parameters.MountVolume.Vpb = disk->Vpb;
        sp->Parameters.MountVolume.DeviceObject = disk;
        ob_reference(disk); /* the file system takes this one off when it mounts */
        irp_call(file_systems[i], irp);
        wait_for(&event, NULL);
        if (NT_SUCCESS(iosb.Status)) {
            disk->Vpb->Flags |= VPB_MOUNTED;
            disk->Vpb->DeviceObject->StackSize = 1;
            return STATUS_SUCCESS;
        }
        ob_dereference(disk);
    }
    return STATUS_UNRECOGNIZED_VOLUME;
}
