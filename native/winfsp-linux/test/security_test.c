/* Security descriptors: inheritance, merge, access, permissions there and back. */
#include "testfs/testfs.h"

static const UINT8 everyone[] = {1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0},
                   creatorOwner[] = {1, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0};
static const UINT8 administrators[] = {1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0},
                   users[] = {1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x21, 2, 0, 0};
static const UINT8 localSystem[] = {1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0};

typedef struct {
    UINT8 type, flags;
    UINT32 mask;
    const UINT8 *sid;
} ACE;

/* A descriptor from parts; aces ends with sid NULL; aces NULL: no list at all. */
static UINT32 build(UINT8 *sd, const UINT8 *owner, const UINT8 *group, const ACE *aces, UINT16 control)
{
    UINT32 at = 20, start = 20, offset;
    UINT16 count = 0, size;
    memset(sd, 0, 20);
    sd[0] = 1;
    control |= SE_SELF_RELATIVE | (aces != NULL ? SE_DACL_PRESENT : 0);
    memcpy(sd + 2, &control, 2);
    if (aces != NULL) {
        memcpy(sd + 16, &start, 4);
        memset(sd + at, 0, 8);
        sd[at] = 2;
        at += 8;
        for (; aces->sid != NULL; aces++, count++) {
            UINT32 sidSize = 8u + 4u * aces->sid[1];
            size = (UINT16)(8 + sidSize);
            sd[at] = aces->type;
            sd[at + 1] = aces->flags;
            memcpy(sd + at + 2, &size, 2);
            memcpy(sd + at + 4, &aces->mask, 4);
            memcpy(sd + at + 8, aces->sid, sidSize);
            at += size;
        }
        size = (UINT16)(at - start);
        memcpy(sd + start + 2, &size, 2);
        memcpy(sd + start + 4, &count, 2);
    }
    if (owner != NULL) {
        offset = at;
        memcpy(sd + 4, &offset, 4);
        memcpy(sd + at, owner, 8u + 4u * owner[1]);
        at += 8u + 4u * owner[1];
    }
    if (group != NULL) {
        offset = at;
        memcpy(sd + 8, &offset, 4);
        memcpy(sd + at, group, 8u + 4u * group[1]);
        at += 8u + 4u * group[1];
    }
    return at;
}

static int ace_is(const void *sd, UINT32 number, UINT8 flags, UINT32 mask, const UINT8 *sid)
{
    SD_VIEW view;
    const UINT8 *at;
    UINT16 size;
    UINT32 is;
    if (sd_view(sd, SIZE_MAX, &view) == 0 || view.dacl == NULL)
        return 0;
    for (at = view.dacl + 8; number > 0; number--) {
        memcpy(&size, at + 2, 2);
        at += size;
    }
    memcpy(&is, at + 4, 4);
    return at[1] == flags && is == mask && memcmp(at + 8, sid, 8u + 4u * sid[1]) == 0;
}

static void *inherit(const void *parent, int directory, const void *explicit, UINT32 explicitSize)
{
    static REQUEST r;
    PSECURITY_DESCRIPTOR out = NULL;
    req_create(&r, u"\\x", FILE_CREATE, directory ? FILE_DIRECTORY_FILE : 0, FILE_READ_DATA);
    request_add_bytes(&r.req, &r.req.Req.Create.SecurityDescriptor, explicit, explicitSize);
    CHECK_EQUAL(FspCreateSecurityDescriptor(NULL, &r.req, (void *)parent, &out), STATUS_SUCCESS);
    return out;
}

