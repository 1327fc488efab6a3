/* What the files of treefs share. */
#ifndef TREEFS_INSIDE_H
#define TREEFS_INSIDE_H

#include "treefs/treefs.h"

#define UNIT 4096u

typedef struct file FILE_NODE;
struct file {
    FILE_NODE *parent, *next, *children; /* children are sorted by name */
    FILE_NODE *linked; /* a hard link: the file; NULL: a file itself */
    WCHAR name[256];
    UINT32 attributes, tag, sdSize, reparseSize;
    UINT64 size, allocation, times[4], index;
    UINT8 *bytes, sd[512], *reparse;
    UINT32 eaSize;
    UINT8 *ea; /* packed */
    long opens, names;
    int gone;
};

struct treefs {
    FSP_FILE_SYSTEM *fs;
    FSP_FILE_SYSTEM_INTERFACE interface;
    pthread_mutex_t lock;
    pthread_cond_t unblocked;
    FILE_NODE *root;
    UINT64 capacity, used, nextIndex;
    long inodes, opens;
    unsigned delayMs;
    int sensitive, hardLinks, controls;
    const char *blocked;
    struct {
        const char *name;
        long count;
    } calls[32];
};

#define ENTER(fs) \
    TREEFS *t = treefs_of(fs); \
    treefs_enter(t, __func__)

/* treefs_tree.c */
TREEFS *treefs_of(FSP_FILE_SYSTEM *fs);
UINT64 treefs_rounded(UINT64 size);
UINT64 treefs_now(void);
void treefs_enter(TREEFS *t, const char *callback);
NTSTATUS treefs_leave(TREEFS *t, NTSTATUS status);
void treefs_dawdle(TREEFS *t);
NTSTATUS treefs_leave_late(TREEFS *t, NTSTATUS status);
int treefs_compare(TREEFS *t, const WCHAR *a, size_t aUnits, const WCHAR *b, size_t bUnits);
FILE_NODE *treefs_child(TREEFS *t, FILE_NODE *parent, const WCHAR *name, size_t units);
NTSTATUS treefs_find(TREEFS *t, const WCHAR *path, FILE_NODE **file, FILE_NODE **parent, const WCHAR **leaf);
void treefs_attach(TREEFS *t, FILE_NODE *parent, FILE_NODE *f);
FILE_NODE *treefs_add_child(TREEFS *t, FILE_NODE *parent, const WCHAR *leaf, UINT32 attributes);
void treefs_detach(FILE_NODE *f);
void treefs_destroy_if_unused(TREEFS *t, FILE_NODE *f);
FILE_NODE *treefs_entry(TREEFS *t, FILE_NODE *parent, const WCHAR *name, size_t units); /* may be a hard link */
FILE_NODE *treefs_entry_at(TREEFS *t, const WCHAR *path);
void treefs_add_link(TREEFS *t, FILE_NODE *f, FILE_NODE *parent, const WCHAR *leaf);
void treefs_remove_name(TREEFS *t, FILE_NODE *entry);
void treefs_add_whiteout(TREEFS *t, FILE_NODE *parent, const WCHAR *leaf, const FILE_NODE *moved);
NTSTATUS treefs_charge(TREEFS *t, FILE_NODE *f, UINT64 allocation);
NTSTATUS treefs_control(FSP_FILE_SYSTEM *fs, PVOID context, UINT32 code, PVOID input, ULONG inputLength, PVOID output,
    ULONG outputLength, PULONG bytes);
NTSTATUS treefs_resize(TREEFS *t, FILE_NODE *f, UINT64 size);

/* treefs_callbacks.c */
void treefs_fill(TREEFS *t, FILE_NODE *f, FSP_FSCTL_FILE_INFO *info);

/* attributes.c */
void treefs_set_ea_callbacks(FSP_FILE_SYSTEM_INTERFACE *interface);

/* treefs_callbacks.c: its callbacks, put into the table */
void treefs_set_callbacks(FSP_FILE_SYSTEM_INTERFACE *interface);

#endif
