/*
 * The driver object: start and unload of the driver. Also the handles that the hooked library gets for our devices.
 */
#include "kernel.h"

struct _EPROCESS *g_process;
void *g_token;
PDRIVER_OBJECT g_driver;
KERNEL struct _EPROCESS *K_PsInitialSystemProcess;
KERNEL POBJECT_TYPE K_IoFileObjectType, K_IoDeviceObjectType, K_SeTokenObjectType;
#define OPAQUE_BYTES 64 /* of objects whose insides nobody looks at */

int32_t driver_start(void *entry)
{
    static DRIVER_EXTENSION extension;
    static WCHAR driver_name[] = L"\\Driver\\WinFsp";
    static WCHAR registry[] = L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\WinFsp";
    UNICODE_STRING path = {sizeof registry - sizeof(WCHAR), sizeof registry, registry};
    g_process = K_PsInitialSystemProcess = ob_create(OB_PROCESS, OPAQUE_BYTES);
    g_token = ob_create(OB_TOKEN, OPAQUE_BYTES);
    K_IoFileObjectType = ob_create(OB_TYPE, OPAQUE_BYTES);
    K_IoDeviceObjectType = ob_create(OB_TYPE, OPAQUE_BYTES);
    K_SeTokenObjectType = ob_create(OB_TYPE, OPAQUE_BYTES);
    g_driver = ob_create(OB_TYPE, sizeof *g_driver);
    g_driver->Type = IO_TYPE_DRIVER;
    g_driver->Size = sizeof *g_driver;
    g_driver->DriverExtension = &extension;
    extension.DriverObject = g_driver;
    g_driver->DriverName.Buffer = driver_name;
    g_driver->DriverName.Length = sizeof driver_name - sizeof(WCHAR);
    g_driver->DriverName.MaximumLength = sizeof driver_name;
    system_threads_start();
    NTSTATUS status = ((PDRIVER_INITIALIZE)entry)(g_driver, &path);
    for (PDEVICE_OBJECT d = g_driver->DeviceObject; d != NULL; d = d->NextDevice)
        d->Flags &= ~DO_DEVICE_INITIALIZING;
    return status;
}

/* Windows unloads a driver when nobody refers to its devices any more. */
RIG_API int32_t rig_unload(void)
{
    if (g_driver->DriverUnload == NULL)
        return STATUS_NOT_SUPPORTED;
    for (PDEVICE_OBJECT d = g_driver->DeviceObject; d != NULL; d = d->NextDevice)
        if (d->Vpb != NULL)
            return STATUS_DEVICE_BUSY;
    g_driver->DriverUnload(g_driver);
    return g_driver->DeviceObject == NULL ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

void *rig_handle_object(void *handle) { return handle_object(handle); }

void *rig_handle_create(void *file) { return handle_create(file); }

int32_t rig_handle_close(void *handle) { return handle_close(handle); }
