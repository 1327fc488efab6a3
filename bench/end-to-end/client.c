/*
 * The program that uses the drives under measurement: its own process, one system call after the other, each one timed. Every
 * block that it reads it checks, so that a file system cannot win by answering nonsense.
 *
 *     client <directory> <server> <processes> <milliseconds> <what>
 *
 *     io <seq|rand> <read|write> <buffered|cold|direct|mmap> <block bytes> <file bytes>
 *     cycle                              create, write 4 KiB, close, stat, unlink
 *     step <create|stat|open|unlink>
 *     list <files>                       all entries of a directory of so many files
 *     scale <create|absent> <files>      beside so many files in one directory
 *     fill <files>                       makes that directory, nothing is measured
 *     run <program> <argument>…          one run of a program, in the directory
 *
 * Files are kept for the next call, but for those that a measurement itself removes. Prints one JSON object: operations and bytes
 * of all processes, the time they took, the distribution of single latencies, and the CPU time that client and server used
 * meanwhile. `server` is the process id of who serves the directory, 0 when that is the kernel alone. On one CPU, time and CPU time
 * say the same as long as nobody else disturbs; when someone does, the CPU time still holds.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST_PROCESSES 16
#define STAMP_BYTES 4096u /* every page of a file begins with its offset */
#define BATCH 512         /* files that a `step` prepares and uses up before it looks at the clock again */
/* A latency goes to the bucket of its highest bit and the five bits below that: within 3 %. */
#define SUB_BITS 5
#define BUCKETS (64 << SUB_BITS)

typedef struct {
    uint64_t operations, bytes, nanoseconds, clientCpuNs, serverCpuNs, buckets[BUCKETS];
} RESULT;

static struct {
    volatile int ready, go;
    RESULT results[MOST_PROCESSES];
} *shared;

static RESULT *mine;
static const char *directory;
static int number;
static uint64_t limitNs;
static int server;
static uint64_t startedNs, clientStartNs, serverStartNs;

