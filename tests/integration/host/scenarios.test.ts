/**
 * Ten things that programs do with files, on real mounts of a file system that is written against the public interface
 * alone, each with handlers that answer at once, by a promise that is resolved already, and some time later in any
 * order. Programs must see no difference; what must hold at the end of every mount says served-mount.ts.
 */
import { afterEach, expect, it } from 'vitest';
import { KIB, MIB, pattern } from '../../support/bytes.js';
import { describeMount } from '../../support/mount.js';
import { endPrograms } from '../../support/mounting-program.js';
import type { Client } from '../../support/processes.js';
import { MANNERS, ServedMount } from './served-mount.js';

const SCENARIOS: Record<string, (mount: ServedMount) => Promise<void>> = {
  'what one process writes another one reads, at sizes around every boundary': roundTrip,
  'a large file, written and read from front to back': largeSequential,
  'reads and writes at random offsets': randomOffsets,
  'appends of two processes': append,
  'truncating and extending': truncateExtend,
  'renames of files and directories, also over others and while open': rename,
  'a file that is deleted while it is open': deleteOnClose,
  'a listing that takes many buffers, also of a directory that shrinks meanwhile': listing,
  'readers and writers at once': readersAndWriters,
  'times, sizes, attributes and the state of the volume': metadata,
};

describeMount('a file system behind the host', () => {
  afterEach(endPrograms);

  for (const manner of MANNERS) {
    for (const [name, scenario] of Object.entries(SCENARIOS)) {
      it(`${manner}: ${name}`, async () => {
        const mount = await ServedMount.start(manner);
        await scenario(mount);
        await mount.endClean();
      });
    }
  }
});

async function expectContent(client: Client, path: string, expected: Buffer): Promise<void> {
  const content = Buffer.from(await client.do<Uint8Array>('readFileSync', path));
  expect(content.length, path).toBe(expected.length);
  // Not toEqual, which would print megabytes.
  expect(content.equals(expected), path).toBe(true);
}

async function roundTrip(mount: ServedMount): Promise<void> {
  const writer = mount.client();
  const reader = mount.client();
  const sizes = [0, 1, 511, 4 * KIB - 1, 4 * KIB, 4 * KIB + 1, 64 * KIB + 1, 128 * KIB, MIB - 1, MIB + 3];
  for (const size of sizes) {
    const path = mount.path(`of ${size} bytes`);
    await writer.do('writeFileSync', path, pattern(size, size));
    await expectContent(reader, path, pattern(size, size));
  }
  const path = mount.path('of 4096 bytes');
  await reader.do('writeFileSync', path, 'shorter');
  await expectContent(writer, path, Buffer.from('shorter'));
}

async function largeSequential(mount: ServedMount): Promise<void> {
  const writer = mount.client();
  const reader = mount.client();
  const path = mount.path('large');
  const length = 24 * MIB + 5;
  const content = pattern(length);
  const fd = await writer.do('openSync', path, 'wx');
  for (let at = 0; at < length; at += MIB) {
    const piece = content.subarray(at, at + MIB);
    expect(await writer.do('writeSync', fd, piece, 0, piece.length, at)).toBe(piece.length);
  }
  await writer.do('closeSync', fd);
  await expectContent(reader, path, content);
}

async function randomOffsets(mount: ServedMount): Promise<void> {
  const client = mount.client();
  const length = 2 * MIB;
  const model = pattern(length);
  const path = mount.path('random');
  await client.do('writeFileSync', path, model);
  const fd = await client.do('openSync', path, 'r+');
  const numbers = new Uint32Array(pattern(4 * 400, 77).buffer);
  for (let i = 0; i < 160; i++) {
    const offset = numbers[2 * i]! % length;
    const size = 1 + (numbers[2 * i + 1]! % (i % 8 === 0 ? 300_000 : 10_000));
    if (i % 2 === 0) {
      const piece = pattern(Math.min(size, length - offset), 1000 + i);
      await client.do('writeSync', fd, piece, 0, piece.length, offset);
      piece.copy(model, offset);
    } else {
      const read = Buffer.from(await client.do<Uint8Array>('readAt', fd, size, offset));
      expect(read.equals(model.subarray(offset, offset + size)), `${size} bytes at ${offset}`).toBe(true);
    }
  }
  await client.do('closeSync', fd);
  await expectContent(mount.client(), path, model);
}

