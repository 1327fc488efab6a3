/*
 * Mounting in the Windows build, which has no kernel behind it: every call is written down and answered as a test has asked for, so that
 * the choice of a mount form can be tested where no WinFsp driver is. Not part of the Linux library.
 *
 * Environment, read at every call (Win32's, so that a program can change it while it runs):
 *   WINFSP_LINUX_MOUNT_LOG    a file; each call appends a line "SetMountPoint \\.\R: c0000022"
 *   WINFSP_LINUX_MOUNT_RULES  "SetMountPoint \\.\R:=c0000022;Device WinFsp.Disk=c000000e": what to answer; everything else succeeds
 */
#include "internal.h"

#if defined(_WIN32)
#include <stdio.h>

#define TEXT_SIZEMAX 4096

static NTSTATUS rule_for(const char *call, NTSTATUS otherwise)
{
    char rules[TEXT_SIZEMAX], *at = rules;
    if (!platform_environment("WINFSP_LINUX_MOUNT_RULES", rules, sizeof rules))
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
    char path[TEXT_SIZEMAX];
    FILE *file;
    if (!platform_environment("WINFSP_LINUX_MOUNT_LOG", path, sizeof path) || (file = fopen(path, "ab")) == NULL)
        return;
    fprintf(file, "%s %08x\n", call, (unsigned)status);
    fclose(file);
}

NTSTATUS mount_script(const char *function, const WCHAR *what, NTSTATUS otherwise)
{
    char call[TEXT_SIZEMAX];
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

NTSTATUS fuse_preflight(const WCHAR *mountPoint) { return mount_script("Preflight", mountPoint, STATUS_SUCCESS); }

NTSTATUS fuse_attach(VOLUME *volume, const WCHAR *mountPoint, void **frontEnd)
{
    NTSTATUS status = mount_script("SetMountPoint", mountPoint, STATUS_SUCCESS);
    *frontEnd = (void *)mountPoint; /* the caller's copy, which outlives the mount */
    return status;
}

void fuse_detach(VOLUME *volume, void *frontEnd) { mount_script("RemoveMountPoint", frontEnd, STATUS_SUCCESS); }
void fuse_forget(VOLUME *volume, void *frontEnd) {}
void fuse_notify(VOLUME *volume, void *frontEnd, UINT32 filter, UINT32 action, const WCHAR *name, size_t length) {}
#else
typedef int mount_script_is_for_windows; /* a source must not be empty */
#endif
