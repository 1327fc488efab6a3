/** The programs in the guide, run as they stand there, on real mounts. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PROJECT } from '../support/machine.js';
import { describeMount, isMounted, newDirectory, within } from '../support/mount.js';
import { Client, run } from '../support/processes.js';
import { toJavaScript, typeErrors, typescriptSnippets } from '../support/snippets.js';

/** Inside of the package, so that it finds itself by name, as a program that has installed it does. */
const DIRECTORY = `${PROJECT}dist/tests/snippets/`;
const EXIT_LIMIT_MS = 30_000;
let program: ChildProcess | null = null;

beforeEach(() => mkdirSync(DIRECTORY, { recursive: true }));
afterEach(() => {
  program?.kill('SIGKILL');
  program = null;
  rmSync(DIRECTORY, { recursive: true, force: true });
});

/** Starts a snippet and waits until its volume is there. `exited` is to be the exit code. */
async function start(
  name: string,
  code: string,
  directory: string,
): Promise<{ exited: Promise<number | null> }> {
  writeFileSync(`${DIRECTORY}${name}.js`, toJavaScript(code));
  const child = spawn(process.execPath, [`${DIRECTORY}${name}.js`, directory], {
    stdio: ['ignore', 'inherit', 'pipe'],
    env: { ...process.env, WINFSP_LINUX_STRICT: '2' },
  });
  program = child;
  let errors = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  while (!(await isMounted(directory))) {
    if (child.exitCode !== null) {
      throw new Error(`the snippet ended with ${child.exitCode}: ${errors}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    exited: exited.then((code) => {
      expect(errors, 'strict violations and warnings').toBe('');
      return code;
    }),
  };
}

describeMount('the programs in docs/javascript.md', () => {
  const snippets = typescriptSnippets('docs/javascript.md');

  it('are type-checked, all of them', () => {
    const paths = snippets.map((snippet, index) => {
      writeFileSync(`${DIRECTORY}javascript-${index}.ts`, snippet);
      return `${DIRECTORY}javascript-${index}.ts`;
    });
    expect(paths).toHaveLength(4);
    expect(typeErrors(paths)).toEqual([]);
  });

  it('the first writes a file and leaves nothing', async () => {
    const temporary = newDirectory();
    writeFileSync(`${DIRECTORY}first.js`, toJavaScript(snippets[0]!));
    const env = { ...process.env, TMPDIR: temporary };
    expect(await run(process.execPath, [`${DIRECTORY}first.js`], { env })).toMatchObject({
      code: 0,
      stdout: 'in memory\n',
      stderr: '',
    });
    expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(temporary);
    expect(await readdir(temporary)).toEqual([]);
  });

  it('the fixture for vitest passes', async () => {
    const vitest = `${PROJECT}node_modules/vitest/vitest.mjs`;
    const { code, stdout } = await run(process.execPath, [vitest, 'run', '--root', 'examples/fixtures'], {
      cwd: PROJECT,
      env: { ...process.env, NO_COLOR: '1', VITEST: undefined },
    });
    expect(stdout).toMatch(/Tests +2 passed \(2\)/);
    expect(code, stdout).toBe(0);
  });

  it('the fixture for node:test passes', async () => {
    const { code, stdout } = await run(process.execPath, ['--test', 'examples/fixtures/node-test.mjs'], {
      cwd: PROJECT,
    });
    expect(stdout).toMatch(/pass 2\n/);
    expect(code, stdout).toBe(0);
  });
});

describeMount('the programs in docs/guide.md', () => {
  const [hello, tree, worker, ...others] = typescriptSnippets('docs/guide.md') as [string, string, string];

  it('are type-checked, all of them', () => {
    expect(others).toEqual([]);
    writeFileSync(`${DIRECTORY}hello.ts`, hello);
    writeFileSync(`${DIRECTORY}tree.ts`, tree);
    writeFileSync(`${DIRECTORY}worker.ts`, worker);
    const paths = ['hello', 'tree', 'worker'].map((name) => `${DIRECTORY}${name}.ts`);
    expect(typeErrors(paths)).toEqual([]);
  });

  it('the shortest file system shows its file, refuses others, and ends at Ctrl+C', async () => {
    const directory = newDirectory();
    const { exited } = await start('hello', hello, directory);
    const client = new Client();
    expect(await client.do('readdirSync', directory)).toEqual(['hello.txt']);
    expect(await client.do('readFileSync', `${directory}/hello.txt`, 'utf8')).toBe('Hello.\n');
    expect(await client.errorOf('readFileSync', `${directory}/other.txt`)).toBe('ENOENT');
    expect(await client.errorOf('writeFileSync', `${directory}/new.txt`, 'x')).toMatch(/EROFS|EACCES|EPERM/);
    await client.end();
    program!.kill('SIGINT');
    expect(await within(exited, EXIT_LIMIT_MS)).toBe(0);
    expect(await isMounted(directory)).toBe(false);
  });

  it('the tree can be written, listed, renamed and deleted without one strict violation', async () => {
    const directory = newDirectory();
    const { exited } = await start('tree', tree, directory);
    const client = new Client();
    await client.do('mkdirSync', `${directory}/a/b`, { recursive: true });
    const names = Array.from({ length: 400 }, (_, i) => `${i} ${'n'.repeat(i % 200)}`);
    for (const name of names) {
      await client.do('writeFileSync', `${directory}/a/b/${name}`, name);
    }
    expect(new Set(await client.do<string[]>('readdirSync', `${directory}/a/b`))).toEqual(new Set(names));
    expect(await client.do('readFileSync', `${directory}/A/b/${names[7]}`, 'utf8')).toBe(names[7]);
    await client.do('appendFileSync', `${directory}/a/b/0 `, ' and more');
    await client.do('truncateSync', `${directory}/a/b/0 `, 5);
    await client.do('utimesSync', `${directory}/a/b/0 `, 1_000_000_000, 1_111_111_111);
    const { mtimeMs, size } = await client.do<{ mtimeMs: number; size: number }>(
      'statSync',
      `${directory}/a/b/0 `,
    );
    expect({ mtimeMs, size }).toEqual({ mtimeMs: 1_111_111_111_000, size: 5 });
    await client.do('renameSync', `${directory}/a`, `${directory}/c`);
    await client.do('renameSync', `${directory}/c/b/0 `, `${directory}/c/b/${names[1]}`);
    expect(await client.do('readFileSync', `${directory}/c/b/${names[1]}`, 'utf8')).toBe('0  an');
    expect(await client.errorOf('rmdirSync', `${directory}/c`)).toBe('ENOTEMPTY');
    expect(await client.errorOf('readFileSync', `${directory}/a/b/0 `)).toBe('ENOENT');
    await client.do('rmSync', `${directory}/c`, { recursive: true });
    expect(await client.do('readdirSync', directory)).toEqual([]);
    await client.end();
    program!.kill('SIGINT');
    expect(await within(exited, EXIT_LIMIT_MS)).toBe(0);
    expect(await isMounted(directory)).toBe(false);
  });

  it('the file system in a worker can be written to, and goes with its scope', async () => {
    const directory = newDirectory();
    expect(worker).toContain("'R:'");
    writeFileSync(
      `${DIRECTORY}my-file-system.js`,
      `import { MemoryFs } from '${PROJECT}dist/examples/memory-fs.js';
       export default (options) => new MemoryFs(options);`,
    );
    // The snippet ends with the mount; a program would do something then.
    const waiting = "\nawait new Promise((resolve) => process.once('SIGTERM', resolve));\n";
    const { exited } = await start('worker', worker.replace("'R:'", 'process.argv[2]') + waiting, directory);
    const client = new Client();
    await client.do('writeFileSync', `${directory}/a`, 'written');
    expect(await client.do('readFileSync', `${directory}/a`, 'utf8')).toBe('written');
    const { bsize, blocks } = await client.do<{ bsize: number; blocks: number }>('statfsSync', directory);
    expect(bsize * blocks).toBe(2 ** 30);
    await client.end();
    program!.kill('SIGTERM');
    expect(await within(exited, EXIT_LIMIT_MS)).toBe(0);
    expect(await isMounted(directory)).toBe(false);
  });
});
