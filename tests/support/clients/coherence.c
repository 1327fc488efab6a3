/*
 * usage: coherence FILE MILLISECONDS [SEED]. Every way to change a file beside every way to read it: what a finished write has put there is what every
 * later read finds, by whatever way, while other threads read all the time and so fill the page cache with what is about to become old.
 *
 * One writer works, in turns by each way, on a random range; a model in memory says what the file holds. After each change the whole file is read by
 * each of the ways and compared. Each pair of ways gets MILLISECONDS. Exit 0: all agree; 1: a line per pair that does not, with the offset and the seed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SIZE (640u << 10)
#define PAGE 4096u
#define NOISE_THREADS 2

static const char *path;
static int buffered, direct; /* descriptors */
static unsigned char *model, *source, *seen, *mapped;
static atomic_int noiseStop;

static void die(const char *what)
{
    fprintf(stderr, "coherence: %s: %s\n", what, strerror(errno));
    exit(2);
}

/* ---- Linux AIO and io_uring by their system calls ----------------------------------------------------------------------------------------- */

static aio_context_t aio;

static ssize_t aio_one(int opcode, int fd, void *bytes, size_t size, off_t at)
{
    struct iocb block, *blocks = &block;
    struct io_event event;
    memset(&block, 0, sizeof block);
    block.aio_lio_opcode = (unsigned short)opcode;
    block.aio_fildes = (unsigned)fd;
    block.aio_buf = (unsigned long)bytes;
    block.aio_nbytes = size;
    block.aio_offset = at;
    if (syscall(SYS_io_submit, aio, 1, &blocks) != 1)
        return -1;
    while (syscall(SYS_io_getevents, aio, 1, 1, &event, NULL) != 1)
        if (errno != EINTR)
            return -1;
    return (ssize_t)event.res;
}

static struct {
    int fd;
    unsigned *submissionTail, *submissionMask, *completionHead, *completionTail, *completionMask;
    unsigned *array;
    struct io_uring_sqe *entries;
    struct io_uring_cqe *completions;
} ring;

static int ring_open(void)
{
    struct io_uring_params params;
    unsigned char *submission, *completion;
    memset(&params, 0, sizeof params);
    ring.fd = (int)syscall(SYS_io_uring_setup, 4, &params);
    if (ring.fd < 0)
        return 0;
    submission = mmap(NULL, params.sq_off.array + params.sq_entries * sizeof(unsigned), PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQ_RING);
    completion = mmap(NULL, params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe), PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_CQ_RING);
    ring.entries = mmap(NULL, params.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQES);
    if (submission == MAP_FAILED || completion == MAP_FAILED || ring.entries == MAP_FAILED)
        die("io_uring mmap");
    ring.submissionTail = (unsigned *)(submission + params.sq_off.tail);
    ring.submissionMask = (unsigned *)(submission + params.sq_off.ring_mask);
    ring.array = (unsigned *)(submission + params.sq_off.array);
    ring.completionHead = (unsigned *)(completion + params.cq_off.head);
    ring.completionTail = (unsigned *)(completion + params.cq_off.tail);
    ring.completionMask = (unsigned *)(completion + params.cq_off.ring_mask);
    ring.completions = (struct io_uring_cqe *)(completion + params.cq_off.cqes);
    return 1;
}