async function append(mount: ServedMount): Promise<void> {
  const path = mount.path('log');
  const clients = [mount.client(), mount.client()];
  const fds = await Promise.all(clients.map((client) => client.do('openSync', path, 'a')));
  const inTurns: string[] = [];
  for (let i = 0; i < 10; i++) {
    inTurns.push(`turn ${i}\n`);
    await clients[i % 2]!.do('appendFileSync', fds[i % 2], inTurns[i]!);
  }
  await expectContent(clients[0]!, path, Buffer.from(inTurns.join('')));
  const atOnce = clients.map((_, who) => Array.from({ length: 30 }, (_, i) => `${who} appends line ${i}\n`));
  await Promise.all(
    atOnce.flatMap((lines, who) => lines.map((line) => clients[who]!.do('appendFileSync', fds[who], line))),
  );
  // Every line once and whole, and each writer's own in their order.
  const text = String(await clients[1]!.do('readFileSync', path, 'utf8'));
  const lines = text.slice(inTurns.join('').length).split(/(?<=\n)/);
  for (const [who, expected] of atOnce.entries()) {
    expect(lines.filter((line) => line.startsWith(`${who} `))).toEqual(expected);
  }
  expect(lines.length).toBe(60);
}

async function truncateExtend(mount: ServedMount): Promise<void> {
  const client = mount.client();
  const other = mount.client();
  const path = mount.path('elastic');
  const content = pattern(3 * 4 * KIB);
  await client.do('writeFileSync', path, content);
  const fd = await client.do('openSync', path, 'r+');
  const zeros = (count: number) => Buffer.alloc(count);
  await client.do('ftruncateSync', fd, 5000);
  await expectContent(other, path, content.subarray(0, 5000));
  // What was cut off must not come back, where its memory may still be and where it is new.
  await client.do('ftruncateSync', fd, 9000);
  await expectContent(other, path, Buffer.concat([content.subarray(0, 5000), zeros(4000)]));
  await client.do('ftruncateSync', fd, 20_000);
  await expectContent(other, path, Buffer.concat([content.subarray(0, 5000), zeros(15_000)]));
  await client.do('writeAt', fd, 'far', 30_000);
  await expectContent(
    other,
    path,
    Buffer.concat([content.subarray(0, 5000), zeros(25_000), Buffer.from('far')]),
  );
  await other.do('truncateSync', path, 4096);
  expect(await client.do('sizeOf', fd)).toBe(4096);
  expect(await client.do('readAt', fd, 10, 4096)).toHaveLength(0);
  await other.do('truncateSync', path, 0);
  await expectContent(client, path, zeros(0));
  await client.do('closeSync', fd);
  // More than the volume has: refused, and nothing has changed.
  expect(await client.errorOf('truncateSync', path, 300 * MIB)).toBe('ENOSPC');
  expect(await other.do('statSync', path)).toMatchObject({ size: 0 });
}

