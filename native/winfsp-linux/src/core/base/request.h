/* Requests as bytes. No state. */
#ifndef WINFSP_LINUX_REQUEST_H
#define WINFSP_LINUX_REQUEST_H

#include "winfsp.h"

/*
 * Builds a request: fixed part zeroed, Size and Kind set. The appenders put NUL-terminated names or raw bytes behind it
 * (8-aligned), NULL-safe; 0 when full.
 */
void request_begin(FSP_FSCTL_TRANSACT_REQ *req, UINT32 kind);
int request_add_name(FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_BUF *where, const WCHAR *name, size_t units);
int request_add_bytes(FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_BUF *where, const void *bytes, size_t size);

/* A name inside a request, without its NUL; NULL when there is none or it does not lie inside. */
const WCHAR *request_text(const FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_BUF where, size_t *units);
const char *kind_name(UINT32 kind);
void request_describe(const FSP_FSCTL_TRANSACT_REQ *req, char *text, size_t size);

#endif
