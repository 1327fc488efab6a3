/**
 * Large reads of several programs, which lanes copy, beside everything that changes or frees the pages that are being
 * read, on a drive so small that pages are reused at once (docs/winfsp.md#copy-lanes).
 */
import { availableParallelism } from 'node:os';
import { expect, it } from 'vitest';
import { describeMount, mount } from '../support/mount.js';
import { python } from '../support/processes.js';

/**
 * One process: every content is 1 MiB of one byte, written and read by one request each, so a read that shows two
 * bytes is torn, and one that shows 0xee has pages of another file.
 */
const SCRIPT = `
import os, sys, mmap, time
role, folder, until = sys.argv[1], sys.argv[2], time.monotonic() + float(sys.argv[3])
MIB = 1 << 20
buffer = mmap.mmap(-1, MIB)
path = lambda name: os.path.join(folder, name)
def fill(byte):
    buffer.seek(0)
    buffer.write(bytes([byte]) * MIB)
def check(count):
    data = buffer[:count]
    if data != data[:1] * count or 0xee in data[:1]:
        sys.exit('torn: %d bytes, %s' % (count, sorted(set(data))))
rounds = 0
while time.monotonic() < until:
    rounds += 1
    byte = rounds % 200 + 1
    if role == 'read':
        for name in ('in-place', 'cut', 'replaced', 'quiet'):
            f = os.open(path(name), os.O_RDONLY)
            check(os.preadv(f, [buffer], 0))
            os.close(f)
    elif role == 'small':
        f = os.open(path('quiet'), os.O_RDONLY)
        os.pread(f, 4096, 0)
        os.close(f)
    elif role == 'write':
        fill(byte)
        f = os.open(path('in-place'), os.O_WRONLY)
        os.pwritev(f, [buffer], 0)
        os.close(f)
    elif role == 'cut':
        f = os.open(path('cut'), os.O_WRONLY)
        os.ftruncate(f, 0)
        fill(byte)
        os.pwritev(f, [buffer], 0)
        os.close(f)
    elif role == 'replace':
        fill(byte)
        f = os.open(path('new'), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.pwritev(f, [buffer], 0)
        os.close(f)
        os.rename(path('new'), path('replaced'))
    else:
        fill(0xee)
        f = os.open(path('churn'), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.pwritev(f, [buffer], 0)
        os.close(f)
        os.unlink(path('churn'))
print(rounds)
`;

const SECONDS = '1.5';
/** Longer than any test: those that run so long are ended by the end of their drive. */
const NO_END = '1000';

const MAKE = `
import sys
for name in ('in-place', 'cut', 'replaced', 'quiet'):
    open(sys.argv[1] + '/' + name, 'wb').write(b'x' * (1 << 20))
`;

describeMount('copy lanes', () => {
  it('no read is torn or shows another file, whatever happens to the file meanwhile', async () => {
    const drive = await mount({ capacity: '8M', args: ['--direct-io'] });
    const folder = drive.path('.');
    expect((await python(MAKE, folder)).code).toBe(0);
    const roles = ['read', 'read', 'read', 'small', 'write', 'cut', 'replace', 'churn'];
    const ends = await Promise.all(roles.map((role) => python(SCRIPT, role, folder, SECONDS)));
    for (const { code, stdout, stderr } of ends) {
      expect([code, stderr]).toEqual([0, '']);
      expect(Number(stdout)).toBeGreaterThan(0);
    }
    const { requests } = await drive.status();
    expect(requests.laneFailures).toBe(0);
    if (availableParallelism() > 1) expect(requests.answersByLanes).toBeGreaterThan(0);
    await drive.end();
  });

  it('a drive that is unmounted under large reads ends in order', async () => {
    const drive = await mount({ capacity: '8M', args: ['--direct-io'] });
    const folder = drive.path('.');
    expect((await python(MAKE, folder)).code).toBe(0);
    const readers = ['read', 'read', 'read', 'small'].map((role) => python(SCRIPT, role, folder, NO_END));
    while ((await drive.status()).requests.answersByLanes < 20) {
      if (availableParallelism() === 1) break;
    }
    drive.signal('SIGTERM');
    expect(await drive.exited).toMatchObject({ code: 0 });
    for (const { stderr } of await Promise.all(readers)) expect(stderr).not.toMatch('torn');
  });
});
