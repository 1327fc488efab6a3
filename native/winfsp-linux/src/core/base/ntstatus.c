/* NTSTATUS ↔ Win32 error codes, the pairs that file systems meet. No state. */
#include "winfsp.h"

static const struct {
    NTSTATUS status;
    DWORD error;
} pairs[] = {
    /* the first pair with an error is the one FspNtStatusFromWin32 answers */
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
    {STATUS_FILE_LOCK_CONFLICT, 33},
    {STATUS_LOCK_NOT_GRANTED, 33},
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
    {STATUS_TIMEOUT, 258},
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
    {STATUS_NO_SUCH_DEVICE, 2},
    {STATUS_NOT_A_REPARSE_POINT, 4390},
    {STATUS_REPARSE_ATTRIBUTE_CONFLICT, 4391},
    {STATUS_IO_REPARSE_DATA_INVALID, 4392},
    {STATUS_IO_REPARSE_TAG_INVALID, 4393},
    {STATUS_IO_REPARSE_TAG_MISMATCH, 4394},
    {STATUS_REPARSE_POINT_NOT_RESOLVED, 1921},
    {STATUS_UNSUCCESSFUL, 31},
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
    if (((UINT32)Status & 0xffff0000u) == 0x80070000u)
        return (UINT32)Status & 0xffff;
    return 317; /* ERROR_MR_MID_NOT_FOUND */
}
