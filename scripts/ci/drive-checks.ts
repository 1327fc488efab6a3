/**
 * Mounts a drive as a user does and looks at it as programs do: the same checks for a drive letter, a directory mount
 * on Windows, and a FUSE mount on Linux, with nothing but Node's own file functions.
 *
 *   node dist/scripts/ci/drive-checks.js R: | C:\mnt\ram | /mnt/ram
 *
 * The drive is served by another process, so waiting for it here stops nobody. Exit code 1 when a check fails.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { ask } from '../../src/drive/control/control-client.js';
import { MountedDrive } from '../demo/mounted-drive.js';

const CAPACITY_BYTES = 256 * 2 ** 20;

interface Check {
  name: string;
  run: (root: string) => void;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const CHECKS: readonly Check[] = [
  {
    name: 'size and free space',
    run(root) {
      const { blocks, bsize, bavail } = statfsSync(root);
      assert.equal(blocks * bsize, CAPACITY_BYTES);
      assert.ok(bavail * bsize > 0.99 * CAPACITY_BYTES);
    },
  },
  {
    name: 'files of every size around pages, by their hash',
    run(root) {
      for (const size of [0, 1, 4095, 4096, 4097, 65_535, 65_536, 1_000_003]) {
        const data = randomBytes(size);
        writeFileSync(join(root, `size-${size}`), data);
        assert.equal(sha256(readFileSync(join(root, `size-${size}`))), sha256(data), `${size} bytes`);
      }
    },
  },
  {
    name: 'a large file: written, flushed, copied, read back',
    run(root) {
      const data = randomBytes(32 * 2 ** 20);
      const file = openSync(join(root, 'large'), 'w');
      for (let at = 0; at < data.length; at += 2 ** 20) {
        writeSync(file, data, at, 2 ** 20);
      }
      fsyncSync(file);
      closeSync(file);
      copyFileSync(join(root, 'large'), join(root, 'copy'));
      assert.equal(sha256(readFileSync(join(root, 'copy'))), sha256(data));
    },
  },
  {
    name: 'holes are zeros, and what was cut off does not come back',
    run(root) {
      const path = join(root, 'holes');
      const file = openSync(path, 'w+');
      writeSync(file, 'end', 100_000);
      const zeros = Buffer.alloc(100_000, 1);
      readSync(file, zeros, 0, zeros.length, 0);
      assert.ok(zeros.every((byte) => byte === 0));
      ftruncateSync(file, 10);
      ftruncateSync(file, 200_000);
      closeSync(file);
      assert.ok(readFileSync(path).every((byte) => byte === 0));
    },
  },
  {
    name: '500 appends',
    run(root) {
      for (let i = 0; i < 500; i++) {
        appendFileSync(join(root, 'log'), `line ${i}\n`);
      }
      const lines = readFileSync(join(root, 'log'), 'utf8').trimEnd().split('\n');
      assert.deepEqual(
        lines,
        Array.from({ length: 500 }, (_, i) => `line ${i}`),
      );
    },
  },
  {
    name: 'names: spaces, accents, other scripts, 255 characters',
    run(root) {
      const names = ['with space', 'Größe', '日本語', '😀', 'x'.repeat(200), 'dots.in.name'].sort();
      mkdirSync(join(root, 'names'));
      for (const name of names) {
        writeFileSync(join(root, 'names', name), name);
      }
      assert.deepEqual(readdirSync(join(root, 'names')).sort(), names);
      for (const name of names) {
        assert.equal(readFileSync(join(root, 'names', name), 'utf8'), name);
      }
      if (process.platform === 'win32') {
        assert.equal(readFileSync(join(root, 'NAMES', 'WITH SPACE'), 'utf8'), 'with space');
      }
    },
  },
  {
    name: '3000 files in one directory are listed once each',
    run(root) {
      const folder = join(root, 'many');
      mkdirSync(folder);
      const names = Array.from({ length: 3000 }, (_, i) => `file ${String(i).padStart(4, '0')}`);
      for (const name of names) {
        writeFileSync(join(folder, name), '');
      }
      assert.deepEqual(readdirSync(folder).sort(), names);
      rmSync(folder, { recursive: true });
    },
  },
  {
    name: 'renames: over a file, across directories, of a directory with something in it',
    run(root) {
      mkdirSync(join(root, 'from', 'deep'), { recursive: true });
      writeFileSync(join(root, 'from', 'deep', 'f'), 'moved');
      writeFileSync(join(root, 'taken'), 'old');
      renameSync(join(root, 'from'), join(root, 'to'));
      renameSync(join(root, 'to', 'deep', 'f'), join(root, 'taken'));
      assert.equal(readFileSync(join(root, 'taken'), 'utf8'), 'moved');
      assert.equal(existsSync(join(root, 'from')), false);
      assert.deepEqual(readdirSync(join(root, 'to', 'deep')), []);
    },
  },
  {
    name: 'times are kept, sizes reported',
    run(root) {
      const path = join(root, 'times');
      writeFileSync(path, 'x'.repeat(5000));
      utimesSync(path, 1_600_000_000, 1_700_000_000);
      const { mtimeMs, atimeMs, size } = statSync(path);
      assert.deepEqual([atimeMs, mtimeMs, size], [1_600_000_000_000, 1_700_000_000_000, 5000]);
    },
  },
  {
    name: 'a directory that is not empty is not removed',
    run(root) {
      mkdirSync(join(root, 'full'));
      writeFileSync(join(root, 'full', 'f'), '');
      assert.throws(() => rmdirSync(join(root, 'full')));
      unlinkSync(join(root, 'full', 'f'));
      rmdirSync(join(root, 'full'));
    },
  },
  {
    name: 'a full drive refuses, keeps what it has, and has room again afterwards',
    run(root) {
      const path = join(root, 'filler');
      assert.throws(() => writeFileSync(path, Buffer.alloc(CAPACITY_BYTES)), { code: 'ENOSPC' });
      assert.equal(readFileSync(join(root, 'size-4097')).length, 4097);
      truncateSync(path, 0);
      writeFileSync(join(root, 'after'), Buffer.alloc(2 ** 20));
    },
  },
  {
    name: 'everything deleted: all room is back',
    run(root) {
      for (const name of readdirSync(root)) {
        rmSync(join(root, name), { recursive: true });
      }
      assert.deepEqual(readdirSync(root), []);
    },
  },
];

async function main(mountPoint: string): Promise<number> {
  const drive = await MountedDrive.mount(mountPoint, ['--capacity', String(CAPACITY_BYTES)]);
  // `R:` alone is the current directory of that drive.
  const root = /^[A-Za-z]:$/.test(mountPoint) ? `${mountPoint}\\` : mountPoint;
  let failures = 0;
  const say = (name: string, error: unknown) => {
    failures += error === null ? 0 : 1;
    console.log(`${error === null ? 'ok    ' : 'FAILED'} ${name}`);
    if (error !== null) {
      console.log(error);
    }
  };
  const attempt = async (name: string, work: () => unknown) => {
    try {
      await work();
      say(name, null);
    } catch (error) {
      say(name, error);
    }
  };
  for (const { name, run } of CHECKS) {
    await attempt(name, () => run(root));
  }
  await attempt('the self-check of the running drive', async () => {
    assert.deepEqual((await ask(drive.record, 'selfCheck')).violations, []);
    const { errors, strictViolations } = await ask(drive.record, 'status');
    assert.deepEqual([errors.handlerErrors, strictViolations?.texts ?? []], [0, []]);
  });
  await attempt('unmount', async () => {
    assert.equal(await drive.unmount(), 0);
  });
  const system = `${process.platform} ${process.arch}, Node ${process.versions.node}`;
  console.log(`${mountPoint} on ${system}: ${failures === 0 ? 'all passed' : `${failures} failed`}`);
  return failures === 0 ? 0 : 1;
}

const [mountPoint] = process.argv.slice(2);
if (mountPoint === undefined) {
  console.error(
    'A mount point is missing: R:, a directory that does not exist (Windows), or an empty one (Linux).',
  );
  process.exitCode = 2;
} else {
  process.exitCode = await main(mountPoint);
}
