/*
 * The smallest memory file system on libfuse3 alone: what a mount costs when nothing of WinFsp is in between. No ledger of others'
 * promises, no security descriptors, no Windows names: bytes as names, a mode, three times, pages. One thread.
 *
 *     fuse_memfs <mount point> <capacity in MiB>
 *
 * Prints "mounted" when it serves; ends at SIGTERM, SIGINT or when someone unmounts it.
 */
#define _GNU_SOURCE
#define FUSE_USE_VERSION 312
#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store.h"

#define MOST_TRANSFER_BYTES (1u << 20)
#define FOR_EVER 86400.0

typedef struct node NODE;
struct node {
    NODE *parent, *hashNext, *previous, *next, *children; /* the children of one directory are a list, newest first */
    char *name, *target;                                  /* target: of a symbolic link */
    uint32_t hash, links;
    uint64_t lookups, index;
    mode_t mode;
    uid_t uid;
    gid_t gid;
    struct timespec accessed, modified, changed;
    CONTENT content;
};

typedef struct {
    size_t used, room, count;
    struct entry {
        uint64_t index;
        mode_t mode;
        char name[256];
    } *entries;
} LISTING;

static NODE *root, **table;
static uint32_t tableMask = (1u << 16) - 1, tableCount;
static uint64_t lastIndex;

static NODE *node_of(fuse_ino_t ino) { return ino == FUSE_ROOT_ID ? root : (NODE *)ino; }
static fuse_ino_t ino_of(NODE *node) { return node == root ? FUSE_ROOT_ID : (fuse_ino_t)node; }

static uint32_t hash_of(const NODE *parent, const char *name)
{
    uint64_t hash = parent->index * 0x9e3779b97f4a7c15ull;
    while (*name != 0)
        hash = (hash ^ (uint8_t)*name++) * 0x100000001b3ull;
    return (uint32_t)(hash ^ hash >> 32);
}

static NODE *child(const NODE *parent, const char *name)
{
    uint32_t hash = hash_of(parent, name);
    for (NODE *node = table[hash & tableMask]; node != NULL; node = node->hashNext)
        if (node->hash == hash && node->parent == parent && strcmp(node->name, name) == 0)
            return node;
    return NULL;
}

static void table_grow(void)
{
    uint32_t mask = tableMask * 2 + 1;
    NODE **larger = calloc((size_t)mask + 1, sizeof *larger);
    if (larger == NULL)
        return;
    for (uint32_t i = 0; i <= tableMask; i++)
        for (NODE *node = table[i], *next; node != NULL; node = next) {
            next = node->hashNext;
            node->hashNext = larger[node->hash & mask];
            larger[node->hash & mask] = node;
        }
    free(table);
    table = larger;
    tableMask = mask;
}

static void touch(NODE *node)
{
    clock_gettime(CLOCK_REALTIME, &node->modified);
    node->changed = node->modified;
}

static void link_node(NODE *node, NODE *parent)
{
    node->parent = parent;
    node->links = S_ISDIR(node->mode) ? 2 : 1;
    node->hash = hash_of(parent, node->name);
    node->hashNext = table[node->hash & tableMask];
    table[node->hash & tableMask] = node;
    node->previous = NULL;
    node->next = parent->children;
    if (node->next != NULL)
        node->next->previous = node;
    parent->children = node;
    touch(parent);
    if (++tableCount > tableMask)
        table_grow();
}

static void unlink_node(NODE *node)
{
    NODE **at = &table[node->hash & tableMask];
    while (*at != node)
        at = &(*at)->hashNext;
    *at = node->hashNext;
    tableCount--;
    if (node->previous != NULL)
        node->previous->next = node->next;
    else
        node->parent->children = node->next;
    if (node->next != NULL)
        node->next->previous = node->previous;
    touch(node->parent);
    node->parent = root;
    node->links = 0;
}

static void forget(NODE *node, uint64_t count)
{
    node->lookups -= count;
    if (node->lookups > 0 || node->links > 0 || node == root)
        return;
    content_free(&node->content);
    free(node->name);
    free(node->target);
    free(node);
}

