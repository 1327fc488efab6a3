/*
 * A program as a part of this process, on a thread of its own: for file systems that come as one. It sees the command
 * line given here.
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include "rig.h"

static const wchar_t *command_line;

static const wchar_t *WINAPI own_command_line(void) { return command_line; }

static DWORD WINAPI run_program(void *entry) { return ((DWORD (*)(void))entry)(); }

RIG_API int32_t rig_program(const wchar_t *path, const wchar_t *command)
{
    uint8_t *base = image_map(path);
    if (base == NULL)
        return (int32_t)0xC0000034;
    command_line = _wcsdup(command);
    hook_command_line(command_line);
    const IMAGE_NT_HEADERS64 *nt = (void *)(base + ((IMAGE_DOS_HEADER *)base)->e_lfanew);
    uint8_t *at = base + nt->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT].VirtualAddress;
    for (IMAGE_IMPORT_DESCRIPTOR *d = (void *)at; d->Name != 0; d++) {
        /* The WinFsp library is found by its base name: it is loaded already. */
        HMODULE module = LoadLibraryA((char *)base + d->Name);
        uint64_t *names = (void *)(base + d->OriginalFirstThunk), *slots = (void *)(base + d->FirstThunk);
        for (; *names != 0; names++, slots++) {
            const char *name = ((IMAGE_IMPORT_BY_NAME *)(base + *names))->Name;
            void *found =
                strcmp(name, "GetCommandLineW") == 0 ? (void *)own_command_line : (void *)GetProcAddress(module, name);
            if (found == NULL)
                host_fatal("the program wants %s of %s, which is not there", name, (char *)base + d->Name);
            *slots = (uint64_t)found;
        }
    }
    image_add_function_table(base);
    HANDLE thread = CreateThread(NULL, 0, run_program, base + nt->OptionalHeader.AddressOfEntryPoint, 0, NULL);
    if (thread == NULL)
        return (int32_t)0xC0000001;
    CloseHandle(thread);
    return 0;
}
