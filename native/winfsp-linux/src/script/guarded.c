/* See guarded.h. */
#include "script/guarded.h"

#if defined(_WIN32)
#include <windows.h>

void *guarded_alloc(size_t size, void **region, size_t *regionSize)
{
    size_t body = (size + 4095) & ~(size_t)4095;
    DWORD old;
    char *base = VirtualAlloc(NULL, body + 8192, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (base == NULL)
        return NULL;
    VirtualProtect(base, 4096, PAGE_NOACCESS, &old);
    VirtualProtect(base + 4096 + body, 4096, PAGE_NOACCESS, &old);
    *region = base;
    *regionSize = body + 8192;
    return base + 4096 + body - ((size + 7) & ~(size_t)7);
}

void guarded_seal(void *region, size_t regionSize)
{
    DWORD old;
    VirtualProtect(region, regionSize, PAGE_NOACCESS, &old);
}

void guarded_free(void *region, size_t regionSize) { VirtualFree(region, 0, MEM_RELEASE); }

#else
#include <sys/mman.h>
#include <unistd.h>

void *guarded_alloc(size_t size, void **region, size_t *regionSize)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t body = (size + page - 1) & ~(page - 1);
    char *base = mmap(NULL, body + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return NULL;
    if (body != 0 && mprotect(base + page, body, PROT_READ | PROT_WRITE) != 0) {
        munmap(base, body + 2 * page);
        return NULL;
    }
    *region = base;
    *regionSize = body + 2 * page;
    return base + page + body - ((size + 7) & ~(size_t)7);
}

void guarded_seal(void *region, size_t regionSize) { mprotect(region, regionSize, PROT_NONE); }
void guarded_free(void *region, size_t regionSize) { munmap(region, regionSize); }
#endif
