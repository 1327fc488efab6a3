/* FSP_FILE_SYSTEM: its dispatcher, its operations, its mount; all that a host sees beside the bare volume. */
#ifndef WINFSP_LINUX_OPS_H
#define WINFSP_LINUX_OPS_H

#include "core/base/volume.h"

/* token.c */
typedef struct {
    const UINT8 *user;
    const UINT8 *groups[6];
    UINT32 groupCount;
    int ownsEverything; /* counts as the owner of whatever is looked at */
    int grantAll;
} TOKEN;
const TOKEN *token_of(UINT64 accessToken);
NTSTATUS access_check(const void *sd, SIZE_T size, const TOKEN *token, UINT32 desired, UINT32 *granted);

/* access.c */
typedef struct {
    void *sd;
    SIZE_T size; /* of the descriptor; in: what the callback is told as capacity */
    SIZE_T capacity; /* of the memory */
} SD_BUFFER;
NTSTATUS security_by_name(FSP_FILE_SYSTEM *fs, PWSTR name, UINT32 *attributes, SD_BUFFER *buffer);
void sd_buffer_free(SD_BUFFER *buffer);
NTSTATUS check_parent_or_main(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, int traverse, UINT32 desired,
    UINT32 *granted, SD_BUFFER *sd, UINT32 *reparseIndex);
NTSTATUS check_file(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, int traverse, UINT32 desired, UINT32 *granted,
    SD_BUFFER *sd, UINT32 *reparseIndex);
PWSTR request_name(FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_BUF where);
/* Where the last component begins, as ResolveReparsePoints is told: 0 in the root. */
UINT32 leaf_index(PWSTR name);

/* log.c */
void debug_log_request(FSP_FILE_SYSTEM *fs, const FSP_FSCTL_TRANSACT_REQ *req);
void debug_log_response(FSP_FILE_SYSTEM *fs, const FSP_FSCTL_TRANSACT_RSP *rsp);

/* mount.c. STATUS_INVALID_PARAMETER when it is mounted already. */
NTSTATUS file_system_mount(FSP_FILE_SYSTEM *fs, const WCHAR *mountPoint, const FRONT_END *front);

#endif
