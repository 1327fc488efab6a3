/* Permissions of Linux as security descriptors, and back. */
#ifndef WINFSP_LINUX_POSIX_H
#define WINFSP_LINUX_POSIX_H

#include "winfsp.h"

/*
 * Permissions as security descriptors. Owner S-1-22-1-uid, group S-1-22-2-gid, an allow ACE each for owner, group and
 * everyone (deny ACEs where a narrower class has less than a wider one), set-user-id, set-group-id and sticky bits in
 * an ACE for S-1-0-0, DACL protected. *size: capacity in, length out; STATUS_BUFFER_TOO_SMALL with the length needed.
 * MAX_POSIX_SD_BYTES always suffices.
 */
#define MAX_POSIX_SD_BYTES 256u
NTSTATUS posix_sd_from_mode(UINT32 uid, UINT32 gid, UINT32 mode, void *sdOut, UINT32 *size);
/*
 * 0: fine. -1: no valid descriptor, nothing set. *mode gets 07777 bits. Owners that are no uid (BUILTIN\Administrators,
 * SYSTEM …) leave *uid and *gid as they were: preset them with the mount's owner. Foreign ACLs are evaluated for owner,
 * group and everyone.
 */
int posix_mode_from_sd(const void *sd, UINT32 size, UINT32 *uid, UINT32 *gid, UINT32 *mode);

#endif
