/* Extended attributes on a real mount: as Linux has them, over a host that has those of Windows. */
#if defined(__linux__)
#include "support/mounted.h"

#define LARGEST 16000

static void set_get_remove(void)
{
    char value[20], names[100];
    EXPECT(put("f", "content") == 0);
    FAILS(getxattr("f", "user.a", value, sizeof value), ENODATA);
    EXPECT(listxattr("f", names, sizeof names) == 0);
    EXPECT(setxattr("f", "user.a", "one", 3, 0) == 0 && setxattr("f", "user.A", "two!", 4, 0) == 0);
    EXPECT(getxattr("f", "user.a", value, sizeof value) == 3 && memcmp(value, "one", 3) == 0);
    EXPECT(getxattr("f", "user.a", NULL, 0) == 3);
    FAILS(getxattr("f", "user.a", value, 2), ERANGE);
    EXPECT(getxattr("f", "user.A", value, sizeof value) == 4 && memcmp(value, "two!", 4) == 0);
    EXPECT(listxattr("f", NULL, 0) == 14 && listxattr("f", names, sizeof names) == 14 &&
           memcmp(names, "user.a\0user.A", 14) == 0);
    FAILS(listxattr("f", names, 13), ERANGE);
    FAILS(setxattr("f", "user.a", "x", 1, XATTR_CREATE), EEXIST);
    FAILS(setxattr("f", "user.b", "x", 1, XATTR_REPLACE), ENODATA);
    EXPECT(setxattr("f", "user.b", "", 0, XATTR_CREATE) == 0 && getxattr("f", "user.b", value, sizeof value) == 0);
    EXPECT(setxattr("f", "user.b", "x", 1, XATTR_REPLACE) == 0 && getxattr("f", "user.b", value, sizeof value) == 1);
    EXPECT(removexattr("f", "user.b") == 0);
    FAILS(removexattr("f", "user.b"), ENODATA);
    FAILS(getxattr("f", "user.b", value, sizeof value), ENODATA);
    EXPECT(holds("f", "content") && unlink("f") == 0);
}

static void spaces(void)
{
    char value[20];
    EXPECT(put("f", "") == 0);
    EXPECT(setxattr("f", "trusted.t", "1", 1, 0) == 0 && setxattr("f", "security.s", "2", 1, 0) == 0);
    EXPECT(getxattr("f", "trusted.t", value, 20) == 1 && getxattr("f", "security.s", value, 20) == 1);
    FAILS(setxattr("f", "system.x", "1", 1, 0), EOPNOTSUPP);
    FAILS(getxattr("f", "system.posix_acl_access", value, 20), EOPNOTSUPP);
    FAILS(setxattr("f", "other.x", "1", 1, 0), EOPNOTSUPP);
    EXPECT(mkdir("d", 0755) == 0 && setxattr("d", "user.d", "1", 1, 0) == 0 && rmdir("d") == 0 && unlink("f") == 0);
}

static void sizes(void)
{
    static char value[XATTR_SIZE_MAX], back[XATTR_SIZE_MAX];
    memset(value, 'x', sizeof value);
    EXPECT(put("f", "") == 0 && setxattr("f", "user.a", value, LARGEST, 0) == 0);
    EXPECT(getxattr("f", "user.a", back, sizeof back) == LARGEST && memcmp(value, back, LARGEST) == 0);
    FAILS(setxattr("f", "user.b", value, 1000, 0), ENOSPC);
    FAILS(setxattr("f", "user.b", value, sizeof value, 0), ENOSPC);
    EXPECT(getxattr("f", "user.a", back, sizeof back) == LARGEST && listxattr("f", NULL, 0) == 7);
    EXPECT(setxattr("f", "user.a", "small", 5, 0) == 0 && setxattr("f", "user.b", value, 1000, 0) == 0);
    EXPECT(unlink("f") == 0);
}

/* What changes a file leaves them, but for capabilities. */
static void files_change(void)
{
    char value[20];
    int fd;
    EXPECT(put("f", "long content") == 0 && setxattr("f", "user.a", "1", 1, 0) == 0);
    fd = open("f", O_WRONLY | O_TRUNC);
    EXPECT(fd >= 0 && size_of("f") == 0 && write(fd, "x", 1) == 1 && getxattr("f", "user.a", value, 20) == 1);
    EXPECT(rename("f", "g") == 0 && chmod("g", 0600) == 0 && truncate("g", 0) == 0);
    EXPECT(getxattr("g", "user.a", value, 20) == 1 && unlink("g") == 0);
    EXPECT(fgetxattr(fd, "user.a", value, 20) == 1 && fsetxattr(fd, "user.b", "22", 2, 0) == 0 &&
           fgetxattr(fd, "user.b", value, 20) == 2 && fremovexattr(fd, "user.a") == 0);
    EXPECT(put("g", "") == 0);
    FAILS(getxattr("g", "user.b", value, 20), ENODATA);
    EXPECT(close(fd) == 0 && unlink("g") == 0);
}

static void attributes(void)
{
    FSP_FSCTL_VOLUME_PARAMS params;
    for (MODE mode = 0; mode < MODES; mode++) {
        treefs_params(&params, mode == UNCACHED ? 0 : UINT32_MAX);
        params.ExtendedAttributes = 1;
        CHECK_EQUAL(start_with(&params, mode, MIB, 2), STATUS_SUCCESS);
        client(set_get_remove);
        client(spaces);
        client(sizes);
        client(files_change);
        expect_empty();
        stop();
    }
}

/* A file that has none is not asked for them: `ls -l` and every first write would. */
static void many_questions(void)
{
    char value[20];
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    for (int i = 0; i < 20; i++)
        EXPECT(getxattr("f", "security.selinux", value, 20) < 0 && errno == ENODATA && listxattr("f", NULL, 0) == 0 &&
               write(fd, "x", 1) == 1);
    EXPECT(close(fd) == 0 && unlink("f") == 0);
}

static void host_is_not_asked(void)
{
    FSP_FSCTL_VOLUME_PARAMS params;
    treefs_params(&params, UINT32_MAX);
    params.ExtendedAttributes = 1;
    CHECK_EQUAL(start_with(&params, CACHED, MIB, 2), STATUS_SUCCESS);
    client(many_questions);
    CHECK_EQUAL(treefs_calls(tree, "GetEa"), 0);
    stop();
}

static void refused(void)
{
    char value[20];
    EXPECT(put("f", "") == 0);
    FAILS(setxattr("f", "user.a", "1", 1, 0), EOPNOTSUPP);
    FAILS(getxattr("f", "user.a", value, 20), EOPNOTSUPP);
    FAILS(removexattr("f", "user.a"), EOPNOTSUPP);
    EXPECT(unlink("f") == 0);
}

static void host_without(void)
{
    start(CACHED, MIB, 2);
    client(refused);
    stop();
}

int main(void)
{
    if (!mounts_begin())
        return SKIPPED;
    RUN(attributes);
    RUN(host_is_not_asked);
    RUN(host_without);
    return mounts_end();
}
#else
int main(void) { return 0; }
#endif
