"""usage: hostile.py DIR PID. Clients that try to make the process PID, which serves DIR, take memory that no file pays for.

Prints a line of JSON for each attack: its name, the growth of the process in MiB at its worst, and what became of it.
"""
import ctypes, errno, json, os, resource, sys, threading, time

top, pid = sys.argv[1], sys.argv[2]
os.chdir(top)
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
MOST = min(hard - 100, 15000)


def resident():
    return int(open(f'/proc/{pid}/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 2**20


def attack(function):
    before, worst, done = resident(), 0, threading.Event()

    def watch():
        nonlocal worst
        while not done.is_set():
            worst = max(worst, resident() - before)
            time.sleep(.01)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        said = function()
    except OSError as error:
        said = errno.errorcode[error.errno]
    done.set()
    watcher.join()
    print(json.dumps({'attack': function.__name__, 'growthMiB': round(worst), 'said': said}), flush=True)


def long_names():
    """Not an attack yet: files that the next ones use."""
    os.mkdir('long')
    for i in range(4000):
        os.close(os.open(f'long/{"n" * 240}{i:06}', os.O_CREAT))
    return 'made'


def listings():
    """Many open directories, each read to its end or in the middle of it."""
    held = []
    for i in range(1000):
        held.append(os.scandir('long'))
        next(held[-1])
        if i % 10 == 0:
            for _ in held[-1]:
                pass
    return 'all'


def open_directories():
    held = [os.open('long', os.O_RDONLY | os.O_DIRECTORY) for _ in range(MOST)]
    for fd in held:
        os.close(fd)
    return 'all'


def open_files():
    held = [os.open(f'long/{"n" * 240}{0:06}', os.O_RDWR) for _ in range(MOST)]
    for fd in held:
        os.close(fd)
    return 'all'


def names_without_files():
    """Names that are looked for and are not there."""
    for i in range(60000):
        if os.path.lexists(f'no{"n" * 200}{i}'):
            return 'found'
    return 'none'


def locks():
    libc = ctypes.CDLL(None, use_errno=True)
    fd = os.open('locked', os.O_RDWR | os.O_CREAT)
    import fcntl
    for i in range(20000):
        fcntl.lockf(fd, fcntl.LOCK_EX, 1, 2 * i)
    os.close(fd)
    return 'all'


def pending_writes():
    """Many threads, each with a large write under way, all to one file that grows."""
    fd = os.open('pending', os.O_RDWR | os.O_CREAT)
    block = b'p' * 2**20

    def write(number):
        for i in range(4):
            os.pwrite(fd, block, (number + i) % 8 * 2**20)

    threads = [threading.Thread(target=write, args=(i,)) for i in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.close(fd)
    return 'all'


def set_times_of_mapped_files():
    """Each waits for the kernel to write back."""
    fd = os.open('pending', os.O_RDWR)

    def touch():
        for i in range(200):
            os.utime(fd, (i, i))

    threads = [threading.Thread(target=touch) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.close(fd)
    return 'all'


def deleted_and_held():
    """Files without a name, without content."""
    held = []
    for i in range(MOST // 2):
        held.append(os.open('deleted', os.O_RDWR | os.O_CREAT))
        os.unlink('deleted')
    for fd in held:
        os.close(fd)
    return 'all'


for function in [long_names, listings, open_directories, open_files, names_without_files, locks, pending_writes,
                 set_times_of_mapped_files, deleted_and_held]:
    attack(function)