static void fail(const char *what)
{
    fprintf(stderr, "client: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint64_t cpu_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Of all threads of the server that live; those of a file system do. */
static uint64_t server_cpu_now(void)
{
    char path[64];
    uint64_t sum = 0;
    struct dirent *entry;
    DIR *tasks;
    if (server == 0 || number != 0)
        return 0;
    snprintf(path, sizeof path, "/proc/%d/task", server);
    if ((tasks = opendir(path)) == NULL)
        fail(path);
    while ((entry = readdir(tasks)) != NULL) {
        char name[400];
        unsigned long long ns;
        FILE *file;
        snprintf(name, sizeof name, "%s/%s/schedstat", path, entry->d_name);
        if (entry->d_name[0] != '.' && (file = fopen(name, "r")) != NULL) {
            if (fscanf(file, "%llu", &ns) == 1)
                sum += ns;
            fclose(file);
        }
    }
    closedir(tasks);
    return sum;
}

/* What happens from here to the next `stop` is measured; what lies between is not. */
static uint64_t start(void)
{
    serverStartNs = server_cpu_now();
    clientStartNs = cpu_now();
    return startedNs = now();
}

static void stop(void)
{
    mine->nanoseconds += now() - startedNs;
    mine->clientCpuNs += cpu_now() - clientStartNs;
    mine->serverCpuNs += server_cpu_now() - serverStartNs;
}

static void note(uint64_t ns)
{
    int high = ns < 1u << SUB_BITS ? SUB_BITS : 63 - __builtin_clzll(ns);
    uint64_t bucket = ((uint64_t)(high - SUB_BITS) << SUB_BITS) + (ns >> (high - SUB_BITS));
    mine->buckets[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
    mine->operations++;
}

static double percentile(const RESULT *sum, double part)
{
    uint64_t wanted = (uint64_t)((double)sum->operations * part), seen = 0;
    for (int bucket = 0; bucket < BUCKETS; bucket++) {
        seen += sum->buckets[bucket];
        if (seen > wanted) {
            int shift = bucket >> SUB_BITS > 0 ? (bucket >> SUB_BITS) - 1 : 0;
            uint64_t low = bucket >> SUB_BITS > 0 ? ((uint64_t)(bucket & ((1 << SUB_BITS) - 1)) | 1u << SUB_BITS) << shift : (uint64_t)bucket;
            return (double)low + (double)(1ull << shift) / 2;
        }
    }
    return 0;
}

static const char *path_of(const char *kind, uint64_t index)
{
    static char path[4200];
    snprintf(path, sizeof path, "%s/%s-%d-%llu", directory, kind, number, (unsigned long long)index);
    return path;
}

static uint64_t random_below(uint64_t below)
{
    static uint64_t state = 88172645463325252ull;
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state % below;
}

/* All processes begin together. */
static uint64_t begin(int processes)
{
    __sync_fetch_and_add(&shared->ready, 1);
    if (__sync_fetch_and_add(&shared->ready, 0) == processes)
        shared->go = 1;
    while (!shared->go)
        usleep(200);
    return start();
}

/* ---- data ------------------------------------------------------------------------------------------------------------------ */

static void stamp(uint8_t *block, uint64_t offset, uint64_t length)
{
    for (uint64_t at = 0; at < length; at += STAMP_BYTES) {
        uint64_t value = offset + at;
        memcpy(block + at, &value, sizeof value);
    }
}

static void check(const uint8_t *block, uint64_t offset, uint64_t length)
{
    for (uint64_t at = 0; at < length; at += STAMP_BYTES) {
        uint64_t value;
        memcpy(&value, block + at, sizeof value);
        if (value != offset + at) {
            fprintf(stderr, "client: wrong data at offset %llu\n", (unsigned long long)(offset + at));
            exit(1);
        }
    }
}

static void prepare(const char *path, uint8_t *block, uint64_t blockBytes, uint64_t fileBytes)
{
    struct stat status;
    int file;
    if (stat(path, &status) == 0 && (uint64_t)status.st_size == fileBytes)
        return;
    if ((file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644)) < 0)
        fail(path);
    for (uint64_t at = 0; at < fileBytes; at += blockBytes) {
        stamp(block, at, blockBytes);
        if (pwrite(file, block, blockBytes, (off_t)at) != (ssize_t)blockBytes)
            fail("write");
    }
    close(file);
}

static void run_io(int processes, char **words)
{
    int random = strcmp(words[0], "rand") == 0, writes = strcmp(words[1], "write") == 0;
    int direct = strcmp(words[2], "direct") == 0, mapped = strcmp(words[2], "mmap") == 0, cold = strcmp(words[2], "cold") == 0;
    uint64_t blockBytes = strtoull(words[3], NULL, 10), fileBytes = strtoull(words[4], NULL, 10), blocks = fileBytes / blockBytes, at = 0, began, end;
    const char *path = path_of("io", fileBytes);
    uint8_t *block, *map = NULL;
    int file;
    if (posix_memalign((void **)&block, 4096, blockBytes) != 0)
        fail("memory");
    memset(block, 7, blockBytes);
    prepare(path, block, blockBytes, fileBytes);
    if ((file = open(path, O_RDWR | (direct ? O_DIRECT : 0))) < 0)
        fail(path);
    if (mapped && (map = mmap(NULL, fileBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)) == MAP_FAILED)
        fail("mmap");
    if (!direct && !cold && !mapped && !writes) { /* into the cache, anew: which pages the kernel finds for it is luck, and no round's luck is the next one's */
        if (posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) != 0)
            fail("fadvise");
        for (uint64_t i = 0; i < blocks; i++)
            if (pread(file, block, blockBytes, (off_t)(i * blockBytes)) != (ssize_t)blockBytes)
                fail("read");
    }
    began = begin(processes);
    do {
        uint64_t offset, before;
        if (at == blocks)
            at = 0;
        if (at == 0 && cold && posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) != 0)
            fail("fadvise");
        offset = (random ? random_below(blocks) : at) * blockBytes;
        at++;
        if (writes)
            stamp(block, offset, blockBytes);
        before = now();
        if (mapped) {
            if (writes)
                memcpy(map + offset, block, blockBytes);
            else
                memcpy(block, map + offset, blockBytes);
        } else if ((writes ? pwrite(file, block, blockBytes, (off_t)offset) : pread(file, block, blockBytes, (off_t)offset)) != (ssize_t)blockBytes)
            fail(writes ? "write" : "read");
        end = now();
        note(end - before);
        if (!writes)
            check(block, offset, blockBytes);
    } while (end - began < limitNs);
    if (mapped && writes && msync(map, fileBytes, MS_SYNC) != 0)
        fail("msync");
    stop();
    mine->bytes = mine->operations * blockBytes;
    close(file);
}

