/**
 * examples/passthrough-fs.ts on a real mount: what is done on the volume is done in the directory below it, and the
 * other way round.
 */
import fs from 'node:fs';
import {
  appendFile,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  statfs,
  symlink,
  truncate,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { errorOf, MIB, pattern } from '../../support/bytes.js';
import { PROJECT } from '../../support/machine.js';
import { describeMount, isMounted, newDirectory } from '../../support/mount.js';
import { endPrograms, MountingProgram } from '../../support/mounting-program.js';
import { run } from '../../support/processes.js';

const PASSTHROUGH = `${PROJECT}dist/examples/passthrough-fs.js`;

class Passthrough {
  private constructor(
    readonly below: string,
    readonly program: MountingProgram,
  ) {}

  static async start(): Promise<Passthrough> {
    const below = newDirectory();
    return new Passthrough(below, await MountingProgram.start(PASSTHROUGH, below));
  }

  /** On the volume. */
  on(...names: string[]): string {
    return this.program.path(...names);
  }

  /** The same, in the real directory. */
  real(...names: string[]): string {
    return join(this.below, ...names);
  }

  async end(): Promise<void> {
    expect(await this.program.interrupt()).toEqual({ code: 0, signal: null });
    expect(await isMounted(this.program.dir)).toBe(false);
    // No warning, no broken rule, no error of a handler.
    expect(this.program.output).toBe(`mounted ${this.program.dir}\n`);
  }
}

describeMount('passthrough-fs', () => {
  afterEach(endPrograms);

  it('contents, both ways', async () => {
    const volume = await Passthrough.start();
    for (const size of [0, 1, 4095, 4096, 4097, 3 * MIB + 7]) {
      const [there, back] = [pattern(size, size + 1), pattern(size, size + 2)];
      await writeFile(volume.on('f'), there);
      expect((await readFile(volume.real('f'))).equals(there), `${size} bytes written`).toBe(true);
      await writeFile(volume.real('f'), back);
      expect((await readFile(volume.on('f'))).equals(back), `${size} bytes read`).toBe(true);
    }
    const file = await open(volume.on('f'), 'r+');
    await file.write('in the middle', MIB);
    await file.sync();
    await file.close();
    expect((await readFile(volume.real('f'))).subarray(MIB, MIB + 13).toString()).toBe('in the middle');
    await Promise.all(Array.from({ length: 20 }, (_, i) => appendFile(volume.on('log'), `line ${i}\n`)));
    const lines = (await readFile(volume.real('log'), 'utf8')).trimEnd().split('\n');
    expect(lines.sort()).toEqual(Array.from({ length: 20 }, (_, i) => `line ${i}`).sort());
    await truncate(volume.on('f'), 10);
    expect((await stat(volume.real('f'))).size).toBe(10);
    await volume.end();
  });

  it('listings and what stat says', async () => {
    const volume = await Passthrough.start();
    const names = Array.from({ length: 600 }, (_, i) => `${i} ${'n'.repeat(i % 200)}`).sort();
    for (const name of names) {
      fs.writeFileSync(volume.real(name), name);
    }
    await mkdir(volume.real('z'));
    await symlink('z', volume.real('z-link'));
    await symlink('nowhere', volume.real('broken'));
    expect((await run('mkfifo', [volume.real('pipe')])).code).toBe(0);
    expect((await readdir(volume.program.dir)).sort()).toEqual([...names, 'z', 'z-link']);
    for (const name of [names[0]!, names[599]!]) {
      const exact = { bigint: true } as const;
      const [there, real] = [await stat(volume.on(name), exact), await stat(volume.real(name), exact)];
      // A volume's times count 100 ns.
      const mtimeNs = real.mtimeNs - (real.mtimeNs % 100n);
      expect(there).toMatchObject({ size: real.size, ino: real.ino, mtimeNs });
      expect(there.isFile()).toBe(true);
    }
    expect((await stat(volume.on('z-link'))).isDirectory()).toBe(true);
    await utimes(volume.on('z'), 1_000_000_000, 1_111_111_111.5);
    expect(await stat(volume.real('z'))).toMatchObject({
      atimeMs: 1_000_000_000_000,
      mtimeMs: 1_111_111_111_500,
    });
    // Neither waits for someone to write into the pipe.
    expect(await errorOf(readFile(volume.on('pipe')))).toBe('EACCES');
    expect(await errorOf(readFile(volume.on('broken')))).toBe('ENOENT');
    const [there, real] = [await statfs(volume.program.dir), await statfs(volume.below)];
    expect(there.blocks * there.bsize).toBe(real.blocks * real.bsize);
    await volume.end();
  });

  it('renames and deletes, also of what is open', async () => {
    const volume = await Passthrough.start();
    await mkdir(volume.on('from', 'deep'), { recursive: true });
    await writeFile(volume.on('from', 'deep', 'f'), 'content');
    const held = await open(volume.on('from', 'deep', 'f'), 'r+');
    await rename(volume.on('from'), volume.on('to'));
    expect(await readFile(volume.real('to', 'deep', 'f'), 'utf8')).toBe('content');
    await held.write('CON', 0);
    await writeFile(volume.on('other'), 'replaced');
    await rename(volume.on('to', 'deep', 'f'), volume.on('other'));
    expect(await readFile(volume.real('other'), 'utf8')).toBe('CONtent');
    expect(await readdir(volume.real('to', 'deep'))).toEqual([]);

    await unlink(volume.on('other'));
    expect(fs.existsSync(volume.real('other'))).toBe(false);
    expect((await held.read(Buffer.alloc(7), 0, 7, 0)).buffer.toString()).toBe('CONtent');
    await held.close();
    expect(await errorOf(rmdir(volume.on('to')))).toBe('ENOTEMPTY');
    await rm(volume.on('to'), { recursive: true });
    expect(await readdir(volume.below)).toEqual([]);
    await volume.end();
  });

  it('what cannot be done is refused', async () => {
    const volume = await Passthrough.start();
    await writeFile(volume.on('f'), 'f');
    expect(await errorOf(readFile(volume.on('absent')))).toBe('ENOENT');
    expect(await errorOf(writeFile(volume.on('absent', 'f'), ''))).toBe('ENOENT');
    expect(await errorOf(open(volume.on('f'), 'wx'))).toBe('EEXIST');
    expect(await errorOf(mkdir(volume.on('f')))).toBe('EEXIST');
    expect(await errorOf(readdir(volume.on('f')))).toBe('ENOTDIR');
    expect(await errorOf(rename(volume.on('absent'), volume.on('x')))).toBe('ENOENT');
    // Symbolic and hard links cannot be made: the file system has no methods for them.
    expect(await errorOf(symlink('f', volume.on('link')))).toMatch(/^E(NOSYS|NOTSUP|OPNOTSUPP|PERM)$/);
    expect(await errorOf(fs.promises.link(volume.on('f'), volume.on('hard')))).toMatch(
      /^E(NOSYS|NOTSUP|OPNOTSUPP|PERM)$/,
    );
    expect(await readdir(volume.below)).toEqual(['f']);
    await volume.end();
    expect((await run(process.execPath, [PASSTHROUGH, volume.below])).code).toBe(2);
  });

  it('many reads at once, each its own bytes', async () => {
    const volume = await Passthrough.start();
    const content = pattern(8 * MIB, 5);
    await writeFile(volume.real('f'), content);
    const file = await open(volume.on('f'), 'r');
    await Promise.all(
      Array.from({ length: 64 }, async (_, i) => {
        const offset = (i * 2_654_435_761) % (7 * MIB);
        const length = 1 + ((i * 40_503) % 300_000);
        const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
        expect(buffer.subarray(0, bytesRead).equals(content.subarray(offset, offset + bytesRead))).toBe(true);
        expect(bytesRead).toBe(length);
      }),
    );
    await file.close();
    await volume.end();
  });
});
