/* The descriptor of a new file: its explicit list, or what it inherits of its directory; and the merge of a change
 * (docs/winfsp.md, "Creating and opening"). */
#include "core/base/descriptor.h"
#include "ops/ops.h"

static const UINT8 creatorOwner[] = {1, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0};
static const UINT8 creatorGroup[] = {1, 1, 0, 0, 0, 0, 0, 3, 1, 0, 0, 0};
static const UINT8 localSystem[] = {1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0};
static const UINT8 administrators[] = {1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0};
static const UINT8 users[] = {1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x21, 2, 0, 0};

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

/* What a child gets of its parent's list. Twice: to == NULL measures. Returns the bytes, 8 when nothing is inheritable.
 */
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
            used += ace_put(
                to ? to + used : NULL, ace, other | (passedOn && !special ? onward : 0), known ? sid : NULL, mapped);
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

NTSTATUS FspCreateSecurityDescriptor(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req,
    PSECURITY_DESCRIPTOR ParentDescriptor, PSECURITY_DESCRIPTOR *PSecurityDescriptor)
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
    if (req->Req.Create.SecurityDescriptor.Size != 0 && sd_view(req->Buffer + req->Req.Create.SecurityDescriptor.Offset,
                                                            req->Req.Create.SecurityDescriptor.Size, &asked) == 0)
        return STATUS_INVALID_SECURITY_DESCR;
    made.owner = asked.owner != NULL ? asked.owner : token->groupCount > 2 ? administrators : token->user;
    made.group = asked.group != NULL ? asked.group : users;
    made.control = SE_DACL_PRESENT;
    /* an explicit list replaces inheritance; an explicit NULL list means everybody may */
    if (asked.control & SE_DACL_PRESENT) {
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

NTSTATUS FspSetSecurityDescriptor(PSECURITY_DESCRIPTOR InputDescriptor, SECURITY_INFORMATION info,
    PSECURITY_DESCRIPTOR ModificationDescriptor, PSECURITY_DESCRIPTOR *PSecurityDescriptor)
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
