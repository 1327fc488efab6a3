/**
 * `import { RamDrive } from 'ramdrive'`: a drive of a program, used synchronously by it, gone with it however it ends.
 */
import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ConfigError,
  type DriveEnd,
  DriveError,
  MountPointError,
  RamDrive,
  type RamDriveOptions,
} from 'ramdrive';
import { afterEach, expect, it } from 'vitest';
import { PROJECT } from '../support/machine.js';
import { cli, describeMount, isMounted, newDirectory } from '../support/mount.js';
import { run } from '../support/processes.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const OPTIONS = { capacity: '64M' };
const drives: RamDrive[] = [];

async function mount(options: RamDriveOptions = OPTIONS): Promise<RamDrive> {
  const drive = await RamDrive.mount(options);
  drives.push(drive);
  return drive;
}

/** Resolves with how it ended. */
function endOf(drive: RamDrive): Promise<DriveEnd> {
  return new Promise((resolve) => drive.once('end', resolve));
}

async function untilGone(path: string): Promise<void> {
  await expect.poll(() => isMounted(path), { timeout: 30_000, interval: 20 }).toBe(false);
  await expect.poll(() => existsSync(path), { timeout: 30_000, interval: 20 }).toBe(false);
}

/** A program that has mounted a drive, and where. */
async function program(body: string, kind: 'module' | 'commonjs' = 'module') {
  const child = spawn(process.execPath, [`--input-type=${kind}`, '-e', body], {
    cwd: PROJECT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const exited = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? code));
  });
  const path = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.includes('\n')) {
        resolve(output.trimEnd());
      }
    });
    child.once('close', () => reject(new Error(`no drive: ${errors}`)));
  });
  return { child, exited, path, errors: () => errors };
}

const MOUNTS = `
  import { RamDrive } from 'ramdrive';
  import fs from 'node:fs';
  const drive = await RamDrive.mount({ capacity: '64M' });
  fs.writeFileSync(drive.path + '/f', 'content');
  fs.writeSync(1, drive.path + '\\n');
`;

