/*
 * Names: what leads to inodes, in one table of (parent, spelling). An inode has room for one name in itself; each other
 * name of a file is memory of its own. When the first goes, another takes its place.
 */
#include "fuse/objects/front.h"

static NAME **bucket_of(FRONT *front, const INODE *parent, const WCHAR *text, size_t units)
{
    UINT64 hash = (uintptr_t)parent * 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < units; i++)
        hash = (hash ^ text[i]) * 0x100000001b3u;
    return &front->buckets[(UINT32)(hash ^ hash >> 32) & (front->bucketCount - 1)];
}

void names_insert(FRONT *front, NAME *name)
{
    NAME **at = bucket_of(front, name->parent, name->text, name->units);
    name->next = *at;
    *at = name;
}

static void take_out(FRONT *front, NAME *name)
{
    NAME **at = bucket_of(front, name->parent, name->text, name->units);
    while (*at != name)
        at = &(*at)->next;
    *at = name->next;
}

NAME *name_find(FRONT *front, INODE *parent, const WCHAR *text, size_t units)
{
    if (front->bucketCount == 0)
        return NULL;
    for (NAME *name = *bucket_of(front, parent, text, units); name != NULL; name = name->next)
        if (name->parent == parent && name->units == units && memcmp(name->text, text, units * sizeof *text) == 0)
            return name;
    return NULL;
}

INODE *inode_find(FRONT *front, INODE *parent, const WCHAR *text, size_t units)
{
    NAME *name = name_find(front, parent, text, units);
    return name != NULL ? name->inode : NULL;
}

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
        free(name->text);
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
    free(name->text);
    free(name);
}

void name_remove(FRONT *front, NAME *name)
{
    INODE *inode = name->inode, *parent = name->parent;
    NAME *own = &inode->name, *other = own->other;
    take_out(front, name);
    if (name != own) {
        NAME **at = &own->other;
        while (*at != name)
            at = &(*at)->other;
        *at = name->other;
        free_other(front, name);
    } else if (other != NULL) {
        WCHAR *text = own->text;
        UINT32 units = own->units;
        take_out(front, other);
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

void names_free(FRONT *front, NAME *name)
{
    NAME *other;
    if (!name->inode->unlinked)
        take_out(front, name);
    while ((other = name->other) != NULL) {
        INODE *parent = other->parent;
        name->other = other->other;
        take_out(front, other);
        free_other(front, other);
        parent->references--;
        inode_settle(front, parent);
    }
}

void names_discard(FRONT *front, NAME *name)
{
    NAME *other;
    while ((other = name->other) != NULL) {
        name->other = other->other;
        free_other(front, other);
    }
}

/* ---- names that go or change ---- */

INODE *next_spelling(INODE *from, const INODE *inode)
{
    while (from != NULL && (from == inode || from->info.IndexNumber != inode->info.IndexNumber))
        from = from->nextOfNumber;
    return from;
}

int inode_is_linked(const FRONT *front, const INODE *inode)
{
    return front->hardLinks && !(inode->info.FileAttributes & FILE_ATTRIBUTE_DIRECTORY) && inode->info.HardLinks > 1;
}

static NAME *name_of_inode(INODE *inode, const INODE *parent, const WCHAR *text, size_t units)
{
    NAME *name = inode->unlinked ? NULL : &inode->name;
    while (name != NULL &&
           !(name->parent == parent && name->units == units && memcmp(name->text, text, units * sizeof *text) == 0))
        name = name->other;
    return name;
}

static void unname_others(FRONT *front, INODE *inode)
{
    INODE *other = first_spelling(front, inode), *next;
    for (; other != NULL; other = next) {
        next = next_spelling(other->nextOfNumber, inode);
        inode_unname(front, other);
    }
}

void inode_set_links(FRONT *front, INODE *inode, UINT32 count)
{
    inode->info.HardLinks = count;
    for (INODE *other = first_spelling(front, inode); other != NULL; other = next_spelling(other->nextOfNumber, inode))
        other->info.HardLinks = count;
}

void name_gone(FRONT *front, INODE *inode, INODE *parent, const WCHAR *text, size_t units)
{
    int linked = inode_is_linked(front, inode);
    NAME *name = name_of_inode(inode, parent, text, units);
    if (front->hardLinks)
        inode_set_links(front, inode, linked ? inode->info.HardLinks - 1 : 0);
    if (!front->caseSensitive)
        unname_others(front, inode); /* with other links: the next look-up of one names it again */
    if (linked && name != NULL)
        name_remove(front, name);
    else
        inode_unname(front, inode);
}

static void rename_spelling(FRONT *front, INODE *inode, INODE *to, const WCHAR *text, size_t units)
{
    if (inode->unlinked)
        return;
    inode->references++;
    inode_unname(front, inode);
    /* no memory for the name: it works by its handle as long as it has one, and is looked up anew */
    name_add(front, inode, to, text, units);
    inode->references--;
    inode_settle(front, inode);
}

void name_moved(
    FRONT *front, INODE *inode, INODE *from, const WCHAR *text, size_t units, INODE *to, const WCHAR *new, size_t more)
{
    INODE *other, *next;
    NAME *name = name_of_inode(inode, from, text, units);
    atomic_store_explicit(&inode->fresh, 0, memory_order_relaxed);
    if (inode_is_linked(front, inode)) {
        if (!front->caseSensitive)
            unname_others(front, inode);
        if (name_add(front, inode, to, new, more) && name != NULL)
            name = name_of_inode(inode, from, text, units);
        if (name != NULL)
            name_remove(front, name);
        return;
    }
    for (other = front->caseSensitive ? NULL : first_spelling(front, inode); other != NULL; other = next) {
        next = next_spelling(other->nextOfNumber, inode);
        rename_spelling(front, other, to, new, more);
    }
    rename_spelling(front, inode, to, new, more);
}
