/* Inodes: their names, and what becomes of one when the kernel forgets it, its name goes or its last file is closed. */
#include "fuse/objects/front.h"

/* For each file that the kernel knows (docs/performance.md, "Memory"). */
_Static_assert(sizeof(INODE) <= 248 && sizeof(FILE_OBJECT) <= 40, "what every file has shall be small");

INODE *inode_of(FRONT *front, UINT64 nodeid)
{
    return nodeid == FUSE_ROOT_ID ? &front->root : (INODE *)(uintptr_t)nodeid;
}

int inode_is_unlinked(FRONT *front, const INODE *inode)
{
    int unlinked;
    pthread_mutex_lock(&front->lock);
    unlinked = inode->unlinked;
    pthread_mutex_unlock(&front->lock);
    return unlinked;
}

static void inode_add_newest(FRONT *front, INODE *inode)
{
    inode->previousOfAll = NULL;
    if ((inode->nextOfAll = front->newest) != NULL)
        front->newest->previousOfAll = inode;
    else
        front->oldest = inode;
    front->newest = inode;
}

static void inode_take_out(FRONT *front, INODE *inode)
{
    if (inode->previousOfAll != NULL)
        inode->previousOfAll->nextOfAll = inode->nextOfAll;
    else
        front->newest = inode->nextOfAll;
    if (inode->nextOfAll != NULL)
        inode->nextOfAll->previousOfAll = inode->previousOfAll;
    else
        front->oldest = inode->previousOfAll;
}

void inode_renew(FRONT *front, INODE *inode)
{
    inode_take_out(front, inode);
    inode_add_newest(front, inode);
}

/* The first name stands behind its inode; one that is renamed later is not moved there. */
static WCHAR *text_behind(INODE *inode) { return (WCHAR *)(inode + 1); }

static void text_free(const NAME *name)
{
    if (name->text != text_behind(name->inode))
        free(name->text);
}

/* With its place in the table. */
static UINT64 inode_bytes(size_t units) { return sizeof(INODE) + sizeof(INODE *) + (units + 1) * sizeof(WCHAR); }

void inode_discard(FRONT *front, INODE *inode)
{
    client_memory_give(front, inode_bytes(inode->name.units));
    text_free(&inode->name);
    free(inode);
}

INODE *inode_new(FRONT *front, const WCHAR *name, size_t units)
{
    INODE *inode;
    int table;
    pthread_mutex_lock(&front->lock);
    if (front->inodeCount >= front->bucketCount)
        names_grow(front);
    table = front->bucketCount != 0;
    pthread_mutex_unlock(&front->lock);
    if (!table || !inode_memory_take(front, inode_bytes(units)))
        return NULL;
    if ((inode = calloc(1, sizeof *inode + units * sizeof *name)) == NULL) {
        client_memory_give(front, inode_bytes(units));
        return NULL;
    }
    inode->name.inode = inode;
    inode->name.units = (UINT32)units;
    inode->name.text = text_behind(inode);
    memcpy(inode->name.text, name, units * sizeof *name);
    return inode;
}

void inode_insert(FRONT *front, INODE *parent, INODE *inode)
{
    inode->generation = ++front->generation;
    inode->name.parent = parent;
    inode->unlinked = parent == NULL;
    if (parent != NULL) {
        parent->references++;
        names_insert(front, &inode->name);
    }
    inode_add_newest(front, inode);
    front->inodeCount++;
}

/* ---- names ---- */

static UINT64 text_bytes(size_t units) { return (units + 1) * sizeof(WCHAR); }

static WCHAR *text_copy(const WCHAR *text, size_t units)
{
    WCHAR *copy = malloc(text_bytes(units));
    if (copy != NULL)
        memcpy(copy, text, units * sizeof *copy);
    return copy;
}

/* Text and place of a name that has none. */
static void settle_name(FRONT *front, NAME *name, INODE *parent, WCHAR *text, size_t units)
{
    name->text = text;
    name->units = (UINT32)units;
    name->parent = parent;
    parent->references++;
    names_insert(front, name);
}

int name_add(FRONT *front, INODE *inode, INODE *parent, const WCHAR *text, size_t units)
{
    WCHAR *copy = text_copy(text, units);
    NAME *name = &inode->name;
    if (copy == NULL)
        return 0;
    if (inode->unlinked) {
        client_memory_give(front, text_bytes(name->units));
        text_free(name);
        inode->unlinked = inode->replaced = 0;
    } else {
        if ((name = calloc(1, sizeof *name)) == NULL) {
            free(copy);
            return 0;
        }
        name->inode = inode;
        name->other = inode->name.other;
        inode->name.other = name;
        client_memory_add(front, sizeof *name);
    }
    client_memory_add(front, text_bytes(units)); /* the call that made the name cannot fail any more */
    settle_name(front, name, parent, copy, units);
    return 1;
}

static void free_other(FRONT *front, NAME *name)
{
    client_memory_give(front, sizeof *name + text_bytes(name->units));
    text_free(name);
    free(name);
}

