/*
 * The cache of one file. The layout is fixed at one point: the file's size is at offset 8, where CcGetFileSizePointer
 * looks. A map's pages are under host_lock(map), the list of maps and their counts under host_lock(&maps).
 */
#ifndef CC_MAP_H
#define CC_MAP_H
#include "kernel.h"

#define PAGE 4096
#define MAX_CACHED_BYTES (64u << 20)
#define ALL_PAGES 0xffffffff

typedef struct {
    UCHAR *data;   /* NULL: not in the cache */
    UCHAR *shadow; /* what a viewed page was when it was last looked at */
    BOOLEAN dirty;
    BOOLEAN stale; /* to be read again: it was purged while a view or a descriptor list kept it */
    LONG pins;     /* descriptor lists that lead to it */
} PAGE_SLOT;

typedef struct MAP {
    LONG64 magic;
    LARGE_INTEGER size; /* offset 8 */
    struct MAP *next;
    PSECTION_OBJECT_POINTERS sections;
    PFILE_OBJECT file;                  /* referenced: requests are sent for this one */
    LONG opens;                         /* file objects with a private map */
    LONG users;                         /* calls that are inside: it is only deleted when there are none */
    PCACHE_MANAGER_CALLBACKS callbacks; /* NULL: made for a section alone */
    PVOID context;
    PAGE_SLOT *pages;
    ULONG count;
    BOOLEAN visited; /* by the lazy writer's present round */
    BOOLEAN mapped;  /* some program had a view of it */
    UCHAR *base;     /* the pages, in one range, so that they can be seen as a view */
    LONG views;
    LONGLONG view_end;
} MAP;

extern MAP *maps;

MAP *map_get(PSECTION_OBJECT_POINTERS sections); /* counts as a user; NULL: not cached */
void map_put(MAP *map);
MAP *map_create(PFILE_OBJECT file);                                     /* with the lock of all maps */
UCHAR *page_in(MAP *map, ULONG index, BOOLEAN whole, NTSTATUS *status); /* with the map's lock */
void pages_find_changed(MAP *map);                                      /* with the map's lock */
BOOLEAN pages_drop(MAP *map, ULONG from, ULONG to);
BOOLEAN pages_dirty(MAP *map, ULONG from, ULONG to);
NTSTATUS pages_write_back(MAP *map, ULONG from, ULONG to);
void deferred_post(void); /* without locks */
#endif
