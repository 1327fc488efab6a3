"""usage: mapped-holder.py FILE. Maps a file, changes the mapping, says `ready`; at a line on stdin changes it again and says what became of it."""
import mmap, os, sys

fd = os.open(sys.argv[1], os.O_RDWR)
memory = mmap.mmap(fd, os.fstat(fd).st_size)
memory[0:4] = b'HELD'
print('ready', flush=True)
sys.stdin.readline()
# A page that is not there any more ends this program with SIGBUS.
memory[0:4] = b'LATE'
memory[len(memory) - 1] = 33
try:
    memory.flush()
    print('flushed', flush=True)
except OSError:
    print('refused', flush=True)