void name_remove(FRONT *front, NAME *name)
{
    INODE *inode = name->inode, *parent = name->parent;
    NAME *own = &inode->name, *other = own->other;
    names_take_out(front, name);
    if (name != own) {
        NAME **at = &own->other;
        while (*at != name)
            at = &(*at)->other;
        *at = name->other;
        free_other(front, name);
    } else if (other != NULL) {
        WCHAR *text = own->text;
        UINT32 units = own->units;
        names_take_out(front, other);
        own->other = other->other;
        own->parent = other->parent;
        own->text = other->text;
        own->units = other->units;
        names_insert(front, own);
        other->text = text;
        other->units = units;
        free_other(front, other);
    } else {
        own->parent = NULL;
        inode->unlinked = 1;
    }
    atomic_store_explicit(&inode->fresh, 0, memory_order_relaxed);
    parent->references--;
    inode_settle(front, parent);
    inode_settle(front, inode);
}

/* Whether it has been freed is for who holds it to know. */
void inode_unname(FRONT *front, INODE *inode)
{
    inode->references++;
    while (!inode->unlinked && inode != &front->root)
        name_remove(front, &inode->name);
    inode->references--;
    inode_settle(front, inode);
}

static void names_free(FRONT *front, NAME *name)
{
    NAME *other;
    if (!name->inode->unlinked)
        names_take_out(front, name);
    while ((other = name->other) != NULL) {
        INODE *parent = other->parent;
        name->other = other->other;
        names_take_out(front, other);
        free_other(front, other);
        parent->references--;
        inode_settle(front, parent);
    }
}

static void names_discard(FRONT *front, NAME *name)
{
    NAME *other;
    while ((other = name->other) != NULL) {
        name->other = other->other;
        free_other(front, other);
    }
}

/* ---- spellings ---- */

/*
 * An open under another spelling, which the kernel had looked up before this inode was opened, is sent back to look
 * again; that it does once only. So this inode is the one for all spellings yet a while, even if it is closed
 * meanwhile.
 */
#define WANTED_MS 2000u

static int is_the_one(const INODE *inode)
{
    return inode->opens > 0 || (inode->wantedAtMs != 0 && platform_now_ns() / 1000000 - inode->wantedAtMs < WANTED_MS);
}

int inode_open_elsewhere(FRONT *front, const INODE *inode)
{
    INODE *other = first_spelling(front, inode);
    for (; other != NULL; other = next_spelling(other->nextOfNumber, inode))
        if (is_the_one(other)) {
            other->wantedAtMs = platform_now_ns() / 1000000;
            return 1;
        }
    return 0;
}

INODE *inode_find_number(FRONT *front, UINT64 number)
{
    INODE *inode = numbers_first(front, number);
    while (inode != NULL && !(inode->info.IndexNumber == number && (front->caseSensitive || is_the_one(inode)) &&
                                (front->hardLinks || !inode->unlinked)))
        inode = inode->nextOfNumber;
    return inode;
}

static void let_go(FRONT *front, INODE *inode)
{
    FILE_OBJECT *handle = inode->handle;
    inode->handle = NULL;
    atomic_store_explicit(&inode->fresh, 0, memory_order_relaxed);
    if (handle != NULL)
        handle_put(handle);
}

/*
 * A file that a rename replaces keeps its handle until the kernel forgets it: a program may have found it under its
 * name just before, and opens it now. That takes the kernel no time when none has; what asks for free space, or is
 * refused some, ends it for all.
 */
static void unlinger(FRONT *front, INODE *inode)
{
    INODE **at = front->lingering;
    while (*at != inode)
        at++;
    *at = front->lingering[--front->lingeringCount];
    inode->lingers = 0;
}

void inode_linger(FRONT *front, INODE *inode)
{
    if (front->lingeringCount == MAX_LINGERING)
        lingering_end(front);
    if (inode->lingers || inode->handle == NULL || inode->lookups == 0)
        return;
    inode->lingers = 1;
    front->lingering[front->lingeringCount++] = inode;
}

/* Says whether a file has gone with it. */
int lingering_end(FRONT *front)
{
    int any = 0;
    while (front->lingeringCount > 0) {
        INODE *inode = front->lingering[front->lingeringCount - 1];
        any |= inode->opens == 0 && inode->handle != NULL;
        unlinger(front, inode);
        inode_settle(front, inode);
    }
    return any;
}

void inode_settle(FRONT *front, INODE *inode)
{
    INODE *parent;
    if (inode->lingers && inode->lookups == 0)
        unlinger(front, inode);
    if (inode->opens > 0 || inode == &front->root)
        return;
    if (inode->handle != NULL && (inode->lookups == 0 || (inode->unlinked && !inode->lingers)) &&
        inode->references == 0)
        let_go(front, inode);
    if (inode->lookups > 0 || inode->references > 0)
        return;
    names_free(front, &inode->name);
    numbers_remove(front, inode);
    inode_take_out(front, inode);
    front->inodeCount--;
    front->freedInodes++;
    parent = inode->name.parent;
    inode_discard(front, inode);
    if (parent != NULL) {
        parent->references--;
        inode_settle(front, parent); /* as deep as a path whose inodes were all forgotten before */
    }
}

void inodes_free(FRONT *front)
{
    for (INODE *inode = front->newest, *next; inode != NULL; inode = next) {
        next = inode->nextOfAll;
        if (inode->handle != NULL)
            handle_discard(inode->handle);
        names_discard(front, &inode->name);
        inode_discard(front, inode);
    }
    if (front->root.handle != NULL)
        handle_discard(front->root.handle);
    free(front->buckets);
    free(front->numbers);
}
