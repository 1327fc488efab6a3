/* Who asks: the tokens of requests, and what a descriptor grants them (docs/winfsp.md, "Creating and opening"). */
#include "core/base/descriptor.h"
#include "ops/ops.h"

static const UINT8 everyone[] = {1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0};
static const UINT8 authenticated[] = {1, 1, 0, 0, 0, 0, 0, 5, 11, 0, 0, 0};
static const UINT8 administrators[] = {1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0};
static const UINT8 users[] = {1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x21, 2, 0, 0};
/* S-1-5-21-1-2-3-1000 and -1001 */
static const UINT8 testUser[] = {
    1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0xe8, 3, 0, 0};
static const UINT8 otherUser[] = {
    1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0xe9, 3, 0, 0};

const TOKEN *token_of(UINT64 accessToken)
{
    static const TOKEN ordinary = {testUser, {administrators, users, authenticated, everyone}, 4, 1, 0};
    static const TOKEN restricted = {otherUser, {authenticated, everyone}, 2, 0, 0};
    static const TOKEN granting = {testUser, {administrators, users, authenticated, everyone}, 4, 1, 1};
    switch ((UINT32)accessToken) {
    case FSP_LINUX_TOKEN_RESTRICTED:
        return &restricted;
    case FSP_LINUX_TOKEN_GRANT_ALL:
        return &granting;
    }
    return &ordinary;
}

static int token_has(const TOKEN *token, const UINT8 *sid, const UINT8 *owner)
{
    if (sid_equal(sid, token->user) || (token->ownsEverything && owner != NULL && sid_equal(sid, owner)))
        return 1;
    for (UINT32 i = 0; i < token->groupCount; i++)
        if (sid_equal(sid, token->groups[i]))
            return 1;
    return 0;
}

NTSTATUS access_check(const void *sd, SIZE_T size, const TOKEN *token, UINT32 desired, UINT32 *granted)
{
    SD_VIEW view;
    UINT32 wanted = map_generic(desired & ~MAXIMUM_ALLOWED), allowed = 0, denied = 0;
    int maximum = (desired & MAXIMUM_ALLOWED) != 0;
    *granted = 0;
    if (sd_view(sd, size, &view) == 0)
        return STATUS_INVALID_SECURITY_DESCR;
    if (token->grantAll || view.dacl == NULL)
        allowed = FILE_ALL_ACCESS | ACCESS_SYSTEM_SECURITY;
    else {
        if (view.owner != NULL && token_has(token, view.owner, view.owner))
            allowed |= READ_CONTROL | WRITE_DAC;
        for (UINT32 i = 0, at = 8, count = get16(view.dacl + 4); i < count; at += get16(view.dacl + at + 2), i++) {
            const UINT8 *ace = view.dacl + at;
            UINT32 mask;
            if ((ace[1] & INHERIT_ONLY) || ace[0] > ACE_DENY || !token_has(token, ace + 8, view.owner))
                continue;
            mask = map_generic(get32(ace + 4));
            if (ace[0] == ACE_ALLOW)
                allowed |= mask & ~denied;
            else
                denied |= mask & ~allowed;
        }
    }
    if (maximum) {
        if ((wanted & ~allowed) != 0)
            return STATUS_ACCESS_DENIED;
        *granted = (allowed & FILE_ALL_ACCESS) | wanted;
        return *granted != 0 ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
    }
    if ((wanted & ~allowed) != 0)
        return STATUS_ACCESS_DENIED;
    *granted = wanted;
    return STATUS_SUCCESS;
}