describeMount('RamDrive', () => {
  afterEach(async () => {
    for (const drive of drives.splice(0)) {
      await drive[Symbol.asyncDispose]();
    }
  });

  it('takes snapshots, rolls back, and changes its capacity', async () => {
    const drive = await mount();
    const file = join(drive.path, 'f');
    writeFileSync(file, 'before');
    expect(await drive.snapshot('base')).toMatchObject({ name: 'base', files: 1, bytes: 6 });
    const timed = await drive.snapshot();
    expect((await drive.snapshots()).map(({ name }) => name)).toEqual(['base', timed.name]);
    writeFileSync(file, 'after');
    writeFileSync(join(drive.path, 'more'), 'more');
    await drive.rollback('base');
    expect(readFileSync(file, 'utf8')).toBe('before');
    expect(existsSync(join(drive.path, 'more'))).toBe(false);
    await drive.deleteSnapshot(timed.name);
    await expect(drive.snapshot('base')).rejects.toMatchObject({ code: 'SNAPSHOT_EXISTS' });
    await expect(drive.rollback(timed.name)).rejects.toMatchObject({ code: 'NO_SUCH_SNAPSHOT' });
    await expect(drive.deleteSnapshot('')).rejects.toMatchObject({ code: 'NO_SUCH_SNAPSHOT' });
    await expect(drive.snapshot(7 as never)).rejects.toMatchObject({ code: 'BAD_VALUE' });

    expect(await drive.resize('128M')).toEqual({ capacityBytes: 2 ** 27 });
    expect(await drive.resize(2 ** 20 + 1)).toEqual({ capacityBytes: 2 ** 20 });
    expect((await drive.status()).capacityBytes).toBe(2 ** 20);
    await expect(drive.resize(4096)).rejects.toMatchObject({ code: 'NO_ROOM' });
    await expect(drive.resize('much')).rejects.toThrow(ConfigError);
    expect(await drive.unmount()).toEqual({ files: 1, bytes: 8192 });
  });

  it('keeps what is on it in an image, wherever it is mounted', async () => {
    const image = join(temporaryFolder('api-image'), 'drive.tar');
    const first = await mount({ image });
    writeFileSync(join(first.path, 'f'), 'kept');
    await first.unmount();
    const second = await mount({ image });
    expect(readFileSync(join(second.path, 'f'), 'utf8')).toBe('kept');
  });

  it('is used synchronously, tells its figures, and leaves nothing', async () => {
    const drive = await mount();
    const ended = endOf(drive);
    const file = join(drive.path, 'f');
    writeFileSync(file, 'x'.repeat(100_000));
    mkdirSync(join(drive.path, 'd'));
    expect(readFileSync(file, 'utf8')).toHaveLength(100_000);
    const { bsize, blocks } = statfsSync(drive.path);
    expect(bsize * blocks).toBe(64 * 2 ** 20);
    expect(await drive.status()).toMatchObject({ files: 2, capacityBytes: 64 * 2 ** 20 });
    expect((await drive.selfCheck()).violations).toEqual([]);
    expect(await drive.unmount()).toEqual({ files: 2, bytes: 102_400 });
    expect(await ended).toEqual({ reason: 'stopped', error: null });
    expect(existsSync(drive.path)).toBe(false);
    expect(drive.isMounted).toBe(false);
    expect(await drive.unmount()).toBeNull();
    await expect(drive.status()).rejects.toMatchObject({ name: 'DriveError', code: 'NOT_RUNNING' });
  });

  it('is refused an unmount while a file is open on it, unless that is forced', async () => {
    const drive = await mount();
    const descriptor = openSync(join(drive.path, 'f'), 'w');
    await expect(drive.unmount()).rejects.toMatchObject({ name: 'DriveError', code: 'BUSY' });
    expect(drive.isMounted).toBe(true);
    writeFileSync(join(drive.path, 'g'), 'it goes on');
    await Promise.all([drive.unmount({ force: true }), drive[Symbol.asyncDispose]()]);
    closeSync(descriptor);
    expect(existsSync(drive.path)).toBe(false);
  });

  it.each([
    ['falls off its end', '', 0],
    ['calls process.exit()', 'process.exit(3);', 3],
    ['throws', 'throw new Error("a bug");', 1],
    ['kills itself', 'process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1000);', 'SIGKILL'],
    ['is interrupted', 'process.kill(process.pid, "SIGINT"); setInterval(() => {}, 1000);', 'SIGINT'],
    ['has a file open and exits', 'fs.openSync(drive.path + "/f"); process.exit(0);', 0],
  ])('goes with a program that %s', async (_name, end, status) => {
    const { exited, path } = await program(MOUNTS + end);
    expect(await exited).toBe(status);
    await untilGone(path);
  });

  it('goes with a program that ends while it mounts', async () => {
    const dir = newDirectory();
    const body = `import { RamDrive } from 'ramdrive';
      void RamDrive.mount({ capacity: '64M', mountPoint: ${JSON.stringify(dir)} });
      setTimeout(() => process.exit(0), Number(process.argv[1]));`;
    for (const delayMs of [0, 100, 200, 400]) {
      const { code } = await run(process.execPath, ['--input-type=module', '-e', body, `${delayMs}`], {
        cwd: PROJECT,
      });
      expect(code).toBe(0);
    }
    await sleep(1000);
    await expect.poll(() => isMounted(dir), { timeout: 30_000 }).toBe(false);
    const { stdout } = await cli('status');
    expect(stdout).not.toContain(dir);
  });

  it('does not end by the Ctrl+C that a program handles', async () => {
    // Before it mounts: the signal may come as soon as the path is told.
    const body = `
      process.on('SIGINT', () => {
        fs.writeFileSync(drive.path + '/g', 'still here');
        process.exitCode = 5;
        clearInterval(timer);
      });
      const timer = setInterval(() => {}, 1000);
      ${MOUNTS}`;
    const { child, exited, path } = await program(body);
    process.kill(child.pid!, 'SIGINT');
    expect(await exited).toBe(5);
    await untilGone(path);
  });

  it('says so when its process is killed, and clears up after it', async () => {
    const drive = await mount();
    const ended = endOf(drive);
    const { pid } = await drive.status();
    process.kill(pid, 'SIGKILL');
    const { reason, error } = await ended;
    expect(reason).toBe('died');
    expect(error).toBeInstanceOf(DriveError);
    expect(error!.message).toBe(`The drive at ${drive.path} has died: its process was ended by SIGKILL.`);
    expect(await isMounted(drive.path)).toBe(false);
    expect(existsSync(drive.path)).toBe(false);
    await expect(drive.status()).rejects.toMatchObject({ code: 'NOT_RUNNING' });
  });

  it('is found by the command line, and may be unmounted from there', async () => {
    const drive = await mount();
    const ended = endOf(drive);
    expect((await cli('status', drive.path)).stdout).toContain(drive.path);
    expect((await cli('unmount', drive.path)).code).toBe(0);
    expect((await ended).reason).toBe('stopped');
    expect(existsSync(drive.path)).toBe(false);
  });

  it('is unmounted from outside', async () => {
    const drive = await mount();
    const ended = endOf(drive);
    expect((await run('umount', [drive.path])).code).toBe(0);
    expect(await ended).toEqual({ reason: 'volume-gone', error: null });
    await untilGone(drive.path);
  });

  it('may be mounted where the program says, once', async () => {
    const dir = newDirectory();
    const drive = await mount({ ...OPTIONS, mountPoint: dir });
    expect(drive.path).toBe(dir);
    const second = RamDrive.mount({ ...OPTIONS, mountPoint: dir });
    await expect(second).rejects.toBeInstanceOf(MountPointError);
    await expect(second).rejects.toMatchObject({ code: 'ALREADY_MOUNTED', mountPoint: dir });
    await drive.unmount();
    expect(existsSync(dir)).toBe(true);
  });

  it('warns where the program can hear it, also of what came up while it was mounted', async () => {
    const drive = await mount({ capacity: '900G' });
    const warning = await new Promise((resolve) => drive.once('warning', resolve));
    expect(warning).toMatch(/900 GiB|more than|memory/i);
  });

  it('warns when it gets nearly full, when it gets full, and when it gets there again', async () => {
    const drive = await mount({ capacity: '16M' });
    const warnings: string[] = [];
    drive.on('warning', (message) => warnings.push(message));
    const said = (count: number) => expect.poll(() => warnings.length, { timeout: 30_000 }).toBe(count);
    const file = join(drive.path, 'f');
    writeFileSync(file, Buffer.alloc(15 * 2 ** 20));
    await said(1);
    expect(() => writeFileSync(join(drive.path, 'g'), Buffer.alloc(4 * 2 ** 20))).toThrow(/ENOSPC/);
    await said(2);
    rmSync(join(drive.path, 'g'));
    rmSync(file);
    writeFileSync(file, Buffer.alloc(15 * 2 ** 20));
    await said(3);
    expect(warnings[0]).toMatch(/^The drive at \/.* is 90 % full: .* of 16 MiB are free\.$/);
    expect(warnings[1]).toMatch(/ is full: .* of 16 MiB are free\. Programs that write to it are refused/);
    expect(warnings[2]).toMatch(/ is 90 % full: /);
  });

  it('ten at once, each its own', async () => {
    const all = await Promise.all(Array.from({ length: 10 }, () => mount({ capacity: '8M' })));
    for (const [index, drive] of all.entries()) {
      writeFileSync(join(drive.path, 'f'), `${index}`);
    }
    expect(all.map((drive) => readFileSync(join(drive.path, 'f'), 'utf8'))).toEqual([...'0123456789']);
    expect(new Set(all.map(({ path }) => path)).size).toBe(10);
  });

  it('works from CommonJS', async () => {
    const { exited, path, errors } = await program(
      `const { RamDrive } = require('ramdrive');
       const fs = require('node:fs');
       RamDrive.mount({ capacity: '64M' }).then(async (drive) => {
         fs.writeFileSync(drive.path + '/f', 'content');
         fs.writeSync(1, drive.path + '\\n');
         await drive.unmount();
       });`,
      'commonjs',
    );
    expect(await exited).toBe(0);
    expect(errors().replace(/^.*ExperimentalWarning.*\n.*\n/m, '')).toBe('');
    expect(existsSync(path)).toBe(false);
  });
});
