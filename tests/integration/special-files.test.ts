/** Pipes, sockets and devices on a drive: programs use them, and an image brings them back as they were. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { lstat } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cli, describeMount, mount } from '../support/mount.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const isRoot = process.getuid?.() === 0;
const folder = temporaryFolder('special-files');

function make(...args: string[]): void {
  const { status, stderr } = spawnSync('mknod', args, { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
}

async function echoed(path: string): Promise<string> {
  const server = createServer((socket) => socket.pipe(socket)).listen(path);
  await once(server, 'listening');
  const client = connect(path);
  client.end('through a socket');
  const pieces = await client.setEncoding('utf8').toArray();
  server.close();
  await once(server, 'close');
  return pieces.join('');
}

describeMount('special files', () => {
  it('a socket connects; its name goes when its server closes', async () => {
    const drive = await mount();
    expect(await echoed(drive.path('socket'))).toBe('through a socket');
    await expect(lstat(drive.path('socket'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('a bound socket keeps the drive in use, and unmount names its program', async () => {
    const drive = await mount();
    const server = createServer().listen(drive.path('bound'));
    await once(server, 'listening');
    const { code, stderr } = await cli('unmount', drive.dir);
    expect(code).not.toBe(0);
    expect(stderr).toContain('bound (socket)');
    server.close();
    await once(server, 'close');
  });

  it('a pipe carries what is written into it', async () => {
    const drive = await mount();
    make(drive.path('pipe'), 'p');
    const script = 'echo through a pipe > "$0" & cat "$0"';
    const { stdout } = spawnSync('sh', ['-c', script, drive.path('pipe')], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect(stdout).toBe('through a pipe\n');
  });

  it('are the same at the next start from an image', async () => {
    const args = ['--image', join(folder, 'drive.tar')];
    const first = await mount({ args });
    make('-m', '0640', first.path('pipe'), 'p');
    const bind = 'import socket; socket.socket(socket.AF_UNIX).bind("socket")';
    expect(spawnSync('python3', ['-c', bind], { cwd: first.dir }).status).toBe(0);
    if (isRoot) make(first.path('device'), 'b', '2748', '74565');
    expect(await first.unmount()).toMatchObject({ code: 0 });
    const second = await mount({ args });
    const pipe = await lstat(second.path('pipe'));
    expect([pipe.isFIFO(), pipe.mode & 0o7777]).toEqual([true, 0o640]);
    expect((await lstat(second.path('socket'))).isSocket()).toBe(true);
    if (!isRoot) return;
    const device = await lstat(second.path('device'));
    // The kernel's form of 2748:74565.
    expect([device.isBlockDevice(), device.rdev]).toEqual([true, 0x123abc45]);
  });
});
