/*
 * Private object security, which Wine has as stubs only: security descriptors of new objects by inheritance, and
 * changes of their parts. Windows: also audit entries, integrity labels, object entries and automatic inheritance
 * flags. Here: owner, group and the discretionary list.
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include "rig.h"

#define ACL_BYTES 8192
#define SID_ROOM 128
#define INHERIT_FLAGS (OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE)
#define ALL_INHERIT_FLAGS (INHERIT_FLAGS | NO_PROPAGATE_INHERIT_ACE | INHERIT_ONLY_ACE)

/* Who creates the object, and how generic rights of its kind are mapped. */
typedef struct {
    PSID owner, group;
    PGENERIC_MAPPING mapping;
} CREATOR;

static DWORD mapped(DWORD mask, PGENERIC_MAPPING mapping)
{
    MapGenericMask(&mask, mapping);
    return mask;
}

/* CREATOR OWNER and CREATOR GROUP stand for the creator's own; others for themselves. */
static PSID real_sid(PSID sid, const CREATOR *creator)
{
    static const SID_IDENTIFIER_AUTHORITY authority = {{0, 0, 0, 0, 0, 3}};
    const SID *s = sid;
    if (s->SubAuthorityCount != 1 || memcmp(&s->IdentifierAuthority, &authority, sizeof authority) != 0)
        return sid;
    if (s->SubAuthority[0] == SECURITY_CREATOR_OWNER_RID)
        return creator->owner;
    return s->SubAuthority[0] == SECURITY_CREATOR_GROUP_RID ? creator->group : sid;
}

static void add(PACL list, BYTE type, BYTE flags, DWORD mask, PSID sid)
{
    BYTE room[sizeof(ACCESS_ALLOWED_ACE) + SID_ROOM];
    ACCESS_ALLOWED_ACE *ace = (void *)room;
    DWORD sid_bytes = GetLengthSid(sid);
    ace->Header.AceType = type;
    ace->Header.AceFlags = flags;
    ace->Header.AceSize = (WORD)(offsetof(ACCESS_ALLOWED_ACE, SidStart) + sid_bytes);
    ace->Mask = mask;
    memcpy(&ace->SidStart, sid, sid_bytes);
    AddAce(list, ACL_REVISION, MAXDWORD, ace, ace->Header.AceSize);
}

static ACCESS_ALLOWED_ACE *entry(PACL list, DWORD index)
{
    ACCESS_ALLOWED_ACE *ace;
    if (!GetAce(list, index, (void **)&ace) || ace->Header.AceType > ACCESS_DENIED_ACE_TYPE)
        return NULL;
    return ace;
}

static DWORD count_of(PACL list) { return list != NULL ? list->AceCount : 0; }

/* What the parent's entries give to the new object. Returns how many entries that made. */
static int inherit(PACL to, PACL parent, BOOL directory, const CREATOR *creator)
{
    int made = 0;
    for (DWORD i = 0; i < count_of(parent); i++) {
        ACCESS_ALLOWED_ACE *ace = entry(parent, i);
        if (ace == NULL)
            continue;
        BYTE type = ace->Header.AceType, flags = ace->Header.AceFlags;
        PSID sid = &ace->SidStart, real = real_sid(sid, creator);
        DWORD mask = mapped(ace->Mask, creator->mapping);
        BOOL effective = (flags & (directory ? CONTAINER_INHERIT_ACE : OBJECT_INHERIT_ACE)) != 0;
        BOOL further = directory && !(flags & NO_PROPAGATE_INHERIT_ACE) && (flags & INHERIT_FLAGS);
        if (!effective && !further)
            continue;
        if (!effective) {
            add(to, type, (flags & INHERIT_FLAGS) | INHERIT_ONLY_ACE, ace->Mask, sid);
        } else if (further && (real != sid || mask != ace->Mask)) {
            add(to, type, 0, mask, real);
            add(to, type, (flags & INHERIT_FLAGS) | INHERIT_ONLY_ACE, ace->Mask, sid);
        } else {
            add(to, type, further ? flags & INHERIT_FLAGS : 0, mask, real);
        }
        made++;
    }
    return made;
}

/* Explicit entries as they are, generic rights mapped. */
static void copy_mapped(PACL to, PACL from, PGENERIC_MAPPING mapping)
{
    for (DWORD i = 0; i < count_of(from); i++) {
        ACCESS_ALLOWED_ACE *ace = entry(from, i);
        BOOL here = ace != NULL && !(ace->Header.AceFlags & INHERIT_ONLY_ACE);
        if (ace != NULL)
            add(to, ace->Header.AceType, ace->Header.AceFlags, here ? mapped(ace->Mask, mapping) : ace->Mask,
                &ace->SidStart);
    }
}

static void copy_explicit(PACL to, PACL from, BOOL directory, const CREATOR *creator)
{
    for (DWORD i = 0; i < count_of(from); i++) {
        ACCESS_ALLOWED_ACE *ace = entry(from, i);
        if (ace == NULL)
            continue;
        BOOL here = !(ace->Header.AceFlags & INHERIT_ONLY_ACE);
        add(to, ace->Header.AceType, directory ? ace->Header.AceFlags : ace->Header.AceFlags & ~ALL_INHERIT_FLAGS,
            here ? mapped(ace->Mask, creator->mapping) : ace->Mask,
            here ? real_sid(&ace->SidStart, creator) : (PSID)&ace->SidStart);
    }
}

static void copy_default(PACL to, HANDLE token, PGENERIC_MAPPING mapping)
{
    union {
        TOKEN_DEFAULT_DACL head;
        BYTE room[2048];
    } u;

    DWORD bytes;
    if (GetTokenInformation(token, TokenDefaultDacl, &u, sizeof u, &bytes))
        copy_mapped(to, u.head.DefaultDacl, mapping);
}

