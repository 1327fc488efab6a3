/*
 * Se: tokens, access checks, and security descriptors of requests.
 * Windows: a token for each process and for impersonating threads, audit, integrity levels. Here: one token, that of
 * the process; the check itself is Win32's AccessCheck.
 */
#include "kernel.h"

typedef struct {
    UCHAR Revision, Sbz1;
    USHORT Control;
    ULONG Owner, Group, Sacl, Dacl;
} SELF_RELATIVE;

#define SID_BYTES(sid) (8 + 4u * ((const UCHAR *)(sid))[1])

KERNEL VOID K_SeCaptureSubjectContext(PSECURITY_SUBJECT_CONTEXT subject)
{
    RtlZeroMemory(subject, sizeof *subject);
    subject->PrimaryToken = g_token;
}

KERNEL VOID K_SeReleaseSubjectContext(PSECURITY_SUBJECT_CONTEXT subject) {}

/* There is one token and nothing changes it. */
KERNEL VOID K_SeLockSubjectContext(PSECURITY_SUBJECT_CONTEXT subject) {}

KERNEL VOID K_SeUnlockSubjectContext(PSECURITY_SUBJECT_CONTEXT subject) {}

KERNEL NTSTATUS K_SeCreateClientSecurityFromSubjectContext(PSECURITY_SUBJECT_CONTEXT subject,
    PSECURITY_QUALITY_OF_SERVICE quality, BOOLEAN remote, PSECURITY_CLIENT_CONTEXT client)
{
    if (remote)
        NOT_IMPLEMENTED("clients of a server");
    RtlZeroMemory(client, sizeof *client);
    client->SecurityQos = *quality;
    ob_reference(g_token);
    client->ClientToken = g_token;
    return STATUS_SUCCESS;
}

KERNEL BOOLEAN K_SeSinglePrivilegeCheck(LUID luid, KPROCESSOR_MODE mode)
{
    ULONG have = host_privileges();
    if (mode == KernelMode)
        return TRUE;
    switch (luid.LowPart) {
    case SE_CHANGE_NOTIFY_PRIVILEGE:
        return (have & PRIVILEGE_TRAVERSE) != 0;
    case SE_BACKUP_PRIVILEGE:
        return (have & PRIVILEGE_BACKUP) != 0;
    case SE_RESTORE_PRIVILEGE:
        return (have & PRIVILEGE_RESTORE) != 0;
    case SE_SECURITY_PRIVILEGE:
    case SE_LOAD_DRIVER_PRIVILEGE:
        return TRUE; /* the rig's process counts as an administrator's */
    default:
        NOT_IMPLEMENTED("a check of another privilege");
    }
}

KERNEL ULONG K_SeTokenType(PVOID token) { return TokenImpersonation; }

KERNEL VOID K_PsDereferencePrimaryToken(PVOID token) { ob_dereference(token); }

KERNEL VOID K_PsDereferenceImpersonationToken(PVOID token) { ob_dereference(token); }

KERNEL BOOLEAN K_SeAccessCheck(PSECURITY_DESCRIPTOR descriptor, PSECURITY_SUBJECT_CONTEXT subject, BOOLEAN locked,
    ACCESS_MASK desired, ACCESS_MASK granted, PPRIVILEGE_SET *privileges, PGENERIC_MAPPING map, KPROCESSOR_MODE mode,
    PACCESS_MASK result, PNTSTATUS status)
{
    uint32_t mask = desired;
    if (privileges != NULL)
        *privileges = NULL;
    *status = mode == KernelMode ? STATUS_SUCCESS : host_access_check(descriptor, desired, &mask);
    *result = mask | granted;
    return NT_SUCCESS(*status);
}

/* The part of a self-relative descriptor, or NULL when it has none or is not asked for one. */
static const UCHAR *part(const SELF_RELATIVE *from, ULONG offset, BOOLEAN asked)
{
    return asked && offset != 0 ? (const UCHAR *)from + offset : NULL;
}

static ULONG append(SELF_RELATIVE *to, ULONG *at, const UCHAR *data, ULONG bytes)
{
    ULONG here = *at;
    if (data == NULL)
        return 0;
    RtlCopyMemory((UCHAR *)to + here, data, bytes);
    *at += bytes;
    return here;
}

KERNEL NTSTATUS K_SeQuerySecurityDescriptorInfo(
    PSECURITY_INFORMATION information, PSECURITY_DESCRIPTOR out, PULONG length, PSECURITY_DESCRIPTOR *object)
{
    const SELF_RELATIVE *in = *object;
    SELF_RELATIVE *to = out;
    SECURITY_INFORMATION asked = *information;
    const UCHAR *owner = part(in, in->Owner, (asked & OWNER_SECURITY_INFORMATION) != 0);
    const UCHAR *group = part(in, in->Group, (asked & GROUP_SECURITY_INFORMATION) != 0);
    const UCHAR *dacl = part(in, in->Dacl, (asked & DACL_SECURITY_INFORMATION) && (in->Control & SE_DACL_PRESENT));
    ULONG owner_bytes = owner != NULL ? SID_BYTES(owner) : 0, group_bytes = group != NULL ? SID_BYTES(group) : 0;
    ULONG dacl_bytes = dacl != NULL ? ((const ACL *)dacl)->AclSize : 0, at = sizeof *to, room = *length;
    *length = sizeof *to + owner_bytes + group_bytes + dacl_bytes;
    if (*length > room)
        return STATUS_BUFFER_TOO_SMALL;
    RtlZeroMemory(to, sizeof *to);
    to->Revision = SECURITY_DESCRIPTOR_REVISION;
    to->Control = SE_SELF_RELATIVE;
    if (asked & DACL_SECURITY_INFORMATION)
        to->Control |= in->Control & (SE_DACL_PRESENT | SE_DACL_DEFAULTED | SE_DACL_AUTO_INHERITED | SE_DACL_PROTECTED);
    to->Owner = append(to, &at, owner, owner_bytes);
    to->Group = append(to, &at, group, group_bytes);
    to->Dacl = append(to, &at, dacl, dacl_bytes);
    return STATUS_SUCCESS;
}

KERNEL NTSTATUS K_SeCaptureSecurityDescriptor(
    PSECURITY_DESCRIPTOR in, KPROCESSOR_MODE mode, ULONG pool, BOOLEAN force, PSECURITY_DESCRIPTOR *out)
{
    ULONG(NTAPI * length)(PSECURITY_DESCRIPTOR) = host_ntdll("RtlLengthSecurityDescriptor");
    NTSTATUS(NTAPI * relative)
    (PSECURITY_DESCRIPTOR, PSECURITY_DESCRIPTOR, PULONG) = host_ntdll("RtlAbsoluteToSelfRelativeSD");
    ULONG bytes = length(in);
    *out = pool_allocate(bytes, 'dSeS');
    if (!(((SELF_RELATIVE *)in)->Control & SE_SELF_RELATIVE))
        return relative(in, *out, &bytes);
    RtlCopyMemory(*out, in, bytes);
    return STATUS_SUCCESS;
}