async function rename(mount: ServedMount): Promise<void> {
  const client = mount.client();
  const other = mount.client();
  const path = (name: string) => mount.path(name);
  await client.do('writeFileSync', path('a'), 'a');
  await client.do('writeFileSync', path('b'), 'b');
  const held = await other.do('openSync', path('a'), 'r+');
  await client.do('renameSync', path('a'), path('c'));
  expect(await client.errorOf('statSync', path('a'))).toBe('ENOENT');
  expect(await client.do('readFileSync', path('c'), 'utf8')).toBe('a');
  const replaced = await other.do('openSync', path('b'), 'r');
  await client.do('renameSync', path('c'), path('b'));
  expect((await client.do<string[]>('readdirSync', mount.program.dir)).sort()).toEqual(['b']);
  await other.do('writeAt', held, 'A', 0);
  expect(await client.do('readFileSync', path('b'), 'utf8')).toBe('A');
  expect(Buffer.from(await other.do<Uint8Array>('readAll', replaced)).toString()).toBe('b');
  await other.do('closeSync', held);
  await other.do('closeSync', replaced);

  await client.do('mkdirSync', path('from/deep'), { recursive: true });
  await client.do('writeFileSync', path('from/deep/file'), 'inside');
  await client.do('mkdirSync', path('to'));
  await client.do('renameSync', path('from'), path('to/moved'));
  expect(await other.do('readFileSync', path('to/moved/deep/file'), 'utf8')).toBe('inside');
  await other.do('renameSync', path('to/moved/deep/file'), path('up'));
  expect(await client.do('readFileSync', path('up'), 'utf8')).toBe('inside');
  expect(await client.errorOf('renameSync', path('absent'), path('x'))).toBe('ENOENT');
  expect(await client.errorOf('renameSync', path('up'), path('absent/x'))).toBe('ENOENT');
  expect(await client.errorOf('renameSync', path('to'), path('to/moved/into-itself'))).toBe('EINVAL');
  expect((await client.do<string[]>('readdirSync', mount.program.dir)).sort()).toEqual(['b', 'to', 'up']);
}

async function deleteOnClose(mount: ServedMount): Promise<void> {
  const holder = mount.client();
  const other = mount.client();
  const path = mount.path('doomed');
  await holder.do('writeFileSync', path, pattern(MIB));
  const fd = await holder.do('openSync', path, 'r+');
  const { freeBytes } = await mount.report();
  await other.do('unlinkSync', path);
  expect(await other.errorOf('statSync', path)).toBe('ENOENT');
  expect(await other.do('readdirSync', mount.program.dir)).toEqual([]);
  // Its bytes are there for who has it open, also for writing.
  await holder.do('writeAt', fd, 'still here', 100);
  expect(Buffer.from(await holder.do<Uint8Array>('readAt', fd, 10, 100)).toString()).toBe('still here');
  expect(Buffer.from(await holder.do<Uint8Array>('readAt', fd, 64, MIB - 64))).toEqual(
    pattern(MIB).subarray(-64),
  );
  expect((await mount.report()).freeBytes).toBe(freeBytes);
  // A new file of the same name is another file.
  await other.do('writeFileSync', path, 'new');
  await holder.do('closeSync', fd);
  await expect.poll(async () => (await mount.report()).freeBytes).toBe(freeBytes + MIB - 3);
  expect(await holder.do('readFileSync', path, 'utf8')).toBe('new');
  await other.do('mkdirSync', mount.path('full'));
  await other.do('writeFileSync', mount.path('full/x'), '');
  expect(await holder.errorOf('rmdirSync', mount.path('full'))).toBe('ENOTEMPTY');
}

async function listing(mount: ServedMount): Promise<void> {
  const client = mount.client();
  const dir = mount.path('many');
  await client.do('mkdirSync', dir);
  const names = Array.from({ length: 700 }, (_, i) => `${String(i).padStart(4, '0')} ${'ß'.repeat(i % 90)}`);
  await Promise.all(names.map((name) => client.do('writeFileSync', `${dir}/${name}`, '')));
  const { readDirectory } = await mount.report();
  expect((await client.do<string[]>('readdirSync', dir)).sort()).toEqual(names);
  expect((await mount.report()).readDirectory - readDirectory).toBeGreaterThan(2);
  // One process lists while another one deletes every second file: what stays is listed, once.
  const [listed] = await Promise.all([
    mount.client().do<string[]>('readdirSync', dir),
    ...names.filter((_, i) => i % 2 === 1).map((name) => client.do('unlinkSync', `${dir}/${name}`)),
  ]);
  expect(new Set(listed).size).toBe(listed!.length);
  const kept = names.filter((_, i) => i % 2 === 0);
  expect(kept.filter((name) => !listed!.includes(name))).toEqual([]);
  expect((await client.do<string[]>('readdirSync', dir)).sort()).toEqual(kept);
}

