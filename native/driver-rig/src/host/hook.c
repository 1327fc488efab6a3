/*
 * Redirects the WinFsp library's calls for our devices to the driver in this process, through its import table; and
 * what Wine has no use for: the service of the driver, and private object security. All other calls go on to Win32.
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <winioctl.h>
#include <stdio.h>
#include "rig.h"

BOOL WINAPI own_CreatePrivateObjectSecurity(
    PSECURITY_DESCRIPTOR, PSECURITY_DESCRIPTOR, PSECURITY_DESCRIPTOR *, BOOL, HANDLE, PGENERIC_MAPPING);
BOOL WINAPI own_SetPrivateObjectSecurity(
    SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSECURITY_DESCRIPTOR *, PGENERIC_MAPPING, HANDLE);
BOOL WINAPI own_DestroyPrivateObjectSecurity(PSECURITY_DESCRIPTOR *);

#define STATUS_DLL_NOT_FOUND_ ((int32_t)0xC0000135)
#define FILE_OPEN_ 1
#define FILE_SYNCHRONOUS_IO_NONALERT_ 0x20
#define FILE_NON_DIRECTORY_FILE_ 0x40
#define FILE_OPEN_FOR_BACKUP_INTENT_ 0x4000
/* Handles of what does not exist here; io/object.c knows that they are no Win32 handles. */
#define LINK_HANDLE ((HANDLE)(ULONG_PTR)0x5eff0000)
#define SERVICE_HANDLE ((SC_HANDLE)(ULONG_PTR)0x5efe0000)

static BOOL result(int32_t status)
{
    ULONG(WINAPI * to_dos_error)(int32_t) = host_ntdll("RtlNtStatusToDosError");
    if (status >= 0)
        return TRUE;
    SetLastError(to_dos_error(status));
    return FALSE;
}

/* ---- devices ---- */
static HANDLE WINAPI hook_CreateFileW(LPCWSTR name, DWORD access, DWORD share, LPSECURITY_ATTRIBUTES security,
    DWORD disposition, DWORD flags, HANDLE template)
{
    static const WCHAR root[] = L"\\\\?\\GLOBALROOT\\";
    size_t length = wcslen(root);
    if (wcsncmp(name, root, length) != 0)
        return CreateFileW(name, access, share, security, disposition, flags, template);
    void *file = NULL;
    uint32_t options = (flags & FILE_FLAG_OVERLAPPED ? 0 : FILE_SYNCHRONOUS_IO_NONALERT_) |
                       (flags & FILE_FLAG_BACKUP_SEMANTICS ? FILE_OPEN_FOR_BACKUP_INTENT_ : FILE_NON_DIRECTORY_FILE_);
    int32_t status = rig_open(
        name + length - 1, access | SYNCHRONIZE | FILE_READ_ATTRIBUTES, 0, share, FILE_OPEN_, options, &file, NULL);
    return result(status) ? rig_handle_create(file) : INVALID_HANDLE_VALUE;
}

static void show(const char *direction, const uint8_t *at, uint32_t bytes)
{
    static const char *const kinds[] = {"reserved", "Create", "Overwrite", "Cleanup", "Close", "Read", "Write",
        "QueryInformation", "SetInformation", "QueryEa", "SetEa", "FlushBuffers", "QueryVolumeInformation",
        "SetVolumeInformation", "QueryDirectory", "FileSystemControl", "DeviceControl", "Shutdown", "LockControl",
        "QuerySecurity", "SetSecurity", "QueryStreamInformation"};
    while (bytes >= 24) {
        uint32_t size = *(const uint16_t *)(at + 2), kind = *(const uint32_t *)(at + 4);
        if (size < 24 || size > bytes)
            break;
        host_log("%s %-22s %llx %08x", direction, kind < sizeof kinds / sizeof *kinds ? kinds[kind] : "?",
            (unsigned long long)(*(const uint64_t *)(at + 8) & 0xffffff), *(const uint32_t *)(at + 20));
        size = (size + 7) & ~7u;
        if (size >= bytes)
            break;
        at += size;
        bytes -= size;
    }
}

