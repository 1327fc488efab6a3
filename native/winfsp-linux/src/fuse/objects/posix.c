/*
 * Permissions ↔ security descriptors, for a kernel front end that knows uid, gid and mode (docs/winfsp.md, "Creating
 * and opening").
 *
 * The list is ordered owner deny, owner allow, group deny, group allow, everyone: read first-match, as access checks
 * do, it means exactly the nine bits, whatever the user's groups are.
 */
#include "core/base/descriptor.h"
#include "fuse/objects/posix.h"

#define COMMON_ACCESS (READ_CONTROL | SYNCHRONIZE | FILE_READ_ATTRIBUTES | FILE_READ_EA)
#define OWNER_ACCESS (COMMON_ACCESS | WRITE_DAC | WRITE_OWNER | DELETE | FILE_WRITE_ATTRIBUTES | FILE_WRITE_EA)

static UINT32 rights(UINT32 bits) /* rwx as 4, 2, 1 */
{
    return (bits & 4 ? FILE_READ_DATA : 0) | (bits & 2 ? FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_DELETE_CHILD : 0) |
           (bits & 1 ? FILE_EXECUTE : 0);
}

static UINT32 bits_of(UINT32 access)
{
    return (access & FILE_READ_DATA ? 4 : 0) | (access & FILE_WRITE_DATA ? 2 : 0) | (access & FILE_EXECUTE ? 1 : 0);
}

static UINT8 *sid_put(UINT8 *to, UINT8 authority, UINT32 first, int count, UINT32 second)
{
    memset(to, 0, 8);
    to[0] = 1;
    to[1] = (UINT8)count;
    to[7] = authority;
    put32(to + 8, first);
    if (count > 1)
        put32(to + 12, second);
    return to + 8 + 4 * count;
}

static UINT8 *ace_put(UINT8 *to, UINT8 type, UINT32 mask, const UINT8 *sid)
{
    UINT16 size = (UINT16)(16 + 4 * sid[1]);
    to[0] = type;
    to[1] = 0;
    put16(to + 2, size);
    put32(to + 4, mask);
    memcpy(to + 8, sid, 8u + 4u * sid[1]);
    return to + size;
}

NTSTATUS posix_sd_from_mode(UINT32 uid, UINT32 gid, UINT32 mode, void *sdOut, UINT32 *size)
{
    UINT8 sd[MAX_POSIX_SD_BYTES], owner[16], group[16], everyone[12], null[12], *acl = sd + 20, *at;
    UINT32 u = mode >> 6 & 7, g = mode >> 3 & 7, o = mode & 7, count = 3, length;
    memset(sd, 0, sizeof sd);
    sid_put(owner, 22, 1, 2, uid);
    sid_put(group, 22, 2, 2, gid);
    sid_put(everyone, 1, 0, 1, 0);
    sid_put(null, 0, 0, 1, 0);
    at = acl + 8;
    if (mode & 07000) {
        at = ace_put(at, 0, (mode & 01000 ? 1u : 0) | (mode & 02000 ? 2u : 0) | (mode & 04000 ? 4u : 0), null);
        count++;
    }
    if ((g | o) & ~u) {
        at = ace_put(at, 1, rights((g | o) & ~u), owner);
        count++;
    }
    at = ace_put(at, 0, OWNER_ACCESS | rights(u), owner);
    if (o & ~g) {
        at = ace_put(at, 1, rights(o & ~g), group);
        count++;
    }
    at = ace_put(at, 0, COMMON_ACCESS | rights(g), group);
    at = ace_put(at, 0, COMMON_ACCESS | rights(o), everyone);
    acl[0] = 2;
    put16(acl + 2, (UINT16)(at - acl));
    put16(acl + 4, (UINT16)count);
    sd[0] = 1;
    put16(sd + 2, SE_SELF_RELATIVE | SE_DACL_PRESENT | SE_DACL_PROTECTED);
    put32(sd + 16, 20);
    put32(sd + 4, (UINT32)(at - sd));
    memcpy(at, owner, sizeof owner);
    at += sizeof owner;
    put32(sd + 8, (UINT32)(at - sd));
    memcpy(at, group, sizeof group);
    at += sizeof group;
    length = (UINT32)(at - sd);
    if (*size < length) {
        *size = length;
        return STATUS_BUFFER_TOO_SMALL;
    }
    memcpy(sdOut, sd, length);
    *size = length;
    return STATUS_SUCCESS;
}

static int sid_same(const UINT8 *a, const UINT8 *b)
{
    return b != NULL && a[1] == b[1] && memcmp(a, b, 8u + 4u * a[1]) == 0;
}

static int sid_is_anybody(const UINT8 *sid) /* Everyone, Authenticated Users, Users */
{
    static const UINT8 everyone[] = {1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0},
                       authenticated[] = {1, 1, 0, 0, 0, 0, 0, 5, 11, 0, 0, 0};
    static const UINT8 users[] = {1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x21, 2, 0, 0};
    return sid_same(everyone, sid) || sid_same(authenticated, sid) || sid_same(users, sid);
}

static int sid_number(const UINT8 *sid, UINT32 kind, UINT32 *number)
{
    static const UINT8 unixAuthority[8] = {1, 2, 0, 0, 0, 0, 0, 22};
    if (sid == NULL || memcmp(sid, unixAuthority, 8) != 0 || get32(sid + 8) != kind)
        return 0;
    *number = get32(sid + 12);
    return 1;
}

int posix_mode_from_sd(const void *sd, UINT32 size, UINT32 *uid, UINT32 *gid, UINT32 *mode)
{
    static const UINT8 null[] = {1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    SD_VIEW view;
    UINT32 allowed[3] = {0, 0, 0}, denied[3] = {0, 0, 0}, special = 0;
    if (sd_view(sd, size, &view) == 0)
        return -1;
    sid_number(view.owner, 1, uid);
    sid_number(view.group, 2, gid);
    if (view.dacl == NULL) {
        *mode = 0777;
        return 0;
    }
    for (UINT32 i = 0, at = 8, count = get16(view.dacl + 4); i < count; at += get16(view.dacl + at + 2), i++) {
        const UINT8 *ace = view.dacl + at, *sid = ace + 8;
        UINT32 mask;
        int concerns[3];
        if (ace[0] > 1 || (ace[1] & 8) != 0) /* neither allow nor deny, or for children only */
            continue;
        mask = map_generic(get32(ace + 4));
        if (sid_same(null, sid)) {
            special = (mask & 1 ? 01000 : 0) | (mask & 2 ? 02000 : 0) | (mask & 4 ? 04000 : 0);
            continue;
        }
        concerns[2] = sid_is_anybody(sid);
        concerns[1] = concerns[2] || (view.group != NULL && sid_same(view.group, sid));
        concerns[0] = concerns[1] || (view.owner != NULL && sid_same(view.owner, sid));
        for (int who = 0; who < 3; who++)
            if (concerns[who]) {
                if (ace[0] == 0)
                    allowed[who] |= mask & ~denied[who];
                else
                    denied[who] |= mask & ~allowed[who];
            }
    }
    *mode = special | bits_of(allowed[0]) << 6 | bits_of(allowed[1]) << 3 | bits_of(allowed[2]);
    return 0;
}