static void inheritance(void)
{
    UINT8 parent[600], asked[600];
    int present;
    UINT32 size;
    SD_VIEW view;
    void *sd;
    const ACE aces[] = {{0, 1, FILE_GENERIC_READ, everyone}, {0, 2, FILE_GENERIC_WRITE, users},
        {0, 3, GENERIC_ALL, creatorOwner}, {0, 3 | 4, DELETE, localSystem}, {0, 3 | 8, READ_CONTROL, administrators},
        {0, 0, FILE_ALL_ACCESS, administrators}, {0, 0, 0, NULL}};
    const ACE own[] = {{0, 0, GENERIC_READ, users}, {0, 0, 0, NULL}}, none[] = {{0, 0, 0, NULL}};
    build(parent, administrators, users, aces, 0);

    sd = inherit(parent, 0, NULL, 0); /* a file: what is for objects, no flags left */
    CHECK_EQUAL(sd_ace_count(sd, SIZE_MAX, &present), 4);
    CHECK(ace_is(sd, 0, 0, FILE_GENERIC_READ, everyone));
    /* creator owner became the owner, generic rights file rights */
    CHECK(ace_is(sd, 1, 0, FILE_ALL_ACCESS, administrators));
    CHECK(ace_is(sd, 2, 0, DELETE, localSystem));
    CHECK(ace_is(sd, 3, 0, READ_CONTROL, administrators));
    free(sd);

    sd = inherit(parent, 1, NULL, 0);
    CHECK_EQUAL(sd_ace_count(sd, SIZE_MAX, &present), 6);
    CHECK(ace_is(sd, 0, 1 | 8, FILE_GENERIC_READ, everyone)); /* for its files only: passed on */
    CHECK(ace_is(sd, 1, 2, FILE_GENERIC_WRITE, users));
    CHECK(ace_is(sd, 2, 0, FILE_ALL_ACCESS, administrators));
    CHECK(ace_is(sd, 3, 3 | 8, GENERIC_ALL, creatorOwner));
    CHECK(ace_is(sd, 4, 0, DELETE, localSystem)); /* no propagation */
    CHECK(ace_is(sd, 5, 3, READ_CONTROL, administrators));
    free(sd);

    size = build(asked, localSystem, NULL, own, SE_DACL_PROTECTED);
    sd = inherit(parent, 0, asked, size);
    CHECK_EQUAL(sd_ace_count(sd, SIZE_MAX, &present), 1);
    CHECK(ace_is(sd, 0, 0, FILE_GENERIC_READ, users));
    CHECK(sd_view(sd, SIZE_MAX, &view) != 0);
    CHECK(view.control & SE_DACL_PROTECTED);
    CHECK(memcmp(view.owner, localSystem, sizeof localSystem) == 0);
    CHECK(memcmp(view.group, users, sizeof users) == 0);
    free(sd);

    build(parent, administrators, users, none, 0); /* nothing to inherit: the token's default, never an empty list */
    sd = inherit(parent, 0, NULL, 0);
    CHECK_EQUAL(sd_ace_count(sd, SIZE_MAX, &present), 2);
    free(sd);
    sd = inherit(NULL, 1, NULL, 0);
    CHECK_EQUAL(sd_ace_count(sd, SIZE_MAX, &present), 2);
    free(sd);
    size = build(asked, NULL, NULL, none, 0); /* asked for an empty one: gets it */
    sd = inherit(parent, 0, asked, size);
    CHECK_EQUAL(sd_ace_count(sd, SIZE_MAX, &present), 0);
    CHECK(present);
    free(sd);

    static REQUEST r;
    req_create(&r, u"\\x:s", FILE_CREATE, 0, 0);
    r.req.Req.Create.NamedStream = 4;
    CHECK_EQUAL(FspCreateSecurityDescriptor(NULL, &r.req, parent, &sd), STATUS_SUCCESS);
    CHECK(sd == NULL);
    r.req.Kind = FspFsctlTransactReadKind;
    CHECK_EQUAL(FspCreateSecurityDescriptor(NULL, &r.req, parent, &sd), STATUS_INVALID_PARAMETER);
    parent[0] = 7;
    r.req.Kind = FspFsctlTransactCreateKind;
    r.req.Req.Create.NamedStream = 0;
    CHECK_EQUAL(FspCreateSecurityDescriptor(NULL, &r.req, parent, &sd), STATUS_INVALID_SECURITY_DESCR);
}