static BOOL WINAPI hook_DeviceIoControl(HANDLE handle, DWORD code, LPVOID in, DWORD in_length, LPVOID out,
    DWORD out_length, LPDWORD done, LPOVERLAPPED overlapped)
{
    void *file = rig_handle_object(handle);
    if (file == NULL)
        return DeviceIoControl(handle, code, in, in_length, out, out_length, done, overlapped);
    if (overlapped != NULL)
        host_fatal("DeviceIoControl: not implemented: overlapped calls");
    uint32_t bytes = 0;
    if (host_verbose > 1)
        show("  answer ", in, in_length);
    int32_t status =
        rig_control(file, code >> 16 == FILE_DEVICE_FILE_SYSTEM, code, in, in_length, out, out_length, &bytes);
    if (host_verbose > 1)
        show("  request", out, bytes);
    if (done != NULL)
        *done = bytes;
    return result(status);
}

static BOOL WINAPI hook_CloseHandle(HANDLE handle)
{
    return rig_handle_object(handle) == NULL ? CloseHandle(handle) : result(rig_handle_close(handle));
}

static BOOL WINAPI hook_DefineDosDeviceW(DWORD flags, LPCWSTR name, LPCWSTR target)
{
    WCHAR link[64] = L"\\??\\";
    if (wcslen(name) > 40)
        return result((int32_t)0xC0000033);
    wcscat(link, name);
    name_link(link, flags & DDD_REMOVE_DEFINITION ? NULL : target);
    return TRUE;
}

/* The library makes the link of its drive temporary, so that it goes with the process. Ours do anyway. */
static LONG WINAPI hook_NtOpenSymbolicLinkObject(PHANDLE handle, ACCESS_MASK access, void *attributes)
{
    *handle = LINK_HANDLE;
    return 0;
}

static LONG WINAPI hook_NtMakeTemporaryObject(HANDLE handle) { return 0; }

static LONG WINAPI hook_NtClose(HANDLE handle) { return 0; }

static BOOL WINAPI hook_FlushFileBuffers(HANDLE handle)
{
    void *file = rig_handle_object(handle);
    return file == NULL ? FlushFileBuffers(handle) : result(rig_flush(file));
}

/* For the library, and for what a program in this process calls through koffi: the few functions that it uses on a
 * volume. */
static FARPROC WINAPI hook_GetProcAddress(HMODULE module, LPCSTR name)
{
    if (module == GetModuleHandleA("kernel32.dll") && (ULONG_PTR)name > 0xffff) {
        if (strcmp(name, "CreateFileW") == 0)
            return (FARPROC)hook_CreateFileW;
        if (strcmp(name, "FlushFileBuffers") == 0)
            return (FARPROC)hook_FlushFileBuffers;
        if (strcmp(name, "CloseHandle") == 0)
            return (FARPROC)hook_CloseHandle;
    }
    if (module == GetModuleHandleA("ntdll.dll") && (ULONG_PTR)name > 0xffff) {
        if (strcmp(name, "NtOpenSymbolicLinkObject") == 0)
            return (FARPROC)hook_NtOpenSymbolicLinkObject;
        if (strcmp(name, "NtMakeTemporaryObject") == 0)
            return (FARPROC)hook_NtMakeTemporaryObject;
        if (strcmp(name, "NtClose") == 0)
            return (FARPROC)hook_NtClose;
    }
    return GetProcAddress(module, name);
}

/* ---- the service: WinFsp's driver runs; the library reads its version from the driver's file ---- */
static WCHAR driver_path[MAX_PATH + 8] = L"\\??\\";

static SC_HANDLE WINAPI hook_OpenServiceW(SC_HANDLE manager, LPCWSTR name, DWORD access)
{
    return _wcsicmp(name, L"WinFsp") == 0 ? SERVICE_HANDLE : OpenServiceW(manager, name, access);
}

static BOOL WINAPI hook_StartServiceW(SC_HANDLE service, DWORD count, LPCWSTR *arguments)
{
    if (service != SERVICE_HANDLE)
        return StartServiceW(service, count, arguments);
    SetLastError(ERROR_SERVICE_ALREADY_RUNNING);
    return FALSE;
}

