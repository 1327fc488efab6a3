/*
 * Security descriptors as bytes: validity, parts, new ones. Self-relative only, as everywhere in this API.
 *
 * Sizes inside a descriptor come from a host: everything is checked against the bytes at hand before it is read. What
 * cannot be known (a descriptor passed without its length) is bounded by 64 KiB.
 */
#include <stdlib.h>

#include "core/base/descriptor.h"

#define SD_HEADER 20u
#define MAX_SD_BYTES 65536u

static int sid_fits(const UINT8 *base, SIZE_T size, UINT32 at)
{
    return at >= SD_HEADER && (SIZE_T)at + 8 <= size && base[at] == 1 && base[at + 1] <= 15 &&
           at + sid_size(base + at) <= size;
}

static int acl_fits(const UINT8 *base, SIZE_T size, UINT32 at)
{
    SIZE_T length, used = 8;
    if (at < SD_HEADER || (SIZE_T)at + 8 > size || base[at] < 2 || base[at] > 4)
        return 0;
    length = get16(base + at + 2);
    if (length < 8 || at + length > size)
        return 0;
    for (UINT32 i = 0, count = get16(base + at + 4); i < count; i++) {
        const UINT8 *ace = base + at + used;
        if (used + 8 > length || get16(ace + 2) < 8 || used + get16(ace + 2) > length)
            return 0;
        if (ace[0] <= ACE_AUDIT &&
            (get16(ace + 2) < 16 || ace[8] != 1 || ace[9] > 15 || 8 + sid_size(ace + 8) > get16(ace + 2)))
            return 0;
        used += get16(ace + 2);
    }
    return 1;
}

SIZE_T sd_view(const void *sd, SIZE_T size, SD_VIEW *view)
{
    const UINT8 *base = sd;
    SIZE_T end = SD_HEADER;
    UINT32 owner, group, sacl, dacl;
    memset(view, 0, sizeof *view);
    if (size > MAX_SD_BYTES)
        size = MAX_SD_BYTES;
    if (sd == NULL || size < SD_HEADER || base[0] != 1)
        return 0;
    view->control = get16(base + 2);
    if (!(view->control & SE_SELF_RELATIVE))
        return 0;
    owner = get32(base + 4), group = get32(base + 8), sacl = get32(base + 12), dacl = get32(base + 16);
    if ((owner != 0 && !sid_fits(base, size, owner)) || (group != 0 && !sid_fits(base, size, group)))
        return 0;
    if (!(view->control & SE_SACL_PRESENT))
        sacl = 0;
    if (!(view->control & SE_DACL_PRESENT))
        dacl = 0;
    if ((sacl != 0 && !acl_fits(base, size, sacl)) || (dacl != 0 && !acl_fits(base, size, dacl)))
        return 0;
    if (owner != 0)
        view->owner = base + owner;
    if (group != 0)
        view->group = base + group;
    if (sacl != 0)
        view->sacl = base + sacl;
    if (dacl != 0)
        view->dacl = base + dacl;
    if (owner != 0 && owner + sid_size(base + owner) > end)
        end = owner + sid_size(base + owner);
    if (group != 0 && group + sid_size(base + group) > end)
        end = group + sid_size(base + group);
    if (sacl != 0 && sacl + (SIZE_T)get16(base + sacl + 2) > end)
        end = sacl + (SIZE_T)get16(base + sacl + 2);
    if (dacl != 0 && dacl + (SIZE_T)get16(base + dacl + 2) > end)
        end = dacl + (SIZE_T)get16(base + dacl + 2);
    return end;
}

UINT32 sd_ace_count(const void *sd, SIZE_T size, int *present)
{
    SD_VIEW view;
    *present = sd_view(sd, size, &view) != 0 && view.dacl != NULL;
    return *present ? get16(view.dacl + 4) : 0;
}

/* A new descriptor from parts that may lie anywhere. */
void *sd_build(const SD_VIEW *from, SIZE_T *size)
{
    SIZE_T owner = from->owner ? sid_size(from->owner) : 0, group = from->group ? sid_size(from->group) : 0;
    SIZE_T sacl = from->sacl ? get16(from->sacl + 2) : 0, dacl = from->dacl ? get16(from->dacl + 2) : 0;
    SIZE_T at = SD_HEADER, total = SD_HEADER + owner + group + ((sacl + 3) & ~(SIZE_T)3) + ((dacl + 3) & ~(SIZE_T)3);
    UINT8 *sd = calloc(1, total);
    if (sd == NULL)
        return NULL;
    sd[0] = 1;
    put16(sd + 2, from->control | SE_SELF_RELATIVE);
    if (sacl) {
        put32(sd + 12, (UINT32)at);
        memcpy(sd + at, from->sacl, sacl);
        at += (sacl + 3) & ~(SIZE_T)3;
    }
    if (dacl) {
        put32(sd + 16, (UINT32)at);
        memcpy(sd + at, from->dacl, dacl);
        at += (dacl + 3) & ~(SIZE_T)3;
    }
    if (owner) {
        put32(sd + 4, (UINT32)at);
        memcpy(sd + at, from->owner, owner);
        at += owner;
    }
    if (group) {
        put32(sd + 8, (UINT32)at);
        memcpy(sd + at, from->group, group);
        at += group;
    }
    if (size != NULL)
        *size = total;
    return sd;
}

UINT32 map_generic(UINT32 access)
{
    if (access & GENERIC_READ)
        access |= FILE_GENERIC_READ;
    if (access & GENERIC_WRITE)
        access |= FILE_GENERIC_WRITE;
    if (access & GENERIC_EXECUTE)
        access |= FILE_GENERIC_EXECUTE;
    if (access & GENERIC_ALL)
        access |= FILE_ALL_ACCESS;
    return access & 0x0fffffffu;
}

PGENERIC_MAPPING FspGetFileGenericMapping(void)
{
    static GENERIC_MAPPING mapping = {FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS};
    return &mapping;
}
