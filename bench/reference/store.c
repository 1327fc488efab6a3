/* See store.h. A page is a number; its address is the base of one reserved range plus number × page size. */
#define _GNU_SOURCE
#include "store.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define STORE_HOLE UINT32_MAX
#define WARM_BYTES (8u << 20) /* as much as the RAM drive keeps */

static uint8_t *base;
static uint32_t capacityPages, freshPage; /* pages from freshPage on were never used */
static uint64_t reserved, held;
/* Free pages that were used before: warm ones still have memory (and old bytes), cold ones were given back. */
static uint32_t *warm, *cold, warmCount, coldCount;

int store_open(uint64_t capacityBytes)
{
    if (capacityBytes / STORE_PAGE_BYTES >= STORE_HOLE)
        return -1;
    capacityPages = (uint32_t)(capacityBytes / STORE_PAGE_BYTES);
    base = mmap(NULL, (size_t)capacityPages * STORE_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    warm = calloc(capacityPages, sizeof *warm);
    cold = calloc(capacityPages, sizeof *cold);
    return base == MAP_FAILED || warm == NULL || cold == NULL ? -1 : 0;
}

uint64_t store_capacity_bytes(void) { return (uint64_t)capacityPages * STORE_PAGE_BYTES; }
uint64_t store_free_bytes(void) { return (capacityPages - reserved) * STORE_PAGE_BYTES; }

static uint64_t pages_of(uint64_t bytes) { return (bytes + STORE_PAGE_BYTES - 1) / STORE_PAGE_BYTES; }
static uint8_t *address_of(uint32_t page) { return base + (size_t)page * STORE_PAGE_BYTES; }

/* Only against a reservation, so it cannot fail. *old: the page may hold old bytes. */
static uint32_t take(int *old)
{
    held++;
    *old = warmCount > 0;
    if (warmCount > 0)
        return warm[--warmCount];
    if (coldCount > 0)
        return cold[--coldCount];
    return freshPage++;
}

static void trim(void)
{
    /* From the warmest on, down to half of the limit; neighbours go back in one call. */
    while (warmCount > WARM_BYTES / STORE_PAGE_BYTES / 2) {
        uint32_t low = warm[--warmCount], high = low;
        cold[coldCount++] = low;
        while (warmCount > 0 && (warm[warmCount - 1] == high + 1 || warm[warmCount - 1] + 1 == low)) {
            uint32_t page = warm[--warmCount];
            if (page > high)
                high = page;
            else
                low = page;
            cold[coldCount++] = page;
        }
        madvise(address_of(low), (size_t)(high - low + 1) * STORE_PAGE_BYTES, MADV_DONTNEED);
    }
}

/* The pages from position `first` on, last one first, so that they are taken again in order. */
static void give_back(CONTENT *content, uint64_t first, uint64_t end)
{
    if (end > content->room)
        end = content->room;
    while (end > first) {
        uint32_t page = content->pages[--end];
        if (page == STORE_HOLE)
            continue;
        content->pages[end] = STORE_HOLE;
        warm[warmCount++] = page;
        held--;
    }
    if (warmCount > WARM_BYTES / STORE_PAGE_BYTES)
        trim();
}

static int table_room(CONTENT *content, uint64_t pages)
{
    uint32_t room = content->room;
    uint32_t *table;
    if (pages <= room)
        return 0;
    while (room < pages)
        room = room == 0 ? (uint32_t)pages : room + room / 2 + 1;
    if ((table = realloc(content->pages, room * sizeof *table)) == NULL)
        return -1;
    memset(table + content->room, 0xff, (room - content->room) * sizeof *table);
    content->pages = table;
    content->room = room;
    return 0;
}

static int reserve_to(CONTENT *content, uint64_t pages)
{
    if (pages > content->reservedPages) {
        if (pages - content->reservedPages > capacityPages - reserved)
            return -1;
        reserved += pages - content->reservedPages;
        content->reservedPages = pages;
    }
    return 0;
}

int content_reserve(CONTENT *content, uint64_t bytes)
{
    uint64_t pages = pages_of(bytes > content->size ? bytes : content->size);
    if (pages < content->reservedPages) {
        reserved -= content->reservedPages - pages;
        content->reservedPages = pages;
    }
    return reserve_to(content, pages);
}

int content_resize(CONTENT *content, uint64_t size)
{
    uint64_t pages = pages_of(size);
    if (size > content->size) {
        if (reserve_to(content, pages) != 0)
            return -1;
    } else {
        uint32_t tail = (uint32_t)(size % STORE_PAGE_BYTES);
        give_back(content, pages, pages_of(content->size));
        reserved -= content->reservedPages - pages;
        content->reservedPages = pages;
        if (tail != 0 && size < content->size && pages <= content->room && content->pages[pages - 1] != STORE_HOLE)
            memset(address_of(content->pages[pages - 1]) + tail, 0, STORE_PAGE_BYTES - tail);
        if (pages == 0) {
            free(content->pages);
            content->pages = NULL;
            content->room = 0;
        }
    }
    content->size = size;
    return 0;
}

/* How many bytes from `at` on lie one after the other in memory (or are one hole), at most `left`. */
static size_t run_of(const CONTENT *content, uint64_t at, size_t left, uint8_t **address)
{
    uint64_t position = at / STORE_PAGE_BYTES;
    uint32_t within = (uint32_t)(at % STORE_PAGE_BYTES), page = position < content->room ? content->pages[position] : STORE_HOLE;
    size_t run = STORE_PAGE_BYTES - within;
    *address = page == STORE_HOLE ? NULL : address_of(page) + within;
    while (run < left) {
        uint32_t next = ++position < content->room ? content->pages[position] : STORE_HOLE;
        if (page == STORE_HOLE ? next != STORE_HOLE : next != ++page)
            break;
        run += STORE_PAGE_BYTES;
    }
    return run < left ? run : left;
}

size_t content_read(const CONTENT *content, uint64_t offset, size_t length, void *to)
{
    size_t done = 0;
    if (offset >= content->size)
        return 0;
    if (length > content->size - offset)
        length = (size_t)(content->size - offset);
    while (done < length) {
        uint8_t *from;
        size_t run = run_of(content, offset + done, length - done, &from);
        if (from == NULL)
            memset((uint8_t *)to + done, 0, run);
        else
            memcpy((uint8_t *)to + done, from, run);
        done += run;
    }
    return length;
}

int content_write(CONTENT *content, uint64_t offset, size_t length, const void *from)
{
    uint64_t end = offset + length, pages = pages_of(end > content->size ? end : content->size);
    size_t done = 0;
    if (length == 0)
        return 0;
    if (reserve_to(content, pages) != 0 || table_room(content, pages_of(end)) != 0)
        return -1;
    for (uint64_t position = offset / STORE_PAGE_BYTES; position < pages_of(end); position++) {
        int old;
        uint64_t start = position * STORE_PAGE_BYTES;
        if (content->pages[position] != STORE_HOLE)
            continue;
        content->pages[position] = take(&old);
        if (old && (offset > start || end < start + STORE_PAGE_BYTES))
            memset(address_of(content->pages[position]), 0, STORE_PAGE_BYTES);
    }
    while (done < length) {
        uint8_t *to;
        size_t run = run_of(content, offset + done, length - done, &to);
        memcpy(to, (const uint8_t *)from + done, run);
        done += run;
    }
    if (end > content->size)
        content->size = end;
    return 0;
}

void content_free(CONTENT *content)
{
    content_resize(content, 0);
}
