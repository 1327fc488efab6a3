/*
 * Strict checks: what the Windows driver would silently turn into lost data, hanging programs or wrong listings is recorded here as a
 * violation, with the request that showed it (docs/winfsp.md (c), (d), (i)).
 *
 * A small table remembers every open file by its context. Requests and answers may overlap, so a size is only compared when no other change
 * of the file was under way. One lock for the table; it is taken under volume.lock, never the other way round.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "internal.h"

#define BUCKETS 4096u
#define CLOSED_KEPT 65536u /* contexts remembered after their last Close */
#define TEXTS_KEPT 1000u

typedef struct file {
    struct file *next, *nextByIndex;
    UINT64 context, index, size, previousSize;
    UINT64 epoch; /* changes that began or ended */
    int modifying, sizeKnown;
    long long handles;
    int directory, root, alignedRead, emptyListAllowed;
} FILE_STATE;

typedef struct {
    char **texts;
    UINT32 count;
} TEXTS;

struct strict_state {
    pthread_mutex_t lock;
    FILE_STATE *byContext[BUCKETS], *byIndex[BUCKETS];
    UINT32 closed;
    LISTINGS *listings;
    TEXTS texts;
};

static pthread_mutex_t textsLock = PTHREAD_MUTEX_INITIALIZER;
static TEXTS allTexts;

/* ---- recording ----------------------------------------------------------------------------------------------------------------- */

const char *kind_name(UINT32 kind)
{
    static const char *const names[FspFsctlTransactKindCount] = {"Reserved", "Create", "Overwrite", "Cleanup", "Close", "Read", "Write", "QueryInformation",
        "SetInformation", "QueryEa", "SetEa", "FlushBuffers", "QueryVolumeInformation", "SetVolumeInformation", "QueryDirectory", "FileSystemControl",
        "DeviceControl", "Shutdown", "LockControl", "QuerySecurity", "SetSecurity", "QueryStreamInformation"};
    return kind < FspFsctlTransactKindCount ? names[kind] : "Unknown";
}

const WCHAR *request_text(const FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_BUF where, size_t *units)
{
    const WCHAR *text = (const void *)(req->Buffer + where.Offset);
    size_t most = where.Size / sizeof(WCHAR);
    *units = 0;
    if (where.Size == 0 || where.Offset % sizeof(WCHAR) != 0 || sizeof *req + where.Offset + (size_t)where.Size > req->Size)
        return NULL;
    while (*units < most && text[*units] != 0)
        ++*units;
    return text;
}

static void describe_name(const FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_BUF where, const char *label, char *text, size_t size)
{
    char name[600];
    ptrdiff_t length;
    size_t used = strlen(text), units;
    const WCHAR *from = request_text(req, where, &units);
    if (from == NULL)
        return;
    length = utf16_to_utf8(from, units, name, sizeof name - 1);
    if (length >= 0)
        snprintf(text + used, size - used, " %s \"%.*s\"", label, (int)length, name);
    else
        snprintf(text + used, size - used, " %s of %zu units", label, units);
}