static PACL dacl_of(PSECURITY_DESCRIPTOR descriptor, BOOL *present)
{
    BOOL defaulted;
    PACL list = NULL;
    *present = FALSE;
    if (descriptor != NULL)
        GetSecurityDescriptorDacl(descriptor, present, &list, &defaulted);
    return *present ? list : NULL;
}

static SECURITY_DESCRIPTOR_CONTROL control_of(PSECURITY_DESCRIPTOR descriptor)
{
    SECURITY_DESCRIPTOR_CONTROL control = 0;
    DWORD revision;
    if (descriptor != NULL)
        GetSecurityDescriptorControl(descriptor, &control, &revision);
    return control;
}

static void trim(PACL list)
{
    ACL_SIZE_INFORMATION size;
    if (list != NULL && GetAclInformation(list, &size, sizeof size, AclSizeInformation))
        list->AclSize = (WORD)size.AclBytesInUse;
}

static BOOL finish(PSECURITY_DESCRIPTOR absolute, PSECURITY_DESCRIPTOR *out)
{
    DWORD bytes = 0;
    MakeSelfRelativeSD(absolute, NULL, &bytes);
    *out = HeapAlloc(GetProcessHeap(), 0, bytes);
    return MakeSelfRelativeSD(absolute, *out, &bytes);
}

BOOL WINAPI own_CreatePrivateObjectSecurity(PSECURITY_DESCRIPTOR parent, PSECURITY_DESCRIPTOR given,
    PSECURITY_DESCRIPTOR *out, BOOL directory, HANDLE token, PGENERIC_MAPPING mapping)
{
    BYTE owner_room[SID_ROOM], group_room[SID_ROOM], acl[ACL_BYTES];
    CREATOR creator = {NULL, NULL, mapping};
    SECURITY_DESCRIPTOR descriptor;
    BOOL defaulted, present, parent_present;
    DWORD bytes;
    if (given != NULL) {
        GetSecurityDescriptorOwner(given, &creator.owner, &defaulted);
        GetSecurityDescriptorGroup(given, &creator.group, &defaulted);
    }
    if (creator.owner == NULL && GetTokenInformation(token, TokenOwner, owner_room, sizeof owner_room, &bytes))
        creator.owner = ((TOKEN_OWNER *)owner_room)->Owner;
    if (creator.group == NULL && GetTokenInformation(token, TokenPrimaryGroup, group_room, sizeof group_room, &bytes))
        creator.group = ((TOKEN_PRIMARY_GROUP *)group_room)->PrimaryGroup;
    InitializeSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION);
    SetSecurityDescriptorOwner(&descriptor, creator.owner, FALSE);
    SetSecurityDescriptorGroup(&descriptor, creator.group, FALSE);
    PACL list = (PACL)acl, explicit_list = dacl_of(given, &present), parent_list = dacl_of(parent, &parent_present);
    InitializeAcl(list, sizeof acl, ACL_REVISION);
    if (present && explicit_list == NULL)
        list = NULL; /* everything to everyone */
    else if (present)
        copy_explicit(list, explicit_list, directory, &creator);
    else if (inherit(list, parent_list, directory, &creator) == 0)
        copy_default(list, token, mapping);
    if (present && (control_of(given) & SE_DACL_PROTECTED))
        SetSecurityDescriptorControl(&descriptor, SE_DACL_PROTECTED, SE_DACL_PROTECTED);
    trim(list);
    SetSecurityDescriptorDacl(&descriptor, TRUE, list, FALSE);
    return finish(&descriptor, out);
}

BOOL WINAPI own_SetPrivateObjectSecurity(SECURITY_INFORMATION parts, PSECURITY_DESCRIPTOR change,
    PSECURITY_DESCRIPTOR *object, PGENERIC_MAPPING mapping, HANDLE token)
{
    SECURITY_DESCRIPTOR descriptor;
    PSID owner = NULL, group = NULL;
    BOOL defaulted, present;
    BYTE acl[ACL_BYTES];
    GetSecurityDescriptorOwner(parts & OWNER_SECURITY_INFORMATION ? change : *object, &owner, &defaulted);
    if ((parts & OWNER_SECURITY_INFORMATION) && owner == NULL) {
        SetLastError(ERROR_INVALID_OWNER);
        return FALSE;
    }
    GetSecurityDescriptorGroup(parts & GROUP_SECURITY_INFORMATION ? change : *object, &group, &defaulted);
    PSECURITY_DESCRIPTOR from = parts & DACL_SECURITY_INFORMATION ? change : *object;
    PACL list = dacl_of(from, &present);
    if (list != NULL) {
        InitializeAcl((PACL)acl, sizeof acl, ACL_REVISION);
        copy_mapped((PACL)acl, list, mapping);
        list = (PACL)acl;
        trim(list);
    }
    InitializeSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION);
    SetSecurityDescriptorOwner(&descriptor, owner, FALSE);
    SetSecurityDescriptorGroup(&descriptor, group, FALSE);
    SetSecurityDescriptorDacl(&descriptor, present, list, FALSE);
    SetSecurityDescriptorControl(&descriptor, SE_DACL_PROTECTED | SE_DACL_AUTO_INHERITED,
        control_of(from) & (SE_DACL_PROTECTED | SE_DACL_AUTO_INHERITED));
    PSECURITY_DESCRIPTOR changed;
    if (!finish(&descriptor, &changed))
        return FALSE;
    HeapFree(GetProcessHeap(), 0, *object);
    *object = changed;
    return TRUE;
}

BOOL WINAPI own_DestroyPrivateObjectSecurity(PSECURITY_DESCRIPTOR *object)
{
    HeapFree(GetProcessHeap(), 0, *object);
    *object = NULL;
    return TRUE;
}
