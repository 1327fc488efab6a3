/*
 * A real mount for tests of the FUSE front end: a host in this process (treefs, the library's own dispatcher threads),
 * clients in forked ones. Nothing here touches a mount from the process that serves it. Every mount ends with no open
 * handle, no pending request, no violation.
 */
#ifndef MOUNTED_H
#define MOUNTED_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "treefs/treefs.h"

#define MIB (1u << 20)
#define KIB (1u << 10)

extern char directory[]; /* where it is mounted */
extern TREEFS *tree;
extern FSP_FILE_SYSTEM *fs;

typedef enum { CACHED, UNCACHED, DIRECT, MODES } MODE;
extern const char *const modeNames[MODES];

/* ---- hosts ---- */

#define SKIPPED 77 /* exit code of a program that tested nothing, as automake has it; `make test` fails by it */

/* Makes the directory. 0: nothing can be mounted here, which it has said. */
int mounts_begin(void);
int mounts_end(void); /* the exit code of the program */
void mount_at(WCHAR *wide);
/* The status of the mount; when it is a failure nothing runs. */
NTSTATUS start_with(const FSP_FSCTL_VOLUME_PARAMS *params, MODE mode, UINT64 capacity, ULONG threads);
void start(MODE mode, UINT64 capacity, ULONG threads);
void start_able(MODE mode, void (*able)(TREEFS *)); /* a host that is able to do more, by what this says of it */
void run_unable(void (*refused)(void)); /* a client of a host that is not */
void stop(void);
/* As a host says that a file changed behind the kernel's back. */
void tell(UINT32 filter, UINT32 action, const WCHAR *name);
/* Nothing is left of any file. Releases come after the last close has returned, so not at once. */
void expect_empty(void);

/* ---- clients ---- */

#define EXPECT(condition) \
    do { \
        if (!(condition)) { \
            int why = errno; \
            dprintf(2, "%s:%d: client %s: not so: %s (errno %d, %s)\n", __FILE__, __LINE__, __func__, #condition, why, \
                strerror(why)); \
            _exit(1); \
        } \
    } while (0)
#define FAILS(call, code) EXPECT((errno = 0, (call) == -1) && errno == (code))

pid_t begin(void (*client)(void)); /* forks it off */
int end(pid_t child);
void client(void (*function)(void)); /* until its end */
int put(const char *name, const char *text);
int holds(const char *name, const char *text);
off_t size_of(const char *name);
mode_t mode_of(const char *name);
UINT64 free_bytes(void);
int rename2(const char *from, const char *to, unsigned flags);
void remove_all(void);

#endif
