"""usage: mapped-write-times.py DIR. A line for each thing about the times of mapped writes that is not as on the kernel's own file systems."""
import mmap, os, shutil, subprocess, sys, time

os.chdir(sys.argv[1])


def check(what, good):
    if not good:
        print('not so:', what)


def fresh(path):
    fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_TRUNC)
    os.write(fd, b'a' * 65536)
    return fd, mmap.mmap(fd, 65536)


def times(path):
    info = os.stat(path)
    return info.st_mtime_ns, info.st_ctime_ns


# A look between the store and the last close, as a backup program takes it.
fd, memory = fresh('map')
before = times('map')
time.sleep(.05)
memory[0] = 66
memory.flush()
after = times('map')
check('store and msync move both times', after[0] > before[0] and after[1] > before[1])
check('as fstat sees it', os.fstat(fd).st_mtime_ns == after[0])
memory.close()
os.close(fd)
check('and the last close moves none back', times('map') >= after)

# Without msync the write-back at the last close counts.
fd, memory = fresh('closed')
before = times('closed')
time.sleep(.05)
memory[0] = 66
memory.close()
os.close(fd)
check('a store without msync has moved the time after the last close', times('closed')[0] > before[0])

for name, synced, later in [('set', False, False), ('set after msync', True, False), ('set, then stored', True, True)]:
    fd, memory = fresh(name)
    memory[0] = 66
    if synced:
        memory.flush()
    os.utime(fd if name == 'set' else name, (1000, 1000))
    if later:
        memory[8192] = 67
        memory.flush()
    memory.close()
    os.close(fd)
    check(f'{name}: the time that was set last counts', (os.stat(name).st_mtime == 1000) != later)
    os.chmod(name, 0o600)
    check(f'{name}: also after chmod', (os.stat(name).st_mtime == 1000) != later)
    check(f'{name}: the bytes', open(name, 'rb').read(1) == b'B' and (not later or open(name, 'rb').read()[8192] == 67))

# A set access time and `now` take nothing away.
fd, memory = fresh('now')
memory[0] = 66
os.utime(fd)
memory.close()
os.close(fd)
check('touch', os.stat('now').st_mtime > 1000000)

# Two processes, one mapping each.
fd, memory = fresh('shared')
child = os.fork()
if child == 0:
    memory[4096] = 67
    os._exit(0)
os.waitpid(child, 0)
os.utime(fd, (1000, 1000))
memory.close()
os.close(fd)
check('another process stored, then the time was set', os.stat('shared').st_mtime == 1000)


def update(copy):
    """What `cp -u` and rsync do: they believe the times."""
    if not os.path.exists(copy) or os.stat('database').st_mtime_ns != os.stat(copy).st_mtime_ns:
        shutil.copy2('database', copy)
    return open(copy, 'rb').read() == open('database', 'rb').read()


fd, memory = fresh('database')
check('first backup', update('backup'))
for round in range(3):
    time.sleep(.05)
    memory[8192 * round] = 68 + round
    memory.flush()
    check(f'backup {round} has the new bytes', update('backup'))
memory.close()
os.close(fd)
check('the last one, too', update('backup'))
subprocess.run('rm -f -- *', shell=True)
