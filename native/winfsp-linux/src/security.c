/*
 * Security descriptors as bytes: validity, merge, inheritance, access check. Self-relative only, as everywhere in this API.
 *
 * Sizes inside a descriptor come from a host: everything is checked against the bytes at hand before it is read. What cannot be
 * known (a descriptor passed without its length) is bounded by 64 KiB.
 */
#include "internal.h"

#define SD_HEADER 20u
#define SD_SIZEMAX 65536u

enum { ACE_ALLOW = 0, ACE_DENY = 1, ACE_AUDIT = 2 };
enum { OBJECT_INHERIT = 1, CONTAINER_INHERIT = 2, NO_PROPAGATE = 4, INHERIT_ONLY = 8, INHERITED = 16 };

static UINT16 get16(const UINT8 *at)
{
    UINT16 value;
    memcpy(&value, at, sizeof value);
    return value;
}
static UINT32 get32(const UINT8 *at)
{
    UINT32 value;
    memcpy(&value, at, sizeof value);
    return value;
}
static void put16(UINT8 *at, UINT16 value) { memcpy(at, &value, sizeof value); }
static void put32(UINT8 *at, UINT32 value) { memcpy(at, &value, sizeof value); }

static SIZE_T sid_size(const UINT8 *sid) { return 8u + 4u * sid[1]; }
static int sid_equal(const UINT8 *a, const UINT8 *b) { return sid_size(a) == sid_size(b) && memcmp(a, b, sid_size(a)) == 0; }

static int sid_fits(const UINT8 *base, SIZE_T size, UINT32 at)
{
    return at >= SD_HEADER && (SIZE_T)at + 8 <= size && base[at] == 1 && base[at + 1] <= 15 && at + sid_size(base + at) <= size;
}

static int acl_fits(const UINT8 *base, SIZE_T size, UINT32 at)
{
    SIZE_T length, used = 8;
    if (at < SD_HEADER || (SIZE_T)at + 8 > size || base[at] < 2 || base[at] > 4)
        return 0;
    length = get16(base + at + 2);
    if (length < 8 || at + length > size)
        return 0;
    for (UINT32 i = 0, count = get16(base + at + 4); i < count; i++) {
        const UINT8 *ace = base + at + used;
        if (used + 8 > length || get16(ace + 2) < 8 || used + get16(ace + 2) > length)
            return 0;
        if (ace[0] <= ACE_AUDIT && (get16(ace + 2) < 16 || ace[8] != 1 || ace[9] > 15 || 8 + sid_size(ace + 8) > get16(ace + 2)))
            return 0;
        used += get16(ace + 2);
    }
    return 1;
}

SIZE_T sd_view(const void *sd, SIZE_T size, SD_VIEW *view)
{
    const UINT8 *base = sd;
    SIZE_T end = SD_HEADER;
    UINT32 owner, group, sacl, dacl;
    memset(view, 0, sizeof *view);
    if (size > SD_SIZEMAX)
        size = SD_SIZEMAX;
    if (sd == NULL || size < SD_HEADER || base[0] != 1)
        return 0;
    view->control = get16(base + 2);
    if (!(view->control & SE_SELF_RELATIVE))
        return 0;
    owner = get32(base + 4), group = get32(base + 8), sacl = get32(base + 12), dacl = get32(base + 16);
    if ((owner != 0 && !sid_fits(base, size, owner)) || (group != 0 && !sid_fits(base, size, group)))
        return 0;
    if (!(view->control & SE_SACL_PRESENT))
        sacl = 0;
    if (!(view->control & SE_DACL_PRESENT))
        dacl = 0;
    if ((sacl != 0 && !acl_fits(base, size, sacl)) || (dacl != 0 && !acl_fits(base, size, dacl)))
        return 0;
    if (owner != 0)
        view->owner = base + owner;
    if (group != 0)
        view->group = base + group;
    if (sacl != 0)
        view->sacl = base + sacl;
    if (dacl != 0)
        view->dacl = base + dacl;
    if (owner != 0 && owner + sid_size(base + owner) > end)
        end = owner + sid_size(base + owner);
    if (group != 0 && group + sid_size(base + group) > end)
        end = group + sid_size(base + group);
    if (sacl != 0 && sacl + (SIZE_T)get16(base + sacl + 2) > end)
        end = sacl + (SIZE_T)get16(base + sacl + 2);
    if (dacl != 0 && dacl + (SIZE_T)get16(base + dacl + 2) > end)
        end = dacl + (SIZE_T)get16(base + dacl + 2);
    return end;
}

