/*
 * Paged file content in memory, for the two C file systems that the RAM drive is compared with. It keeps the same promises: one
 * counter decides about room, a file reserves its length (holes included) before anything is written, adjacent pages are
 * copied in one go, and memory goes back to the system when files shrink, but for a small warm stock.
 *
 * One thread at a time. What can go wrong is said by the return value: -1 is "no room", with nothing changed.
 */
#ifndef BENCH_STORE_H
#define BENCH_STORE_H

#include <stddef.h>
#include <stdint.h>

#define STORE_PAGE_BYTES 4096u

typedef struct {
    uint32_t *pages; /* by position in the file; STORE_HOLE where there is none */
    uint32_t room;   /* entries of the table */
    uint64_t size, reservedPages;
} CONTENT;

int store_open(uint64_t capacityBytes);
uint64_t store_capacity_bytes(void);
uint64_t store_free_bytes(void);

/* Sets the length: zeros after the old end when it grows, pages given back when it shrinks. */
int content_resize(CONTENT *content, uint64_t size);
/* Reserves at least this much (never less than the length needs). */
int content_reserve(CONTENT *content, uint64_t bytes);
/* How many bytes there were: fewer than `length` at the end of the file, 0 behind it. */
size_t content_read(const CONTENT *content, uint64_t offset, size_t length, void *to);
/* Extends the file when it ends behind the old end. */
int content_write(CONTENT *content, uint64_t offset, size_t length, const void *from);
void content_free(CONTENT *content);

#endif
