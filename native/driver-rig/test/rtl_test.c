/* Tables, names with patterns, the wide printf. */
#include "check.h"

VOID K_RtlInitializeGenericTableAvl(
    PRTL_AVL_TABLE, PRTL_AVL_COMPARE_ROUTINE, PRTL_AVL_ALLOCATE_ROUTINE, PRTL_AVL_FREE_ROUTINE, PVOID);
PVOID K_RtlInsertElementGenericTableAvl(PRTL_AVL_TABLE t, PVOID data, CLONG bytes, PBOOLEAN inserted);
BOOLEAN K_RtlDeleteElementGenericTableAvl(PRTL_AVL_TABLE t, PVOID key);
PVOID K_RtlLookupElementGenericTableAvl(PRTL_AVL_TABLE t, PVOID key);
PVOID K_RtlEnumerateGenericTableAvl(PRTL_AVL_TABLE t, BOOLEAN restart);
PVOID K_RtlEnumerateGenericTableLikeADirectory(
    PRTL_AVL_TABLE, PRTL_AVL_MATCH_FUNCTION, PVOID, ULONG, PVOID *, PULONG, PVOID);
ULONG K_RtlNumberGenericTableElementsAvl(PRTL_AVL_TABLE t);
VOID K_RtlInitializeUnicodePrefix(PUNICODE_PREFIX_TABLE t);
BOOLEAN K_RtlInsertUnicodePrefix(PUNICODE_PREFIX_TABLE t, PUNICODE_STRING prefix, PUNICODE_PREFIX_TABLE_ENTRY e);
VOID K_RtlRemoveUnicodePrefix(PUNICODE_PREFIX_TABLE t, PUNICODE_PREFIX_TABLE_ENTRY gone);
PUNICODE_PREFIX_TABLE_ENTRY K_RtlFindUnicodePrefix(PUNICODE_PREFIX_TABLE t, PUNICODE_STRING full, ULONG fold);
BOOLEAN K_FsRtlDoesNameContainWildCards(PUNICODE_STRING name);
BOOLEAN K_FsRtlIsNameInExpression(PUNICODE_STRING pattern, PUNICODE_STRING name, BOOLEAN fold, PWCHAR table);
int K__snwprintf(WCHAR *out, SIZE_T room, const WCHAR *format, ...);
NTSTATUS K_RtlUpcaseUnicodeString(PUNICODE_STRING to, const UNICODE_STRING *from, BOOLEAN allocate);
VOID K_RtlFreeUnicodeString(PUNICODE_STRING string);
extern UCHAR *K_FsRtlLegalAnsiCharacterArray;

static RTL_GENERIC_COMPARE_RESULTS NTAPI compare(PRTL_AVL_TABLE table, PVOID a, PVOID b)
{
    int x = *(int *)a, y = *(int *)b;
    return x < y ? GenericLessThan : x > y ? GenericGreaterThan : GenericEqual;
}

static PVOID NTAPI allocate(PRTL_AVL_TABLE table, CLONG bytes) { return host_alloc(bytes); }

static VOID NTAPI release(PRTL_AVL_TABLE table, PVOID memory) { host_free(memory); }

/* Against a table of flags: what is in, and in which order it comes. */
#define KEYS 200

static void avl(void)
{
    RTL_AVL_TABLE table;
    BOOLEAN in[KEYS] = {FALSE}, inserted;
    unsigned state = 1;
    ULONG count_in = 0;
    K_RtlInitializeGenericTableAvl(&table, compare, allocate, release, NULL);
    for (int step = 0; step < 3000; step++) {
        state = state * 1103515245 + 12345;
        int key = state >> 16 & 0xff;
        if (key >= KEYS)
            continue;
        if (state >> 28 & 1) {
            int *put = K_RtlInsertElementGenericTableAvl(&table, &key, sizeof key, &inserted);
            CHECK_EQUAL(*put, key);
            CHECK_EQUAL(inserted, !in[key]);
            count_in += !in[key];
            in[key] = TRUE;
        } else {
            CHECK_EQUAL(K_RtlDeleteElementGenericTableAvl(&table, &key), in[key]);
            count_in -= in[key];
            in[key] = FALSE;
        }
        CHECK_EQUAL(K_RtlNumberGenericTableElementsAvl(&table), count_in);
        CHECK_EQUAL(K_RtlLookupElementGenericTableAvl(&table, &key) != NULL, in[key]);
    }
    int expected = -1, *found;
    for (found = K_RtlEnumerateGenericTableAvl(&table, TRUE); found;
        found = K_RtlEnumerateGenericTableAvl(&table, FALSE)) {
        for (expected++; !in[expected]; expected++) {
        }
        CHECK_EQUAL(*found, expected);
    }
    for (expected++; expected < KEYS; expected++)
        CHECK(!in[expected]);
    /* Like a directory: goes on behind the last key although that one was deleted meanwhile. */
    PVOID restart = NULL;
    ULONG deletes = 0;
    int last = -1;
    for (;;) {
        found =
            K_RtlEnumerateGenericTableLikeADirectory(&table, NULL, NULL, restart != NULL, &restart, &deletes, &last);
        if (found == NULL)
            break;
        CHECK(*found > last);
        for (int i = last + 1; i < *found; i++)
            CHECK(!in[i]);
        last = *found;
        in[last] = FALSE;
        K_RtlDeleteElementGenericTableAvl(&table, &last);
    }
    CHECK_EQUAL(K_RtlNumberGenericTableElementsAvl(&table), 0);
}

