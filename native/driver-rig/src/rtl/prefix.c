/*
 * Rtl: prefix tables, for the names of network volumes. Here one list.
 */
#include "kernel.h"

KERNEL VOID K_RtlInitializeUnicodePrefix(PUNICODE_PREFIX_TABLE t) { RtlZeroMemory(t, sizeof *t); }

KERNEL BOOLEAN K_RtlInsertUnicodePrefix(PUNICODE_PREFIX_TABLE t, PUNICODE_STRING prefix, PUNICODE_PREFIX_TABLE_ENTRY e)
{
    e->Prefix = prefix;
    e->NextPrefixTree = t->NextPrefixTree;
    t->NextPrefixTree = e;
    return TRUE;
}

KERNEL VOID K_RtlRemoveUnicodePrefix(PUNICODE_PREFIX_TABLE t, PUNICODE_PREFIX_TABLE_ENTRY gone)
{
    for (PUNICODE_PREFIX_TABLE_ENTRY *p = &t->NextPrefixTree; *p; p = &(*p)->NextPrefixTree)
        if (*p == gone) {
            *p = gone->NextPrefixTree;
            return;
        }
}

KERNEL PUNICODE_PREFIX_TABLE_ENTRY K_RtlFindUnicodePrefix(PUNICODE_PREFIX_TABLE t, PUNICODE_STRING full, ULONG fold)
{
    PUNICODE_PREFIX_TABLE_ENTRY best = NULL;
    for (PUNICODE_PREFIX_TABLE_ENTRY e = t->NextPrefixTree; e; e = e->NextPrefixTree) {
        ULONG n = e->Prefix->Length / 2, i = 0;
        if (n > full->Length / 2u)
            continue;
        while (i < n && up(e->Prefix->Buffer[i]) == up(full->Buffer[i]))
            i++;
        if (i == n && (n == full->Length / 2u || full->Buffer[n] == '\\' || n == 1) &&
            (best == NULL || best->Prefix->Length < e->Prefix->Length))
            best = e;
    }
    return best;
}