static void merging(void)
{
    UINT8 old[300], change[300];
    const ACE first[] = {{0, 0, FILE_GENERIC_READ, everyone}, {0, 0, 0, NULL}},
              second[] = {{0, 0, GENERIC_ALL, users}, {0, 0, 0, NULL}};
    PSECURITY_DESCRIPTOR out;
    SD_VIEW view;
    build(old, administrators, users, first, 0);
    build(change, localSystem, administrators, second, SE_DACL_PROTECTED);
    CHECK_EQUAL(FspSetSecurityDescriptor(NULL, OWNER_SECURITY_INFORMATION, change, &out), STATUS_NO_SECURITY_ON_OBJECT);
    CHECK_EQUAL(FspSetSecurityDescriptor(old, OWNER_SECURITY_INFORMATION, change, &out), STATUS_SUCCESS);
    sd_view(out, SIZE_MAX, &view);
    CHECK(memcmp(view.owner, localSystem, 12) == 0 && memcmp(view.group, users, 16) == 0 &&
          ace_is(out, 0, 0, FILE_GENERIC_READ, everyone));
    FspDeleteSecurityDescriptor(out, (NTSTATUS (*)(void))(uintptr_t)FspSetSecurityDescriptor);
    CHECK_EQUAL(FspSetSecurityDescriptor(old, GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, change, &out),
        STATUS_SUCCESS);
    sd_view(out, SIZE_MAX, &view);
    CHECK(memcmp(view.owner, administrators, 16) == 0 && memcmp(view.group, administrators, 16) == 0 &&
          ace_is(out, 0, 0, FILE_ALL_ACCESS, users));
    CHECK(view.control & SE_DACL_PROTECTED);
    free(out);
    CHECK_EQUAL(
        FspSetSecurityDescriptor(old, DACL_SECURITY_INFORMATION | UNPROTECTED_DACL_SECURITY_INFORMATION, change, &out),
        STATUS_SUCCESS);
    sd_view(out, SIZE_MAX, &view);
    CHECK(!(view.control & SE_DACL_PROTECTED));
    free(out);
    change[4] = 250; /* an owner outside of the descriptor */
    change[5] = 250;
    change[6] = 250;
    CHECK_EQUAL(FspSetSecurityDescriptor(old, OWNER_SECURITY_INFORMATION, change, &out), STATUS_INVALID_SECURITY_DESCR);
    CHECK(out == NULL);
}

static void access_order(void)
{
    UINT8 sd[300];
    UINT32 granted, size;
    const ACE denyFirst[] = {{1, 0, FILE_WRITE_DATA, everyone}, {0, 0, FILE_ALL_ACCESS, everyone}, {0, 0, 0, NULL}};
    const ACE allowFirst[] = {{0, 0, FILE_ALL_ACCESS, everyone}, {1, 0, FILE_WRITE_DATA, everyone}, {0, 0, 0, NULL}};
    const ACE none[] = {{0, 0, 0, NULL}};
    const TOKEN *restricted = token_of(FSP_LINUX_TOKEN_RESTRICTED), *ordinary = token_of(0);
    size = build(sd, administrators, users, denyFirst, 0);
    CHECK_EQUAL(access_check(sd, size, restricted, FILE_WRITE_DATA, &granted), STATUS_ACCESS_DENIED);
    CHECK_EQUAL(access_check(sd, size, restricted, GENERIC_READ, &granted), STATUS_SUCCESS);
    CHECK_EQUAL(granted, FILE_GENERIC_READ);
    CHECK_EQUAL(access_check(sd, size, restricted, MAXIMUM_ALLOWED, &granted), STATUS_SUCCESS);
    CHECK_EQUAL(granted, FILE_ALL_ACCESS & ~FILE_WRITE_DATA);
    size = build(sd, administrators, users, allowFirst, 0);
    CHECK_EQUAL(access_check(sd, size, restricted, FILE_WRITE_DATA, &granted), STATUS_SUCCESS);
    size = build(sd, administrators, users, none, 0);
    CHECK_EQUAL(access_check(sd, size, restricted, FILE_READ_DATA, &granted), STATUS_ACCESS_DENIED);
    CHECK_EQUAL(access_check(sd, size, ordinary, FILE_READ_DATA, &granted), STATUS_ACCESS_DENIED);
    CHECK_EQUAL(access_check(sd, size, ordinary, WRITE_DAC, &granted), STATUS_SUCCESS); /* the owner may always */
    CHECK_EQUAL(access_check(sd, size, token_of(FSP_LINUX_TOKEN_GRANT_ALL), FILE_ALL_ACCESS, &granted), STATUS_SUCCESS);
    size = build(sd, administrators, users, NULL, 0);
    CHECK_EQUAL(access_check(sd, size, restricted, FILE_ALL_ACCESS, &granted), STATUS_SUCCESS); /* no list: everybody */
}

