/*
 * What becomes of the names of a file that calls have taken away, moved or added. Where case does not count, each
 * spelling that the kernel knows of a name is an inode of its own, which goes and moves with it.
 */
#include "fuse/objects/front.h"

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
