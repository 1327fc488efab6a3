/**
 * The bootstrap on a project of its own with fake tools: what it runs, when it runs nothing, and what it says when it
 * cannot.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const SCRIPTS = fileURLToPath(new URL('../../../scripts/', import.meta.url));
let root = '';

function put(path: string, text: string): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** A program on the only PATH there is; notes its call, then does `body` (shell, in the project's folder). */
function tool(name: string, body = ''): void {
  put(`bin/${name}`, `#!/bin/sh\necho "${name} $*" >> '${root}/calls'\ncd '${root}'\n${body}\n`);
  chmodSync(join(root, 'bin', name), 0o755);
}

function calls(): string[] {
  const path = join(root, 'calls');
  const lines = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  rmSync(path, { force: true });
  return lines.map((line) => line.split(' ')[0]!);
}

async function bootstrap(
  args: string[] = [],
  more: Record<string, string> = {},
): Promise<{ code: number | null; said: string }> {
  // npm_execpath would lead to the real npm.
  const env = { PATH: join(root, 'bin'), ...more };
  const child = spawn(process.execPath, [join(root, 'scripts/bootstrap.mjs'), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, said };
}

const INSTALL = `/bin/mkdir -p node_modules/typescript/bin
echo '{}' > node_modules/.package-lock.json
/bin/cp fake-tsc.js node_modules/typescript/bin/tsc`;

describe.skipIf(process.platform !== 'linux')('bootstrap', () => {
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'bootstrap-'));
    mkdirSync(join(root, 'scripts'));
    for (const file of ['bootstrap.mjs', 'build-native.mjs']) {
      copyFileSync(join(SCRIPTS, file), join(root, 'scripts', file));
    }
    put('package.json', '{"name":"fake","type":"module"}');
    put('package-lock.json', '{}');
    put('tsconfig.build.json', '{"include":["src","tests/more"]}');
    put('src/a.ts', 'a');
    put('src/b.ts', 'b');
    put('native/winfsp-linux/Makefile', 'all:');
    put('native/winfsp-linux/src/x.c', 'x');
    // Compiles by copying; "error" in a source is an error.
    put(
      'fake-tsc.js',
      `const fs = require('node:fs');
       fs.appendFileSync('calls', 'tsc\\n');
       fs.mkdirSync('dist/src', { recursive: true });
       for (const f of fs.readdirSync('src')) {
         const text = fs.readFileSync('src/' + f, 'utf8');
         fs.writeFileSync('dist/src/' + f.replace('.ts', '.js'), text);
         if (text.includes('error')) process.exitCode = 2;
       }`,
    );
    tool('npm', INSTALL);
    tool('gcc');
    tool('fusermount3');
    tool('make', '/bin/mkdir -p native/winfsp-linux/build; echo so > native/winfsp-linux/build/libwinfsp.so');
  });
  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });

  it('does everything once in a bare clone, and then nothing, silently', async () => {
    expect((await bootstrap()).code).toBe(0);
    expect(calls()).toEqual(['npm', 'tsc', 'make']);
    expect(await bootstrap()).toEqual({ code: 0, said: '' });
    expect(calls()).toEqual([]);
  });

  it('builds what was edited, and only that', async () => {
    await bootstrap();
    calls();
    put('src/a.ts', 'longer than before');
    await bootstrap();
    expect(calls()).toEqual(['tsc']);
    put('native/winfsp-linux/src/x.c', 'longer than before');
    await bootstrap();
    expect(calls()).toEqual(['make']);
    put('src/c.ts', 'new');
    await bootstrap();
    expect(calls()).toEqual(['tsc']);
    put('tests/more/d.ts', 'whatever else the build configuration names');
    await bootstrap();
    expect(calls()).toEqual(['tsc']);
  });

  it('builds again when a source is older than the build, as after a checkout of an old state', async () => {
    await bootstrap();
    calls();
    utimesSync(join(root, 'src/a.ts'), 1, 1);
    await bootstrap();
    expect(calls()).toEqual(['tsc']);
  });

  it('takes away what a removed source was compiled to', async () => {
    await bootstrap();
    rmSync(join(root, 'src/b.ts'));
    await bootstrap();
    expect(existsSync(join(root, 'dist/src/a.js'))).toBe(true);
    expect(existsSync(join(root, 'dist/src/b.js'))).toBe(false);
  });

  it('installs packages again when the lock file changed, not when only its time did', async () => {
    await bootstrap();
    calls();
    const later = Date.now() / 1000 + 100;
    utimesSync(join(root, 'package-lock.json'), later, later);
    await bootstrap();
    expect(calls()).toEqual([]);
    put('package-lock.json', '{"changed":true}');
    utimesSync(join(root, 'package-lock.json'), later, later);
    await bootstrap();
    expect(calls()).toEqual(['npm']);
  });

  it('fails on a compile error, says so, and tries again next time', async () => {
    put('src/a.ts', 'error');
    const { code, said } = await bootstrap();
    expect(code).toBe(1);
    expect(said).toContain('TypeScript found errors');
    // The library is built all the same: one run shows the troubles of both.
    expect(calls()).toEqual(['npm', 'tsc', 'make']);
    expect((await bootstrap()).code).toBe(1);
    put('src/a.ts', 'right');
    expect((await bootstrap()).code).toBe(0);
  });

  it('says what to do when npm fails', async () => {
    tool('npm', 'exit 1');
    const { code, said } = await bootstrap();
    expect(code).toBe(1);
    expect(said).toContain('npm ci failed');
    expect(calls()).toEqual(['npm']);
  });

  it('builds the TypeScript only when system packages are missing, and prints the command', async () => {
    rmSync(join(root, 'bin/gcc'));
    tool('dnf');
    const { code, said } = await bootstrap();
    expect(code).toBe(0);
    expect(said).toContain('missing: a C compiler (cc)');
    expect(said).toContain('sudo dnf install');
    expect(said).toContain('no drive can be mounted');
    // Another package manager than apt-get is never run.
    expect(calls()).toEqual(['npm', 'tsc']);
  });

  it.runIf(process.getuid?.() === 0)('installs system packages itself as root with apt-get', async () => {
    rmSync(join(root, 'bin/gcc'));
    tool('apt-get', '/bin/cp bin/make bin/gcc');
    const { code, said } = await bootstrap();
    expect(code).toBe(0);
    expect(said).not.toContain('sudo');
    // Said before it is done, with the way to say no.
    expect(said).toMatch(
      /going to run .*--no-install.*: apt-get update; apt-get install[\s\S]*apt-get update\n/,
    );
    expect(calls()).toEqual(['npm', 'tsc', 'apt-get', 'apt-get', 'make']);
  });

  it('installs no system packages where that is not wanted', async () => {
    rmSync(join(root, 'bin/gcc'));
    tool('apt-get', '/bin/cp bin/make bin/gcc');
    for (const [args, env] of [
      [['--no-install'], {}],
      [[], { RAMDRIVE_NO_INSTALL: '1' }],
    ] as const) {
      const { code, said } = await bootstrap([...args], env);
      expect(code).toBe(0);
      expect(said).toContain('sudo apt-get update && sudo apt-get install');
    }
    expect(calls()).toEqual(['npm', 'tsc']);
  });

  it('goes on without the library when apt-get fails', async () => {
    rmSync(join(root, 'bin/gcc'));
    tool('apt-get', 'exit 100');
    const { code, said } = await bootstrap();
    expect(code).toBe(0);
    expect(said).toContain('sudo apt-get update && sudo apt-get install');
  });

  it('lets one of several runs do the work and the others wait for it', async () => {
    tool('npm', `/bin/sleep 0.5\n${INSTALL}`);
    const results = await Promise.all([1, 2, 3, 4].map(() => bootstrap()));
    expect(results.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    expect(calls()).toEqual(['npm', 'tsc', 'make']);
  });

  it('waits for no name that another user can take', async () => {
    const name = `ramdrive-bootstrap-${createHash('sha256').update(realpathSync(root)).digest('hex').slice(0, 24)}`;
    const stranger = createServer(() => {});
    await new Promise<void>((resolve) => stranger.listen(`\0${name}`, resolve));
    try {
      expect((await bootstrap()).code).toBe(0);
    } finally {
      stranger.close();
    }
  });

  it('starts again after a run that was killed in the middle', async () => {
    tool('npm', '/bin/kill -9 $PPID');
    expect((await bootstrap()).code).toBe(null);
    tool('npm', INSTALL);
    calls();
    expect((await bootstrap()).code).toBe(0);
    expect(calls()).toEqual(['npm', 'tsc', 'make']);
  });
});
