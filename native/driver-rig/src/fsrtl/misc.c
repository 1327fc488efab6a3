/* FsRtl: contexts of filters, network providers: there are neither. */
#include "kernel.h"

KERNEL VOID K_FsRtlTeardownPerStreamContexts(PVOID header) {} /* filters make them, and there are none */

/* The driver registers a provider for network volumes when it starts; paths never come this way here. */
KERNEL NTSTATUS K_FsRtlRegisterUncProviderEx(PHANDLE handle, PUNICODE_STRING name, PDEVICE_OBJECT device, ULONG flags)
{
    *handle = (HANDLE)1;
    return STATUS_SUCCESS;
}

KERNEL VOID K_FsRtlDeregisterUncProvider(HANDLE handle) {}
