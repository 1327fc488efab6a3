/*
 * Maps a driver image by hand: sections, relocations, imports, unwind table, and the kinds of instruction that only
 * work in a kernel:
 *
 *   KI_USER_SHARED_DATA at 0xfffff78000000000 becomes its user-mode view at 0x7ffe0000, which has the same layout;
 *   gs:[188h], the current thread in the kernel's processor block, becomes gs:[30h], the TEB's own address: one value a
 * thread as well; gs:[184h], the number of the processor (one byte), stays: it reads a zero byte of the TEB.
 *
 * An import that the rig does not have becomes a stub that stops the run with the import's name when it is called.
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <stdio.h>
#include "rig.h"

#define SHARED_DATA_KERNEL 0xfffff78000000000ull
#define SHARED_DATA_USER 0x7ffe0000ull
#define STATUS_OBJECT_NAME_NOT_FOUND_ ((int32_t)0xC0000034)
#define COOKIE_IN_LOAD_CONFIG 0x58
#define STUB_PAGE_BYTES 65536
#define STUB_BYTES 32

static uint8_t *read_file(const wchar_t *path, size_t *bytes)
{
    HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return NULL;
    DWORD size = GetFileSize(file, NULL), done = 0;
    uint8_t *data = host_alloc(size);
    BOOL ok = ReadFile(file, data, size, &done, NULL) && done == size && size > sizeof(IMAGE_DOS_HEADER);
    CloseHandle(file);
    if (!ok) {
        host_free(data);
        return NULL;
    }
    *bytes = size;
    return data;
}

static IMAGE_NT_HEADERS64 *headers_of(uint8_t *base)
{
    return (IMAGE_NT_HEADERS64 *)(base + ((IMAGE_DOS_HEADER *)base)->e_lfanew);
}

static IMAGE_DATA_DIRECTORY directory_of(uint8_t *base, unsigned index)
{
    return headers_of(base)->OptionalHeader.DataDirectory[index];
}

static void relocate(uint8_t *base)
{
    int64_t delta = (int64_t)base - (int64_t)headers_of(base)->OptionalHeader.ImageBase;
    IMAGE_DATA_DIRECTORY directory = directory_of(base, IMAGE_DIRECTORY_ENTRY_BASERELOC);
    uint8_t *at = base + directory.VirtualAddress, *end = at + directory.Size;
    while (at < end) {
        IMAGE_BASE_RELOCATION *block = (void *)at;
        if (block->SizeOfBlock == 0)
            break;
        uint16_t *item = (void *)(block + 1);
        for (size_t i = 0; i < (block->SizeOfBlock - sizeof *block) / 2; i++)
            if (item[i] >> 12 == IMAGE_REL_BASED_DIR64)
                *(int64_t *)(base + block->VirtualAddress + (item[i] & 0xfff)) += delta;
        at += block->SizeOfBlock;
    }
}

uint8_t *image_map(const wchar_t *path)
{
    size_t bytes;
    uint8_t *file = read_file(path, &bytes);
    if (file == NULL)
        return NULL;
    const IMAGE_OPTIONAL_HEADER64 *optional = &headers_of(file)->OptionalHeader;
    uint8_t *base = VirtualAlloc(NULL, optional->SizeOfImage, MEM_COMMIT | MEM_RESERVE, PAGE_EXECUTE_READWRITE);
    memcpy(base, file, optional->SizeOfHeaders);
    const IMAGE_SECTION_HEADER *section = IMAGE_FIRST_SECTION(headers_of(base));
    for (int s = 0; s < headers_of(base)->FileHeader.NumberOfSections; s++)
        memcpy(base + section[s].VirtualAddress, file + section[s].PointerToRawData, section[s].SizeOfRawData);
    host_free(file);
    relocate(base);
    return base;
}

void image_add_function_table(uint8_t *base)
{
    IMAGE_DATA_DIRECTORY directory = directory_of(base, IMAGE_DIRECTORY_ENTRY_EXCEPTION);
    RtlAddFunctionTable(
        (void *)(base + directory.VirtualAddress), directory.Size / sizeof(RUNTIME_FUNCTION), (DWORD64)base);
}

static void missing(const char *name) { host_fatal("the driver called %s, which the rig does not have", name); }

/* mov rcx, name; mov rax, missing; jmp rax */
static void *stub(const char *name)
{
    static uint8_t *page;
    static size_t used;
    void *target = missing;
    if (page == NULL)
        page = VirtualAlloc(NULL, STUB_PAGE_BYTES, MEM_COMMIT | MEM_RESERVE, PAGE_EXECUTE_READWRITE);
    if (used + STUB_BYTES > STUB_PAGE_BYTES)
        host_fatal("more missing imports than there is room for");
    uint8_t *code = page + used;
    used += STUB_BYTES;
    memcpy(code, "\x48\xb9", 2);
    memcpy(code + 2, &name, 8);
    memcpy(code + 10, "\x48\xb8", 2);
    memcpy(code + 12, &target, 8);
    memcpy(code + 20, "\xff\xe0", 2);
    return code;
}

