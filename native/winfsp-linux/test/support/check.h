/* CHECK and what tests share. A test file is a program; its exit code says how it went. */
#ifndef CHECK_H
#define CHECK_H

#include <inttypes.h>
#include <stdio.h>

#include "core/base/descriptor.h"
#include "core/queue.h"
#include "core/volumes.h"
#include "fuse/objects/posix.h"
#include "ops/ops.h"
#include "script/script.h"

extern int checksFailed, checksDone;

#define CHECK(condition) \
    do { \
        checksDone++; \
        if (!(condition)) { \
            checksFailed++; \
            fprintf(stderr, "%s:%d: %s: not so: %s\n", __FILE__, __LINE__, __func__, #condition); \
        } \
    } while (0)

#define CHECK_EQUAL(a, b) \
    do { \
        long long left = (long long)(a), right = (long long)(b); \
        checksDone++; \
        if (left != right) { \
            checksFailed++; \
            fprintf(stderr, "%s:%d: %s: %s is %lld (0x%llx), expected %s = %lld (0x%llx)\n", __FILE__, __LINE__, \
                __func__, #a, left, (unsigned long long)left, #b, right, (unsigned long long)right); \
        } \
    } while (0)

#define RUN(test) \
    do { \
        int before = checksFailed; \
        test(); \
        printf("%s %s\n", checksFailed == before ? "ok  " : "FAIL", #test); \
    } while (0)

#define RESULT() (printf("%d checks, %d failed\n", checksDone, checksFailed), checksFailed != 0)

/* Violations recorded for the volume so far that contain `part`. */
int violations_with(FSP_FILE_SYSTEM *fs, const char *part);
/* Prints and counts as failures whatever was recorded. */
void expect_no_violations(FSP_FILE_SYSTEM *fs);

#endif
