/*
 * Io: share access, as in Windows.
 */
#include "kernel.h"

KERNEL VOID K_IoSetShareAccess(ACCESS_MASK access, ULONG share, PFILE_OBJECT file, PSHARE_ACCESS s)
{
    file->ReadAccess = (access & (FILE_READ_DATA | FILE_EXECUTE)) != 0;
    file->WriteAccess = (access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0;
    file->DeleteAccess = (access & DELETE) != 0;
    RtlZeroMemory(s, sizeof *s);
    if (!file->ReadAccess && !file->WriteAccess && !file->DeleteAccess) {
        file->SharedRead = file->SharedWrite = file->SharedDelete = FALSE;
        return;
    }
    file->SharedRead = (share & FILE_SHARE_READ) != 0;
    file->SharedWrite = (share & FILE_SHARE_WRITE) != 0;
    file->SharedDelete = (share & FILE_SHARE_DELETE) != 0;
    s->OpenCount = 1;
    s->Readers = file->ReadAccess;
    s->Writers = file->WriteAccess;
    s->Deleters = file->DeleteAccess;
    s->SharedRead = file->SharedRead;
    s->SharedWrite = file->SharedWrite;
    s->SharedDelete = file->SharedDelete;
}

static void share_add(PFILE_OBJECT f, PSHARE_ACCESS s, int by)
{
    s->OpenCount += by;
    s->Readers += by * f->ReadAccess;
    s->Writers += by * f->WriteAccess;
    s->Deleters += by * f->DeleteAccess;
    s->SharedRead += by * f->SharedRead;
    s->SharedWrite += by * f->SharedWrite;
    s->SharedDelete += by * f->SharedDelete;
}

KERNEL NTSTATUS K_IoCheckShareAccess(ACCESS_MASK access, ULONG share, PFILE_OBJECT f, PSHARE_ACCESS s, BOOLEAN update)
{
    f->ReadAccess = (access & (FILE_READ_DATA | FILE_EXECUTE)) != 0;
    f->WriteAccess = (access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0;
    f->DeleteAccess = (access & DELETE) != 0;
    if (!f->ReadAccess && !f->WriteAccess && !f->DeleteAccess)
        return STATUS_SUCCESS;
    f->SharedRead = (share & FILE_SHARE_READ) != 0;
    f->SharedWrite = (share & FILE_SHARE_WRITE) != 0;
    f->SharedDelete = (share & FILE_SHARE_DELETE) != 0;
    if ((f->ReadAccess && s->SharedRead < s->OpenCount) || (f->WriteAccess && s->SharedWrite < s->OpenCount) ||
        (f->DeleteAccess && s->SharedDelete < s->OpenCount) || (s->Readers != 0 && !f->SharedRead) ||
        (s->Writers != 0 && !f->SharedWrite) || (s->Deleters != 0 && !f->SharedDelete))
        return STATUS_SHARING_VIOLATION;
    if (update)
        share_add(f, s, 1);
    return STATUS_SUCCESS;
}

KERNEL VOID K_IoRemoveShareAccess(PFILE_OBJECT f, PSHARE_ACCESS s)
{
    if (f->ReadAccess || f->WriteAccess || f->DeleteAccess)
        share_add(f, s, -1);
}

KERNEL NTSTATUS K_IoCheckEaBufferValidity(PVOID buffer, ULONG length, PULONG offset) { return STATUS_SUCCESS; }
