/** examples/hello-fs.ts, run as a reader would run it, on a real mount. */
import { readdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { afterEach, expect, it } from 'vitest';
import { errorOf } from '../../support/bytes.js';
import { PROJECT } from '../../support/machine.js';
import { describeMount, isMounted } from '../../support/mount.js';
import { endPrograms, MountingProgram } from '../../support/mounting-program.js';
import { run } from '../../support/processes.js';

const HELLO = `${PROJECT}dist/examples/hello-fs.js`;

describeMount('hello-fs', () => {
  afterEach(endPrograms);

  it('one file that can be read; everything else is refused; Ctrl+C unmounts', async () => {
    const hello = await MountingProgram.start(HELLO);
    const file = hello.path('hello.txt');
    expect(await readdir(hello.dir)).toEqual(['hello.txt']);
    const text = await readFile(file, 'utf8');
    expect(text).toBe('Hello from a file system written in TypeScript.\n');
    const { size, mode, mtimeMs } = await stat(file);
    expect(size).toBe(text.length);
    expect(mode & 0o170222).toBe(0o100000);
    expect(Math.abs(mtimeMs - Date.now())).toBeLessThan(600_000);
    expect((await stat(hello.dir)).isDirectory()).toBe(true);
    expect(await statfs(hello.dir)).toMatchObject({ bfree: 0 });

    expect(await errorOf(readFile(hello.path('absent')))).toBe('ENOENT');
    expect(await errorOf(readFile(`${file}/below`))).toBe('ENOTDIR');
    expect(await errorOf(writeFile(file, 'mine'))).toBe('EROFS');
    expect(await errorOf(writeFile(hello.path('new'), ''))).toBe('EROFS');
    expect(await errorOf(rename(file, hello.path('other')))).toBe('EROFS');
    expect(await errorOf(rm(file))).toBe('EROFS');
    expect(await readFile(file, 'utf8')).toBe(text);

    expect(await hello.interrupt()).toEqual({ code: 0, signal: null });
    expect(await isMounted(hello.dir)).toBe(false);
    // No warning, no broken rule.
    expect(hello.output).toBe(`mounted ${hello.dir}\n`);
  });

  it('says how it is called', async () => {
    expect(await run(process.execPath, [HELLO])).toMatchObject({
      code: 2,
      stderr: 'usage: hello-fs MOUNTPOINT\n',
    });
  });
});
