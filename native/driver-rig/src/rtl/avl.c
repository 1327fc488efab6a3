/*
 * Rtl: generic AVL tables, by their interface. Here a sorted list in the links (LeftChild: previous, RightChild: next).
 */
#include "kernel.h"

#define LINKS(n) ((PRTL_BALANCED_LINKS)(n))

KERNEL VOID K_RtlInitializeGenericTableAvl(PRTL_AVL_TABLE t, PRTL_AVL_COMPARE_ROUTINE compare,
    PRTL_AVL_ALLOCATE_ROUTINE allocate, PRTL_AVL_FREE_ROUTINE free, PVOID context)
{
    RtlZeroMemory(t, sizeof *t);
    t->CompareRoutine = compare;
    t->AllocateRoutine = allocate;
    t->FreeRoutine = free;
    t->TableContext = context;
}

static PRTL_BALANCED_LINKS avl_first(PRTL_AVL_TABLE t) { return t->BalancedRoot.RightChild; }

static PRTL_BALANCED_LINKS avl_find(PRTL_AVL_TABLE t, PVOID key, PRTL_BALANCED_LINKS *before)
{
    PRTL_BALANCED_LINKS previous = NULL;
    for (PRTL_BALANCED_LINKS n = avl_first(t); n != NULL; previous = n, n = n->RightChild) {
        RTL_GENERIC_COMPARE_RESULTS r = t->CompareRoutine(t, key, n + 1);
        if (r == GenericEqual) {
            if (before)
                *before = previous;
            return n;
        }
        if (r == GenericLessThan)
            break;
    }
    if (before)
        *before = previous;
    return NULL;
}

KERNEL PVOID K_RtlInsertElementGenericTableAvl(PRTL_AVL_TABLE t, PVOID data, CLONG bytes, PBOOLEAN inserted)
{
    PRTL_BALANCED_LINKS before, n = avl_find(t, data, &before);
    if (inserted)
        *inserted = n == NULL;
    if (n != NULL)
        return n + 1;
    n = t->AllocateRoutine(t, sizeof *n + bytes);
    if (n == NULL)
        return NULL;
    RtlZeroMemory(n, sizeof *n);
    RtlCopyMemory(n + 1, data, bytes);
    PRTL_BALANCED_LINKS after = before ? before->RightChild : avl_first(t);
    n->LeftChild = before;
    n->RightChild = after;
    if (before)
        before->RightChild = n;
    else
        t->BalancedRoot.RightChild = n;
    if (after)
        after->LeftChild = n;
    t->NumberGenericTableElements++;
    return n + 1;
}

KERNEL BOOLEAN K_RtlDeleteElementGenericTableAvl(PRTL_AVL_TABLE t, PVOID key)
{
    PRTL_BALANCED_LINKS n = avl_find(t, key, NULL);
    if (n == NULL)
        return FALSE;
    if (n->LeftChild)
        n->LeftChild->RightChild = n->RightChild;
    else
        t->BalancedRoot.RightChild = n->RightChild;
    if (n->RightChild)
        n->RightChild->LeftChild = n->LeftChild;
    if (t->RestartKey == n)
        t->RestartKey = n->LeftChild;
    t->NumberGenericTableElements--;
    t->DeleteCount++;
    t->FreeRoutine(t, n);
    return TRUE;
}

KERNEL PVOID K_RtlLookupElementGenericTableAvl(PRTL_AVL_TABLE t, PVOID key)
{
    PRTL_BALANCED_LINKS n = avl_find(t, key, NULL);
    return n != NULL ? n + 1 : NULL;
}

KERNEL PVOID K_RtlEnumerateGenericTableAvl(PRTL_AVL_TABLE t, BOOLEAN restart)
{
    t->RestartKey = restart || t->RestartKey == NULL ? avl_first(t) : t->RestartKey->RightChild;
    return t->RestartKey != NULL ? t->RestartKey + 1 : NULL;
}

/* From the key (or, with next, after it) on; the restart key is only trusted while nothing was deleted. */
KERNEL PVOID K_RtlEnumerateGenericTableLikeADirectory(PRTL_AVL_TABLE t, PRTL_AVL_MATCH_FUNCTION match, PVOID match_data,
    ULONG next, PVOID *restart, PULONG deletes, PVOID buffer)
{
    PRTL_BALANCED_LINKS n;
    if (*restart != NULL && *deletes == t->DeleteCount) {
        n = *restart;
        if (next)
            n = n->RightChild;
    } else {
        PRTL_BALANCED_LINKS before;
        n = avl_find(t, buffer, &before);
        if (n == NULL)
            n = before ? before->RightChild : avl_first(t);
        else if (next && *restart != NULL)
            n = n->RightChild;
        else if (next)
            n = n->RightChild;
    }
    *deletes = t->DeleteCount;
    if (n == NULL)
        return NULL;
    *restart = n;
    return n + 1;
}

KERNEL ULONG K_RtlNumberGenericTableElementsAvl(PRTL_AVL_TABLE t) { return t->NumberGenericTableElements; }
