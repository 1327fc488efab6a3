/*
 * Cc: cached writes that are put off while too much is dirty. Windows: thresholds of the whole system and of each file,
 * and a write behind that hurries. Here: one limit of pages, none unless it is set (rig_dirty_limit), and what was put
 * off is posted after each round of the lazy writer.
 */
#include "map.h"

#define MAX_MAPS 64 /* that count */

typedef struct DEFERRED {
    struct DEFERRED *next;
    PCC_POST_DEFERRED_WRITE post;
    PVOID first, second;
    ULONG bytes;
} DEFERRED;

static volatile LONG limit_pages;
static DEFERRED *deferred, **last = &deferred; /* in order; under host_lock(&deferred) */

RIG_API void rig_dirty_limit(uint32_t pages) { limit_pages = (LONG)pages; }

static LONG pages_of(ULONG bytes) { return (LONG)((bytes + PAGE - 1) / PAGE); }

/* Never two locks at a time: two objects may share one. */
static LONG dirty_pages(void)
{
    MAP *all[MAX_MAPS];
    int count = 0;
    LONG dirty = 0;
    host_lock(&maps);
    for (MAP *map = maps; map != NULL && count < MAX_MAPS; map = map->next) {
        map->users++;
        all[count++] = map;
    }
    host_unlock(&maps);
    for (int m = 0; m < count; m++) {
        host_lock(all[m]);
        for (ULONG i = 0; i < all[m]->count; i++)
            dirty += all[m]->pages[i].dirty;
        host_unlock(all[m]);
        map_put(all[m]);
    }
    return dirty;
}

/* One that is larger than the limit goes when nothing else is dirty. */
static BOOLEAN has_room(ULONG bytes)
{
    LONG limit = limit_pages, dirty = limit != 0 ? dirty_pages() : 0;
    return dirty == 0 || dirty + pages_of(bytes) <= limit;
}

/* A write that is tried again goes: its file may be held, so that the lazy writer would wait for it. */
KERNEL BOOLEAN K_CcCanIWrite(PFILE_OBJECT file, ULONG bytes, BOOLEAN wait, UCHAR retrying)
{
    if (retrying)
        return TRUE;
    while (!has_room(bytes)) {
        if (!wait)
            return FALSE;
        host_sleep(10000);
    }
    return TRUE;
}

KERNEL VOID K_CcDeferWrite(
    PFILE_OBJECT file, PCC_POST_DEFERRED_WRITE post, PVOID first, PVOID second, ULONG bytes, BOOLEAN retrying)
{
    DEFERRED *d = host_alloc(sizeof *d);
    *d = (DEFERRED){.post = post, .first = first, .second = second, .bytes = bytes};
    count(COUNT_DEFERRED_WRITES);
    host_lock(&deferred);
    *last = d;
    last = &d->next;
    host_unlock(&deferred);
}

void deferred_post(void)
{
    for (;;) {
        host_lock(&deferred);
        DEFERRED *d = deferred;
        if (d != NULL) {
            deferred = d->next;
            if (deferred == NULL)
                last = &deferred;
        }
        host_unlock(&deferred);
        if (d == NULL)
            return;
        /* The lazy writer has just written all. */
        d->post(d->first, d->second);
        host_free(d);
    }
}
