import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MAX_CONTROL_CONNECTIONS } from '../../../src/drive/config/limits.js';
import { ask, askIfAlive, findDrives, isAnswering } from '../../../src/drive/control/control-client.js';
import { monotonicMs } from '../../../src/drive/control/control-protocol.js';
import { ControlServer } from '../../../src/drive/control/control-server.js';
import {
  endpointOf,
  idOfMountPoint,
  readRecords,
  removeRecord,
  saltOf,
  writeRecord,
} from '../../../src/drive/control/drive-records.js';
import { readPrivate, writePrivate } from '../../../src/drive/control/private-file.js';
import { ensureRuntimeDirectory, runtimeDirectories } from '../../../src/drive/control/runtime-directory.js';
import { DriveError, MountPointError } from '../../../src/drive/errors.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

function freshDirectory(): string {
  return ensureRuntimeDirectory([join(temporaryFolder('control'), 'ramdrive')]);
}

function say(endpoint: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(endpoint, () => socket.write(text));
    let answer = '';
    socket.setEncoding('utf8').on('data', (part: string) => {
      answer += part;
      if (answer.includes('\n')) {
        socket.destroy();
        resolve(answer);
      }
    });
    socket.once('error', reject);
  });
}

describe('the control channel', () => {
  it('finds a drive, carries commands both ways, and leaves nothing', async () => {
    const directory = freshDirectory();
    const server = await ControlServer.claim('/mnt/ram', directory);
    const asked: string[] = [];
    server.open('/mnt/ram', async ({ command }) => {
      asked.push(command);
      return { violations: [], command };
    });
    const [drive] = await findDrives([directory]);
    expect(drive).toMatchObject({ mountPoint: '/mnt/ram', pid: process.pid });
    expect(await ask(drive!, 'selfCheck')).toEqual({ violations: [], command: 'selfCheck' });
    expect(asked).toEqual(['selfCheck']);
    await server.close();
    expect(readdirSync(directory)).toEqual([]);
    expect(await findDrives([directory])).toEqual([]);
    await expect(ask(drive!, 'status')).rejects.toMatchObject({ code: 'NOT_RUNNING' });
  });

  it('answers what was asked before it closes', async () => {
    const directory = freshDirectory();
    const server = await ControlServer.claim('/mnt/ram', directory);
    let closed: Promise<void> | undefined;
    server.open('/mnt/ram', async () => {
      // As an unmount does: the drive ends, its server closes, and only then the answer is ready.
      closed = server.close();
      await new Promise((resolve) => setTimeout(resolve, 20));
      return null;
    });
    const [drive] = await findDrives([directory]);
    expect(await ask(drive!, 'unmount')).toBeNull();
    await closed;
    expect(readdirSync(directory)).toEqual([]);
  });

  it('passes on why a command failed', async () => {
    const directory = freshDirectory();
    const server = await ControlServer.claim('/mnt/ram', directory);
    server.open('/mnt/ram', async () => {
      throw new Error('out of luck');
    });
    const [drive] = await findDrives([directory]);
    await expect(ask(drive!, 'status')).rejects.toMatchObject({
      code: 'FAILED',
      message: 'The drive at /mnt/ram says: out of luck.',
    });
    await server.close();
  });

  const REASONS: [string, { token?: string }, (() => Promise<unknown>) | null][] = [
    ['FORBIDDEN', { token: 'stolen' }, async () => null],
    ['FAILED', {}, async () => Promise.reject(new Error('boom'))],
    ['BUSY', {}, async () => Promise.reject(new DriveError('BUSY', 'programs use it'))],
    ['NOT_RUNNING', {}, async () => Promise.reject(new DriveError('NOT_RUNNING', 'it has ended'))],
    ['NOT_RUNNING', {}, null],
  ];
  it.each(REASONS)('says %s when that is the reason (%j)', async (code, change, handle) => {
    const directory = freshDirectory();
    const server = await ControlServer.claim('/mnt/ram', directory);
    server.open('/mnt/ram', handle ?? (async () => null));
    const [drive] = await findDrives([directory]);
    const closed: Promise<void> | null = handle === null ? server.close() : null;
    await expect(ask({ ...drive!, ...change }, 'status')).rejects.toMatchObject({ code });
    await (closed ?? server.close());
  });

  it('does nothing for a request that came too late, or whose sender has hung up', async () => {
    const directory = freshDirectory();
    const server = await ControlServer.claim('/mnt/ram', directory);
    const begun: string[] = [];
    let release = () => {};
    server.open('/mnt/ram', ({ command }) => {
      begun.push(command);
      return new Promise<void>((resolve) => {
        release = resolve;
      });
    });
    const token = readRecords([directory])[0]!.record.token;
    const line = (command: string, beginBeforeMs = monotonicMs() + 60_000) =>
      `${JSON.stringify({ command, token, beginBeforeMs })}\n`;
    expect(await say(server.endpoint, line('unmount', monotonicMs() - 1))).toContain('EXPIRED');
    expect(begun).toEqual([]);

    // The second waits for the first; its sender goes away meanwhile.
    const socket = connect(server.endpoint);
    socket.write(line('status') + line('unmount'));
    await expect.poll(() => begun).toEqual(['status']);
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    release();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(begun).toEqual(['status']);
    await server.close();
  });

  it('answers nobody without the token, and drops endless lines', async () => {
    const server = await ControlServer.claim('/mnt/ram', freshDirectory());
    server.open('/mnt/ram', async () => 'secret');
    expect(await say(server.endpoint, '{"command":"status"}\n')).toContain('FORBIDDEN');
    expect(await say(server.endpoint, '{"command":"status","token":"x"}\n')).toContain('FORBIDDEN');
    expect(await say(server.endpoint, 'nonsense\n')).toContain('BAD_REQUEST');
    expect(await say(server.endpoint, 'x'.repeat(70_000))).toContain('too long');
    await server.close();
  });

  it('hangs up on more connections than commands need', async () => {
    const server = await ControlServer.claim('/mnt/ram', freshDirectory());
    const sockets = Array.from({ length: MAX_CONTROL_CONNECTIONS + 20 }, () => connect(server.endpoint));
    let closed = 0;
    for (const socket of sockets) {
      socket
        .on('close', () => closed++)
        .on('error', () => {})
        .resume();
    }
    await expect.poll(() => closed).toBe(20);
    for (const socket of sockets) {
      socket.destroy();
    }
    await expect.poll(() => closed).toBe(sockets.length);
    expect(await isAnswering(server.endpoint)).toBe(true);
    await server.close();
  });

  it('refuses a second claim of a live place, and takes over a dead one', async () => {
    const directory = freshDirectory();
    const first = await ControlServer.claim('/mnt/ram', directory);
    await expect(ControlServer.claim('/mnt/ram', directory)).rejects.toBeInstanceOf(MountPointError);
    const other = await ControlServer.claim('/mnt/other', directory);
    await Promise.all([first.close(), other.close()]);

    // What a killed process leaves: a socket file that nobody listens on.
    const endpoint = endpointOf(directory, idOfMountPoint('/mnt/ram'));
    writeFileSync(endpoint, '');
    expect(await isAnswering(endpoint)).toBe(false);
    const next = await ControlServer.claim('/mnt/ram', directory);
    expect(await isAnswering(next.endpoint)).toBe(true);
    await next.close();
  });

  it('gives the place of a killed drive to exactly one of many that claim it at once', async () => {
    const directory = freshDirectory();
    const endpoint = endpointOf(directory, idOfMountPoint('/mnt/ram'));
    for (let round = 0; round < 5; round++) {
      writeFileSync(endpoint, '');
      const claims = await Promise.allSettled(
        Array.from({ length: 20 }, () => ControlServer.claim('/mnt/ram', directory)),
      );
      const servers = claims.flatMap((claim) => (claim.status === 'fulfilled' ? [claim.value] : []));
      for (const claim of claims) {
        if (claim.status === 'rejected') {
          expect(claim.reason).toMatchObject({ code: 'ALREADY_MOUNTED' });
        }
      }
      expect(servers).toHaveLength(1);
      servers[0]!.open('/mnt/ram', async () => 'alive');
      const [drive] = await findDrives([directory]);
      expect(await ask(drive!, 'status')).toBe('alive');
      await servers[0]!.close();
      expect(readdirSync(directory)).toEqual([]);
    }
  });

  it('keeps its place until it has closed', async () => {
    const directory = freshDirectory();
    const server = await ControlServer.claim('/mnt/ram', directory);
    let release: (() => void) | null = null;
    server.open('/mnt/ram', () => new Promise<void>((resolve) => (release = resolve)));
    const [drive] = await findDrives([directory]);
    const answer = ask(drive!, 'unmount').catch(() => null);
    await expect.poll(() => release).not.toBeNull();
    const closed = server.close();
    await expect(ControlServer.claim('/mnt/ram', directory)).rejects.toBeInstanceOf(MountPointError);
    release!();
    await Promise.all([closed, answer]);
    const next = await ControlServer.claim('/mnt/ram', directory);
    expect(await isAnswering(next.endpoint)).toBe(true);
    await next.close();
  });

  it('leaves a drive alone that claims the place while a dead one is looked for there', async () => {
    const directory = freshDirectory();
    const id = idOfMountPoint('/mnt/ram');
    const dead = {
      version: 1 as const,
      id,
      pid: 1,
      mountPoint: '/mnt/ram',
      endpoint: join(directory, 'dead.sock'),
      token: 'dead',
      startedAt: '',
    };
    const server = await ControlServer.claim('/mnt/ram', directory);
    writeRecord(directory, dead);
    const found = findDrives([directory]);
    server.open('/mnt/ram', async () => 'alive');
    expect(await found).toEqual([]);
    const [drive] = await findDrives([directory]);
    expect(await ask(drive!, 'status')).toBe('alive');
    // Nor does one that closes late take the next one's record.
    removeRecord(directory, id, 'dead');
    expect(readRecords([directory])).toHaveLength(1);
    await server.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('takes a drive that is too busy to be connected to for alive', async () => {
    const directory = freshDirectory();
    const endpoint = join(directory, 'busy.sock');
    const script = `require('net').createServer().listen({ path: process.argv[1], backlog: 1 }, () => {
      process.stdout.write('listening');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
    const busy = spawn(process.execPath, ['-e', script, endpoint], { stdio: ['ignore', 'pipe', 'inherit'] });
    const sockets: Socket[] = [];
    try {
      await once(busy.stdout, 'data');
      const refused = new Promise<string | undefined>((resolve) => {
        for (let i = 0; i < 8; i++) {
          sockets.push(connect(endpoint).on('error', ({ code }: NodeJS.ErrnoException) => resolve(code)));
        }
      });
      expect(await refused).toBe('EAGAIN');
      expect(await isAnswering(endpoint)).toBe(true);
    } finally {
      for (const socket of sockets) {
        socket.destroy();
      }
      busy.kill('SIGKILL');
    }
  });

  it('removes the record of a drive that was killed', async () => {
    const directory = freshDirectory();
    const record = {
      version: 1,
      id: '0123456789abcdef',
      pid: 1,
      mountPoint: '/mnt/dead',
      endpoint: endpointOf(directory, '0123456789abcdef'),
      token: 't',
      startedAt: '',
    };
    writeFileSync(join(directory, '0123456789abcdef.json'), JSON.stringify(record));
    // Its socket: a file that nobody listens at.
    writeFileSync(record.endpoint, '');
    writeFileSync(join(directory, 'junk.json'), '{');
    expect(readRecords([directory])).toHaveLength(1);
    expect(await findDrives([directory])).toEqual([]);
    expect(readdirSync(directory)).toEqual(['junk.json']);
  });

  it('gives up on a process that does not answer', async () => {
    const directory = freshDirectory();
    const endpoint = join(directory, 'silent.sock');
    const silent = createServer((socket) => socket.once('data', () => socket.end())).listen(endpoint);
    const record = {
      version: 1 as const,
      id: '0',
      pid: 1,
      mountPoint: '/x',
      endpoint,
      token: '',
      startedAt: '',
    };
    await expect(ask(record, 'status')).rejects.toThrow(/hung up without an answer/);
    silent.close();
  });
});

describe('the runtime directory', () => {
  it('is for its owner only', () => {
    const parent = temporaryFolder('control');
    const wide = join(parent, 'wide');
    mkdirSync(wide, { mode: 0o777 });
    chmodSync(wide, 0o770);
    expect(() => ensureRuntimeDirectory([wide])).toThrow(/others can enter it \(mode 770\)/);
    const good = join(parent, 'good');
    expect(ensureRuntimeDirectory([wide, good])).toBe(good);
    expect(statSync(good).mode & 0o777).toBe(0o700);
    expect(readRecords([wide])).toEqual([]);
  });

  it('is in no directory where others could exchange it', () => {
    const parent = join(temporaryFolder('control'), 'open');
    mkdirSync(parent);
    chmodSync(parent, 0o777);
    expect(() => ensureRuntimeDirectory([join(parent, 'ramdrive')])).toThrow(/others can exchange it/);
    chmodSync(parent, 0o1777);
    expect(ensureRuntimeDirectory([join(parent, 'ramdrive')])).toBe(join(parent, 'ramdrive'));
  });

  it('is below no directory where others could exchange one, also behind links', () => {
    const base = temporaryFolder('control');
    const open = join(base, 'open');
    const home = join(open, 'home');
    mkdirSync(home, { recursive: true, mode: 0o700 });
    symlinkSync(home, join(open, 'second'));
    symlinkSync(join(open, 'second'), join(base, 'first'));
    const candidates = [join(home, 'ramdrive'), join(base, 'first', 'ramdrive')];
    for (const directory of candidates) expect(ensureRuntimeDirectory([directory])).toBe(directory);
    chmodSync(open, 0o777);
    for (const directory of candidates) {
      expect(() => ensureRuntimeDirectory([directory])).toThrow(
        /others can exchange it \(.*open has mode 777/,
      );
      expect(readRecords([directory])).toEqual([]);
    }
  });

  it('is never someone’s link, and the next candidate is taken', () => {
    const parent = temporaryFolder('control');
    symlinkSync(parent, join(parent, 'link'));
    expect(() => ensureRuntimeDirectory([join(parent, 'link')])).toThrow(/not a directory/);
    expect(ensureRuntimeDirectory([join(parent, 'link'), join(parent, 'good')])).toBe(join(parent, 'good'));
    expect(() => ensureRuntimeDirectory([join(parent, 'no', 'parent')])).toThrow(/ENOENT/);
  });

  it('is one that another user cannot take away, and no variable names it', () => {
    const before = process.env.XDG_RUNTIME_DIR;
    process.env.XDG_RUNTIME_DIR = '/home/mallory';
    try {
      expect(runtimeDirectories({ uid: 0, homeDirectory: '/root' })).toEqual([
        '/run/ramdrive',
        '/run/user/0/ramdrive',
        '/tmp/ramdrive-0',
        '/root/.ramdrive',
      ]);
      expect(runtimeDirectories({ uid: 7, homeDirectory: '/home/u' })).toEqual([
        '/run/user/7/ramdrive',
        '/tmp/ramdrive-7',
        '/home/u/.ramdrive',
      ]);
    } finally {
      if (before === undefined) {
        delete process.env.XDG_RUNTIME_DIR;
      } else {
        process.env.XDG_RUNTIME_DIR = before;
      }
    }
  });

  it('leaves out what is too long for a socket', () => {
    const homeDirectory = `/${'x'.repeat(90)}`;
    expect(runtimeDirectories({ uid: 7, homeDirectory })).toHaveLength(2);
    expect(runtimeDirectories({ uid: 7, homeDirectory: '' })).toHaveLength(2);
  });

  it('has records that are written over nothing and read through no link', () => {
    const directory = freshDirectory();
    const victim = join(temporaryFolder('control'), 'victim');
    writeFileSync(victim, 'precious');
    symlinkSync(victim, join(directory, 'link'));
    expect(() => writePrivate(join(directory, 'link'), 'x')).toThrow(/EEXIST/);
    expect(() => writePrivate(victim, 'x')).toThrow(/EEXIST/);
    expect(() => readPrivate(join(directory, 'link'))).toThrow(/ELOOP/);
    expect(readFileSync(victim, 'utf8')).toBe('precious');
  });

  it('has one salt, no matter who asks first', () => {
    const directory = freshDirectory();
    const salt = saltOf(directory);
    expect(salt).toMatch(/^[0-9a-f]{64}$/);
    expect(saltOf(directory)).toBe(salt);
    expect(saltOf(freshDirectory())).not.toBe(salt);
    writeFileSync(join(directory, 'salt'), 'short');
    expect(() => saltOf(directory)).toThrow(/damaged/);
  });
});

describe('askIfAlive', () => {
  it('asks in one connection, passes on what is asked for, and removes the record of a drive that is gone', async () => {
    const directory = freshDirectory();
    const server = await ControlServer.claim('/mnt/ram', directory);
    const asked: unknown[] = [];
    server.open('/mnt/ram', async ({ command, check }) => asked.push({ command, check }));
    const [found] = readRecords([directory]);
    expect(await askIfAlive(found!, 'status', { check: true })).toBe(1);
    expect(asked).toEqual([{ command: 'status', check: true }]);
    await server.close();
    // What a killed process leaves: its record is there, and no one listens.
    writeRecord(directory, found!.record);
    expect(await askIfAlive(found!, 'status')).toBeNull();
    expect(readRecords([directory])).toEqual([]);
  });

  it('a drive that refuses is not taken for a dead one', async () => {
    const directory = freshDirectory();
    const server = await ControlServer.claim('/mnt/ram', directory);
    server.open('/mnt/ram', () => Promise.reject(new DriveError('FAILED', 'no figures')));
    const [found] = readRecords([directory]);
    await expect(askIfAlive(found!, 'status')).rejects.toThrow(/no figures/);
    expect(readRecords([directory])).toHaveLength(1);
    await server.close();
  });
});