void request_describe(const FSP_FSCTL_TRANSACT_REQ *req, char *text, size_t size)
{
    size_t used;
    snprintf(text, size, "%s hint %" PRIx64, kind_name(req->Kind), req->Hint);
    used = strlen(text);
    switch (req->Kind) {
    case FspFsctlTransactCreateKind:
        snprintf(text + used, size - used, " disposition %u options %06x access %08x attributes %x", req->Req.Create.CreateOptions >> 24,
            req->Req.Create.CreateOptions & 0xffffff, req->Req.Create.DesiredAccess, req->Req.Create.FileAttributes);
        break;
    case FspFsctlTransactQueryVolumeInformationKind:
    case FspFsctlTransactSetVolumeInformationKind:
        break;
    case FspFsctlTransactReadKind:
    case FspFsctlTransactWriteKind:
        snprintf(text + used, size - used, " context %" PRIx64 " offset %" PRIx64 " length %u%s", req->Req.Context.UserContext, req->Req.Read.Offset,
            req->Req.Read.Length, req->Kind == FspFsctlTransactWriteKind && req->Req.Write.ConstrainedIo ? " constrained" : "");
        break;
    case FspFsctlTransactSetInformationKind:
        snprintf(text + used, size - used, " context %" PRIx64 " class %u value %" PRIx64, req->Req.Context.UserContext,
            req->Req.SetInformation.FileInformationClass, req->Req.SetInformation.Info.EndOfFile.FileSize);
        if (req->Req.SetInformation.FileInformationClass == FileRenameInformation || req->Req.SetInformation.FileInformationClass == FileRenameInformationEx)
            describe_name(req, req->Req.SetInformation.Info.Rename.NewFileName, "to", text, size);
        break;
    case FspFsctlTransactQueryDirectoryKind:
        snprintf(text + used, size - used, " context %" PRIx64 " length %u", req->Req.Context.UserContext, req->Req.QueryDirectory.Length);
        describe_name(req, req->Req.QueryDirectory.Pattern, "pattern", text, size);
        describe_name(req, req->Req.QueryDirectory.Marker, "marker", text, size);
        break;
    default:
        snprintf(text + used, size - used, " context %" PRIx64, req->Req.Context.UserContext);
    }
    describe_name(req, req->FileName, "name", text, size);
}

static void keep(TEXTS *texts, const char *text)
{
    if (texts->count < TEXTS_KEPT) {
        char **grown = realloc(texts->texts, (texts->count + 1) * sizeof *grown);
        if (grown != NULL) {
            texts->texts = grown;
            grown[texts->count] = strdup(text);
        }
    }
    texts->count++;
}

void strict_violation(VOLUME *v, const FSP_FSCTL_TRANSACT_REQ *req, const char *format, ...)
{
    char message[512], what[1024], text[1600];
    va_list arguments;
    if (v->strict == NULL || (!volume_is_strict(v) && v->options[OPTION_HOLD_COMPLETION] == 0))
        return;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (req != NULL) {
        request_describe(req, what, sizeof what);
        snprintf(text, sizeof text, "%s | %s", message, what);
    } else
        snprintf(text, sizeof text, "%s", message);
    pthread_mutex_lock(&textsLock);
    keep(&v->strict->texts, text);
    keep(&allTexts, text);
    pthread_mutex_unlock(&textsLock);
    if (v->options[OPTION_STRICT] >= 2)
        fprintf(stderr, "winfsp-linux: violation: %s\n", text);
}

static TEXTS *texts_of(FSP_FILE_SYSTEM *fs)
{
    if (fs == NULL)
        return &allTexts;
    return volume_of(fs)->strict != NULL ? &volume_of(fs)->strict->texts : NULL;
}

UINT32 FspLinuxViolationCount(FSP_FILE_SYSTEM *fs)
{
    TEXTS *texts = texts_of(fs);
    UINT32 count;
    pthread_mutex_lock(&textsLock);
    count = texts != NULL ? texts->count : 0;
    pthread_mutex_unlock(&textsLock);
    return count;
}

UINT32 FspLinuxViolationText(FSP_FILE_SYSTEM *fs, UINT32 Index, char *Buffer, UINT32 Size)
{
    TEXTS *texts = texts_of(fs);
    UINT32 needed = 0;
    pthread_mutex_lock(&textsLock);
    if (texts != NULL && Index < texts->count && Index < TEXTS_KEPT && texts->texts != NULL && texts->texts[Index] != NULL) {
        needed = (UINT32)strlen(texts->texts[Index]) + 1;
        if (Buffer != NULL && Size != 0)
            snprintf(Buffer, Size, "%s", texts->texts[Index]);
    }
    pthread_mutex_unlock(&textsLock);
    return needed;
}

/* ---- the table of files -------------------------------------------------------------------------------------------------------- */