static NODE *node_new(const char *name, mode_t mode, uid_t uid, gid_t gid)
{
    NODE *node = calloc(1, sizeof *node);
    if (node == NULL || (node->name = strdup(name)) == NULL) {
        free(node);
        return NULL;
    }
    node->index = ++lastIndex;
    node->mode = mode;
    node->uid = uid;
    node->gid = gid;
    touch(node);
    node->accessed = node->modified;
    return node;
}

static void fill(NODE *node, struct stat *out)
{
    memset(out, 0, sizeof *out);
    out->st_ino = node->index;
    out->st_mode = node->mode;
    out->st_nlink = node->links;
    out->st_uid = node->uid;
    out->st_gid = node->gid;
    out->st_size = (off_t)(node->target != NULL ? strlen(node->target) : node->content.size);
    out->st_blksize = STORE_PAGE_BYTES;
    out->st_blocks = (blkcnt_t)(node->content.reservedPages * (STORE_PAGE_BYTES / 512));
    out->st_atim = node->accessed;
    out->st_mtim = node->modified;
    out->st_ctim = node->changed;
}

static void entry(NODE *node, struct fuse_entry_param *out)
{
    memset(out, 0, sizeof *out);
    out->ino = ino_of(node);
    out->attr_timeout = out->entry_timeout = FOR_EVER;
    fill(node, &out->attr);
    node->lookups++;
}

static void do_init(void *unused, struct fuse_conn_info *connection)
{
    connection->max_write = MOST_TRANSFER_BYTES;
    connection->max_readahead = MOST_TRANSFER_BYTES;
}

static void do_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    struct fuse_entry_param out;
    NODE *node = child(node_of(parent), name);
    if (node == NULL) {
        fuse_reply_err(request, ENOENT);
        return;
    }
    entry(node, &out);
    fuse_reply_entry(request, &out);
}

static void do_forget(fuse_req_t request, fuse_ino_t ino, uint64_t count)
{
    forget(node_of(ino), count);
    fuse_reply_none(request);
}

static void do_forget_multi(fuse_req_t request, size_t count, struct fuse_forget_data *forgets)
{
    for (size_t i = 0; i < count; i++)
        forget(node_of(forgets[i].ino), forgets[i].nlookup);
    fuse_reply_none(request);
}

static void reply_attr(fuse_req_t request, NODE *node)
{
    struct stat out;
    fill(node, &out);
    fuse_reply_attr(request, &out, FOR_EVER);
}

static void do_getattr(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *file) { reply_attr(request, node_of(ino)); }

static void do_setattr(fuse_req_t request, fuse_ino_t ino, struct stat *in, int set, struct fuse_file_info *file)
{
    NODE *node = node_of(ino);
    if (set & FUSE_SET_ATTR_SIZE) {
        if (content_resize(&node->content, (uint64_t)in->st_size) != 0) {
            fuse_reply_err(request, ENOSPC);
            return;
        }
        touch(node);
    }
    if (set & FUSE_SET_ATTR_MODE)
        node->mode = (node->mode & S_IFMT) | (in->st_mode & 07777);
    if (set & FUSE_SET_ATTR_UID)
        node->uid = in->st_uid;
    if (set & FUSE_SET_ATTR_GID)
        node->gid = in->st_gid;
    clock_gettime(CLOCK_REALTIME, &node->changed);
    if (set & FUSE_SET_ATTR_ATIME)
        node->accessed = set & FUSE_SET_ATTR_ATIME_NOW ? node->changed : in->st_atim;
    if (set & FUSE_SET_ATTR_MTIME)
        node->modified = set & FUSE_SET_ATTR_MTIME_NOW ? node->changed : in->st_mtim;
    reply_attr(request, node);
}

