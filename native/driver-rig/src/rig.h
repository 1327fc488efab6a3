/*
 * The driver rig: runs the genuine WinFsp driver inside an ordinary process, below a kernel of our own.
 *
 * This header is shared by the Win32 side (src/host) and the kernel side (all else), which cannot include each other's
 * system headers: it has plain C types only. NTSTATUS is int32_t, a file is the address of its FILE_OBJECT.
 */
#ifndef RIG_H
#define RIG_H
#include <stddef.h>
#include <stdint.h>

#define RIG_API __declspec(dllexport)

/* ---- host/platform.c: what is taken from Win32 ---- */
void host_log(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends the process with exit code 99, as a bug check ends Windows. */
void host_fatal(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
extern int host_verbose;        /* RIG_VERBOSE: 1 calls of the library, 2 also requests and answers */
void *host_alloc(size_t bytes); /* zeroed; never NULL */
void host_free(void *memory);
void *host_thread(void); /* one address a thread: its TEB; the driver's gs:[188h] is patched to give the same */
void *host_tls_get(void);
void host_tls_set(void *value);
/* 1 + kind of the answer that this thread delivers in a Transact call; 0: none. */
void host_serving_set(uint32_t kind);
uint32_t host_serving(void);
/* A lock and a condition for each object, by hash of its address: objects may share one, so a wait may wake without
 * reason. */
void host_lock(void *object);
void host_unlock(void *object);
/* Holding the lock; 0 when the deadline (100 ns, system time) passed; NULL: no limit. */
int host_wait(void *object, int64_t *deadline);
void host_wake(void *object);
/* Delays the thread now and then, at a place where another may be scheduled: see rig_perturb. */
void host_perturb(void);
int64_t host_now(void);
void host_sleep(int64_t hundred_ns);
void host_yield(void);
void host_start_thread(void (*body)(void *), void *argument);
uint32_t host_process_id(void);
void *host_token_handle(void); /* a new impersonation token handle for the file system to use */
void host_close_handle(void *handle);
int32_t host_access_check(void *descriptor, uint32_t desired, uint32_t *granted);

enum { PRIVILEGE_TRAVERSE = 1, PRIVILEGE_BACKUP = 2, PRIVILEGE_RESTORE = 4 };

uint32_t host_privileges(void);
void *host_reserve(size_t bytes);
void host_commit(void *at, size_t bytes);
void host_release(void *at);
void host_random(void *buffer, size_t bytes);
void host_raise(int32_t status) __attribute__((noreturn));
void *host_ntdll(const char *name);
void *host_library(const char *library, const char *name);
void *host_own_export(const char *name);

/* ---- host/image.c, host/driver.c ---- */
uint8_t *image_map(const wchar_t *path);
void image_add_function_table(uint8_t *base);
int32_t image_load(const wchar_t *path, void **image, void **entry);
int32_t driver_start(void *entry);

/* ---- host/hook.c ---- */
void hook_command_line(const wchar_t *text);
void *rig_handle_object(void *handle);
void *rig_handle_create(void *file);
int32_t rig_handle_close(void *handle);
/* A symbolic link like \??\X: to a device; a target of NULL removes it. */
void name_link(const wchar_t *name, const wchar_t *target);
int name_link_target(const wchar_t *name, wchar_t *target, uint32_t chars);

/* ---- life of the rig ---- */
/* Maps and starts the driver, loads the library and hooks it. Once a process. */
RIG_API int32_t rig_start(const wchar_t *driver, const wchar_t *library);
/* Runs a program (a file system that comes as .exe) on a thread of this process, with this command line. */
RIG_API int32_t rig_program(const wchar_t *path, const wchar_t *command);
/* Calls the driver's unload routine and checks what it leaves. STATUS_DEVICE_BUSY while volumes exist. */
RIG_API int32_t rig_unload(void);

/* ---- switches and counters ---- */
RIG_API void rig_lazy(uint32_t ms); /* how often the lazy writer runs */
/* Cached writes are put off while so many pages are dirty; 0: never. */
RIG_API void rig_dirty_limit(uint32_t pages);
/* Also write back the page with the old end of a mapped file when its size changes: which one Windows writes is not
 * known here. */
RIG_API void rig_write_old_end(int on);
/* Delays at waits and locks, from a seed; 0 switches them off. The delays repeat with the seed, the order of threads
 * only roughly. */
RIG_API void rig_perturb(uint32_t seed, uint32_t one_in);
RIG_API uint32_t rig_irps(void); /* requests that exist */
RIG_API uint32_t rig_pool_blocks(void);
RIG_API uint64_t rig_pool_bytes(void);
/* How many blocks there are of this tag and size. */
RIG_API uint32_t rig_pool_count(uint32_t tag, uint64_t bytes);
RIG_API void rig_pool_show(void); /* logs what is allocated, by tag and size */
/* Paging reads or writes that were sent by a thread while it delivered an answer of that kind. */
RIG_API uint64_t rig_nested(uint32_t kind, uint32_t write);

enum {
    COUNT_TRANSACTS,
    COUNT_FAST_TRANSACTS,
    COUNT_PAGE_INS,
    COUNT_PAGE_OUTS,
    COUNT_FAST_READS,
    COUNT_FAST_WRITES,
    COUNT_FAST_QUERIES,
    COUNT_PERTURBED,
    COUNT_FAILED_PAGE_OUTS,
    COUNT_DEFERRED_WRITES,
    COUNTERS
};

RIG_API uint64_t rig_counter(uint32_t which);
void count(uint32_t which);

/* ---- the NT client ---- */
typedef struct {
    const wchar_t *path; /* NT path: \Device\... or \??\X:\... */
    void *root;          /* relative to this file, or NULL */
    uint32_t access, attributes, share, disposition, options;
    void *descriptor; /* self-relative or NULL */
    int64_t allocation;
    uint32_t flags; /* SL_OPEN_TARGET_DIRECTORY 4, SL_CASE_SENSITIVE 0x80 */
    int kernel;     /* requestor mode */
    const void *ea;
    uint32_t ea_length;
} rig_open_t;

RIG_API int32_t rig_open_ex(const rig_open_t *request, void **file, uint32_t *information);
RIG_API int32_t rig_open(const wchar_t *path, uint32_t access, uint32_t attributes, uint32_t share,
    uint32_t disposition, uint32_t options, void **file, uint32_t *information);
RIG_API int32_t rig_cleanup(void *file);
RIG_API int32_t rig_close(void *file);
RIG_API int32_t rig_read(void *file, void *buffer, uint32_t length, int64_t offset, uint32_t *done);
RIG_API int32_t rig_write(void *file, const void *buffer, uint32_t length, int64_t offset, uint32_t *done);
/* Cached data itself: a descriptor list of the pages, to be given back; its address is where they are. */
RIG_API int32_t rig_mdl_get(
    void *file, int write, uint32_t length, int64_t offset, void **list, void **address, uint32_t *done);
RIG_API int32_t rig_mdl_give(void *file, int write, uint32_t length, int64_t offset, void *list);
RIG_API int32_t rig_query(void *file, uint32_t information_class, void *buffer, uint32_t length, uint32_t *done);
RIG_API int32_t rig_set(void *file, uint32_t information_class, void *buffer, uint32_t length);
/* The target's parent is opened as the I/O manager does it: relative to root, or for a full NT path. A bare name needs
 * neither. */
RIG_API int32_t rig_rename(void *file, const wchar_t *target, void *root, uint32_t information_class, uint32_t flags);
RIG_API int32_t rig_directory(void *file, void *buffer, uint32_t length, uint32_t information_class,
    const wchar_t *pattern, uint32_t flags, uint32_t *done);
RIG_API int32_t rig_query_volume(void *file, uint32_t information_class, void *buffer, uint32_t length, uint32_t *done);
RIG_API int32_t rig_set_volume(void *file, uint32_t information_class, void *buffer, uint32_t length);
RIG_API int32_t rig_query_security(void *file, uint32_t information, void *buffer, uint32_t length, uint32_t *done);
RIG_API int32_t rig_set_security(void *file, uint32_t information, void *descriptor);
RIG_API int32_t rig_query_ea(void *file, void *buffer, uint32_t length, const void *list, uint32_t list_length,
    uint32_t *index, int flags, uint32_t *done);
RIG_API int32_t rig_set_ea(void *file, void *buffer, uint32_t length);
RIG_API int32_t rig_flush(void *file);
RIG_API int32_t rig_lock(void *file, int64_t offset, int64_t length, uint32_t key, uint32_t flags);
RIG_API int32_t rig_unlock(void *file, int64_t offset, int64_t length, uint32_t key);
RIG_API int32_t rig_control(void *file, int fs, uint32_t code, const void *in, uint32_t in_length, void *out,
    uint32_t out_length, uint32_t *done);
RIG_API int32_t rig_notify(void *file, void *buffer, uint32_t length, uint32_t filter, int tree, void **request);
/* A control code whose request may stay, as that of an oplock does until it is broken. Buffered; the output is written
 * when it ends. */
RIG_API int32_t rig_control_start(void *file, uint32_t code, const void *in, uint32_t in_length, void *out,
    uint32_t out_length, void **request);
/* Waits so long; then, with cancel, cancels it. STATUS_TIMEOUT: the request goes on. */
RIG_API int32_t rig_request_result(void *request, int cancel, uint32_t timeout_ms, uint32_t *done);
RIG_API uint32_t rig_granted(void *file);
RIG_API int rig_link_target(const wchar_t *name, wchar_t *target, uint32_t chars);
/* Mapped files. */
RIG_API int32_t rig_section(void *file, int64_t size, int writable, void **section);
RIG_API int64_t rig_section_bytes(void *section);
RIG_API int32_t rig_view(void *section, int64_t offset, int64_t length, void **address);
RIG_API void rig_unview(void *section);
RIG_API void rig_section_close(void *section);
/* Changes a cached page as a program with a mapped view does, without telling anyone. Within one page. */
RIG_API int32_t rig_poke(void *file, const void *data, uint32_t length, int64_t offset);
#endif
