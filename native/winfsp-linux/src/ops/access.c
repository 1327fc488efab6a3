/*
 * Who may open what: GetSecurityByName and the access checks that come before every Create and Open (docs/winfsp.md,
 * "Creating and opening").
 *
 * Pure functions of their arguments. The request's path is cut with a NUL for a moment where a callback must see a
 * prefix of it.
 */
#include "core/base/descriptor.h"
#include "ops/ops.h"

#define SD_FIRST_CAPACITY 1024u
#define MAX_OVERFLOWS 100 /* a host that says BUFFER_OVERFLOW without end would hang the real library */

PWSTR request_name(FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_BUF where)
{
    return (PWSTR)(void *)(req->Buffer + where.Offset);
}

void sd_buffer_free(SD_BUFFER *buffer)
{
    free(buffer->sd);
    memset(buffer, 0, sizeof *buffer);
}

NTSTATUS security_by_name(FSP_FILE_SYSTEM *fs, PWSTR name, UINT32 *attributes, SD_BUFFER *buffer)
{
    NTSTATUS status;
    if (buffer == NULL)
        return fs->Interface->GetSecurityByName(fs, name, attributes, NULL, NULL);
    if (buffer->sd == NULL) {
        if ((buffer->sd = malloc(SD_FIRST_CAPACITY)) == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        buffer->size = buffer->capacity = SD_FIRST_CAPACITY;
    }
    for (int tries = 0;; tries++) {
        SIZE_T told = buffer->size;
        void *larger;
        *attributes = 0;
        status = fs->Interface->GetSecurityByName(fs, name, attributes, buffer->sd, &buffer->size);
        if (status != STATUS_BUFFER_OVERFLOW) {
            if (NT_SUCCESS(status) && buffer->size > told) {
                strict_violation(volume_of(fs), NULL, "GetSecurityByName says %zu bytes in a buffer of %zu",
                    (size_t)buffer->size, (size_t)told);
                return STATUS_INVALID_SECURITY_DESCR;
            }
            return status;
        }
        if (tries == MAX_OVERFLOWS || buffer->size > 65536) {
            strict_violation(volume_of(fs), NULL,
                "GetSecurityByName answers BUFFER_OVERFLOW again and again (size %zu)", (size_t)buffer->size);
            return STATUS_INVALID_SECURITY_DESCR;
        }
        if (buffer->size > buffer->capacity) {
            if ((larger = realloc(buffer->sd, buffer->size)) == NULL)
                return STATUS_INSUFFICIENT_RESOURCES;
            buffer->sd = larger;
            buffer->capacity = buffer->size;
        }
    }
}

static int is_root(const WCHAR *name) { return name[0] == '\\' && name[1] == 0; }

/* The last component's backslash. */
static PWSTR last_separator(PWSTR name)
{
    PWSTR last = name;
    for (PWSTR at = name; *at != 0; at++)
        if (*at == '\\' && at[1] != 0)
            last = at;
    return last;
}

UINT32 leaf_index(PWSTR name)
{
    PWSTR separator = last_separator(name);
    return separator == name ? 0 : (UINT32)(separator - name) + 1;
}

/* FILE_TRAVERSE on every directory above `end`, the root first. One size value wanders from prefix to prefix, as
 * callers rely on. */
static NTSTATUS check_traverse(
    FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, PWSTR name, PWSTR end, SD_BUFFER *buffer, UINT32 *index)
{
    const TOKEN *token = token_of(req->Req.Create.AccessToken);
    for (PWSTR at = name; at <= end; at++) {
        UINT32 attributes = 0, granted;
        WCHAR kept, root[2] = {'\\', 0};
        NTSTATUS status;
        if (*at != '\\')
            continue;
        kept = *at;
        if (at != name)
            *at = 0;
        status = security_by_name(fs, at == name ? root : name, &attributes, buffer);
        *at = kept;
        if (status == STATUS_REPARSE) {
            *index = attributes;
            return status;
        }
        if (!NT_SUCCESS(status))
            return status == STATUS_OBJECT_NAME_NOT_FOUND ? STATUS_OBJECT_PATH_NOT_FOUND : status;
        if ((attributes & FILE_ATTRIBUTE_REPARSE_POINT) && at != name) {
            kept = *at;
            *at = 0;
            *index = leaf_index(name);
            *at = kept;
            return STATUS_REPARSE;
        }
        if (!(attributes & FILE_ATTRIBUTE_DIRECTORY))
            return STATUS_OBJECT_PATH_NOT_FOUND;
        if (buffer->size != 0) {
            status = access_check(buffer->sd, buffer->size, token, FILE_TRAVERSE, &granted);
            if (!NT_SUCCESS(status))
                return status;
        }
    }
    return STATUS_SUCCESS;
}

static int skips_checks(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, int descriptorWanted)
{
    return fs->Interface->GetSecurityByName == NULL || (!req->Req.Create.UserMode && !descriptorWanted);
}

static void grant_all(UINT32 desired, UINT32 *granted)
{
    *granted = desired & MAXIMUM_ALLOWED ? FILE_ALL_ACCESS : map_generic(desired);
}

/* Whom a name is to lead to: the file, the directory that it is in, or the file that a stream belongs to. */
typedef enum { THE_FILE, ITS_PARENT, ITS_MAIN_FILE } WHOM;

static NTSTATUS check_name(FSP_FILE_SYSTEM *, FSP_FSCTL_TRANSACT_REQ *, PWSTR name, WHOM, int traverse, UINT32 desired,
    UINT32 *granted, SD_BUFFER *, UINT32 *index);

/* What the file itself refuses, its directory may allow: DELETE by the right to delete children, READ_ATTRIBUTES by the
 * right to list them, both or none when both are wanted. What the root refuses is asked of an empty
 * name, as WinFsp does it. */
static NTSTATUS access_check_with_parent(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, PWSTR name, WHOM whom,
    const SD_BUFFER *buffer, UINT32 desired, UINT32 *granted)
{
    const TOKEN *token = token_of(req->Req.Create.AccessToken);
    UINT32 wanted = map_generic(desired & ~MAXIMUM_ALLOWED), lent = 0, needed = 0, part, index;
    WCHAR none[1] = {0};
    NTSTATUS status = access_check(buffer->sd, buffer->size, token, desired, granted);
    if (status != STATUS_ACCESS_DENIED || (is_root(name) && whom != ITS_PARENT))
        return status;
    if ((wanted & DELETE) || (desired & MAXIMUM_ALLOWED))
        lent |= DELETE, needed |= FILE_DELETE_CHILD;
    if (wanted & FILE_READ_ATTRIBUTES)
        lent |= FILE_READ_ATTRIBUTES, needed |= FILE_LIST_DIRECTORY;
    if (lent == 0 ||
        !NT_SUCCESS(check_name(fs, req, is_root(name) ? none : name, ITS_PARENT, 0, needed, &part, NULL, &index)))
        return status;
    wanted = (wanted & ~lent) | (desired & MAXIMUM_ALLOWED);
    *granted = 0;
    status = wanted != 0 ? access_check(buffer->sd, buffer->size, token, wanted, granted) : STATUS_SUCCESS;
    if (NT_SUCCESS(status))
        *granted |= lent;
    return status;
}

/* What the read-only attribute forbids. */
static NTSTATUS check_read_only(UINT32 attributes, UINT32 options, UINT32 desired, UINT32 *granted)
{
    const UINT32 writing = FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_DELETE_CHILD;
    if (!(attributes & FILE_ATTRIBUTE_READONLY))
        return STATUS_SUCCESS;
    if (!(attributes & FILE_ATTRIBUTE_DIRECTORY)) {
        if (map_generic(desired & ~MAXIMUM_ALLOWED) & writing)
            return STATUS_ACCESS_DENIED;
        if (desired & MAXIMUM_ALLOWED)
            *granted &= ~writing;
    }
    return options & FILE_DELETE_ON_CLOSE ? STATUS_CANNOT_DELETE : STATUS_SUCCESS;
}

/* Whether it is what the opener wants to open: a link only when it asks for the link itself. */
static NTSTATUS check_type(FSP_FSCTL_TRANSACT_REQ *req, PWSTR name, WHOM whom, UINT32 attributes, UINT32 *index)
{
    UINT32 asked = req->Req.Create.CreateOptions;
    UINT32 options = whom == THE_FILE     ? asked
                     : whom == ITS_PARENT ? FILE_DIRECTORY_FILE
                                          : asked & FILE_OPEN_REPARSE_POINT;
    int directory = (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    if ((attributes & FILE_ATTRIBUTE_REPARSE_POINT) && !(options & FILE_OPEN_REPARSE_POINT)) {
        *index = leaf_index(name);
        return STATUS_REPARSE;
    }
    if (directory && (options & FILE_NON_DIRECTORY_FILE))
        return STATUS_FILE_IS_A_DIRECTORY;
    return !directory && (options & FILE_DIRECTORY_FILE) ? STATUS_NOT_A_DIRECTORY : STATUS_SUCCESS;
}

/* Access comes first: who may not open a file is not told what it is. */
static NTSTATUS check_found(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, PWSTR name, WHOM whom, UINT32 attributes,
    UINT32 desired, UINT32 *granted, const SD_BUFFER *buffer, UINT32 *index)
{
    NTSTATUS status = STATUS_SUCCESS;
    if (whom == THE_FILE && req->Req.Create.HasTrailingBackslash && !(attributes & FILE_ATTRIBUTE_DIRECTORY))
        return STATUS_OBJECT_NAME_INVALID;
    if (buffer->size == 0 || !req->Req.Create.UserMode)
        grant_all(desired, granted);
    else if (desired == 0)
        *granted = 0;
    else
        status = access_check_with_parent(fs, req, name, whom, buffer, desired, granted);
    if (NT_SUCCESS(status))
        status = check_type(req, name, whom, attributes, index);
    if (status == STATUS_SUCCESS && req->Req.Create.UserMode)
        status = check_read_only(attributes, req->Req.Create.CreateOptions, desired, granted);
    return status;
}

static NTSTATUS check_name(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, PWSTR name, WHOM whom, int traverse,
    UINT32 desired, UINT32 *granted, SD_BUFFER *sd, UINT32 *index)
{
    PWSTR separator = last_separator(name);
    PWSTR end = whom == ITS_MAIN_FILE ? name + req->Req.Create.NamedStream / sizeof(WCHAR) : separator;
    WCHAR root[2] = {'\\', 0}, kept = *end;
    PWSTR checked = whom == ITS_PARENT && separator == name && *name != 0 ? root : name;
    SD_BUFFER own = {NULL, 0, 0}, *buffer = sd != NULL ? sd : &own;
    UINT32 attributes = 0;
    NTSTATUS status = STATUS_SUCCESS;

    if (traverse && req->Req.Create.UserMode && !req->Req.Create.HasTraversePrivilege && !is_root(checked) &&
        end != name + 1)
        status = check_traverse(fs, req, name, whom == ITS_PARENT ? separator - 1 : separator, buffer, index);
    if (status != STATUS_SUCCESS)
        goto out;
    if (whom != THE_FILE && checked == name)
        *end = 0;
    status = security_by_name(fs, checked, &attributes, buffer);
    if (status == STATUS_REPARSE)
        *index = attributes;
    else if (NT_SUCCESS(status))
        status = check_found(fs, req, checked, whom, attributes, desired, granted, buffer, index);
    else if (whom == ITS_PARENT && status == STATUS_OBJECT_NAME_NOT_FOUND)
        status = STATUS_OBJECT_PATH_NOT_FOUND;
    *end = kept;
out:
    sd_buffer_free(&own);
    return status;
}

static NTSTATUS check(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, WHOM whom, int traverse, UINT32 desired,
    UINT32 *granted, SD_BUFFER *sd, UINT32 *index)
{
    if (skips_checks(fs, req, sd != NULL)) {
        if (sd != NULL)
            sd_buffer_free(sd);
        grant_all(desired, granted);
        return STATUS_SUCCESS;
    }
    return check_name(fs, req, request_name(req, req->FileName), whom, traverse, desired, granted, sd, index);
}

NTSTATUS check_parent_or_main(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, int traverse, UINT32 desired,
    UINT32 *granted, SD_BUFFER *sd, UINT32 *index)
{
    if (is_root(request_name(req, req->FileName)))
        return STATUS_INVALID_PARAMETER;
    return check(
        fs, req, req->Req.Create.NamedStream ? ITS_MAIN_FILE : ITS_PARENT, traverse, desired, granted, sd, index);
}

NTSTATUS check_file(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, int traverse, UINT32 desired, UINT32 *granted,
    SD_BUFFER *sd, UINT32 *index)
{
    return check(fs, req, THE_FILE, traverse, desired, granted, sd, index);
}

NTSTATUS FspAccessCheckEx(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, BOOLEAN CheckParentOrMain,
    BOOLEAN AllowTraverseCheck, UINT32 DesiredAccess, PUINT32 PGrantedAccess, PSECURITY_DESCRIPTOR *PSecurityDescriptor)
{
    SD_BUFFER buffer = {NULL, 0, 0};
    UINT32 index = 0;
    NTSTATUS status;
    *PGrantedAccess = 0;
    if (PSecurityDescriptor != NULL)
        *PSecurityDescriptor = NULL;
    if (req->Kind != FspFsctlTransactCreateKind)
        return STATUS_INVALID_PARAMETER;
    status = (CheckParentOrMain ? check_parent_or_main : check_file)(fs, req, AllowTraverseCheck, DesiredAccess,
        PGrantedAccess, PSecurityDescriptor != NULL ? &buffer : NULL, &index);
    if (status == STATUS_REPARSE)
        *PGrantedAccess = index;
    else if (NT_SUCCESS(status) && PSecurityDescriptor != NULL && buffer.sd != NULL && buffer.size != 0) {
        *PSecurityDescriptor = buffer.sd;
        buffer.sd = NULL;
    }
    sd_buffer_free(&buffer);
    return status;
}

void FspDeleteSecurityDescriptor(PSECURITY_DESCRIPTOR sd, NTSTATUS (*CreateFunc)(void))
{
    /* Only the makers' own addresses free: a host that passes another pointer leaks on Windows, too. */
    uintptr_t made = (uintptr_t)CreateFunc;
    if (made == (uintptr_t)FspSetSecurityDescriptor || made == (uintptr_t)FspCreateSecurityDescriptor ||
        made == (uintptr_t)FspAccessCheckEx)
        free(sd);
}
