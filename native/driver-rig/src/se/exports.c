/*
 * Se: the well-known security identifiers and privileges that the kernel exports.
 */
#include "kernel.h"

static UCHAR sids[16][16];
static SE_EXPORTS exports;
KERNEL SE_EXPORTS *K_SeExports = &exports;

static PSID sid(UCHAR authority, UCHAR count, ULONG first, ULONG second)
{
    static int slot;
    UCHAR *s = sids[slot++];
    s[0] = SID_REVISION;
    s[1] = count;
    s[7] = authority;
    RtlCopyMemory(s + 8, &first, sizeof first);
    if (count > 1)
        RtlCopyMemory(s + 12, &second, sizeof second);
    return s;
}

__attribute__((constructor)) static void fill_exports(void)
{
    exports.SeNullSid = sid(0, 1, 0, 0);
    exports.SeWorldSid = sid(1, 1, 0, 0);
    exports.SeLocalSystemSid = sid(5, 1, 18, 0);
    exports.SeAliasAdminsSid = sid(5, 2, 32, 544);
    exports.SeAliasUsersSid = sid(5, 2, 32, 545);
    exports.SeAuthenticatedUsersSid = sid(5, 1, 11, 0);
    exports.SeCreatorOwnerSid = sid(3, 1, 0, 0);
    exports.SeNetworkSid = sid(5, 1, 2, 0);
    exports.SeInteractiveSid = sid(5, 1, 4, 0);
    exports.SeRestrictedSid = sid(5, 1, 12, 0);
    exports.SeAnonymousLogonSid = sid(5, 1, 7, 0);
    exports.SeLocalServiceSid = sid(5, 1, 19, 0);
    exports.SeNetworkServiceSid = sid(5, 1, 20, 0);
    exports.SeAliasGuestsSid = sid(5, 2, 32, 546);
    exports.SeSecurityPrivilege.LowPart = SE_SECURITY_PRIVILEGE;
    exports.SeLoadDriverPrivilege.LowPart = SE_LOAD_DRIVER_PRIVILEGE;
    exports.SeBackupPrivilege.LowPart = SE_BACKUP_PRIVILEGE;
    exports.SeRestorePrivilege.LowPart = SE_RESTORE_PRIVILEGE;
    exports.SeChangeNotifyPrivilege.LowPart = SE_CHANGE_NOTIFY_PRIVILEGE;
}
