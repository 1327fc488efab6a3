/*
 * What differs between Linux and a mingw-w64 build: clocks, condition variables, the wake-up
 * descriptor. Nothing here includes <windows.h>: its types would collide with winfsp.h's own.
 */
#ifndef WINFSP_LINUX_PLATFORM_H
#define WINFSP_LINUX_PLATFORM_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

uint64_t platform_now_ns(void);
void platform_sleep_ms(unsigned milliseconds);
unsigned platform_cpu_count(void); /* CPUs this process may use */
void platform_pause(void); /* a spin loop's breath */

void platform_cond_init(pthread_cond_t *cond);
/* Waits at most until platform_now_ns() reaches deadline. Non-zero: timed out. UINT64_MAX waits without end. */
int platform_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t deadline);

/* The wake-up that can be polled beside a kernel descriptor. -1 where there is no such thing; receivers then sleep on a
 * condition variable. */
int platform_wake_open(void);
void platform_wake_close(int fd);
void platform_wake_post(int fd, unsigned count);
/* Sleeps until `fd` is readable or the wake-up was posted. 1: something; 0: timeout. timeoutMs < 0: without end. */
int platform_wake_poll(int wakeFd, int fd, int timeoutMs);

#endif