/* Makes an node and answers with it: open when `file` is given. */
static void make(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, const char *target, struct fuse_file_info *file)
{
    const struct fuse_ctx *context = fuse_req_ctx(request);
    struct fuse_entry_param out;
    NODE *node;
    if (child(node_of(parent), name) != NULL) {
        fuse_reply_err(request, EEXIST);
        return;
    }
    if ((node = node_new(name, mode, context->uid, context->gid)) == NULL || (target != NULL && (node->target = strdup(target)) == NULL)) {
        fuse_reply_err(request, ENOMEM);
        return;
    }
    link_node(node, node_of(parent));
    entry(node, &out);
    if (file == NULL)
        fuse_reply_entry(request, &out);
    else {
        file->keep_cache = 1;
        fuse_reply_create(request, &out, file);
    }
}

static void do_mknod(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, dev_t device) { make(request, parent, name, mode, NULL, NULL); }
static void do_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode)
{
    make(request, parent, name, S_IFDIR | (mode & 07777), NULL, NULL);
}
static void do_symlink(fuse_req_t request, const char *target, fuse_ino_t parent, const char *name)
{
    make(request, parent, name, S_IFLNK | 0777, target, NULL);
}
static void do_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *file)
{
    make(request, parent, name, S_IFREG | (mode & 07777), NULL, file);
}

static void do_readlink(fuse_req_t request, fuse_ino_t ino) { fuse_reply_readlink(request, node_of(ino)->target); }

static void do_unlink(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    NODE *node = child(node_of(parent), name);
    if (node == NULL || node->children != NULL) {
        fuse_reply_err(request, node == NULL ? ENOENT : ENOTEMPTY);
        return;
    }
    unlink_node(node);
    forget(node, 0);
    fuse_reply_err(request, 0);
}

static void do_rename(fuse_req_t request, fuse_ino_t parent, const char *name, fuse_ino_t newParent, const char *newName, unsigned flags)
{
    NODE *node = child(node_of(parent), name), *target = child(node_of(newParent), newName);
    char *copy;
    int error = flags & ~1u ? EINVAL : node == NULL ? ENOENT : target != NULL && flags != 0 ? EEXIST : target != NULL && target->children != NULL ? ENOTEMPTY : 0;
    if (error != 0 || (copy = strdup(newName)) == NULL) {
        fuse_reply_err(request, error != 0 ? error : ENOMEM);
        return;
    }
    if (target != NULL && target != node) {
        unlink_node(target);
        forget(target, 0);
    }
    unlink_node(node);
    free(node->name);
    node->name = copy;
    link_node(node, node_of(newParent));
    fuse_reply_err(request, 0);
}

static void do_open(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *file)
{
    file->keep_cache = 1;
    fuse_reply_open(request, file);
}

static void do_read(fuse_req_t request, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *file)
{
    static char buffer[MOST_TRANSFER_BYTES];
    if (size > sizeof buffer)
        size = sizeof buffer;
    size = content_read(&node_of(ino)->content, (uint64_t)offset, size, buffer);
    fuse_reply_buf(request, buffer, size);
}

static void do_write(fuse_req_t request, fuse_ino_t ino, const char *buffer, size_t size, off_t offset, struct fuse_file_info *file)
{
    NODE *node = node_of(ino);
    if (content_write(&node->content, (uint64_t)offset, size, buffer) != 0) {
        fuse_reply_err(request, ENOSPC);
        return;
    }
    touch(node);
    fuse_reply_write(request, size);
}

static void do_nothing(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *file) { fuse_reply_err(request, 0); }

/* The whole directory as it was when it was opened, so that no change moves anyone's place in it. */
static void do_opendir(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *file)
{
    NODE *directory = node_of(ino);
    LISTING *listing = calloc(1, sizeof *listing);
    size_t count = 2;
    for (NODE *node = directory->children; node != NULL; node = node->next)
        count++;
    if (listing == NULL || (listing->entries = calloc(count, sizeof *listing->entries)) == NULL) {
        free(listing);
        fuse_reply_err(request, ENOMEM);
        return;
    }
    listing->count = count;
    strcpy(listing->entries[0].name, ".");
    strcpy(listing->entries[1].name, "..");
    listing->entries[0].mode = listing->entries[1].mode = S_IFDIR;
    listing->entries[0].index = directory->index;
    listing->entries[1].index = directory->parent->index;
    count = 2;
    for (NODE *node = directory->children; node != NULL; node = node->next, count++) {
        listing->entries[count].index = node->index;
        listing->entries[count].mode = node->mode;
        snprintf(listing->entries[count].name, sizeof listing->entries[count].name, "%s", node->name);
    }
    file->fh = (uint64_t)(uintptr_t)listing;
    file->cache_readdir = file->keep_cache = 1;
    fuse_reply_open(request, file);
}

