/*
 * Security descriptors as bytes. Self-relative only; every size in them is checked against the bytes at hand first.
 */
#ifndef WINFSP_LINUX_DESCRIPTOR_H
#define WINFSP_LINUX_DESCRIPTOR_H

#include <string.h>

#include "winfsp.h"

typedef struct {
    const UINT8 *owner, *group, *sacl, *dacl; /* NULL: absent */
    UINT16 control;
} SD_VIEW;
#define SE_OWNER_DEFAULTED 0x0001
#define SE_DACL_PRESENT 0x0004
#define SE_SACL_PRESENT 0x0010
#define SE_DACL_AUTO_INHERITED 0x0400
#define SE_SACL_AUTO_INHERITED 0x0800
#define SE_DACL_PROTECTED 0x1000
#define SE_SACL_PROTECTED 0x2000
#define SE_SELF_RELATIVE 0x8000
enum { ACE_ALLOW = 0, ACE_DENY = 1, ACE_AUDIT = 2 };
enum { OBJECT_INHERIT = 1, CONTAINER_INHERIT = 2, NO_PROPAGATE = 4, INHERIT_ONLY = 8, INHERITED = 16 };

/* size SIZE_MAX: trust the descriptor's own lengths. Returns its true length, 0 when it is not valid. */
SIZE_T sd_view(const void *sd, SIZE_T size, SD_VIEW *view);
void *sd_build(const SD_VIEW *from, SIZE_T *size); /* allocated; NULL: no memory */
UINT32 sd_ace_count(const void *sd, SIZE_T size, int *present);
UINT32 map_generic(UINT32 access);

static inline UINT16 get16(const UINT8 *at)
{
    UINT16 value;
    memcpy(&value, at, sizeof value);
    return value;
}
static inline UINT32 get32(const UINT8 *at)
{
    UINT32 value;
    memcpy(&value, at, sizeof value);
    return value;
}
static inline void put16(UINT8 *at, UINT16 value) { memcpy(at, &value, sizeof value); }
static inline void put32(UINT8 *at, UINT32 value) { memcpy(at, &value, sizeof value); }
static inline SIZE_T sid_size(const UINT8 *sid) { return 8u + 4u * sid[1]; }
static inline int sid_equal(const UINT8 *a, const UINT8 *b)
{
    return sid_size(a) == sid_size(b) && memcmp(a, b, sid_size(a)) == 0;
}

#endif
