/*
 * Notifications: the kernel drops what it has cached of a name or a file that changed behind its back. A thread of its
 * own tells the kernel, because that call waits for locks which are held by programs that wait for an answer of ours:
 * on a serving thread it would never return.
 */
#include <errno.h>
#ifdef __linux__
#include <malloc.h>
#endif
#include <sys/uio.h>
#include <unistd.h>

#include "fuse/objects/front.h"

#define MAX_PRUNED 256u /* in one message */
#define MAX_FORGET_WAITS 20
#define FORGET_WAIT_US 250u
#define PRUNE_PAUSE_MS 1000u /* after a time that did not help */
#define MIN_TRIMMED 32768u /* inodes: some 10 MiB */
#define MAX_LOOKS 4096u /* at inodes, without letting go of the lock */

typedef struct note {
    struct note *next;
    UINT64 parent, inode; /* 0: not known to the kernel, so there is nothing to drop */
    int data; /* its content, too */
    OP *op; /* of notifier_flush: goes on when the kernel has written its pages back */
    int wholeEntry;
    int parting; /* told also when the notifier is to stop */
    char name[MAX_NAME_UNITS * 3 + 1];
} NOTE;

struct notifier {
    pthread_t thread;
    pthread_cond_t some;
    NOTE *first, *last;
    int prune, trim, stop, ended;
};

static void tell(FRONT *front, int code, const void *head, size_t headSize, const char *name)
{
    size_t nameSize = name != NULL ? strlen(name) + 1 : 0;
    struct fuse_out_header header = {(UINT32)(sizeof header + headSize + nameSize), code, 0};
    struct iovec parts[3] = {
        {&header, sizeof header}, {(void *)(uintptr_t)head, headSize}, {(void *)(uintptr_t)name, nameSize}};
    ssize_t done = writev(front->fd, parts, name != NULL ? 3 : 2);
    (void)done; /* ENOENT: the kernel had nothing cached */
}

/* Without front.lock. */
static void end_note(NOTE *note)
{
    OP *op = note->op;
    free(note);
    if (op != NULL)
        op->then(op);
}

/* ---- what the kernel knows ---- */

/*
 * When the account of what the kernel knows comes near its limit, the kernel is asked to forget the oldest files that
 * nobody uses (FUSE_NOTIFY_PRUNE, Linux 6.18). It keeps those that a program holds by O_PATH, say: then the limit is
 * what counts. An older kernel cannot be asked; there inodes and file objects are bounded by the number of files only.
 */
int prune_may_help(FRONT *front)
{
    int help;
    pthread_mutex_lock(&front->lock);
    help = front->prunes && platform_now_ns() / 1000000 >= front->pruneAtMs;
    pthread_mutex_unlock(&front->lock);
    return help;
}

static void prune_pause(FRONT *front) { front->pruneAtMs = platform_now_ns() / 1000000 + PRUNE_PAUSE_MS; }

/* Up to `most` nodeids to be forgotten; 0: enough, or there are none. Under front.lock. */
static UINT32 prune_choose(FRONT *front, UINT64 *nodeids, UINT32 most)
{
    UINT32 count = 0;
    INODE *inode;
    if (!memory_exceeds(front, 4))
        return 0;
    for (UINT32 looks = 0; looks < MAX_LOOKS && count < most && (inode = front->oldest) != NULL; looks++) {
        if (inode->opens == 0 && inode->references == 0 && inode->lookups > 0)
            nodeids[count++] = (uintptr_t)inode;
        inode_renew(front, inode);
    }
    return count;
}

/* Newer than some headers. */
#define NOTIFY_PRUNE 9
struct notify_prune_out {
    uint32_t count;
    uint32_t padding;
    uint64_t spare;
    uint64_t nodeids[MAX_PRUNED];
};

/* The kernel's FORGETs come to a serving thread, a little later. Without front.lock. */
static void wait_for_forgets(FRONT *front, UINT64 before)
{
    for (int i = 0; i < MAX_FORGET_WAITS && volume_memory(front->volume) >= before; i++)
        usleep(FORGET_WAIT_US);
}

/*
 * Under front.lock, which it lets go of meanwhile. At most as many inodes are named as there are, so that it ends when
 * all of them are in use.
 */
