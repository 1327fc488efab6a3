/** What `npm pack` yields, installed in an empty project and used there as its reader would. */
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runInBareRoot, whyNoBareRoot } from '../support/bare-root.js';
import { PROJECT, whyNoMounts } from '../support/machine.js';
import { isMounted } from '../support/mount.js';
import { Client, run } from '../support/processes.js';
import { toJavaScript, typeErrors, typescriptSnippets } from '../support/snippets.js';

const project = mkdtempSync(join(tmpdir(), 'ramdrive-package-'));
const hello = typescriptSnippets('docs/guide.md')[0]!;
const installed = join(project, 'node_modules', 'ramdrive');
let files: string[] = [];
let tarball = '';

async function succeed(program: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(program, args, { cwd: project });
  expect(code, `${program} ${args.join(' ')}: ${stdout}${stderr}`).toBe(0);
  return stdout;
}

/** Of native/winfsp-linux/src/script: names that a library exports or mentions. */
const TEST_MACHINERY = ['FspLinuxScript', 'hold_completion', 'hold_timeout_ms'];

function testMachineryIn(library: string): string[] {
  const text = readFileSync(library, 'latin1');
  return TEST_MACHINERY.filter((name) => text.includes(name));
}

beforeAll(async () => {
  // As a run of the examples' fixtures leaves it; it must not be packed.
  const cache = join(PROJECT, 'examples/fixtures/node_modules/.vite');
  mkdirSync(cache, { recursive: true });
  writeFileSync(join(cache, 'results.json'), '{}\n');
  const pack = ['pack', PROJECT, '--json', '--foreground-scripts=false', '--pack-destination', project];
  const [packed] = JSON.parse(await succeed('npm', ...pack)) as [
    { filename: string; files: { path: string }[] },
  ];
  tarball = packed.filename;
  files = packed.files.map(({ path }) => path);
  writeFileSync(join(project, 'package.json'), '{ "name": "empty", "private": true, "type": "module" }\n');
  await succeed('npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', `./${packed.filename}`);
}, 240_000);

afterAll(() => rmSync(project, { recursive: true, force: true }));

