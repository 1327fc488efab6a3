/* See platform.h. System calls only; no state. */
#include "core/base/platform.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>

#if defined(_WIN32)
#include <windows.h>

uint64_t platform_now_ns(void)
{
    static LARGE_INTEGER frequency;
    LARGE_INTEGER now;
    if (frequency.QuadPart == 0)
        QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&now);
    return (uint64_t)(now.QuadPart / frequency.QuadPart) * 1000000000u +
           (uint64_t)(now.QuadPart % frequency.QuadPart) * 1000000000u / (uint64_t)frequency.QuadPart;
}

void platform_sleep_ms(unsigned milliseconds) { Sleep(milliseconds); }

unsigned platform_cpu_count(void)
{
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return info.dwNumberOfProcessors ? info.dwNumberOfProcessors : 1;
}

void platform_cond_init(pthread_cond_t *cond) { pthread_cond_init(cond, NULL); }

int platform_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t deadline)
{
    struct timespec until;
    uint64_t now, left;
    if (deadline == UINT64_MAX)
        return pthread_cond_wait(cond, lock);
    now = platform_now_ns();
    left = deadline > now ? deadline - now : 0;
    clock_gettime(CLOCK_REALTIME, &until);
    left += (uint64_t)until.tv_nsec;
    until.tv_sec += (time_t)(left / 1000000000u);
    until.tv_nsec = (long)(left % 1000000000u);
    return pthread_cond_timedwait(cond, lock, &until) == ETIMEDOUT;
}

int platform_wake_open(void) { return -1; }
void platform_wake_close(int fd) {}
void platform_wake_post(int fd, unsigned count) {}
int platform_wake_poll(int wakeFd, int fd, int timeoutMs) { return 0; }

#else
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

uint64_t platform_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void platform_sleep_ms(unsigned milliseconds)
{
    struct timespec pause = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000};
    while (nanosleep(&pause, &pause) != 0 && errno == EINTR)
        continue;
}

unsigned platform_cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    return (unsigned)CPU_COUNT(&set);
}

void platform_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
}

int platform_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t deadline)
{
    struct timespec until = {(time_t)(deadline / 1000000000u), (long)(deadline % 1000000000u)};
    if (deadline == UINT64_MAX)
        return pthread_cond_wait(cond, lock);
    return pthread_cond_timedwait(cond, lock, &until) == ETIMEDOUT;
}

int platform_wake_open(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE); }
void platform_wake_close(int fd) { close(fd); }

void platform_wake_post(int fd, unsigned count)
{
    uint64_t add = count;
    ssize_t done = write(fd, &add, sizeof add);
    (void)done; /* fails only when the counter overflows, and then it is readable anyway */
}

int platform_wake_poll(int wakeFd, int fd, int timeoutMs)
{
    struct pollfd set[2] = {{wakeFd, POLLIN, 0}, {fd, POLLIN, 0}};
    int ready = poll(set, 2, timeoutMs);
    if (ready > 0 && (set[0].revents & POLLIN)) {
        uint64_t token;
        ssize_t done = read(wakeFd, &token, sizeof token);
        (void)done; /* another receiver may have taken it: a spurious wake-up, nothing more */
    }
    return ready != 0;
}
#endif

void platform_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}