void strict_init(VOLUME *v)
{
    STRICT *strict;
    if (v->strict != NULL || (v->options[OPTION_STRICT] == 0 && v->options[OPTION_HOLD_COMPLETION] == 0))
        return;
    if ((strict = calloc(1, sizeof *strict)) == NULL)
        return;
    pthread_mutex_init(&strict->lock, NULL);
    pthread_mutex_lock(&v->lock);
    v->strict = strict;
    pthread_mutex_unlock(&v->lock);
}

void strict_free(VOLUME *v)
{
    STRICT *strict = v->strict;
    if (strict == NULL)
        return;
    v->strict = NULL;
    for (UINT32 i = 0; i < BUCKETS; i++)
        while (strict->byContext[i] != NULL) {
            FILE_STATE *file = strict->byContext[i];
            strict->byContext[i] = file->next;
            free(file);
        }
    strict_listings_free(strict->listings);
    for (UINT32 i = 0; i < strict->texts.count && i < TEXTS_KEPT && strict->texts.texts != NULL; i++)
        free(strict->texts.texts[i]);
    free(strict->texts.texts);
    pthread_mutex_destroy(&strict->lock);
    free(strict);
}

static UINT32 bucket(UINT64 value) { return (UINT32)((value * 0x9e3779b97f4a7c15u) >> 52) % BUCKETS; }

static FILE_STATE *file_find(STRICT *strict, UINT64 context)
{
    FILE_STATE *file = strict->byContext[bucket(context)];
    while (file != NULL && file->context != context)
        file = file->next;
    return file;
}

static void index_remove(STRICT *strict, FILE_STATE *file)
{
    for (FILE_STATE **at = &strict->byIndex[bucket(file->index)]; *at != NULL; at = &(*at)->nextByIndex)
        if (*at == file) {
            *at = file->nextByIndex;
            return;
        }
}

static void file_close(STRICT *strict, FILE_STATE *file)
{
    if (file->handles == 0 || --file->handles > 0)
        return;
    index_remove(strict, file);
    file->alignedRead = 0;
    if (++strict->closed > CLOSED_KEPT)
        for (FILE_STATE **at = &strict->byContext[bucket(file->context)]; *at != NULL; at = &(*at)->next)
            if (*at == file) {
                *at = file->next;
                strict->closed--;
                free(file);
                return;
            }
}

/* One value per file: UserContext, unless contexts belong to handles. */
static UINT64 context_of(VOLUME *v, const FSP_FSCTL_TRANSACT_REQ *req)
{
    return v->params.UmFileContextIsUserContext2 ? req->Req.Context.UserContext2 : req->Req.Context.UserContext;
}

static int has_context(UINT32 kind)
{
    return kind >= FspFsctlTransactOverwriteKind && kind < FspFsctlTransactKindCount && kind != FspFsctlTransactQueryVolumeInformationKind &&
        kind != FspFsctlTransactSetVolumeInformationKind && kind != FspFsctlTransactShutdownKind && kind != FspFsctlTransactLockControlKind;
}

static int changes_size(const FSP_FSCTL_TRANSACT_REQ *req)
{
    return req->Kind == FspFsctlTransactOverwriteKind || req->Kind == FspFsctlTransactWriteKind ||
        (req->Kind == FspFsctlTransactSetInformationKind &&
            (req->Req.SetInformation.FileInformationClass == FileEndOfFileInformation ||
                req->Req.SetInformation.FileInformationClass == FileAllocationInformation));
}

int strict_is_directory(VOLUME *v, UINT64 context)
{
    STRICT *strict = v->strict;
    FILE_STATE *file;
    int directory = 0;
    if (strict == NULL)
        return 0;
    pthread_mutex_lock(&strict->lock);
    if ((file = file_find(strict, context)) != NULL)
        directory = file->directory;
    pthread_mutex_unlock(&strict->lock);
    return directory;
}

