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
            *index = (UINT32)(at - name);
            return STATUS_REPARSE;
        }
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

NTSTATUS check_parent(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, int traverse, UINT32 desired, UINT32 *granted,
    SD_BUFFER *sd, UINT32 *index)
{
    PWSTR name = request_name(req, req->FileName), separator = last_separator(name);
    SD_BUFFER own = {NULL, 0, 0}, *buffer = sd != NULL ? sd : &own;
    WCHAR root[2] = {'\\', 0};
    UINT32 attributes = 0;
    NTSTATUS status = STATUS_SUCCESS;

    if (is_root(name))
        return STATUS_INVALID_PARAMETER;
    if (skips_checks(fs, req, sd != NULL)) {
        if (sd != NULL)
            sd_buffer_free(sd);
        grant_all(desired, granted);
        return STATUS_SUCCESS;
    }
    if (traverse && !req->Req.Create.HasTraversePrivilege && separator != name)
        status = check_traverse(fs, req, name, separator - 1, buffer, index);
    if (status == STATUS_SUCCESS) {
        if (separator != name)
            *separator = 0;
        status = security_by_name(fs, separator == name ? root : name, &attributes, buffer);
        if (separator != name)
            *separator = '\\';
        if (status == STATUS_REPARSE)
            *index = attributes;
        else if (status == STATUS_OBJECT_NAME_NOT_FOUND)
            status = STATUS_OBJECT_PATH_NOT_FOUND;
        else if (NT_SUCCESS(status)) {
            status = STATUS_SUCCESS;
            if (attributes & FILE_ATTRIBUTE_REPARSE_POINT) {
                *index = (UINT32)(separator - name);
                while (*index > 0 && name[*index - 1] != '\\')
                    --*index;
                status = STATUS_REPARSE;
            } else if (!(attributes & FILE_ATTRIBUTE_DIRECTORY))
                status = STATUS_NOT_A_DIRECTORY;
            else if (buffer->size == 0 || !req->Req.Create.UserMode)
                grant_all(desired, granted);
            else if (desired == 0)
                *granted = 0;
            else
                status =
                    access_check(buffer->sd, buffer->size, token_of(req->Req.Create.AccessToken), desired, granted);
        }
    }
    sd_buffer_free(&own);
    return status;
}

NTSTATUS check_file(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, int traverse, UINT32 desired, UINT32 *granted,
    SD_BUFFER *sd, UINT32 *index)
{
    PWSTR name = request_name(req, req->FileName);
    const TOKEN *token = token_of(req->Req.Create.AccessToken);
    SD_BUFFER own = {NULL, 0, 0}, *buffer = sd != NULL ? sd : &own;
    UINT32 attributes = 0, options = req->Req.Create.CreateOptions;
    NTSTATUS status = STATUS_SUCCESS;

    if (skips_checks(fs, req, sd != NULL)) {
        if (sd != NULL)
            sd_buffer_free(sd);
        grant_all(desired, granted);
        return STATUS_SUCCESS;
    }
    if (traverse && !req->Req.Create.HasTraversePrivilege && !is_root(name))
        status = check_traverse(fs, req, name, last_separator(name), buffer, index);
    if (status != STATUS_SUCCESS)
        goto out;
    status = security_by_name(fs, name, &attributes, buffer);
    if (status == STATUS_REPARSE) {
        *index = attributes;
        goto out;
    }
    if (!NT_SUCCESS(status))
        goto out;
    status = STATUS_SUCCESS;
    if ((attributes & FILE_ATTRIBUTE_REPARSE_POINT) && !(options & FILE_OPEN_REPARSE_POINT)) {
        *index = (UINT32)(last_separator(name) - name) + 1;
        status = STATUS_REPARSE;
        goto out;
    }
    if (attributes & FILE_ATTRIBUTE_DIRECTORY) {
        if (options & FILE_NON_DIRECTORY_FILE) {
            status = STATUS_FILE_IS_A_DIRECTORY;
            goto out;
        }
    } else {
        if (req->Req.Create.HasTrailingBackslash) {
            status = STATUS_OBJECT_NAME_INVALID;
            goto out;
        }
        if (options & FILE_DIRECTORY_FILE) {
            status = STATUS_NOT_A_DIRECTORY;
            goto out;
        }
    }
    if (buffer->size == 0 || !req->Req.Create.UserMode)
        grant_all(desired, granted);
    else {
        status = access_check(buffer->sd, buffer->size, token, desired, granted);
        if (status == STATUS_ACCESS_DENIED && !is_root(name)) {
            /* DELETE and READ_ATTRIBUTES may also come from the directory. */
            UINT32 lent = 0, rest = map_generic(desired & ~MAXIMUM_ALLOWED), parentGranted, part;
            if ((rest & DELETE) && !NT_SUCCESS(access_check(buffer->sd, buffer->size, token, DELETE, &part)) &&
                NT_SUCCESS(check_parent(fs, req, 0, FILE_DELETE_CHILD, &parentGranted, NULL, &part)))
                lent |= DELETE;
            if ((rest & FILE_READ_ATTRIBUTES) &&
                !NT_SUCCESS(access_check(buffer->sd, buffer->size, token, FILE_READ_ATTRIBUTES, &part)) &&
                NT_SUCCESS(check_parent(fs, req, 0, FILE_LIST_DIRECTORY, &parentGranted, NULL, &part)))
                lent |= FILE_READ_ATTRIBUTES;
            if (lent != 0) {
                rest = (rest & ~lent) | (desired & MAXIMUM_ALLOWED);
                *granted = 0;
                status = rest != 0 ? access_check(buffer->sd, buffer->size, token, rest, granted) : STATUS_SUCCESS;
                if (NT_SUCCESS(status))
                    *granted |= lent;
            }
        }
        if (!NT_SUCCESS(status))
            goto out;
    }
    if (attributes & FILE_ATTRIBUTE_READONLY) {
        if (!(attributes & FILE_ATTRIBUTE_DIRECTORY)) {
            if (map_generic(desired & ~MAXIMUM_ALLOWED) & (FILE_WRITE_DATA | FILE_APPEND_DATA)) {
                status = STATUS_ACCESS_DENIED;
                goto out;
            }
            if (desired & MAXIMUM_ALLOWED)
                *granted &= ~(FILE_WRITE_DATA | FILE_APPEND_DATA);
        }
        if (options & FILE_DELETE_ON_CLOSE)
            status = STATUS_CANNOT_DELETE;
    }
out:
    sd_buffer_free(&own);
    return status;
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
    status = (CheckParentOrMain ? check_parent : check_file)(fs, req, AllowTraverseCheck, DesiredAccess, PGrantedAccess,
        PSecurityDescriptor != NULL ? &buffer : NULL, &index);
    if (NT_SUCCESS(status) && PSecurityDescriptor != NULL && buffer.sd != NULL && buffer.size != 0) {
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