static void prune(FRONT *front)
{
    struct notify_prune_out out = {.count = 0};
    UINT32 asked = 0, most = front->inodeCount;
    while (asked < most && !front->notifier->stop && (out.count = prune_choose(front, out.nodeids, MAX_PRUNED)) > 0) {
        UINT64 before = volume_memory(front->volume);
        asked += out.count;
        pthread_mutex_unlock(&front->lock);
        tell(
            front, NOTIFY_PRUNE, &out, offsetof(struct notify_prune_out, nodeids) + out.count * sizeof(uint64_t), NULL);
        wait_for_forgets(front, before);
        pthread_mutex_lock(&front->lock);
    }
    if (memory_exceeds(front, 6))
        prune_pause(front);
}

/* The C library keeps what is freed, for the next files that the kernel asks for; that may be much. Under front.lock,
 * which it lets go of meanwhile. */
static void trim(FRONT *front)
{
    pthread_mutex_unlock(&front->lock);
#ifdef __GLIBC__
    malloc_trim(0);
#endif
    pthread_mutex_lock(&front->lock);
}

static void *tell_all(void *context)
{
    FRONT *front = context;
    struct notifier *notifier = front->notifier;
    pthread_mutex_lock(&front->lock);
    for (;;) {
        NOTE *note = notifier->first;
        int silent = notifier->stop; /* what waits goes on, and the kernel hears nothing more */
        if (note == NULL && silent)
            break;
        if (notifier->prune && !silent) {
            notifier->prune = 0;
            prune(front);
            continue;
        }
        if (notifier->trim && note == NULL) {
            notifier->trim = 0;
            trim(front);
            continue;
        }
        if (note == NULL) {
            pthread_cond_wait(&notifier->some, &front->lock);
            continue;
        }
        if ((notifier->first = note->next) == NULL)
            notifier->last = NULL;
        pthread_mutex_unlock(&front->lock);
        silent = silent && !note->parting;
        if (note->inode != 0 && !silent) {
            struct fuse_notify_inval_inode_out out = {note->inode, note->data ? 0 : -1, 0};
            tell(front, FUSE_NOTIFY_INVAL_INODE, &out, sizeof out, NULL);
        }
        if (note->wholeEntry && note->parent != 0 && !silent) {
            struct fuse_notify_inval_entry_out out = {note->parent, (UINT32)strlen(note->name), 0};
            struct fuse_notify_inval_inode_out parent = {note->parent, 0, 0}; /* its listing and times */
            tell(front, FUSE_NOTIFY_INVAL_ENTRY, &out, sizeof out, note->name);
            tell(front, FUSE_NOTIFY_INVAL_INODE, &parent, sizeof parent, NULL);
        }
        end_note(note);
        pthread_mutex_lock(&front->lock);
    }
    notifier->ended = 1;
    pthread_mutex_unlock(&front->lock);
    return NULL;
}

static UINT64 nodeid_of(FRONT *front, const INODE *inode)
{
    return inode == NULL ? 0 : inode == &front->root ? FUSE_ROOT_ID : (uintptr_t)inode;
}

/* Under front.lock. 0: no memory or no thread. */
static int start(FRONT *front)
{
    struct notifier *notifier = front->notifier;
    if (notifier != NULL)
        return 1;
    if ((notifier = calloc(1, sizeof *notifier)) == NULL)
        return 0;
    pthread_cond_init(&notifier->some, NULL);
    front->notifier = notifier;
    if (pthread_create(&notifier->thread, NULL, tell_all, front) == 0)
        return 1;
    front->notifier = NULL;
    pthread_cond_destroy(&notifier->some);
    free(notifier);
    return 0;
}

void notifier_prune(FRONT *front)
{
    pthread_mutex_lock(&front->lock);
    if (!atomic_load(&front->detaching) && start(front) && !front->notifier->prune) {
        front->notifier->prune = 1;
        pthread_cond_signal(&front->notifier->some);
    }
    pthread_mutex_unlock(&front->lock);
}

void notifier_trim(FRONT *front)
{
    if (front->freedInodes < MIN_TRIMMED)
        return;
    front->freedInodes = 0;
    if (!atomic_load(&front->detaching) && start(front)) {
        front->notifier->trim = 1;
        pthread_cond_signal(&front->notifier->some);
    }
}

/* Under front.lock. 0: no memory, no thread or no longer, and the note is the caller's still. */
static int enqueue(FRONT *front, NOTE *note)
{
    struct notifier *notifier;
    if (!start(front) || front->notifier->stop)
        return 0;
    notifier = front->notifier;
    if (notifier->last != NULL)
        notifier->last->next = note;
    else
        notifier->first = note;
    notifier->last = note;
    pthread_cond_signal(&notifier->some);
    return 1;
}

