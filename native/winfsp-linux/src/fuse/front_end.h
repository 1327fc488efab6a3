/* What the files of the front end itself share, beside the objects that they share with the calls. */
#ifndef WINFSP_LINUX_FRONT_END_H
#define WINFSP_LINUX_FRONT_END_H

#include "fuse/objects/front.h"

/* mount.c */
char *mount_path(const WCHAR *mountPoint); /* absolute where it exists; NULL: no such name, or no memory */
int front_mount(FRONT *front); /* sets front.fd; 0 or an errno */
void front_know_mount(FRONT *front);
void front_unmount(FRONT *front); /* nothing if it is no longer ours that is mounted there */

/* fusermount.c. Runs it with `fd` as its descriptor 3 (-1: none). Its exit code, or -1. */
int fusermount(char *const arguments[], int fd);
int fusermount_mount(FRONT *front, const char *options); /* sets front.fd; 0 or an errno */

/* session.c */
int front_receive(VOLUME *volume, void *front);

/* attach.c */
NTSTATUS fuse_attach(VOLUME *volume, const WCHAR *mountPoint, void **frontEnd);

/* detach.c */
void fuse_detach(VOLUME *volume, void *frontEnd);
void fuse_forget(VOLUME *volume, void *frontEnd);

#endif