static void permissions(void)
{
    UINT8 sd[MAX_POSIX_SD_BYTES];
    const ACE foreign[] = {{0, 0, FILE_ALL_ACCESS, localSystem}, {0, 0, FILE_ALL_ACCESS, administrators},
        {0, 0, FILE_GENERIC_READ, everyone}, {0, 0, 0, NULL}};
    UINT32 uid, gid, mode, size;
    SD_VIEW view;
    int wrong = 0;
    /* All modes, with ids that are equal and that differ: an owner and a group of one number are still two. */
    const UINT32 ids[] = {0, 1, 1000, 1001, 4095, 4096, 20479, 20480, 24575, 24576, 65534, 0x7fffffff, 0xfffffffe};
    const UINT32 count = sizeof ids / sizeof ids[0];
    for (UINT32 m = 0; m < 010000; m++)
        for (UINT32 pair = 0; pair < count * count; pair++) {
            UINT32 owner = ids[pair / count], group = ids[pair % count];
            size = sizeof sd;
            if (posix_sd_from_mode(owner, group, m, sd, &size) != STATUS_SUCCESS || sd_view(sd, size, &view) != size ||
                posix_mode_from_sd(sd, size, &uid, &gid, &mode) != 0 || uid != owner || gid != group || mode != m)
                wrong++;
        }
    CHECK_EQUAL(wrong, 0);
    size = 10;
    CHECK_EQUAL(posix_sd_from_mode(0, 0, 0644, sd, &size), STATUS_BUFFER_TOO_SMALL);
    CHECK(size > 10 && size <= sizeof sd);
    size = build(sd, administrators, localSystem, foreign, 0);
    uid = 17, gid = 18;
    CHECK_EQUAL(posix_mode_from_sd(sd, size, &uid, &gid, &mode), 0);
    CHECK_EQUAL(uid, 17);
    CHECK_EQUAL(gid, 18);
    CHECK_EQUAL(mode, 0774);
    size = build(sd, administrators, localSystem, NULL, 0);
    CHECK_EQUAL(posix_mode_from_sd(sd, size, &uid, &gid, &mode), 0);
    CHECK_EQUAL(mode, 0777);
    CHECK_EQUAL(posix_mode_from_sd(sd, 19, &uid, &gid, &mode), -1);
}

/* Every byte of a valid descriptor changed to anything, cut anywhere: never read outside (ASan watches), never accepted
 * longer than it is. */
static void damaged(void)
{
    UINT8 sd[300];
    const ACE aces[] = {{0, 3, FILE_ALL_ACCESS, everyone}, {1, 0, DELETE, users}, {0, 0, 0, NULL}};
    UINT32 size = build(sd, administrators, users, aces, 0), uid = 0, gid = 0, mode;
    SD_VIEW view;
    for (UINT32 cut = 0; cut <= size; cut++)
        for (UINT32 at = 0; at <= cut; at++)
            for (int value = 0; value < 256; value += cut == size ? 1 : 85) {
                UINT8 *copy = malloc(cut + 1);
                memcpy(copy, sd, cut);
                if (at < cut)
                    copy[at] = (UINT8)value;
                UINT8 *exact = malloc(cut ? cut : 1);
                memcpy(exact, copy, cut);
                free(copy);
                if (sd_view(exact, cut, &view) > cut)
                    CHECK(!"longer than it is");
                posix_mode_from_sd(exact, cut, &uid, &gid, &mode);
                access_check(exact, cut, token_of(0), FILE_READ_DATA, &mode);
                free(exact);
            }
    CHECK(1);
}

int main(void)
{
    RUN(inheritance);
    RUN(merging);
    RUN(access_order);
    RUN(permissions);
    RUN(damaged);
    return RESULT();
}