static void prefixes(void)
{
    UNICODE_PREFIX_TABLE table;
    UNICODE_PREFIX_TABLE_ENTRY a, b;
    UNICODE_STRING server = text(L"\\server\\a"), deep = text(L"\\Server\\a\\b");
    UNICODE_STRING in_deep = text(L"\\SERVER\\A\\B\\c"), beside = text(L"\\server\\ab"), exact = text(L"\\server\\A");
    K_RtlInitializeUnicodePrefix(&table);
    CHECK(K_RtlFindUnicodePrefix(&table, &exact, 0) == NULL);
    K_RtlInsertUnicodePrefix(&table, &server, &a);
    K_RtlInsertUnicodePrefix(&table, &deep, &b);
    CHECK(K_RtlFindUnicodePrefix(&table, &in_deep, 0) == &b);
    CHECK(K_RtlFindUnicodePrefix(&table, &exact, 0) == &a);
    CHECK(K_RtlFindUnicodePrefix(&table, &beside, 0) == NULL);
    K_RtlRemoveUnicodePrefix(&table, &b);
    CHECK(K_RtlFindUnicodePrefix(&table, &in_deep, 0) == &a);
}

static BOOLEAN matches(const WCHAR *pattern, const WCHAR *name)
{
    UNICODE_STRING p = text(pattern), n = text(name);
    return K_FsRtlIsNameInExpression(&p, &n, TRUE, NULL);
}

static void names(void)
{
    UNICODE_STRING plain = text(L"a.b"), wild = text(L"a<b");
    CHECK(!K_FsRtlDoesNameContainWildCards(&plain));
    CHECK(K_FsRtlDoesNameContainWildCards(&wild));
    CHECK(matches(L"*", L"anything.txt"));
    CHECK(matches(L"*.TXT", L"a.txt"));
    CHECK(!matches(L"*.TXT", L"a.txtx"));
    CHECK(matches(L"A?C", L"abc"));
    CHECK(!matches(L"A?C", L"ac"));
    /* What ?, * and . of programs become: up to three characters, up to the last dot, a dot or the end. */
    CHECK(matches(L"A>>>", L"abc"));
    CHECK(matches(L"<\"*", L"noext"));
    CHECK(matches(L"A\"", L"a"));
    CHECK(matches(L"*B*", L"aabbcc"));
    CHECK(K_FsRtlLegalAnsiCharacterArray['*'] == 8 && K_FsRtlLegalAnsiCharacterArray['|'] == 0);
    CHECK(K_FsRtlLegalAnsiCharacterArray['a'] & 4);
    UNICODE_STRING upper = {0, 0, NULL}, lower = text(L"a\x00e9z");
    uint32_t blocks = rig_pool_blocks();
    CHECK_EQUAL(K_RtlUpcaseUnicodeString(&upper, &lower, TRUE), STATUS_SUCCESS);
    CHECK(upper.Length == 6 && upper.Buffer[0] == 'A' && upper.Buffer[1] == 0xc9 && upper.Buffer[2] == 'Z');
    K_RtlFreeUnicodeString(&upper);
    CHECK_EQUAL(rig_pool_blocks(), blocks);
}

static BOOLEAN same(const WCHAR *a, const WCHAR *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

int main(void)
{
    WCHAR out[64];
    UNICODE_STRING counted = text(L"counted");
    avl();
    prefixes();
    names();
    CHECK_EQUAL(K__snwprintf(out, 64, L"<%wZ|%s|%08lx|%u|%x>", &counted, L"text", 0xab, 42, 255), 29);
    CHECK(same(out, L"<counted|text|000000ab|42|ff>"));
    CHECK_EQUAL(K__snwprintf(out, 4, L"%s", L"longer"), -1);
    return passed("tables, names, printf");
}
