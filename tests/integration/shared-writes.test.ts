/** Several processes on the same bytes: appends, mappings, locks, and reads beside writes. */
import { open, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { KIB, MIB, pattern } from '../support/bytes.js';
import { describeMount, mount } from '../support/mount.js';
import { Client, python } from '../support/processes.js';

const MODES: [string, string[]][] = [
  ['kernel cache on', []],
  ['kernel cache off', ['--kernel-cache=off', '--file-info-timeout', '0']],
  ['direct I/O', ['--direct-io']],
];

for (const [mode, args] of MODES) {
  describeMount(`shared writes (${mode})`, () => {
    it('appends of several processes never overlap, and none is lost', async () => {
      const drive = await mount({ args });
      const path = drive.path('log');
      const count = 300;
      const clients = [0, 1, 2, 3].map(() => new Client());
      await Promise.all(
        clients.map(async (client, i) => {
          const fd = await client.do<number>('openSync', path, 'a');
          for (let n = 0; n < count; n++) {
            // Of different lengths, some longer than a page.
            const text = `${i}:${n}:${'x'.repeat((n * 37) % (n % 50 === 0 ? 9000 : 100))}\n`;
            expect(await client.do('writeSync', fd, text)).toBe(text.length);
          }
          await client.do('closeSync', fd);
        }),
      );
      const lines = (await readFile(path, 'utf8')).split('\n');
      expect(lines.pop()).toBe('');
      expect(lines.length).toBe(count * clients.length);
      for (const [i] of clients.entries()) {
        const own = lines.filter((line) => line.startsWith(`${i}:`));
        expect(own.map((line) => Number(line.split(':')[1]))).toEqual(
          Array.from({ length: count }, (_, n) => n),
        );
      }
      expect(lines.every((line) => /^\d:\d+:x*$/.test(line))).toBe(true);
    });

    it('appends until the drive is full: what was acknowledged is there, whole', async () => {
      const drive = await mount({ capacity: '1M', args });
      const path = drive.path('log');
      const clients = [0, 1, 2].map(() => new Client());
      const record = (i: number, n: number) => `${i}:${n}:`.padEnd(999, 'r').concat('\n');
      const acknowledged = await Promise.all(
        clients.map(async (client, i) => {
          const fd = await client.do<number>('openSync', path, 'a');
          for (let n = 0; ; n++) {
            const outcome = await client.try('writeSync', fd, record(i, n));
            if (!('value' in outcome) || outcome.value !== 1000) {
              // Refused, or cut at the last byte.
              await client.do('closeSync', fd);
              return n;
            }
          }
        }),
      );
      const text = await readFile(path, 'utf8');
      for (const [i, count] of acknowledged.entries()) {
        for (let n = 0; n < count; n++) {
          expect(text.includes(record(i, n))).toBe(true);
        }
      }
      expect(text.length).toBeLessThanOrEqual(MIB);
      expect(text.length).toBeGreaterThan(MIB - 1000 * clients.length);
    });

    it('a reader beside a writer sees old or new records, never half of each page', async () => {
      const drive = await mount({ args });
      const path = drive.path('f');
      await writeFile(path, Buffer.alloc(4096, 0));
      const [writer, reader] = [new Client(), new Client()];
      const fw = await writer.do<number>('openSync', path, 'r+');
      const fr = await reader.do<number>('openSync', path, 'r');
      await Promise.all([
        (async () => {
          for (let n = 1; n <= 200; n++) {
            await writer.do('writeSync', fw, Buffer.alloc(4096, n), 0, 4096, 0);
          }
        })(),
        (async () => {
          for (let n = 0; n < 200; n++) {
            const bytes = Buffer.from(await reader.do<Buffer>('readAt', fr, 4096, 0));
            expect(bytes.every((byte) => byte === bytes[0])).toBe(true);
          }
        })(),
      ]);
      await writer.do('closeSync', fw);
      await reader.do('closeSync', fr);
    });

    it('truncates and grows beside writers without showing a byte that nobody wrote', async () => {
      const drive = await mount({ args });
      const path = drive.path('f');
      await writeFile(path, '');
      const clients = [1, 2, 3].map(() => new Client());
      await Promise.all(
        clients.map(async (client, i) => {
          const fd = await client.do<number>('openSync', path, 'r+');
          for (let n = 0; n < 150; n++) {
            if (i === 0) {
              await client.do('ftruncateSync', fd, (n * 7777) % 50_000);
            } else {
              await client.do('writeSync', fd, Buffer.alloc(3000, i), 0, 3000, (n * 4241) % 60_000);
            }
          }
          await client.do('closeSync', fd);
        }),
      );
      const bytes = await readFile(path);
      expect(bytes.length).toBe((await stat(path)).size);
      expect(bytes.every((byte) => byte <= 2)).toBe(true);
    });
  });
}

describeMount('mapped files', () => {
  it('reads and writes through shared mappings of two processes', async () => {
    const drive = await mount();
    const { stderr, code } = await python(
      `
import mmap, os, sys
path, size = sys.argv[1], 1 << 20
fd = os.open(path, os.O_CREAT | os.O_RDWR)
os.ftruncate(fd, size)
m = mmap.mmap(fd, size)
m[0:5] = b'start'
m[size - 3:size] = b'end'
m[4095:4098] = b'abc'
pid = os.fork()
if pid == 0:
    n = mmap.mmap(os.open(path, os.O_RDWR), size)
    ok = n[0:5] == b'start' and n[size - 3:size] == b'end' and n[4095:4098] == b'abc'
    n[100:105] = b'child'
    n.flush()
    os._exit(0 if ok else 1)
assert os.waitpid(pid, 0)[1] == 0
assert m[100:105] == b'child'
# Ordinary writes are seen in the mapping, and the other way round.
os.pwrite(fd, b'written', 200)
assert m[200:207] == b'written'
m.flush()
m.close()
os.close(fd)
`,
      drive.path('mapped'),
    );
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const file = await readFile(drive.path('mapped'));
    expect(file.subarray(100, 105).toString()).toBe('child');
    expect(file.subarray(-3).toString()).toBe('end');
  });

  it('never loses a mapped byte on a full drive: the hole was paid for', async () => {
    const drive = await mount({ capacity: '4M' });
    const { stderr, code } = await python(
      `
import errno, mmap, os, sys
a = os.open(sys.argv[1] + '/a', os.O_CREAT | os.O_RDWR)
os.ftruncate(a, 3 << 20)
m = mmap.mmap(a, 3 << 20)
b = os.open(sys.argv[1] + '/b', os.O_CREAT | os.O_RDWR)
try:
    os.ftruncate(b, 2 << 20)
    raise AssertionError('not refused')
except OSError as error:
    assert error.errno == errno.ENOSPC
os.ftruncate(b, 1 << 20)
for at in range(0, 3 << 20, 4096):
    m[at:at + 8] = at.to_bytes(8, 'little')
m.flush()
m.close()
os.posix_fadvise(a, 0, 0, os.POSIX_FADV_DONTNEED)
for at in range(0, 3 << 20, 4096):
    assert os.pread(a, 8, at) == at.to_bytes(8, 'little'), at
`,
      drive.dir,
    );
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  it('a mapping of a file that was cut ends its own process at most', async () => {
    const drive = await mount();
    await writeFile(drive.path('f'), pattern(64 * KIB));
    const { signal } = await python(
      `
import mmap, os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
m = mmap.mmap(fd, 65536)
os.ftruncate(fd, 100)
assert m[0:1]
m[40000]
`,
      drive.path('f'),
    );
    expect(signal).toBe('SIGBUS');
    await truncate(drive.path('f'), 50_000);
    const bytes = await readFile(drive.path('f'));
    expect(bytes.subarray(0, 100)).toEqual(pattern(100));
    expect(bytes.subarray(100).every((byte) => byte === 0)).toBe(true);
  });

  it('runs a program from the drive', async () => {
    const drive = await mount();
    await writeFile(drive.path('program'), '#!/bin/sh\necho "run from $0"\n', { mode: 0o755 });
    const file = await open(drive.path('program'));
    await file.sync();
    await file.close();
    const { run } = await import('../support/processes.js');
    expect((await run(drive.path('program'), [])).stdout).toBe(`run from ${drive.path('program')}\n`);
    expect(
      (await run('sh', ['-c', `cp /bin/true '${drive.path('true')}' && '${drive.path('true')}'`])).code,
    ).toBe(0);
  });
});

describeMount('locks', () => {
  it('flock and fcntl exclude among processes', async () => {
    const drive = await mount();
    const { stderr, code } = await python(
      `
import fcntl, os, sys
path = sys.argv[1]
a = open(path, 'w+')
fcntl.flock(a, fcntl.LOCK_EX)
fcntl.lockf(a, fcntl.LOCK_EX, 10, 0)
pid = os.fork()
if pid == 0:
    b = open(path, 'r+')
    for lock in (lambda: fcntl.flock(b, fcntl.LOCK_EX | fcntl.LOCK_NB), lambda: fcntl.lockf(b, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 5)):
        try:
            lock()
            os._exit(1)
        except BlockingIOError:
            pass
    fcntl.lockf(b, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 10)
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
`,
      drive.path('lock'),
    );
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });
});
