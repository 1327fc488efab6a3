/* What the files of the front end itself share, beside the objects that they share with the calls. */
#ifndef WINFSP_LINUX_FRONT_END_H
#define WINFSP_LINUX_FRONT_END_H

#include "fuse/objects/front.h"

/* mount.c */
char *mount_path(const WCHAR *mountPoint); /* absolute where it exists; NULL: no such name, or no memory */
int front_mount(FRONT *front); /* sets front.fd; 0 or an errno */
void front_unmount(FRONT *front); /* nothing if it is no longer ours that is mounted there */

int front_unmount_idle(FRONT *front); /* EBUSY, and nothing has changed, when programs use it; otherwise 0 */

/* place.c */
int place_open(PLACE *place, const char *path); /* 0 or an errno */
int place_covered(PLACE *place, UINT32 *deviceMajor, UINT32 *deviceMinor); /* ESTALE: by no mount that it leads to */
void place_close(PLACE *place);

/*
 * fusermount.c. Runs it with `fd` as its descriptor 3 (-1: none). Its exit code, or -1. `message`: what it had to say,
 * NUL-terminated.
 */
int fusermount(char *const arguments[], int fd, char message[MOUNT_MESSAGE_SIZE]);
int fusermount_mount(FRONT *front, const char *options); /* sets front.fd; 0 or an errno */

/* session.c */
int front_receive(VOLUME *volume, void *front);

/* attach.c */
NTSTATUS fuse_attach(VOLUME *volume, const WCHAR *mountPoint, void **frontEnd);

/* detach.c */
void fuse_detach(VOLUME *volume, void *frontEnd);
int fuse_release(VOLUME *volume, void *frontEnd);
void fuse_forget(VOLUME *volume, void *frontEnd);

#endif
