"""usage: set-id-bits.py DIR. Which set-user-id and set-group-id bits are left after each change of a file by each user: a line of JSON per case.

Takes root. Run on a tmpfs too, it is the reference: a file system is right when it prints the same.
"""
import ctypes, json, mmap, os, sys

libc = ctypes.CDLL(None, use_errno=True)
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
os.chdir(sys.argv[1])
OWNER, GROUP, OTHER_GROUP, STRANGER = 12345, 23456, 34567, 45678
USERS = {
    'root': (0, 0, []),
    'owner in the group': (OWNER, GROUP, []),
    'owner with the group beside': (OWNER, OTHER_GROUP, [GROUP]),
    'owner outside the group': (OWNER, OTHER_GROUP, []),
    'member': (STRANGER, GROUP, []),
    'stranger': (STRANGER, OTHER_GROUP, []),
}
MODES = [0o4777, 0o2777, 0o6777, 0o2767, 0o6766, 0o4666]


def write(fd): os.pwrite(fd, b'x', 0)
def append(fd): os.pwrite(fd, b'x', 5000)
def two_writes(fd): os.pwrite(fd, b'x', 0); os.pwrite(fd, b'y', 1)
def write_nothing(fd): os.pwrite(fd, b'', 0)
def cut(fd): os.ftruncate(fd, 1)
def grow(fd): os.ftruncate(fd, 9000)
def same_size(fd): os.ftruncate(fd, 3)
def allocate(fd): libc.fallocate(fd, 0, 0, 20000)
def allocate_beyond(fd): libc.fallocate(fd, 1, 0, 20000)
def read(fd): os.pread(fd, 1, 0)
def times(fd): os.utime(fd)
def sync(fd): os.fsync(fd)


def mapped(fd):
    with mmap.mmap(fd, 3) as memory:
        memory[0] = 65
        memory.flush()


def direct(fd):
    other = os.open('f', os.O_RDWR | os.O_DIRECT)
    with mmap.mmap(-1, 4096) as memory:
        os.pwritev(other, [memory], 0)
    os.close(other)


def by_name(fd): os.truncate('f', 2)
def reopened(fd): os.close(os.open('f', os.O_WRONLY | os.O_TRUNC))
def created(fd): os.close(os.open('f', os.O_WRONLY | os.O_TRUNC | os.O_CREAT, 0o600))
def to_owner(fd): os.chown('f', OWNER, -1)
def to_group(fd): os.chown('f', -1, GROUP)

def to_nobody(fd):
    """The kernel lets anybody do that on a FUSE mount, without a word to the file system: only what becomes of the bits counts."""
    try:
        os.chown('f', -1, -1)
    except PermissionError:
        pass



ACTIONS = [write, append, two_writes, write_nothing, cut, grow, same_size, allocate, allocate_beyond, read, times, sync, mapped, direct, by_name,
           reopened, created, to_owner, to_group, to_nobody]


def as_user(user, action):
    """In a process of its own: the error, if any."""
    uid, gid, groups = USERS[user]
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups(groups); os.setgid(gid); os.setuid(uid)
        try:
            fd = os.open('f', os.O_RDWR)
            action(fd)
            os.close(fd)
        except OSError as error:
            os.write(writer, (error.strerror or '?').encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    said = os.read(reader, 100).decode()
    os.close(reader)
    return said


for action in ACTIONS:
    for user in USERS:
        for mode in MODES:
            with open('f', 'wb') as file:
                file.write(b'abc')
            os.chown('f', OWNER, GROUP)
            os.chmod('f', mode)
            os.stat('f')
            said = as_user(user, action)
            left = os.stat('f').st_mode & 0o7777
            print(json.dumps([action.__name__, user, oct(mode), oct(left), said]))
            os.unlink('f')
