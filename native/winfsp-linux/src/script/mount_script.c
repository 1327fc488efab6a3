/*
 * Mounting in the Windows build, which has no kernel behind it: every call is written down and answered as a test has
 * asked for, so that the choice of a mount form can be tested where no WinFsp driver is. Not part of the Linux library.
 *
 * Environment, read at every call (Win32's, so that a program can change it while it runs):
 *
 * - WINFSP_LINUX_MOUNT_LOG, a file: each call appends a line "SetMountPoint \\.\R: c0000022"
 *
 * - WINFSP_LINUX_MOUNT_RULES, "SetMountPoint \\.\R:=c0000022;Device WinFsp.Disk=c000000e": what to answer; everything
 *   else succeeds
 */
#include "core/volumes.h"
#include "ops/ops.h"
#include "script/script.h"

#if defined(_WIN32)
#include <stdio.h>

#define MAX_TEXT_BYTES 4096

static NTSTATUS rule_for(const char *call, NTSTATUS otherwise)
{
    char rules[MAX_TEXT_BYTES], *at = rules;
    if (!script_environment("WINFSP_LINUX_MOUNT_RULES", rules, sizeof rules))
        return otherwise;
    while (*at != 0) {
        char *end = at + strcspn(at, ";"), *equals = memchr(at, '=', (size_t)(end - at));
        int last = *end == 0;
        *end = 0;
        if (equals != NULL && (size_t)(equals - at) == strlen(call) && memcmp(at, call, strlen(call)) == 0)
            return (NTSTATUS)strtoul(equals + 1, NULL, 16);
        at = last ? end : end + 1;
    }
    return otherwise;
}

static void log_call(const char *call, NTSTATUS status)
{
    char path[MAX_TEXT_BYTES];
    FILE *file;
    if (!script_environment("WINFSP_LINUX_MOUNT_LOG", path, sizeof path) || (file = fopen(path, "ab")) == NULL)
        return;
    fprintf(file, "%s %08x\n", call, (unsigned)status);
    fclose(file);
}

static NTSTATUS mount_script(const char *function, const WCHAR *what, NTSTATUS otherwise)
{
    char call[MAX_TEXT_BYTES];
    int used = snprintf(call, sizeof call, "%s ", function);
    ptrdiff_t length = utf16_to_utf8(what, wide_length(what), call + used, sizeof call - (size_t)used - 1);
    NTSTATUS status;
    if (length < 0)
        return STATUS_INVALID_PARAMETER;
    call[used + length] = 0;
    status = rule_for(call, otherwise);
    log_call(call, status);
    return status;
}

static NTSTATUS attach(VOLUME *volume, const WCHAR *mountPoint, void **frontEnd)
{
    *frontEnd = (void *)mountPoint; /* the caller's copy, which outlives the mount */
    return mount_script("SetMountPoint", mountPoint, STATUS_SUCCESS);
}

static void detach(VOLUME *volume, void *frontEnd) { mount_script("RemoveMountPoint", frontEnd, STATUS_SUCCESS); }
static void forget(VOLUME *volume, void *frontEnd) {}
static void notify(VOLUME *volume, void *frontEnd, UINT32 filter, UINT32 action, const WCHAR *name, size_t length) {}

static const FRONT_END scripted = {attach, detach, NULL, forget, notify};

NTSTATUS FspFsctlPreflight(PWSTR DevicePath)
{
    return mount_script("Device", DevicePath, device_kind(DevicePath) == 0 ? STATUS_NO_SUCH_DEVICE : STATUS_SUCCESS);
}

NTSTATUS FspFileSystemPreflight(PWSTR DevicePath, PWSTR MountPoint)
{
    NTSTATUS status = FspFsctlPreflight(DevicePath);
    if (!NT_SUCCESS(status) || MountPoint == NULL)
        return status;
    return mount_script("Preflight", MountPoint, STATUS_SUCCESS);
}

NTSTATUS FspFileSystemSetMountPointEx(FSP_FILE_SYSTEM *fs, PWSTR MountPoint, PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    WCHAR letter[3] = u"Z:";
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    if (MountPoint != NULL)
        return file_system_mount(fs, MountPoint, &scripted);
    for (; letter[0] >= 'D' && fs->MountPoint == NULL; letter[0]--)
        if (NT_SUCCESS(status = file_system_mount(fs, letter, &scripted)))
            break;
    return status;
}

NTSTATUS FspFileSystemSetMountPoint(FSP_FILE_SYSTEM *fs, PWSTR MountPoint)
{
    return FspFileSystemSetMountPointEx(fs, MountPoint, NULL);
}
#else
typedef int mount_script_is_for_windows; /* a source must not be empty */
#endif