/* ---- names ----------------------------------------------------------------------------------------------------------------- */

static void make_file(const char *path, size_t bytes)
{
    static const char content[4096];
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (file < 0 || (bytes > 0 && write(file, content, bytes) != (ssize_t)bytes) || close(file) != 0)
        fail(path);
}

static void run_cycle(int processes)
{
    uint64_t began = begin(processes), end;
    struct stat status;
    do {
        uint64_t before = now();
        const char *path = path_of("cycle", mine->operations);
        make_file(path, 4096);
        if (stat(path, &status) != 0 || status.st_size != 4096 || unlink(path) != 0)
            fail(path);
        end = now();
        note(end - before);
    } while (end - began < limitNs);
    stop();
}

/* One kind of call alone: what it needs is prepared, and removed again, outside of the measured time. */
static void run_step(int processes, const char *step)
{
    int create = strcmp(step, "create") == 0, removes = strcmp(step, "unlink") == 0, opens = strcmp(step, "open") == 0;
    struct stat status;
    begin(processes);
    do {
        for (uint64_t i = 0; !create && i < BATCH; i++)
            make_file(path_of("step", i), 0);
        start();
        for (uint64_t i = 0; i < BATCH; i++) {
            const char *path = path_of("step", i);
            uint64_t before = now();
            int file = -1;
            if (create ? (file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644)) < 0 || close(file) != 0
                       : opens ? (file = open(path, O_RDONLY)) < 0 || close(file) != 0 : removes ? unlink(path) != 0 : stat(path, &status) != 0)
                fail(path);
            note(now() - before);
        }
        stop();
        for (uint64_t i = 0; !removes && i < BATCH; i++)
            unlink(path_of("step", i));
    } while (mine->nanoseconds < limitNs);
}

static char place[4100];

static void enter_directory_of(uint64_t files)
{
    int marker;
    snprintf(place, sizeof place, "%s/many-%llu", directory, (unsigned long long)files);
    directory = place;
    if (access(path_of("file", files - 1), F_OK) == 0)
        return;
    if (mkdir(place, 0755) != 0 && errno != EEXIST)
        fail(place);
    for (uint64_t i = 0; i < files; i++) {
        const char *path = path_of("file", i);
        if ((marker = open(path, O_WRONLY | O_CREAT, 0644)) < 0 || close(marker) != 0)
            fail(path);
    }
}

static void run_list(uint64_t files)
{
    static char buffer[256 * 1024];
    uint64_t began = 0, end;
    enter_directory_of(files);
    for (int warm = 0;; warm = 1) {
        uint64_t seen = 0, before;
        long got;
        int folder;
        if (warm == 1 && mine->operations == 0)
            began = start();
        before = now();
        if ((folder = open(place, O_RDONLY | O_DIRECTORY)) < 0)
            fail(place);
        while ((got = syscall(SYS_getdents64, folder, buffer, sizeof buffer)) > 0)
            for (long at = 0; at < got; at += *(unsigned short *)(void *)(buffer + at + 16))
                seen++;
        close(folder);
        end = now();
        if (got < 0 || seen != files + 2) {
            fprintf(stderr, "client: %llu entries instead of %llu\n", (unsigned long long)seen, (unsigned long long)files + 2);
            exit(1);
        }
        if (warm == 1) {
            note(end - before);
            if (end - began >= limitNs)
                break;
        }
    }
    stop();
}

static void run_scale(const char *what, uint64_t files)
{
    int create = strcmp(what, "create") == 0;
    uint64_t began, end;
    enter_directory_of(files);
    began = start();
    do {
        /* A name that was never asked for, so that no cache of the kernel can know the answer; spread over the order of names. */
        char path[4300];
        uint64_t before;
        snprintf(path, sizeof path, "%s/file-0-%llux%llu", place, (unsigned long long)random_below(files), (unsigned long long)(now() % 1000000000000u));
        before = now();
        if (create) {
            make_file(path, 0);
            if (unlink(path) != 0)
                fail(path);
        } else if (access(path, F_OK) == 0 || errno != ENOENT)
            fail(path);
        end = now();
        note(end - before);
    } while (end - began < limitNs);
    stop();
}