static void do_readdir(fuse_req_t request, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *file)
{
    LISTING *listing = (LISTING *)(uintptr_t)file->fh;
    char *buffer = malloc(size);
    size_t used = 0;
    for (size_t at = (size_t)offset; buffer != NULL && at < listing->count; at++) {
        struct stat attributes = {.st_ino = listing->entries[at].index, .st_mode = listing->entries[at].mode};
        size_t needed = fuse_add_direntry(request, buffer + used, size - used, listing->entries[at].name, &attributes, (off_t)at + 1);
        if (needed > size - used)
            break;
        used += needed;
    }
    fuse_reply_buf(request, buffer, used);
    free(buffer);
}

static void do_releasedir(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *file)
{
    LISTING *listing = (LISTING *)(uintptr_t)file->fh;
    free(listing->entries);
    free(listing);
    fuse_reply_err(request, 0);
}

static void do_statfs(fuse_req_t request, fuse_ino_t ino)
{
    struct statvfs out = {.f_bsize = STORE_PAGE_BYTES, .f_frsize = STORE_PAGE_BYTES, .f_namemax = 255};
    out.f_blocks = store_capacity_bytes() / STORE_PAGE_BYTES;
    out.f_bfree = out.f_bavail = store_free_bytes() / STORE_PAGE_BYTES;
    fuse_reply_statfs(request, &out);
}

int main(int count, char **words)
{
    static const struct fuse_lowlevel_ops operations = {.init = do_init, .lookup = do_lookup, .forget = do_forget, .forget_multi = do_forget_multi,
        .getattr = do_getattr, .setattr = do_setattr, .readlink = do_readlink, .mknod = do_mknod, .mkdir = do_mkdir, .unlink = do_unlink, .rmdir = do_unlink,
        .symlink = do_symlink, .rename = do_rename, .open = do_open, .read = do_read, .write = do_write, .release = do_nothing,
        .opendir = do_opendir, .readdir = do_readdir, .releasedir = do_releasedir, .statfs = do_statfs, .create = do_create};
    struct fuse_args arguments = FUSE_ARGS_INIT(0, NULL);
    struct fuse_session *session;
    int result;
    if (count != 3) {
        fprintf(stderr, "fuse_memfs <mount point> <capacity in MiB>\n");
        return 2;
    }
    table = calloc((size_t)tableMask + 1, sizeof *table);
    if (table == NULL || store_open(strtoull(words[2], NULL, 10) << 20) != 0 || (root = node_new("", S_IFDIR | 0755, getuid(), getgid())) == NULL) {
        fprintf(stderr, "fuse_memfs: no memory for this capacity\n");
        return 1;
    }
    root->parent = root;
    root->links = 2;
    fuse_opt_add_arg(&arguments, words[0]);
    fuse_opt_add_arg(&arguments, "-ofsname=ramdrive-bench-libfuse,default_permissions");
    session = fuse_session_new(&arguments, &operations, sizeof operations, NULL);
    if (session == NULL || fuse_set_signal_handlers(session) != 0 || fuse_session_mount(session, words[1]) != 0) {
        fprintf(stderr, "fuse_memfs: cannot mount at %s\n", words[1]);
        return 1;
    }
    printf("mounted\n");
    fflush(stdout);
    result = fuse_session_loop(session);
    fuse_session_unmount(session);
    fuse_remove_signal_handlers(session);
    fuse_session_destroy(session);
    fuse_opt_free_args(&arguments);
    return result < 0 ? 1 : 0;
}