UINT32 sd_ace_count(const void *sd, SIZE_T size, int *present)
{
    SD_VIEW view;
    *present = sd_view(sd, size, &view) != 0 && view.dacl != NULL;
    return *present ? get16(view.dacl + 4) : 0;
}

/* A new descriptor from parts that may lie anywhere. */
static void *sd_build(const SD_VIEW *from, SIZE_T *size)
{
    SIZE_T owner = from->owner ? sid_size(from->owner) : 0, group = from->group ? sid_size(from->group) : 0;
    SIZE_T sacl = from->sacl ? get16(from->sacl + 2) : 0, dacl = from->dacl ? get16(from->dacl + 2) : 0;
    SIZE_T at = SD_HEADER, total = SD_HEADER + owner + group + ((sacl + 3) & ~(SIZE_T)3) + ((dacl + 3) & ~(SIZE_T)3);
    UINT8 *sd = calloc(1, total);
    if (sd == NULL)
        return NULL;
    sd[0] = 1;
    put16(sd + 2, from->control | SE_SELF_RELATIVE);
    if (sacl) {
        put32(sd + 12, (UINT32)at);
        memcpy(sd + at, from->sacl, sacl);
        at += (sacl + 3) & ~(SIZE_T)3;
    }
    if (dacl) {
        put32(sd + 16, (UINT32)at);
        memcpy(sd + at, from->dacl, dacl);
        at += (dacl + 3) & ~(SIZE_T)3;
    }
    if (owner) {
        put32(sd + 4, (UINT32)at);
        memcpy(sd + at, from->owner, owner);
        at += owner;
    }
    if (group) {
        put32(sd + 8, (UINT32)at);
        memcpy(sd + at, from->group, group);
        at += group;
    }
    if (size != NULL)
        *size = total;
    return sd;
}

UINT32 map_generic(UINT32 access)
{
    if (access & GENERIC_READ)
        access |= FILE_GENERIC_READ;
    if (access & GENERIC_WRITE)
        access |= FILE_GENERIC_WRITE;
    if (access & GENERIC_EXECUTE)
        access |= FILE_GENERIC_EXECUTE;
    if (access & GENERIC_ALL)
        access |= FILE_ALL_ACCESS;
    return access & 0x0fffffffu;
}

PGENERIC_MAPPING FspGetFileGenericMapping(void)
{
    static GENERIC_MAPPING mapping = {FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS};
    return &mapping;
}

/* ---- tokens ---------------------------------------------------------------------------------------------------------------- */

static const UINT8 everyone[] = {1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0};
static const UINT8 creatorOwner[] = {1, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0};
static const UINT8 creatorGroup[] = {1, 1, 0, 0, 0, 0, 0, 3, 1, 0, 0, 0};
static const UINT8 authenticated[] = {1, 1, 0, 0, 0, 0, 0, 5, 11, 0, 0, 0};
static const UINT8 localSystem[] = {1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0};
static const UINT8 administrators[] = {1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0};
static const UINT8 users[] = {1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x21, 2, 0, 0};
/* S-1-5-21-1-2-3-1000 and -1001 */
static const UINT8 testUser[] = {1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0xe8, 3, 0, 0};
static const UINT8 otherUser[] = {1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0xe9, 3, 0, 0};

const TOKEN *token_of(UINT64 accessToken)
{
    static const TOKEN ordinary = {testUser, {administrators, users, authenticated, everyone}, 4, 1, 0};
    static const TOKEN restricted = {otherUser, {authenticated, everyone}, 2, 0, 0};
    static const TOKEN granting = {testUser, {administrators, users, authenticated, everyone}, 4, 1, 1};
    switch ((UINT32)accessToken) {
    case FSP_LINUX_TOKEN_RESTRICTED:
        return &restricted;
    case FSP_LINUX_TOKEN_GRANT_ALL:
        return &granting;
    }
    return &ordinary;
}