/* 0: it cannot be queued, and is the caller's still. */
static int go_on_later(OP *op, INODE *inode, THEN *then)
{
    FRONT *front = op->front;
    NOTE *note = calloc(1, sizeof *note);
    int queued = 0;
    op->then = then;
    if (note != NULL) {
        note->inode = nodeid_of(front, inode);
        note->data = 1;
        note->op = op;
        pthread_mutex_lock(&front->lock);
        queued = enqueue(front, note);
        if (queued && inode == NULL)
            front->notifier->prune = 1;
        pthread_mutex_unlock(&front->lock);
    }
    if (!queued)
        free(note);
    return queued;
}

void notifier_flush(OP *op, INODE *inode, THEN *then)
{
    if (go_on_later(op, inode, then))
        return;
    if (atomic_load(&op->front->detaching))
        then(op);
    else
        reply_error(op, ENOMEM);
}

void after_prune(OP *op, THEN *then)
{
    if (!go_on_later(op, NULL, then))
        then(op);
}

void fuse_notify(VOLUME *volume, void *frontEnd, UINT32 filter, UINT32 action, const WCHAR *name, size_t length)
{
    FRONT *front = frontEnd;
    INODE *parent = NULL, *inode;
    NOTE *note;
    size_t begin = 0, end = 0;
    ptrdiff_t bytes = 0;
    if (atomic_load(&front->detaching) || (note = calloc(1, sizeof *note)) == NULL)
        return;
    pthread_mutex_lock(&front->lock);
    inode = &front->root;
    for (begin = 0; begin < length; begin = end) {
        while (begin < length && name[begin] == '\\')
            begin++;
        for (end = begin; end < length && name[end] != '\\';)
            end++;
        if (end == begin)
            break;
        parent = inode;
        inode = inode != NULL ? inode_find(front, inode, name + begin, end - begin) : NULL;
        bytes = name_to_utf8(name + begin, end - begin, note->name, sizeof note->name - 1);
        if (bytes >= 0)
            note->name[bytes] = 0; /* a longer one may have stood there before */
        if (bytes < 0 || (inode == NULL && end < length))
            parent = NULL;
    }
    note->parent = nodeid_of(front, parent);
    note->inode = nodeid_of(front, inode);
    note->wholeEntry = action != FILE_ACTION_MODIFIED;
    note->data = (filter & ~(FILE_NOTIFY_CHANGE_ATTRIBUTES | FILE_NOTIFY_CHANGE_SECURITY)) != 0;
    if (inode != NULL) {
        atomic_store_explicit(&inode->fresh, 0, memory_order_relaxed);
        inode->securityAtMs = 0;
    }
    if (parent != NULL && note->wholeEntry)
        atomic_store_explicit(&parent->fresh, 0, memory_order_relaxed);
    if ((note->parent == 0 && note->inode == 0) || !enqueue(front, note))
        free(note);
    pthread_mutex_unlock(&front->lock);
}

void notifier_part(FRONT *front)
{
    pthread_mutex_lock(&front->lock);
    for (INODE *inode = front->newest; inode != NULL; inode = inode->nextOfAll) {
        NOTE *note = inode->opens > 0 ? calloc(1, sizeof *note) : NULL;
        if (note == NULL)
            continue;
        note->inode = nodeid_of(front, inode);
        note->data = note->parting = 1;
        if (!enqueue(front, note))
            free(note);
    }
    pthread_mutex_unlock(&front->lock);
}

int notifier_ends(FRONT *front)
{
    struct notifier *notifier = front->notifier;
    int ended;
    if (notifier == NULL)
        return 1;
    pthread_mutex_lock(&front->lock);
    notifier->stop = 1;
    pthread_cond_signal(&notifier->some);
    ended = notifier->ended;
    pthread_mutex_unlock(&front->lock);
    return ended;
}

void notifier_free(FRONT *front)
{
    struct notifier *notifier = front->notifier;
    if (notifier == NULL)
        return;
    pthread_join(notifier->thread, NULL);
    while (notifier->first != NULL) {
        NOTE *note = notifier->first;
        notifier->first = note->next;
        end_note(note);
    }
    pthread_cond_destroy(&notifier->some);
    free(notifier);
    front->notifier = NULL;
}
