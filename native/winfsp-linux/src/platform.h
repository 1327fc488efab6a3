/*
 * What differs between Linux and a mingw-w64 build: clocks, condition variables, guarded memory, the wake-up descriptor.
 * Nothing here includes <windows.h>: its types would collide with winfsp.h's own.
 */
#ifndef WINFSP_LINUX_PLATFORM_H
#define WINFSP_LINUX_PLATFORM_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

uint64_t platform_now_ns(void);
void platform_sleep_ms(unsigned milliseconds);
unsigned platform_cpu_count(void); /* CPUs this process may use */
void platform_pause(void);         /* a spin loop's breath */

void platform_cond_init(pthread_cond_t *cond);
/* Waits at most until platform_now_ns() reaches deadline. Non-zero: timed out. UINT64_MAX waits for ever. */
int platform_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t deadline);

/* `size` bytes that end, up to 7 bytes, at an inaccessible page. *region and *regionSize are for platform_guarded_free. NULL: no memory. */
void *platform_guarded_alloc(size_t size, void **region, size_t *regionSize);
void platform_guarded_seal(void *region, size_t regionSize); /* nobody may touch it any more */
void platform_guarded_free(void *region, size_t regionSize);

/* The wake-up that can be polled beside a kernel descriptor. -1 where there is no such thing; receivers then sleep on a condition variable. */
int platform_wake_open(void);
void platform_wake_close(int fd);
void platform_wake_post(int fd, unsigned count);
/* Sleeps until `fd` is readable or the wake-up was posted. 1: something; 0: timeout. timeoutMs < 0: for ever. */
int platform_wake_poll(int wakeFd, int fd, int timeoutMs);

#if defined(_WIN32)
int platform_environment(const char *name, char *value, size_t size); /* 0: not set, empty or too long */
#endif
#endif