static int token_has(const TOKEN *token, const UINT8 *sid, const UINT8 *owner)
{
    if (sid_equal(sid, token->user) || (token->ownsEverything && owner != NULL && sid_equal(sid, owner)))
        return 1;
    for (UINT32 i = 0; i < token->groupCount; i++)
        if (sid_equal(sid, token->groups[i]))
            return 1;
    return 0;
}

NTSTATUS access_check(const void *sd, SIZE_T size, const TOKEN *token, UINT32 desired, UINT32 *granted)
{
    SD_VIEW view;
    UINT32 wanted = map_generic(desired & ~MAXIMUM_ALLOWED), allowed = 0, denied = 0;
    int maximum = (desired & MAXIMUM_ALLOWED) != 0;
    *granted = 0;
    if (sd_view(sd, size, &view) == 0)
        return STATUS_INVALID_SECURITY_DESCR;
    if (token->grantAll || view.dacl == NULL)
        allowed = FILE_ALL_ACCESS | ACCESS_SYSTEM_SECURITY;
    else {
        if (view.owner != NULL && token_has(token, view.owner, view.owner))
            allowed |= READ_CONTROL | WRITE_DAC;
        for (UINT32 i = 0, at = 8, count = get16(view.dacl + 4); i < count; at += get16(view.dacl + at + 2), i++) {
            const UINT8 *ace = view.dacl + at;
            UINT32 mask;
            if ((ace[1] & INHERIT_ONLY) || ace[0] > ACE_DENY || !token_has(token, ace + 8, view.owner))
                continue;
            mask = map_generic(get32(ace + 4));
            if (ace[0] == ACE_ALLOW)
                allowed |= mask & ~denied;
            else
                denied |= mask & ~allowed;
        }
    }
    if (maximum) {
        if ((wanted & ~allowed) != 0)
            return STATUS_ACCESS_DENIED;
        *granted = (allowed & FILE_ALL_ACCESS) | wanted;
        return *granted != 0 ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
    }
    if ((wanted & ~allowed) != 0)
        return STATUS_ACCESS_DENIED;
    *granted = wanted;
    return STATUS_SUCCESS;
}

/* ---- inheritance ------------------------------------------------------------------------------------------------------------ */

static SIZE_T ace_put(UINT8 *to, const UINT8 *ace, UINT8 flags, const UINT8 *sid, UINT32 mask)
{
    SIZE_T size = ace[0] <= ACE_AUDIT ? 8 + sid_size(sid) : get16(ace + 2);
    if (to != NULL) {
        memcpy(to, ace, ace[0] <= ACE_AUDIT ? 8 : size);
        to[1] = flags;
        put16(to + 2, (UINT16)size);
        put32(to + 4, mask);
        if (ace[0] <= ACE_AUDIT)
            memcpy(to + 8, sid, sid_size(sid));
    }
    return size;
}

/* What a child gets of its parent's list. Twice: to == NULL measures. Returns the bytes, 8 when nothing is inheritable. */
static SIZE_T acl_inherit(UINT8 *to, const UINT8 *parent, int directory, const UINT8 *owner, const UINT8 *group)
{
    SIZE_T used = 8;
    UINT16 made = 0;
    for (UINT32 i = 0, at = 8, count = get16(parent + 4); i < count; at += get16(parent + at + 2), i++) {
        const UINT8 *ace = parent + at, *sid = ace + 8;
        UINT8 flags = ace[1], onward = flags & (OBJECT_INHERIT | CONTAINER_INHERIT), other = flags & 0xe0;
        UINT32 mask = get32(ace + 4), mapped = map_generic(mask);
        int effective = directory ? (flags & CONTAINER_INHERIT) != 0 : (flags & OBJECT_INHERIT) != 0;
        int passedOn = directory && onward != 0 && !(flags & NO_PROPAGATE), known = ace[0] <= ACE_AUDIT, special = 0;
        if (known && sid_equal(sid, creatorOwner) && owner != NULL)
            sid = owner, special = 1;
        else if (known && sid_equal(sid, creatorGroup) && group != NULL)
            sid = group, special = 1;
        special |= mapped != mask;
        if (effective) {
            used += ace_put(to ? to + used : NULL, ace, other | (passedOn && !special ? onward : 0), known ? sid : NULL, mapped);
            made++;
        }
        if (passedOn && (special || !effective)) { /* what is meant for the grandchildren stays as it was written */
            used += ace_put(to ? to + used : NULL, ace, other | onward | INHERIT_ONLY, known ? ace + 8 : NULL, mask);
            made++;
        }
    }
    if (to != NULL) {
        memset(to, 0, 8);
        to[0] = parent[0];
        put16(to + 2, (UINT16)used);
        put16(to + 4, made);
    }
    return used;
}

