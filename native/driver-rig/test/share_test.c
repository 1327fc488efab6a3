/* Share access, against the rule said in words: each side must allow what the other has. */
#include "check.h"

VOID K_IoSetShareAccess(ACCESS_MASK access, ULONG share, PFILE_OBJECT file, PSHARE_ACCESS s);
NTSTATUS K_IoCheckShareAccess(ACCESS_MASK access, ULONG share, PFILE_OBJECT f, PSHARE_ACCESS s, BOOLEAN update);
VOID K_IoRemoveShareAccess(PFILE_OBJECT f, PSHARE_ACCESS s);

static ACCESS_MASK access_of(int bits)
{
    return (bits & 1 ? FILE_READ_DATA : 0) | (bits & 2 ? FILE_WRITE_DATA : 0) | (bits & 4 ? DELETE : 0);
}

int main(void)
{
    for (int first = 0; first < 8; first++)
        for (int first_share = 0; first_share < 8; first_share++)
            for (int second = 0; second < 8; second++)
                for (int second_share = 0; second_share < 8; second_share++) {
                    FILE_OBJECT one = {0}, two = {0};
                    SHARE_ACCESS share;
                    K_IoSetShareAccess(access_of(first), first_share, &one, &share);
                    NTSTATUS status = K_IoCheckShareAccess(access_of(second), second_share, &two, &share, TRUE);
                    /* Who asks for nothing that counts neither hinders nor is hindered. */
                    BOOLEAN both = first != 0 && second != 0;
                    BOOLEAN allowed = !both || ((second & ~first_share) == 0 && (first & ~second_share) == 0);
                    CHECK_EQUAL(status, allowed ? STATUS_SUCCESS : STATUS_SHARING_VIOLATION);
                    if (NT_SUCCESS(status))
                        K_IoRemoveShareAccess(&two, &share);
                    K_IoRemoveShareAccess(&one, &share);
                    CHECK_EQUAL(share.OpenCount + share.Readers + share.Writers + share.Deleters, 0);
                    CHECK_EQUAL(share.SharedRead + share.SharedWrite + share.SharedDelete, 0);
                }
    return passed("share access");
}