describe('the package', () => {
  it('has the program, its declarations, the native library, the documentation, and nothing else', () => {
    const expected = [
      /^package\.json$|^LICENSE$|^(README|ARCHITECTURE|CHANGELOG|CONTRIBUTING)\.md$/,
      /^dist\/src\/.*\.(js|d\.ts)$|^dist\/examples\/(fixtures\/)?[\w.-]+\.js$/,
      /^examples\/(fixtures\/)?[\w.-]+\.(ts|mjs)$/,
      /^docs\/.*\.(md|json)$|^bench\/results\/report\.html$/,
      /^native\/winfsp-linux\/(Makefile|(src|include)\/.*\.[ch]|prebuilt\/(x64|arm64)\/libwinfsp\.so)$/,
      /^scripts\/(bootstrap|build-native|install)\.mjs$/,
    ];
    expect(files.filter((path) => !expected.some((pattern) => pattern.test(path)))).toEqual([]);
    if (process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch)) {
      expect(files).toContain(`native/winfsp-linux/prebuilt/${process.arch}/libwinfsp.so`);
    }
    expect(files).toContain('dist/src/winfsp/index.d.ts');
    expect(files).toContain('dist/src/api/index.d.ts');
    expect(files).toContain('docs/guide.md');
    expect(files).toContain('native/winfsp-linux/src/core/queue.c');
    expect(files.filter((path) => path.startsWith('native/winfsp-linux/src/script/'))).toEqual([]);
  });

  it('has what README leads to', () => {
    const links = readFileSync(join(installed, 'README.md'), 'utf8').matchAll(/\]\(([^)\s#]+)(#[^)]*)?\)/g);
    const local = [...links].map(([, link]) => link!).filter((link) => !/^[a-z]+:/.test(link));
    expect(local).toContain('docs/usage.md');
    expect(local.filter((link) => !existsSync(join(installed, link)))).toEqual([]);
  });

  it('has no machinery for tests: no injected faults, no volumes without a mount', () => {
    const machinery = /RAMDRIVE_TEST_|Injected:|[Ff]aultyFileSystem|startUnmounted|failCommitWhen/;
    const programs = files.filter((path) => /^dist\/src\/.*\.(js|d\.ts)$/.test(path));
    expect(programs).toContain('dist/src/drive/ram-drive.js');
    const suspect = programs.filter((path) => machinery.test(readFileSync(join(installed, path), 'utf8')));
    expect(suspect).toEqual([]);
    expect(programs.filter((path) => /fault|inject/.test(path))).toEqual([]);
  });

  it('brings few packages along', () => {
    const packages = readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.'));
    const own = ['@koromix', 'commander', 'jsonc-parser', 'koffi', 'ramdrive', 'sorted-btree', 'valibot'];
    // tar-stream, for images, and what it is made of.
    const tar = [
      'b4a',
      'bare-events',
      'events-universal',
      'fast-fifo',
      'streamx',
      'tar-stream',
      'text-decoder',
    ];
    expect(packages.sort()).toEqual([...own, ...tar].sort());
  });

  it('has types for anyone who uses it', () => {
    mkdirSync(join(project, 'src'));
    writeFileSync(join(project, 'src', 'hello.ts'), hello);
    writeFileSync(
      join(project, 'src', 'wrong.ts'),
      "import { FileSystemHost } from 'ramdrive/winfsp'; new FileSystemHost({ read: 'no method' });",
    );
    expect(typeErrors([join(project, 'src', 'hello.ts')])).toEqual([]);
    expect(typeErrors([join(project, 'src', 'wrong.ts')])).toHaveLength(1);
  });

  it('has the command line', async () => {
    expect(await succeed('npx', 'ramdrive', '--help')).toContain('mount');
  });

  const reason = whyNoMounts();
  it.skipIf(reason !== null)(
    `loads its prebuilt Linux library, or one that it builds, and runs the guide's first program${reason === null ? '' : ` (skipped: ${reason})`}`,
    async () => {
      writeFileSync(join(project, 'hello.js'), toJavaScript(hello));
      await runsHello();
      const prebuilt = join(installed, 'native', 'winfsp-linux', 'prebuilt', process.arch);
      writeFileSync(join(prebuilt, 'libwinfsp.so'), 'of another system');
      await succeed('npm', 'rebuild', 'ramdrive');
      expect(existsSync(prebuilt)).toBe(false);
      const build = join(installed, 'native', 'winfsp-linux', 'build');
      expect(readdirSync(build).filter((name) => name.startsWith('lib'))).toEqual(['libwinfsp.so']);
      expect(testMachineryIn(join(build, 'libwinfsp.so'))).toEqual([]);
      // The names are those that a library with the scripted front end has.
      const testBuild = join(PROJECT, 'native', 'winfsp-linux', 'build', 'libwinfsp-test.so');
      expect(testMachineryIn(testBuild)).toEqual(TEST_MACHINERY);
      await runsHello();
    },
  );

  const noRoot = whyNoBareRoot();
  it.skipIf(noRoot !== null)(
    `needs no second step where there is no compiler${noRoot === null ? '' : ` (skipped: ${noRoot})`}`,
    async () => {
      const { code, stdout, stderr } = await runInBareRoot(join(project, 'bare'), join(project, tarball));
      expect(code, stdout + stderr).toBe(0);
      expect(stdout).toContain('mounted /mnt');
    },
    240_000,
  );
});

async function runsHello(): Promise<void> {
  const directory = join(project, 'mount');
  mkdirSync(directory, { recursive: true });
  const child = spawn(process.execPath, ['hello.js', directory], { cwd: project, stdio: 'inherit' });
  const exited = new Promise((resolve) => child.once('close', resolve));
  try {
    while (!(await isMounted(directory)) && child.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const client = new Client();
    expect(await client.do('readFileSync', join(directory, 'hello.txt'), 'utf8')).toBe('Hello.\n');
    await client.end();
    child.kill('SIGINT');
    expect(await exited).toBe(0);
    expect(await isMounted(directory)).toBe(false);
  } finally {
    child.kill('SIGKILL');
    await run('umount', ['-l', directory]);
  }
}
