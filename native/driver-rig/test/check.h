/* What the tests of the rig's kernel share. A test program exits with 1 after the first check that fails. */
#ifndef CHECK_H
#define CHECK_H
#include "kernel.h"

int printf(const char *format, ...);
void exit(int code);
#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        checks++;                                                                                                      \
        if (!(condition)) {                                                                                            \
            printf("FAILED\t%s:%d: %s\n", __FILE__, __LINE__, #condition);                                             \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)
#define CHECK_EQUAL(actual, expected)                                                                                  \
    do {                                                                                                               \
        long long a_ = (long long)(actual), e_ = (long long)(expected);                                                \
        checks++;                                                                                                      \
        if (a_ != e_) {                                                                                                \
            printf("FAILED\t%s:%d: %s is %llx, expected %llx\n", __FILE__, __LINE__, #actual, a_, e_);                 \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)
static int checks;

static inline int passed(const char *what)
{
    printf("ok\t%s: %d checks\n", what, checks);
    return 0;
}

static inline void sleep_ms(int ms) { host_sleep((int64_t)ms * 10000); }

/* Waits for a value that another thread sets, for ten seconds at most. */
static inline int becomes(volatile LONG *value, LONG wanted)
{
    for (int i = 0; i < 5000 && *value != wanted; i++)
        sleep_ms(2);
    return *value == wanted;
}

static inline UNICODE_STRING text(const WCHAR *chars)
{
    USHORT bytes = (USHORT)(wide_length(chars) * sizeof(WCHAR));
    return (UNICODE_STRING){bytes, bytes, (WCHAR *)chars};
}
#endif
