/* See check.h. */
#include "support/check.h"

int checksFailed, checksDone;

int violations_with(FSP_FILE_SYSTEM *fs, const char *part)
{
    char text[2048];
    int count = 0;
    for (UINT32 i = 0; i < FspLinuxViolationCount(fs); i++)
        if (FspLinuxViolationText(fs, i, text, sizeof text) != 0 && strstr(text, part) != NULL)
            count++;
    return count;
}

void expect_no_violations(FSP_FILE_SYSTEM *fs)
{
    char text[2048];
    for (UINT32 i = 0; i < FspLinuxViolationCount(fs); i++) {
        FspLinuxViolationText(fs, i, text, sizeof text);
        fprintf(stderr, "unexpected violation: %s\n", text);
    }
    CHECK_EQUAL(FspLinuxViolationCount(fs), 0);
}