/* The explicit list of a request, its generic rights turned into file rights. */
static UINT8 *acl_explicit(const UINT8 *acl)
{
    SIZE_T size = get16(acl + 2);
    UINT8 *copy = malloc(size);
    if (copy == NULL)
        return NULL;
    memcpy(copy, acl, size);
    for (UINT32 i = 0, at = 8, count = get16(copy + 4); i < count; at += get16(copy + at + 2), i++)
        if (!(copy[at + 1] & INHERIT_ONLY))
            put32(copy + at + 4, map_generic(get32(copy + at + 4)));
    return copy;
}

/* The token's default list: its owner and the system may do everything. */
static UINT8 *acl_default(const UINT8 *owner)
{
    const UINT8 *sids[2] = {owner, localSystem};
    SIZE_T size = 8 + 8 + sid_size(owner) + 8 + sizeof localSystem, used = 8;
    UINT8 *acl = calloc(1, size);
    if (acl == NULL)
        return NULL;
    acl[0] = 2;
    put16(acl + 2, (UINT16)size);
    put16(acl + 4, 2);
    for (int i = 0; i < 2; i++) {
        put16(acl + used + 2, (UINT16)(8 + sid_size(sids[i])));
        put32(acl + used + 4, FILE_ALL_ACCESS);
        memcpy(acl + used + 8, sids[i], sid_size(sids[i]));
        used += 8 + sid_size(sids[i]);
    }
    return acl;
}

static UINT8 *acl_inherited(const UINT8 *parent, int directory, const UINT8 *owner, const UINT8 *group)
{
    SIZE_T size = acl_inherit(NULL, parent, directory, owner, group);
    UINT8 *acl;
    if (size == 8 || size > 65535)
        return NULL;
    if ((acl = malloc(size)) != NULL)
        acl_inherit(acl, parent, directory, owner, group);
    return acl;
}

