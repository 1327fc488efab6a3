/* A bare volume, without a file system, for tests of the queue. */
#ifndef BARE_H
#define BARE_H

#include "support/check.h"

HANDLE bare(UINT32 timeout);
void drop(HANDLE handle);
void query(FSP_FSCTL_TRANSACT_REQ *req);
void answer_to(FSP_FSCTL_TRANSACT_RSP *rsp, const FSP_FSCTL_TRANSACT_REQ *req, UINT32 status);

#endif
