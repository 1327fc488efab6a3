/* NTSTATUS ↔ Win32 error codes, the pairs that file systems meet. No state. */
#include "winfsp.h"

typedef struct {
    NTSTATUS status;
    DWORD error;
} PAIR;

static const PAIR pairs[] = {
    /* the first pair with an error, or with a status, is the one that counts */
    {STATUS_SUCCESS, 0},
    {STATUS_OBJECT_NAME_NOT_FOUND, 2},
    {STATUS_NO_SUCH_FILE, 2},
    {STATUS_OBJECT_PATH_NOT_FOUND, 3},
    {STATUS_ACCESS_DENIED, 5},
    {STATUS_CANNOT_DELETE, 5},
    {STATUS_DELETE_PENDING, 5},
    {STATUS_FILE_IS_A_DIRECTORY, 5},
    {STATUS_FILE_DELETED, 5},
    {STATUS_INVALID_HANDLE, 6},
    {STATUS_FILE_CLOSED, 6},
    {STATUS_INSUFFICIENT_RESOURCES, 1450},
    {STATUS_NO_MEMORY, 8},
    {STATUS_NO_MORE_FILES, 18},
    {STATUS_MEDIA_WRITE_PROTECTED, 19},
    {STATUS_SHARING_VIOLATION, 32},
    {STATUS_LOCK_NOT_GRANTED, 33},
    {STATUS_FILE_LOCK_CONFLICT, 33},
    {STATUS_END_OF_FILE, 38},
    {STATUS_DISK_FULL, 112},
    {STATUS_NOT_SUPPORTED, 50},
    {STATUS_NOT_IMPLEMENTED, 1},
    {STATUS_INVALID_DEVICE_REQUEST, 1},
    {STATUS_INVALID_PARAMETER, 87},
    {STATUS_BUFFER_TOO_SMALL, 122},
    {STATUS_OBJECT_NAME_INVALID, 123},
    {STATUS_DIRECTORY_NOT_EMPTY, 145},
    {STATUS_OBJECT_NAME_COLLISION, 183},
    {STATUS_NAME_TOO_LONG, 206},
    {STATUS_BUFFER_OVERFLOW, 234},
    {STATUS_NOT_A_DIRECTORY, 267},
    {STATUS_CANCELLED, 995},
    {STATUS_PENDING, 997},
    {STATUS_ACCESS_VIOLATION, 998},
    {STATUS_USER_MAPPED_FILE, 1224},
    {STATUS_PRIVILEGE_NOT_HELD, 1314},
    {STATUS_INVALID_SECURITY_DESCR, 1338},
    {STATUS_NO_SECURITY_ON_OBJECT, 1350},
    {STATUS_INTERNAL_ERROR, 1359},
    {STATUS_FILE_CORRUPT_ERROR, 1392},
    {STATUS_NOT_A_REPARSE_POINT, 4390},
    {STATUS_REPARSE_ATTRIBUTE_CONFLICT, 4391},
    {STATUS_IO_REPARSE_DATA_INVALID, 4392},
    {STATUS_IO_REPARSE_TAG_INVALID, 4393},
    {STATUS_IO_REPARSE_TAG_MISMATCH, 4394},
    {STATUS_REPARSE_POINT_NOT_RESOLVED, 1921},
    {STATUS_UNSUCCESSFUL, 31},
    {STATUS_INVALID_INFO_CLASS, 87},
    {STATUS_INFO_LENGTH_MISMATCH, 24},
    {STATUS_OBJECT_TYPE_MISMATCH, 6},
    {STATUS_OBJECT_PATH_INVALID, 161},
    {STATUS_OBJECT_PATH_SYNTAX_BAD, 161},
    {STATUS_QUOTA_EXCEEDED, 1816},
    {STATUS_EA_LIST_INCONSISTENT, 255},
    {STATUS_EA_TOO_LARGE, 255},
    {STATUS_EAS_NOT_SUPPORTED, 282},
    {STATUS_IO_TIMEOUT, 121},
    {STATUS_CANT_WAIT, 554},
    {STATUS_NETWORK_ACCESS_DENIED, 65},
    {STATUS_CANNOT_MAKE, 82},
    {STATUS_DLL_NOT_FOUND, 126},
    {STATUS_DRIVER_UNABLE_TO_LOAD, 2001},
    {STATUS_INVALID_USER_BUFFER, 1784},
    {STATUS_TOO_LATE, 19},
};

/* Errors that do not come back as the status that they stand for. */
static const PAIR oneWay[] = {
    {STATUS_TIMEOUT, 1460},
    {STATUS_NO_SUCH_DEVICE, 433},
    {STATUS_REPARSE, 741},
    {STATUS_OPLOCK_BREAK_IN_PROGRESS, 742},
    {STATUS_VOLUME_DISMOUNTED, 21},
};

NTSTATUS FspNtStatusFromWin32(DWORD Error)
{
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (pairs[i].error == Error)
            return pairs[i].status;
    return Error > 0xffff ? STATUS_ACCESS_DENIED : (NTSTATUS)(0x80070000u | Error);
}

DWORD FspWin32FromNtStatus(NTSTATUS Status)
{
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (pairs[i].status == Status)
            return pairs[i].error;
    for (size_t i = 0; i < sizeof oneWay / sizeof oneWay[0]; i++)
        if (oneWay[i].status == Status)
            return oneWay[i].error;
    if (((UINT32)Status & 0xffff0000u) == 0x80070000u)
        return (UINT32)Status & 0xffff;
    return 317; /* ERROR_MR_MID_NOT_FOUND */
}