static void run_program(char **words)
{
    struct rusage used;
    int status;
    pid_t child;
    start();
    if ((child = fork()) == 0) {
        if (chdir(directory) == 0 && freopen("/dev/null", "w", stdout) != NULL) /* ours has the result */
            execvp(words[0], words);
        fail(words[0]);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        fail(words[0]);
    if (status != 0) {
        fprintf(stderr, "client: %s ended with status 0x%x\n", words[0], (unsigned)status);
        exit(1);
    }
    note(now() - startedNs);
    stop();
    getrusage(RUSAGE_CHILDREN, &used);
    mine->clientCpuNs += (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000000u + (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000u;
}

/* ---- processes --------------------------------------------------------------------------------------------------------------- */

static void run(int processes, int count, char **words)
{
    if (count == 6 && strcmp(words[0], "io") == 0)
        run_io(processes, words + 1);
    else if (count == 1 && strcmp(words[0], "cycle") == 0)
        run_cycle(processes);
    else if (count == 2 && strcmp(words[0], "step") == 0)
        run_step(processes, words[1]);
    else if (count == 2 && strcmp(words[0], "list") == 0)
        run_list(strtoull(words[1], NULL, 10));
    else if (count == 2 && strcmp(words[0], "fill") == 0)
        enter_directory_of(strtoull(words[1], NULL, 10));
    else if (count == 3 && strcmp(words[0], "scale") == 0)
        run_scale(words[1], strtoull(words[2], NULL, 10));
    else if (count >= 2 && processes == 1 && strcmp(words[0], "run") == 0)
        run_program(words + 1);
    else {
        fprintf(stderr, "client: see the head of client.c for what can be asked\n");
        exit(2);
    }
}

int main(int count, char **words)
{
    RESULT sum = {0};
    double operationsPerSecond = 0, bytesPerSecond = 0;
    int processes = count > 3 ? atoi(words[3]) : 0, failed = 0;
    if (count < 6 || processes < 1 || processes > MOST_PROCESSES) {
        fprintf(stderr, "client: see the head of client.c for what can be asked\n");
        return 2;
    }
    directory = words[1];
    server = atoi(words[2]);
    limitNs = strtoull(words[4], NULL, 10) * 1000000u;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        fail("memory");
    for (int i = 0; i < processes; i++) {
        pid_t child = processes == 1 ? 0 : fork();
        if (child < 0)
            fail("fork");
        if (child == 0) {
            number = i;
            mine = &shared->results[i];
            run(processes, count - 5, words + 5);
            if (processes > 1)
                _exit(0);
        }
    }
    for (int status; processes > 1 && wait(&status) > 0;)
        if (status != 0)
            failed = 1;
    if (failed)
        return 1;
    for (int i = 0; i < processes; i++) {
        const RESULT *one = &shared->results[i];
        double seconds = (double)one->nanoseconds / 1e9;
        sum.operations += one->operations;
        sum.bytes += one->bytes;
        sum.clientCpuNs += one->clientCpuNs;
        sum.serverCpuNs += one->serverCpuNs;
        if (seconds > 0) {
            operationsPerSecond += (double)one->operations / seconds;
            bytesPerSecond += (double)one->bytes / seconds;
        }
        for (int bucket = 0; bucket < BUCKETS; bucket++)
            sum.buckets[bucket] += one->buckets[bucket];
    }
    printf("{\"operations\":%llu,\"bytes\":%llu,\"operationsPerSecond\":%.4f,\"bytesPerSecond\":%.0f,\"clientCpuNs\":%llu,\"serverCpuNs\":%llu,",
        (unsigned long long)sum.operations, (unsigned long long)sum.bytes, operationsPerSecond, bytesPerSecond, (unsigned long long)sum.clientCpuNs,
        (unsigned long long)sum.serverCpuNs);
    printf("\"nsP50\":%.0f,\"nsP99\":%.0f,\"nsP999\":%.0f}\n", percentile(&sum, 0.5), percentile(&sum, 0.99), percentile(&sum, 0.999));
    return 0;
}