static BOOL WINAPI hook_QueryServiceConfigW(
    SC_HANDLE service, LPQUERY_SERVICE_CONFIGW config, DWORD bytes, LPDWORD needed)
{
    if (service != SERVICE_HANDLE)
        return QueryServiceConfigW(service, config, bytes, needed);
    *needed = sizeof *config + sizeof driver_path;
    if (bytes < *needed) {
        SetLastError(ERROR_INSUFFICIENT_BUFFER);
        return FALSE;
    }
    memset(config, 0, *needed);
    config->lpBinaryPathName = (WCHAR *)(config + 1);
    wcscpy(config->lpBinaryPathName, driver_path);
    return TRUE;
}

static BOOL WINAPI hook_CloseServiceHandle(SC_HANDLE service)
{
    return service == SERVICE_HANDLE ? TRUE : CloseServiceHandle(service);
}

/* A host never runs as a service here; Wine's own answer would come after half a minute. */
static BOOL WINAPI hook_StartServiceCtrlDispatcherW(const SERVICE_TABLE_ENTRYW *table)
{
    SetLastError(ERROR_FAILED_SERVICE_CONTROLLER_CONNECT);
    return FALSE;
}

/* For rig_program: the library takes the command line of a service host from the process. */
static const WCHAR *program_command_line;

static LPWSTR WINAPI hook_GetCommandLineW(void)
{
    return program_command_line != NULL ? (LPWSTR)program_command_line : GetCommandLineW();
}

void hook_command_line(const wchar_t *text) { program_command_line = text; }

/* Replaces an import. */
static void hook(HMODULE module, const char *name, void *replacement)
{
    uint8_t *base = (uint8_t *)module;
    IMAGE_NT_HEADERS64 *nt = (void *)(base + ((IMAGE_DOS_HEADER *)base)->e_lfanew);
    uint8_t *at = base + nt->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT].VirtualAddress;
    for (IMAGE_IMPORT_DESCRIPTOR *d = (void *)at; d->Name; d++) {
        uint64_t *names = (void *)(base + d->OriginalFirstThunk), *slots = (void *)(base + d->FirstThunk);
        for (; *names; names++, slots++) {
            if (*names >> 63 || strcmp(((IMAGE_IMPORT_BY_NAME *)(base + *names))->Name, name) != 0)
                continue;
            DWORD old;
            VirtualProtect(slots, sizeof *slots, PAGE_READWRITE, &old);
            *slots = (uint64_t)replacement;
            VirtualProtect(slots, sizeof *slots, old, &old);
            return;
        }
    }
    host_fatal("the library does not import %s, which the rig has to replace", name);
}

RIG_API int32_t rig_start(const wchar_t *driver, const wchar_t *library)
{
    static const struct {
        const char *name;
        void *replacement;
    } hooks[] = {
        {"CreateFileW", hook_CreateFileW},
        {"DeviceIoControl", hook_DeviceIoControl},
        {"CloseHandle", hook_CloseHandle},
        {"DefineDosDeviceW", hook_DefineDosDeviceW},
        {"GetProcAddress", hook_GetProcAddress},
        {"OpenServiceW", hook_OpenServiceW},
        {"StartServiceW", hook_StartServiceW},
        {"QueryServiceConfigW", hook_QueryServiceConfigW},
        {"CloseServiceHandle", hook_CloseServiceHandle},
        {"StartServiceCtrlDispatcherW", hook_StartServiceCtrlDispatcherW},
        {"GetCommandLineW", hook_GetCommandLineW},
        {"CreatePrivateObjectSecurity", own_CreatePrivateObjectSecurity},
        {"SetPrivateObjectSecurity", own_SetPrivateObjectSecurity},
        {"DestroyPrivateObjectSecurity", own_DestroyPrivateObjectSecurity},
    };

    void *base, *entry;
    int32_t status = image_load(driver, &base, &entry);
    if (status >= 0)
        status = driver_start(entry);
    if (status < 0)
        return status;
    HMODULE module = LoadLibraryW(library);
    if (module == NULL || wcslen(driver) >= MAX_PATH)
        return STATUS_DLL_NOT_FOUND_;
    wcscat(driver_path, driver);
    for (size_t i = 0; i < sizeof hooks / sizeof *hooks; i++)
        hook(module, hooks[i].name, hooks[i].replacement);
    HMODULE koffi = GetModuleHandleA("koffi.node");
    if (koffi != NULL)
        hook(koffi, "GetProcAddress", hook_GetProcAddress);
    return 0;
}
