/* Volumes as a whole: made and entered (volume.c), their options (options.c), what is told of them (notify.c). */
#ifndef WINFSP_LINUX_VOLUMES_H
#define WINFSP_LINUX_VOLUMES_H

#include "core/base/volume.h"

NTSTATUS volume_create(const FSP_FSCTL_VOLUME_PARAMS *params, VOLUME **out);
void volume_destroy(VOLUME *volume);
VOLUME *volume_enter(HANDLE handle); /* NULL: no such volume; pair with volume_leave */
void volume_leave(VOLUME *volume);

int device_kind(const WCHAR *path); /* 1 disk, 2 net, 0 neither */

void options_defaults(_Atomic(UINT64) options[OPTION_COUNT]);
/* Further options, which the test build of the library brings along (src/script). NULL in the library that ships. */
typedef NTSTATUS OPTION_SETTER(VOLUME *volume, const char *name, UINT64 value);
extern OPTION_SETTER *options_further;

typedef void NOTIFY_EACH(void *context, UINT32 filter, UINT32 action, const WCHAR *name, size_t units);
NTSTATUS notify_parse(const void *records, SIZE_T size, NOTIFY_EACH *each, void *context);

#endif