void strict_received(VOLUME *v, IRP *irp)
{
    STRICT *strict = v->strict;
    const FSP_FSCTL_TRANSACT_REQ *req = irp->req;
    FILE_STATE *file;
    irp->stale = irp->quiet = 0;
    if (!has_context(req->Kind))
        return;
    pthread_mutex_lock(&strict->lock);
    if ((file = file_find(strict, context_of(v, req))) != NULL) {
        irp->stale = file->handles == 0;
        irp->quiet = file->modifying == 0;
        if (changes_size(req)) {
            file->modifying++;
            file->epoch++;
        }
        irp->epoch = file->epoch;
        if (req->Kind == FspFsctlTransactReadKind && req->Req.Read.Offset % 4096 == 0 && req->Req.Read.Length % 4096 == 0)
            file->alignedRead = 1;
        if (req->Kind == FspFsctlTransactCloseKind)
            file_close(strict, file); /* now, not with its answer: a later open may be answered first */
    }
    pthread_mutex_unlock(&strict->lock);
}

/* ---- checks ---------------------------------------------------------------------------------------------------------------------- */

void strict_file_info(VOLUME *v, const FSP_FSCTL_TRANSACT_REQ *req, const FSP_FSCTL_FILE_INFO *info, const char *whose)
{
    static const FSP_FSCTL_FILE_INFO none;
    int directory = (info->FileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    FSP_FSCTL_FILE_INFO untouched;
    memset(&untouched, POISON, sizeof untouched);
    if (memcmp(info, &none, sizeof none) == 0 || memcmp(info, &untouched, sizeof untouched) == 0) {
        strict_violation(v, req, "FileInfo%s was not filled", whose);
        return;
    }
    if (info->CreationTime == 0 || info->LastAccessTime == 0 || info->LastWriteTime == 0 || info->ChangeTime == 0)
        strict_violation(v, req, "FileInfo%s has a time of zero", whose);
    if (info->AllocationSize % v->allocationUnit != 0)
        strict_violation(v, req, "AllocationSize%s %" PRIu64 " is no multiple of the allocation unit %u", whose, info->AllocationSize, v->allocationUnit);
    if (!directory && info->AllocationSize < info->FileSize)
        strict_violation(v, req, "AllocationSize%s %" PRIu64 " is less than FileSize %" PRIu64, whose, info->AllocationSize, info->FileSize);
    if (info->HardLinks != 0)
        strict_violation(v, req, "HardLinks%s is %u, must be 0", whose, info->HardLinks);
    if (info->IndexNumber == 0)
        strict_violation(v, req, "IndexNumber%s is 0", whose);
    if ((info->ReparseTag != 0) != ((info->FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0))
        strict_violation(v, req, "ReparseTag%s %x does not go with attributes %x", whose, info->ReparseTag, info->FileAttributes);
}

static int inside(const FSP_FSCTL_TRANSACT_RSP *rsp, FSP_FSCTL_TRANSACT_BUF where)
{
    return where.Size == 0 || sizeof *rsp + where.Offset + (size_t)where.Size <= rsp->Size;
}

static void check_descriptor(VOLUME *v, IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp, FSP_FSCTL_TRANSACT_BUF where, int emptyAllowed)
{
    SD_VIEW view;
    int present;
    if (!inside(rsp, where)) {
        strict_violation(v, irp->req, "the security descriptor lies outside of the answer");
        return;
    }
    if (where.Size == 0) {
        strict_violation(v, irp->req, "the security descriptor is empty");
        return;
    }
    if (sd_view(rsp->Buffer + where.Offset, where.Size, &view) == 0)
        strict_violation(v, irp->req, "the security descriptor (%u bytes) is not valid", where.Size);
    else if (sd_ace_count(rsp->Buffer + where.Offset, where.Size, &present) == 0 && present && !emptyAllowed)
        strict_violation(v, irp->req, "the access list has no entry, though nobody asked for an empty one");
}

static void check_normalized(VOLUME *v, const FSP_FSCTL_TRANSACT_REQ *req, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FSP_FSCTL_TRANSACT_BUF where = rsp->Rsp.Create.Opened.FileName;
    size_t units, givenUnits = where.Size / sizeof(WCHAR);
    const WCHAR *asked = request_text(req, req->FileName, &units), *given = (const void *)(rsp->Buffer + where.Offset);
    if (where.Size == 0 || asked == NULL)
        return;
    if (!inside(rsp, where) || where.Size % sizeof(WCHAR) != 0) {
        strict_violation(v, req, "the normalised name is not inside the answer");
        return;
    }
    if (v->params.CaseSensitiveSearch)
        return;
    if (req->Req.Create.OpenTargetDirectory) {
        while (units > 1 && asked[units - 1] != '\\')
            units--;
        if (units > 1)
            units--;
    }
    if (units == givenUnits) {
        for (size_t i = 0; i < units; i++) /* where this library's folding knows no better, the host's is believed */
            if (asked[i] != given[i] && (asked[i] < 0x80 || given[i] < 0x80) && wide_upper(asked[i]) != wide_upper(given[i]))
                units = 0;
    }
    if (units != givenUnits)
        strict_violation(v, req, "the normalised name differs from the requested one in more than case: the open would fail");
}

static void check_create(VOLUME *v, IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    const FSP_FSCTL_TRANSACT_REQ *req = irp->req;
    const FSP_FSCTL_FILE_INFO *info = &rsp->Rsp.Create.Opened.FileInfo;
    UINT64 context = v->params.UmFileContextIsUserContext2 ? rsp->Rsp.Create.Opened.UserContext2 : rsp->Rsp.Create.Opened.UserContext;
    int perFile = !v->params.UmFileContextIsUserContext2, directory = (info->FileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0, root, emptyAllowed = 0;
    UINT32 options = req->Req.Create.CreateOptions, information = rsp->IoStatus.Information;
    size_t units;
    const WCHAR *name = request_text(req, req->FileName, &units);
    STRICT *strict = v->strict;
    FILE_STATE *file, *other;
    UINT64 was = 0;
    char problem[160] = "";

    if (information > FILE_DOES_NOT_EXIST)
        strict_violation(v, req, "Information %u is no answer to an open", information);
    strict_file_info(v, req, info, "");
    if ((options & FILE_NON_DIRECTORY_FILE) && directory && !req->Req.Create.OpenTargetDirectory)
        strict_violation(v, req, "a directory was opened as a file");
    if ((options & FILE_DIRECTORY_FILE) && !directory)
        strict_violation(v, req, "a file was opened as a directory");
    check_normalized(v, req, rsp);
    if (req->Req.Create.SecurityDescriptor.Size != 0 &&
        sizeof *req + req->Req.Create.SecurityDescriptor.Offset + (size_t)req->Req.Create.SecurityDescriptor.Size <= req->Size) {
        int present;
        emptyAllowed = sd_ace_count(req->Buffer + req->Req.Create.SecurityDescriptor.Offset, req->Req.Create.SecurityDescriptor.Size, &present) == 0 && present;
    }
    if (context == 0) {
        strict_violation(v, req, "the context is 0, which means the whole volume");
        return;
    }
    root = units == 1 && name[0] == '\\';
    pthread_mutex_lock(&strict->lock);
    file = file_find(strict, context);
    if (file == NULL) {
        if ((file = calloc(1, sizeof *file)) == NULL) {
            pthread_mutex_unlock(&strict->lock);
            return;
        }
        file->context = context;
        file->next = strict->byContext[bucket(context)];
        strict->byContext[bucket(context)] = file;
    } else if (file->handles == 0)
        strict->closed--;
    if (file->handles == 0) {
        for (other = strict->byIndex[bucket(info->IndexNumber)]; other != NULL && other->index != info->IndexNumber;)
            other = other->nextByIndex;
        if (other != NULL && perFile && info->IndexNumber != 0) {
            was = other->context;
            snprintf(problem, sizeof problem, "IndexNumber %" PRIx64 " belongs to context %" PRIx64 ", which is open", info->IndexNumber, was);
        }
        file->index = info->IndexNumber;
        file->directory = directory;
        file->root = root;
        file->size = info->FileSize;
        file->sizeKnown = 1;
        file->modifying = 0;
        file->emptyListAllowed = emptyAllowed;
        file->nextByIndex = strict->byIndex[bucket(info->IndexNumber)];
        strict->byIndex[bucket(info->IndexNumber)] = file;
    } else if (file->index != info->IndexNumber)
        snprintf(problem, sizeof problem, "IndexNumber changed from %" PRIx64 " to %" PRIx64 " while context %" PRIx64 " was open", file->index,
            info->IndexNumber, context);
    else if (file->directory != directory)
        snprintf(problem, sizeof problem, "the DIRECTORY bit of context %" PRIx64 " changed", context);
    file->handles++;
    emptyAllowed = file->emptyListAllowed;
    pthread_mutex_unlock(&strict->lock);
    if (problem[0] != 0)
        strict_violation(v, req, "%s", problem);
    if (rsp->Rsp.Create.Opened.SecurityDescriptor.Size != 0)
        check_descriptor(v, irp, rsp, rsp->Rsp.Create.Opened.SecurityDescriptor, emptyAllowed);
}

/* FileInfo of an open file, with what the request itself says about the size. */
static void check_file_info(VOLUME *v, IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    const FSP_FSCTL_TRANSACT_REQ *req = irp->req;
    const FSP_FSCTL_FILE_INFO *info = &rsp->Rsp.Write.FileInfo; /* at the same place in all of them */
    UINT64 size = info->FileSize, written = rsp->IoStatus.Information, asked, known;
    int constrained = req->Kind == FspFsctlTransactWriteKind && req->Req.Write.ConstrainedIo, perFile = !v->params.UmFileContextIsUserContext2;
    STRICT *strict = v->strict;
    FILE_STATE *file;
    char problem[200] = "";

    strict_file_info(v, req, info, "");
    switch (req->Kind) {
    case FspFsctlTransactOverwriteKind:
        if (size != 0)
            strict_violation(v, req, "FileSize is %" PRIu64 " after Overwrite, must be 0", size);
        break;
    case FspFsctlTransactWriteKind:
        asked = req->Req.Write.Offset == UINT64_MAX ? 0 : req->Req.Write.Offset;
        if (written > req->Req.Write.Length)
            strict_violation(v, req, "%" PRIu64 " bytes written of %u", written, req->Req.Write.Length);
        else if (written != 0 && size < asked + written)
            strict_violation(v, req, "FileSize %" PRIu64 " does not cover the bytes written: the system would cut them off its cache", size);
        else if (!constrained && written < req->Req.Write.Length)
            strict_violation(v, req, "a short write of %" PRIu64 " bytes with success", written);
        break;
    case FspFsctlTransactSetInformationKind:
        asked = req->Req.SetInformation.Info.EndOfFile.FileSize;
        if (req->Req.SetInformation.FileInformationClass == FileEndOfFileInformation && size != asked)
            strict_violation(v, req, "FileSize is %" PRIu64 " after setting it to %" PRIu64, size, asked);
        if (req->Req.SetInformation.FileInformationClass == FileAllocationInformation) {
            if (size > asked)
                strict_violation(v, req, "FileSize %" PRIu64 " is more than the allocation of %" PRIu64 " just set", size, asked);
            if (info->AllocationSize < asked)
                strict_violation(v, req, "AllocationSize is %" PRIu64 " after setting it to %" PRIu64, info->AllocationSize, asked);
        }
        break;
    }
    pthread_mutex_lock(&strict->lock);
    if ((file = file_find(strict, context_of(v, req))) != NULL) {
        int changes = changes_size(req), alone = irp->quiet && irp->epoch == file->epoch;
        known = file->size;
        if (file->handles > 0 && file->index != info->IndexNumber && info->IndexNumber != 0)
            snprintf(problem, sizeof problem, "IndexNumber changed from %" PRIx64 " to %" PRIx64, file->index, info->IndexNumber);
        else if (file->handles > 0 && file->directory != ((info->FileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0))
            snprintf(problem, sizeof problem, "the DIRECTORY bit changed");
        else if (perFile && !file->directory && alone && file->sizeKnown && size != known && (!changes || constrained))
            snprintf(problem, sizeof problem, "FileSize is %" PRIu64 ", but nothing has changed it from %" PRIu64, size, known);
        if (changes) {
            file->previousSize = known;
            file->size = size;
            file->sizeKnown = alone;
        }
    }
    pthread_mutex_unlock(&strict->lock);
    if (problem[0] != 0)
        strict_violation(v, req, "%s", problem);
}

static void check_volume_info(VOLUME *v, IRP *irp, const FSP_FSCTL_VOLUME_INFO *info)
{
    if (info->FreeSize > info->TotalSize)
        strict_violation(v, irp->req, "FreeSize %" PRIu64 " is more than TotalSize %" PRIu64, info->FreeSize, info->TotalSize);
    if (info->VolumeLabelLength > sizeof info->VolumeLabel || info->VolumeLabelLength % sizeof(WCHAR) != 0)
        strict_violation(v, irp->req, "VolumeLabelLength %u is not a label's", info->VolumeLabelLength);
}

static int answers_file_info(const FSP_FSCTL_TRANSACT_REQ *req)
{
    switch (req->Kind) {
    case FspFsctlTransactOverwriteKind:
    case FspFsctlTransactWriteKind:
    case FspFsctlTransactQueryInformationKind:
    case FspFsctlTransactSetEaKind:
        return 1;
    case FspFsctlTransactFlushBuffersKind:
        return req->Req.FlushBuffers.UserContext != 0 || req->Req.FlushBuffers.UserContext2 != 0;
    case FspFsctlTransactSetInformationKind:
        switch (req->Req.SetInformation.FileInformationClass) {
        case FileBasicInformation:
        case FileAllocationInformation:
        case FileEndOfFileInformation:
            return 1;
        }
    }
    return 0;
}

static void check_success(VOLUME *v, IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    const FSP_FSCTL_TRANSACT_REQ *req = irp->req;
    STRICT *strict = v->strict;
    FILE_STATE *file;
    int root = -1, emptyAllowed = 0;
    if (irp->stale && req->Kind != FspFsctlTransactCloseKind && req->Kind != FspFsctlTransactCleanupKind)
        strict_violation(v, req, "answered with success, though the context had been closed for the last time");
    if (answers_file_info(req))
        check_file_info(v, irp, rsp);
    switch (req->Kind) {
    case FspFsctlTransactReadKind:
        if (rsp->IoStatus.Information > req->Req.Read.Length)
            strict_violation(v, req, "%u bytes read into %u", rsp->IoStatus.Information, req->Req.Read.Length);
        else if (rsp->IoStatus.Information == 0)
            strict_violation(v, req, "a read of 0 bytes with success: the end of the file is STATUS_END_OF_FILE");
        break;
    case FspFsctlTransactQueryVolumeInformationKind:
    case FspFsctlTransactSetVolumeInformationKind:
        check_volume_info(v, irp, &rsp->Rsp.QueryVolumeInformation.VolumeInfo);
        break;
    case FspFsctlTransactQueryDirectoryKind:
        pthread_mutex_lock(&strict->lock);
        if ((file = file_find(strict, context_of(v, req))) != NULL)
            root = file->root;
        pthread_mutex_unlock(&strict->lock);
        strict_listing(v, &strict->listings, req, rsp->IoStatus.Information, root);
        break;
    case FspFsctlTransactFileSystemControlKind:
    case FspFsctlTransactDeviceControlKind:
    case FspFsctlTransactQueryStreamInformationKind:
    case FspFsctlTransactQueryEaKind:
        if (!inside(rsp, rsp->Rsp.FileSystemControl.Buffer))
            strict_violation(v, req, "the buffer lies outside of the answer");
        break;
    case FspFsctlTransactQuerySecurityKind:
    case FspFsctlTransactSetSecurityKind:
        pthread_mutex_lock(&strict->lock);
        if ((file = file_find(strict, context_of(v, req))) != NULL) {
            if (req->Kind == FspFsctlTransactSetSecurityKind)
                file->emptyListAllowed |= (req->Req.SetSecurity.SecurityInformation & DACL_SECURITY_INFORMATION) != 0;
            emptyAllowed = file->emptyListAllowed;
        }
        pthread_mutex_unlock(&strict->lock);
        if (req->Kind == FspFsctlTransactQuerySecurityKind)
            check_descriptor(v, irp, rsp, rsp->Rsp.QuerySecurity.SecurityDescriptor, emptyAllowed);
        break;
    }
}

void strict_answer(VOLUME *v, IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp, SIZE_T room)
{
    const FSP_FSCTL_TRANSACT_REQ *req = irp->req;
    NTSTATUS status = (NTSTATUS)rsp->IoStatus.Status;
    STRICT *strict = v->strict;
    FILE_STATE *file;

    if (rsp->Size > FSP_FSCTL_TRANSACT_RSP_SIZEMAX)
        strict_violation(v, req, "an answer of %u bytes; 16384 is the most", rsp->Size);
    if (rsp->Size % 8 != 0)
        strict_violation(v, req, "an answer of %u bytes is not rounded up to 8", rsp->Size);
    if (((uintptr_t)rsp & 7) != 0)
        strict_violation(v, req, "an answer that is not 8-aligned in its buffer");
    if (rsp->Kind != req->Kind)
        strict_violation(v, req, "answered as %s", kind_name(rsp->Kind));
    if (status == STATUS_PENDING || (rsp->IoStatus.Status & 0x30000000u) != 0)
        strict_violation(v, req, "answered with status %08x, which becomes INTERNAL_ERROR", rsp->IoStatus.Status);
    else if (req->Kind == FspFsctlTransactCreateKind) {
        if (status == STATUS_REPARSE) {
            if (!inside(rsp, rsp->Rsp.Create.Reparse.Buffer))
                strict_violation(v, req, "the reparse buffer lies outside of the answer");
        } else if (NT_SUCCESS(status))
            check_create(v, irp, rsp);
    } else if (NT_SUCCESS(status))
        check_success(v, irp, rsp);
    if (!NT_SUCCESS(status) && rsp->Size != sizeof *rsp)
        strict_violation(v, req, "a failure with %u bytes of answer", rsp->Size);

    if (!has_context(req->Kind))
        return;
    pthread_mutex_lock(&strict->lock);
    if ((file = file_find(strict, context_of(v, req))) != NULL) {
        if (changes_size(req)) {
            if (file->modifying > 0)
                file->modifying--;
            file->epoch++;
        }
        if (req->Kind == FspFsctlTransactOverwriteKind && !NT_SUCCESS(status))
            file_close(strict, file);
    }
    pthread_mutex_unlock(&strict->lock);
}

int strict_may_nest(VOLUME *v, const FSP_FSCTL_TRANSACT_REQ *req, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    UINT32 class = req->Req.SetInformation.FileInformationClass;
    UINT64 size = rsp->Rsp.Write.FileInfo.FileSize, old = 0;
    STRICT *strict = v->strict;
    FILE_STATE *file;
    int alignedRead = 1, directory = (rsp->Rsp.Write.FileInfo.FileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    if (!NT_SUCCESS((NTSTATUS)rsp->IoStatus.Status))
        return 0;
    if (req->Kind == FspFsctlTransactSetInformationKind && (class == FileRenameInformation || class == FileRenameInformationEx))
        return 1;
    if (!answers_file_info(req) || req->Kind == FspFsctlTransactOverwriteKind || (req->Kind == FspFsctlTransactWriteKind && req->Req.Write.ConstrainedIo))
        return 0;
    if (directory || size % 4096 == 0)
        return 0;
    if (strict != NULL) {
        pthread_mutex_lock(&strict->lock);
        if ((file = file_find(strict, context_of(v, req))) != NULL) {
            old = file->previousSize;
            alignedRead = file->alignedRead;
        }
        pthread_mutex_unlock(&strict->lock);
    }
    if (req->Kind == FspFsctlTransactSetInformationKind && class == FileEndOfFileInformation && size > old && (old == 0 || size / 4096 > (old - 1) / 4096))
        return 0;
    return v->params.FileInfoTimeout == UINT32_MAX || alignedRead;
}