/* Ours first; then what user mode has with the same contract: hashes, Rtl, memory of the process, functions of the C
 * library. */
static void *resolve(const char *library, const char *name)
{
    char own[160];
    snprintf(own, sizeof own, "K_%s", name);
    void *found = host_own_export(own);
    if (found == NULL && _stricmp(library, "cng.sys") == 0)
        found = host_library("bcrypt.dll", name);
    BOOL same_in_ntdll = strncmp(name, "Rtl", 3) == 0 || strcmp(name, "ZwAllocateVirtualMemory") == 0 ||
                         strcmp(name, "ZwFreeVirtualMemory") == 0 || name[0] == '_' ||
                         (name[0] >= 'a' && name[0] <= 'z');
    return found == NULL && same_in_ntdll ? host_ntdll(name) : found;
}

static void import(uint8_t *base)
{
    uint8_t *at = base + directory_of(base, IMAGE_DIRECTORY_ENTRY_IMPORT).VirtualAddress;
    for (IMAGE_IMPORT_DESCRIPTOR *d = (void *)at; d->Name != 0; d++) {
        uint64_t *names = (void *)(base + d->OriginalFirstThunk), *slots = (void *)(base + d->FirstThunk);
        for (; *names != 0; names++, slots++) {
            const char *name = ((IMAGE_IMPORT_BY_NAME *)(base + *names))->Name;
            void *found = resolve((char *)base + d->Name, name);
            if (found == NULL && host_verbose)
                host_log("import without implementation: %s", name);
            *slots = (uint64_t)(found != NULL ? found : stub(name));
        }
    }
}

static void patch(uint8_t *code, size_t bytes)
{
    for (size_t i = 0; i + 9 < bytes; i++) {
        uint64_t value;
        memcpy(&value, code + i, 8);
        if ((value & ~0xfffull) == SHARED_DATA_KERNEL) {
            value = SHARED_DATA_USER | (value & 0xfff);
            memcpy(code + i, &value, 8);
        } else if (code[i] == 0x65 && code[i + 1] == 0x48 && code[i + 2] == 0x8b &&
                   memcmp(code + i + 4, "\x25\x88\x01\0\0", 5) == 0) { /* mov r64, gs:[188h] */
            code[i + 5] = 0x30;
            code[i + 6] = 0;
        }
    }
}

int32_t image_load(const wchar_t *path, void **image, void **entry)
{
    uint8_t *base = image_map(path);
    if (base == NULL)
        return STATUS_OBJECT_NAME_NOT_FOUND_;
    import(base);
    /* The kernel's loader gives the image its stack cookie; an untouched one makes the entry point fail fast. */
    IMAGE_DATA_DIRECTORY configuration = directory_of(base, IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG);
    if (configuration.VirtualAddress != 0) {
        uint64_t *cookie = *(uint64_t **)(base + configuration.VirtualAddress + COOKIE_IN_LOAD_CONFIG);
        if (cookie != NULL)
            *cookie = 0x00005a17c0de1234ull;
    }
    const IMAGE_SECTION_HEADER *section = IMAGE_FIRST_SECTION(headers_of(base));
    for (int s = 0; s < headers_of(base)->FileHeader.NumberOfSections; s++)
        if (section[s].Characteristics & IMAGE_SCN_MEM_EXECUTE)
            patch(base + section[s].VirtualAddress, section[s].Misc.VirtualSize);
    image_add_function_table(base);
    *image = base;
    *entry = base + headers_of(base)->OptionalHeader.AddressOfEntryPoint;
    return 0;
}