async function readersAndWriters(mount: ServedMount): Promise<void> {
  const REGION = 96 * KIB;
  const ROUNDS = 4;
  const path = mount.path('shared');
  const steady = mount.path('steady');
  const first = mount.client();
  await first.do('writeFileSync', path, Buffer.alloc(4 * REGION));
  await first.do('writeFileSync', steady, pattern(4 * REGION, 9));
  const write = async (who: number) => {
    const client = mount.client();
    const fd = await client.do('openSync', path, 'r+');
    for (let round = 0; round < ROUNDS; round++) {
      const piece = pattern(REGION, 10 * who + round);
      await client.do('writeSync', fd, piece, 0, REGION, who * REGION);
      const back = Buffer.from(await client.do<Uint8Array>('readAt', fd, REGION, who * REGION));
      expect(back.equals(piece), `writer ${who} reads its own, round ${round}`).toBe(true);
    }
    await client.do('closeSync', fd);
  };
  const read = async () => {
    const client = mount.client();
    for (let round = 0; round < ROUNDS; round++) {
      await expectContent(client, steady, pattern(4 * REGION, 9));
      expect(await client.do('statSync', path)).toMatchObject({ size: 4 * REGION });
    }
  };
  await Promise.all([write(0), write(1), write(2), write(3), read(), read()]);
  const last = [0, 1, 2, 3].map((who) => pattern(REGION, 10 * who + ROUNDS - 1));
  await expectContent(first, path, Buffer.concat(last));
  const { most, overtakings } = await mount.report();
  if (mount.manner === 'delayed') {
    // Otherwise nothing of this was asynchronous.
    expect(most).toBeGreaterThan(1);
    expect(overtakings).toBeGreaterThan(0);
  }
}

interface Stat {
  size: number;
  ino: number;
  mtimeMs: number;
  atimeMs: number;
  birthtimeMs: number;
  mode: number;
}

async function metadata(mount: ServedMount): Promise<void> {
  const client = mount.client();
  const other = mount.client();
  const path = mount.path('file');
  const stat = (of = path) => other.do<Stat>('statSync', of);
  await client.do('writeFileSync', path, '12345');
  const before = await stat();
  expect(before.size).toBe(5);
  expect(before.mode & 0o170000).toBe(0o100000);
  expect(Math.abs(before.mtimeMs - Date.now())).toBeLessThan(60_000);
  await client.do('utimesSync', path, 1_000_000_000.25, 1_234_567_890.5);
  expect(await stat()).toMatchObject({ atimeMs: 1_000_000_000_250, mtimeMs: 1_234_567_890_500 });
  await client.do('appendFileSync', path, '678');
  const after = await stat();
  expect(after.size).toBe(8);
  expect(after.mtimeMs).toBeGreaterThanOrEqual(before.mtimeMs - 1);
  await client.do('renameSync', path, mount.path('other'));
  expect((await stat(mount.path('other'))).ino).toBe(before.ino);

  await client.do('mkdirSync', mount.path('dir'));
  expect((await stat(mount.path('dir'))).mode & 0o170000).toBe(0o040000);
  expect(await client.errorOf('writeFileSync', mount.path('dir'), '')).toBe('EISDIR');
  expect(await client.errorOf('mkdirSync', mount.path('dir'))).toBe('EEXIST');
  expect(await client.errorOf('openSync', mount.path('other'), 'wx')).toBe('EEXIST');
  expect(await client.errorOf('statSync', mount.path('other/below'))).toBe('ENOTDIR');
  expect(await client.errorOf('rmdirSync', mount.path('other'))).toBe('ENOTDIR');
  // Capabilities that this file system does not have are refused, never faked.
  expect(await client.errorOf('symlinkSync', 'x', mount.path('link'))).not.toBe('OK');
  expect(await client.errorOf('linkSync', mount.path('other'), mount.path('hard'))).not.toBe('OK');

  const volume = await client.do<{ bsize: number; blocks: number; bfree: number }>(
    'statfsSync',
    mount.program.dir,
  );
  expect(volume.bsize * volume.blocks).toBe(256 * MIB);
  expect(volume.bsize * volume.bfree).toBeLessThanOrEqual(256 * MIB);
}