NTSTATUS FspCreateSecurityDescriptor(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, PSECURITY_DESCRIPTOR ParentDescriptor,
    PSECURITY_DESCRIPTOR *PSecurityDescriptor)
{
    SD_VIEW parent, asked, made;
    UINT8 *dacl = NULL, *sacl = NULL;
    const TOKEN *token;
    int directory;
    *PSecurityDescriptor = NULL;
    if (req->Kind != FspFsctlTransactCreateKind)
        return STATUS_INVALID_PARAMETER;
    if (req->Req.Create.NamedStream)
        return STATUS_SUCCESS; /* a stream has its file's */
    token = token_of(req->Req.Create.AccessToken);
    directory = (req->Req.Create.CreateOptions & FILE_DIRECTORY_FILE) != 0;
    memset(&made, 0, sizeof made);
    memset(&asked, 0, sizeof asked);
    memset(&parent, 0, sizeof parent);
    if (ParentDescriptor != NULL && sd_view(ParentDescriptor, SIZE_MAX, &parent) == 0)
        return STATUS_INVALID_SECURITY_DESCR;
    if (req->Req.Create.SecurityDescriptor.Size != 0 &&
        sd_view(req->Buffer + req->Req.Create.SecurityDescriptor.Offset, req->Req.Create.SecurityDescriptor.Size, &asked) == 0)
        return STATUS_INVALID_SECURITY_DESCR;
    made.owner = asked.owner != NULL ? asked.owner : token->groupCount > 2 ? administrators : token->user;
    made.group = asked.group != NULL ? asked.group : users;
    made.control = SE_DACL_PRESENT;
    if (asked.control & SE_DACL_PRESENT) { /* an explicit list replaces inheritance; an explicit NULL list means everybody may */
        made.control |= asked.control & (SE_DACL_PROTECTED | SE_DACL_AUTO_INHERITED);
        if (asked.dacl != NULL && (dacl = acl_explicit(asked.dacl)) == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
    } else {
        if (parent.dacl != NULL)
            dacl = acl_inherited(parent.dacl, directory, made.owner, made.group);
        if (dacl == NULL && (dacl = acl_default(made.owner)) == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
    }
    made.dacl = dacl;
    if (asked.sacl != NULL) {
        made.sacl = asked.sacl;
        made.control |= SE_SACL_PRESENT | (asked.control & SE_SACL_PROTECTED);
    } else if (parent.sacl != NULL && (sacl = acl_inherited(parent.sacl, directory, made.owner, made.group)) != NULL) {
        made.sacl = sacl;
        made.control |= SE_SACL_PRESENT;
    }
    *PSecurityDescriptor = sd_build(&made, NULL);
    free(dacl);
    free(sacl);
    return *PSecurityDescriptor != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS FspSetSecurityDescriptor(PSECURITY_DESCRIPTOR InputDescriptor, SECURITY_INFORMATION info, PSECURITY_DESCRIPTOR ModificationDescriptor,
    PSECURITY_DESCRIPTOR *PSecurityDescriptor)
{
    SD_VIEW made, from;
    UINT8 *dacl = NULL;
    *PSecurityDescriptor = NULL;
    if (InputDescriptor == NULL)
        return STATUS_NO_SECURITY_ON_OBJECT;
    if (sd_view(InputDescriptor, SIZE_MAX, &made) == 0 || sd_view(ModificationDescriptor, SIZE_MAX, &from) == 0)
        return STATUS_INVALID_SECURITY_DESCR;
    if (info & OWNER_SECURITY_INFORMATION) {
        if (from.owner == NULL)
            return STATUS_INVALID_SECURITY_DESCR;
        made.owner = from.owner;
    }
    if (info & GROUP_SECURITY_INFORMATION)
        made.group = from.group;
    if (info & DACL_SECURITY_INFORMATION) {
        made.control = (UINT16)(made.control & ~(SE_DACL_PRESENT | SE_DACL_PROTECTED | SE_DACL_AUTO_INHERITED));
        made.control |= SE_DACL_PRESENT | (from.control & (SE_DACL_PROTECTED | SE_DACL_AUTO_INHERITED));
        if (info & PROTECTED_DACL_SECURITY_INFORMATION)
            made.control |= SE_DACL_PROTECTED;
        if (info & UNPROTECTED_DACL_SECURITY_INFORMATION)
            made.control = (UINT16)(made.control & ~SE_DACL_PROTECTED);
        if (from.dacl != NULL && (dacl = acl_explicit(from.dacl)) == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        made.dacl = dacl;
    }
    if (info & (SACL_SECURITY_INFORMATION | LABEL_SECURITY_INFORMATION)) {
        made.control = (UINT16)(made.control & ~(SE_SACL_PRESENT | SE_SACL_PROTECTED | SE_SACL_AUTO_INHERITED));
        if (from.sacl != NULL)
            made.control |= SE_SACL_PRESENT | (from.control & (SE_SACL_PROTECTED | SE_SACL_AUTO_INHERITED));
        made.sacl = from.sacl;
    }
    *PSecurityDescriptor = sd_build(&made, NULL);
    free(dacl);
    return *PSecurityDescriptor != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

void FspDeleteSecurityDescriptor(PSECURITY_DESCRIPTOR sd, NTSTATUS (*CreateFunc)(void))
{
    /* Only the makers' own addresses free: a host that passes another pointer leaks on Windows too. */
    uintptr_t made = (uintptr_t)CreateFunc;
    if (made == (uintptr_t)FspSetSecurityDescriptor || made == (uintptr_t)FspCreateSecurityDescriptor || made == (uintptr_t)FspAccessCheckEx)
        free(sd);
}
