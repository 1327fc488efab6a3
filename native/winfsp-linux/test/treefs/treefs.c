/* See treefs.h. */
#include <unistd.h>

#include "treefs/inside.h"

void treefs_params(FSP_FSCTL_VOLUME_PARAMS *params, UINT32 fileInfoTimeout)
{
    memset(params, 0, sizeof *params);
    params->Version = sizeof *params;
    params->SectorSize = 512;
    params->SectorsPerAllocationUnit = UNIT / 512;
    params->TransactTimeout = 1000;
    params->FileInfoTimeout = fileInfoTimeout;
    params->CasePreservedNames = params->UnicodeOnDisk = params->PersistentAcls = params->ReparsePoints =
        params->CaseSensitiveSearch = 1;
    params->PostCleanupWhenModifiedOnly = params->SupportsPosixUnlinkRename = 1;
}

TREEFS *treefs_new(const FSP_FSCTL_VOLUME_PARAMS *params, UINT64 capacityBytes)
{
    TREEFS *t = calloc(1, sizeof *t);
    UINT32 size = sizeof t->root->sd;
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->unblocked, NULL);
    t->capacity = capacityBytes;
    t->sensitive = params->CaseSensitiveSearch;
    t->root = calloc(1, sizeof *t->root);
    t->root->attributes = FILE_ATTRIBUTE_DIRECTORY;
    t->root->index = ++t->nextIndex;
    t->root->names = 1;
    t->root->times[0] = t->root->times[1] = t->root->times[2] = t->root->times[3] = treefs_now();
    posix_sd_from_mode(getuid(), getgid(), 0755, t->root->sd, &size);
    t->root->sdSize = size;
    treefs_set_callbacks(&t->interface);
    FspLinuxSetOption(NULL, "strict", 1);
    if (!NT_SUCCESS(FspFileSystemCreate((PWSTR)u"WinFsp.Disk", params, &t->interface, &t->fs)))
        abort();
    t->fs->UserContext = t;
    return t;
}

FSP_FILE_SYSTEM *treefs_file_system(TREEFS *t) { return t->fs; }

/* Its requests may be served already. */
static void set(TREEFS *t, int *option)
{
    pthread_mutex_lock(&t->lock);
    *option = 1;
    pthread_mutex_unlock(&t->lock);
}

void treefs_controls(TREEFS *t) { set(t, &t->controls); }

void treefs_hard_links(TREEFS *t)
{
    set(t, &t->hardLinks);
    FspLinuxSetOption(t->fs, "hard_links", 1);
}

void treefs_unnamed_files(TREEFS *t)
{
    treefs_hard_links(t);
    FspLinuxSetOption(t->fs, "unnamed_files", 1);
}

void treefs_whiteouts(TREEFS *t) { FspLinuxSetOption(t->fs, "rename_extension", 1); }

static void free_tree(FILE_NODE *f)
{
    while (f->children != NULL) {
        FILE_NODE *first = f->children;
        f->children = first->next;
        if (first->linked == NULL)
            free_tree(first);
        else
            free(first); /* tests take hard links away before the end */
    }
    free(f->bytes);
    free(f->reparse);
    free(f->ea);
    free(f);
}

void treefs_delete(TREEFS *t)
{
    FspFileSystemDelete(t->fs);
    free_tree(t->root);
    pthread_cond_destroy(&t->unblocked);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

UINT64 treefs_used(TREEFS *t)
{
    UINT64 used;
    pthread_mutex_lock(&t->lock);
    used = t->used;
    pthread_mutex_unlock(&t->lock);
    return used;
}

static long count_of(TREEFS *t, const long *count)
{
    long value;
    pthread_mutex_lock(&t->lock);
    value = *count;
    pthread_mutex_unlock(&t->lock);
    return value;
}

long treefs_inodes(TREEFS *t) { return count_of(t, &t->inodes); }

long treefs_opens(TREEFS *t) { return count_of(t, &t->opens); }

long treefs_calls(TREEFS *t, const char *callback)
{
    long count = 0;
    pthread_mutex_lock(&t->lock);
    for (int i = 0; i < 32 && t->calls[i].name != NULL; i++)
        if (strcmp(t->calls[i].name, callback) == 0)
            count = t->calls[i].count;
    pthread_mutex_unlock(&t->lock);
    return count;
}

void treefs_delay(TREEFS *t, unsigned milliseconds)
{
    pthread_mutex_lock(&t->lock);
    t->delayMs = milliseconds;
    pthread_mutex_unlock(&t->lock);
}

void treefs_block(TREEFS *t, const char *callback)
{
    pthread_mutex_lock(&t->lock);
    t->blocked = callback;
    pthread_cond_broadcast(&t->unblocked);
    pthread_mutex_unlock(&t->lock);
}

void treefs_scribble(TREEFS *t, const WCHAR *path, char byte)
{
    FILE_NODE *f, *parent;
    const WCHAR *leaf;
    pthread_mutex_lock(&t->lock);
    if (NT_SUCCESS(treefs_find(t, path, &f, &parent, &leaf)))
        memset(f->bytes, byte, f->size);
    pthread_mutex_unlock(&t->lock);
}

void treefs_add(TREEFS *t, const WCHAR *path)
{
    FILE_NODE *f, *parent;
    const WCHAR *leaf;
    UINT32 size;
    pthread_mutex_lock(&t->lock);
    if (treefs_find(t, path, &f, &parent, &leaf) == STATUS_OBJECT_NAME_NOT_FOUND) {
        f = treefs_add_child(t, parent, leaf, FILE_ATTRIBUTE_ARCHIVE);
        size = sizeof f->sd;
        posix_sd_from_mode(getuid(), getgid(), 0644, f->sd, &size);
        f->sdSize = size;
    }
    pthread_mutex_unlock(&t->lock);
}

void treefs_remove(TREEFS *t, const WCHAR *path)
{
    FILE_NODE *f, *parent;
    const WCHAR *leaf;
    pthread_mutex_lock(&t->lock);
    if (NT_SUCCESS(treefs_find(t, path, &f, &parent, &leaf)))
        treefs_remove_name(t, treefs_entry_at(t, path));
    pthread_mutex_unlock(&t->lock);
}