static ssize_t ring_one(int opcode, int fd, void *bytes, size_t size, off_t at)
{
    unsigned tail = *ring.submissionTail, head, index = tail & *ring.submissionMask;
    struct io_uring_sqe *entry = &ring.entries[index];
    ssize_t result;
    memset(entry, 0, sizeof *entry);
    entry->opcode = (unsigned char)opcode;
    entry->fd = fd;
    entry->addr = (unsigned long)bytes;
    entry->len = (unsigned)size;
    entry->off = (unsigned long long)at;
    ring.array[index] = index;
    __atomic_store_n(ring.submissionTail, tail + 1, __ATOMIC_RELEASE);
    while (syscall(SYS_io_uring_enter, ring.fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
        if (errno != EINTR)
            return -1;
    head = *ring.completionHead;
    while (head == __atomic_load_n(ring.completionTail, __ATOMIC_ACQUIRE))
        syscall(SYS_io_uring_enter, ring.fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0);
    result = ring.completions[head & *ring.completionMask].res;
    __atomic_store_n(ring.completionHead, head + 1, __ATOMIC_RELEASE);
    if (result < 0) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

/* ---- ways --------------------------------------------------------------------------------------------------------------------------------- */

/* Moves [at, at + size) between `bytes` and the file; -1 with errno, or the bytes moved. */
typedef ssize_t WAY(void *bytes, size_t size, off_t at);

static ssize_t write_buffered(void *bytes, size_t size, off_t at) { return pwrite(buffered, bytes, size, at); }
static ssize_t write_direct(void *bytes, size_t size, off_t at) { return pwrite(direct, bytes, size, at); }
static ssize_t write_aio_direct(void *bytes, size_t size, off_t at) { return aio_one(IOCB_CMD_PWRITE, direct, bytes, size, at); }
static ssize_t write_aio_buffered(void *bytes, size_t size, off_t at) { return aio_one(IOCB_CMD_PWRITE, buffered, bytes, size, at); }
static ssize_t write_ring_direct(void *bytes, size_t size, off_t at) { return ring_one(IORING_OP_WRITE, direct, bytes, size, at); }
static ssize_t write_ring_buffered(void *bytes, size_t size, off_t at) { return ring_one(IORING_OP_WRITE, buffered, bytes, size, at); }

static ssize_t write_mapped(void *bytes, size_t size, off_t at)
{
    memcpy(mapped + at, bytes, size);
    return (ssize_t)size;
}

static ssize_t write_mapped_synced(void *bytes, size_t size, off_t at)
{
    off_t begin = at & ~(off_t)(PAGE - 1);
    memcpy(mapped + at, bytes, size);
    return msync(mapped + begin, size + (size_t)(at - begin), MS_SYNC) == 0 ? (ssize_t)size : -1;
}

/* From another file, inside the kernel. */
static ssize_t write_copied(void *bytes, size_t size, off_t at)
{
    static int other = -1;
    static char name[4096];
    off_t from = 0, to = at;
    if (other < 0) {
        snprintf(name, sizeof name, "%s.other", path);
        if ((other = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600)) < 0 || unlink(name) != 0)
            die(name);
    }
    if (pwrite(other, bytes, size, 0) != (ssize_t)size)
        return -1;
    for (size_t left = size; left > 0;) {
        ssize_t done = copy_file_range(other, &from, buffered, &to, left, 0);
        if (done <= 0)
            return -1;
        left -= (size_t)done;
    }
    return (ssize_t)size;
}

/* Zeros from `at` to the end, by cutting there and growing again. Only what the model says about it differs; see `change`. */
static ssize_t write_cut(void *bytes, size_t size, off_t at)
{
    (void)bytes;
    return ftruncate(buffered, at) == 0 && ftruncate(buffered, SIZE) == 0 ? (ssize_t)size : -1;
}

static ssize_t write_reopened(void *bytes, size_t size, off_t at)
{
    int fd = open(path, O_RDWR | O_TRUNC);
    (void)bytes;
    (void)at;
    return fd >= 0 && ftruncate(fd, SIZE) == 0 && close(fd) == 0 ? (ssize_t)size : -1;
}

static ssize_t read_buffered(void *bytes, size_t size, off_t at) { return pread(buffered, bytes, size, at); }
static ssize_t read_direct(void *bytes, size_t size, off_t at) { return pread(direct, bytes, size, at); }
static ssize_t read_aio_direct(void *bytes, size_t size, off_t at) { return aio_one(IOCB_CMD_PREAD, direct, bytes, size, at); }
static ssize_t read_ring_direct(void *bytes, size_t size, off_t at) { return ring_one(IORING_OP_READ, direct, bytes, size, at); }
static ssize_t read_ring_buffered(void *bytes, size_t size, off_t at) { return ring_one(IORING_OP_READ, buffered, bytes, size, at); }

static ssize_t read_mapped(void *bytes, size_t size, off_t at)
{
    memcpy(bytes, mapped + at, size);
    return (ssize_t)size;
}

static ssize_t read_reopened(void *bytes, size_t size, off_t at)
{
    int fd = open(path, O_RDONLY);
    ssize_t done = pread(fd, bytes, size, at);
    close(fd);
    return done;
}

enum { BYTES, CUTS, EMPTIES };
static const struct {
    const char *name;
    WAY *way;
    int kind, ring;
} writers[] = {
    {"write", write_buffered, BYTES, 0},
    {"O_DIRECT write", write_direct, BYTES, 0},
    {"AIO O_DIRECT write", write_aio_direct, BYTES, 0},
    {"AIO write", write_aio_buffered, BYTES, 0},
    {"io_uring O_DIRECT write", write_ring_direct, BYTES, 1},
    {"io_uring write", write_ring_buffered, BYTES, 1},
    {"store", write_mapped, BYTES, 0},
    {"store and msync", write_mapped_synced, BYTES, 0},
    {"copy_file_range", write_copied, BYTES, 0},
    {"ftruncate", write_cut, CUTS, 0},
    {"O_TRUNC", write_reopened, EMPTIES, 0},
};
static const struct {
    const char *name;
    WAY *way;
    int ring;
} readers[] = {
    {"read", read_buffered, 0},
    {"O_DIRECT read", read_direct, 0},
    {"AIO O_DIRECT read", read_aio_direct, 0},
    {"io_uring O_DIRECT read", read_ring_direct, 1},
    {"io_uring read", read_ring_buffered, 1},
    {"load", read_mapped, 0},
    {"read after open", read_reopened, 0},
};
#define COUNT(array) (sizeof array / sizeof array[0])

/* ---- noise: reads that race with every write, so that old bytes are on their way into the cache ---------------------------------------------- */

static _Thread_local sigjmp_buf cutOff;
static void on_bus_error(int signal)
{
    (void)signal;
    siglongjmp(cutOff, 1);
}

static void *noise(void *context)
{
    unsigned char *bytes = malloc(SIZE);
    volatile unsigned sum = 0;
    int fd = open(path, O_RDONLY);
    (void)context;
    while (!atomic_load(&noiseStop)) {
        if (pread(fd, bytes, SIZE, 0) < 0)
            break;
        if (sigsetjmp(cutOff, 1) == 0)
            for (unsigned at = 0; at < SIZE; at += PAGE)
                sum += mapped[at];
    }
    close(fd);
    free(bytes);
    return NULL;
}

/* ---- pairs -------------------------------------------------------------------------------------------------------------------------------- */

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* One change of the file and of the model. 0: the call failed. */
static int change(size_t writer, unsigned generation)
{
    size_t at = (size_t)rand() % SIZE, size = 1 + (size_t)rand() % (SIZE - at);
    if (rand() % 2) { /* whole pages */
        at &= ~(size_t)(PAGE - 1);
        size = (size + PAGE - 1) & ~(size_t)(PAGE - 1);
        size = at + size > SIZE ? SIZE - at : size;
    }
    memset(source, (int)(1 + generation % 255), size);
    if (writers[writer].kind == EMPTIES)
        at = 0;
    if (writers[writer].kind != BYTES)
        size = SIZE - at;
    if (writers[writer].way(source, size, (off_t)at) != (ssize_t)size)
        return 0;
    if (writers[writer].kind == BYTES)
        memset(model + at, (int)(1 + generation % 255), size);
    else
        memset(model + at, 0, size);
    return 1;
}

static int pair(size_t writer, size_t reader, int milliseconds)
{
    double until = now() + milliseconds / 1e3;
    unsigned long rounds = 0, wrong = 0;
    size_t first = 0;
    do {
        if (writers[writer].kind != BYTES && rand() % 2) /* something to cut away */
            if (!change(0, (unsigned)rounds))
                die("write");
        if (!change(writer, (unsigned)rounds))
            die(writers[writer].name);
        if (readers[reader].way(seen, SIZE, 0) != (ssize_t)SIZE)
            die(readers[reader].name);
        if (memcmp(seen, model, SIZE) != 0) {
            if (wrong++ == 0)
                for (first = 0; seen[first] == model[first];)
                    first++;
            if (pwrite(buffered, model, SIZE, 0) != (ssize_t)SIZE) /* begin anew */
                die("write");
        }
        rounds++;
    } while (now() < until);
    if (wrong > 0)
        printf("STALE: %s, then %s: %lu of %lu, first at offset %zu\n", writers[writer].name, readers[reader].name, wrong, rounds, first);
    return wrong > 0;
}

int main(int count, char **arguments)
{
    unsigned seed = count > 3 ? (unsigned)atoi(arguments[3]) : (unsigned)time(NULL);
    pthread_t threads[NOISE_THREADS];
    unsigned long pairs = 0, bad = 0;
    int milliseconds, hasRing;
    if (count < 3) {
        fprintf(stderr, "usage: coherence FILE MILLISECONDS [SEED]\n");
        return 2;
    }
    path = arguments[1];
    milliseconds = atoi(arguments[2]);
    srand(seed);
    signal(SIGBUS, on_bus_error);
    buffered = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (buffered < 0 || ftruncate(buffered, SIZE) != 0)
        die(path);
    direct = open(path, O_RDWR | O_DIRECT);
    mapped = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, buffered, 0);
    if (direct < 0 || mapped == MAP_FAILED)
        die(direct < 0 ? "O_DIRECT" : "mmap");
    model = calloc(1, SIZE);
    if (posix_memalign((void **)&source, PAGE, SIZE) != 0 || posix_memalign((void **)&seen, PAGE, SIZE) != 0 || syscall(SYS_io_setup, 4, &aio) != 0)
        die("memory");
    hasRing = ring_open();
    if (!hasRing)
        printf("without io_uring: %s\n", strerror(errno));
    for (int i = 0; i < NOISE_THREADS; i++)
        pthread_create(&threads[i], NULL, noise, NULL);
    for (size_t writer = 0; writer < COUNT(writers); writer++)
        for (size_t reader = 0; reader < COUNT(readers); reader++)
            if (hasRing || !(writers[writer].ring || readers[reader].ring)) {
                bad += (unsigned long)pair(writer, reader, milliseconds);
                pairs++;
            }
    atomic_store(&noiseStop, 1);
    for (int i = 0; i < NOISE_THREADS; i++)
        pthread_join(threads[i], NULL);
    if (unlink(path) != 0)
        die("unlink");
    printf("%lu pairs of ways, %lu stale, seed %u\n", pairs, bad, seed);
    return bad > 0;
}
