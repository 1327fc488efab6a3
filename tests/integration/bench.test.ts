/**
 * The benchmarks' own programs on real mounts: the C file system that the drive is compared with must be right (or the
 * comparison is with something that cheats), the client must notice wrong data, and a run must leave figures behind and
 * no mount.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CONTENDERS, MountedContender } from '../../bench/end-to-end/contenders.js';
import { LINUX } from '../../bench/platform/linux.js';
import { WINDOWS } from '../../bench/platform/windows.js';
import { ratiosOf } from '../../bench/ratios.js';
import { readResults } from '../../bench/results.js';
import { PROJECT, whyNoMounts } from '../support/machine.js';
import { run } from '../support/processes.js';

const CLIENTS: [string, readonly string[]][] = [
  ['C', LINUX.client],
  ['Node.js', WINDOWS.client],
];
const FIELDS = [
  'operations',
  'bytes',
  'operationsPerSecond',
  'bytesPerSecond',
  'clientCpuNs',
  'serverCpuNs',
  'nsP50',
  'nsP99',
  'nsP999',
];
const hasLibfuse3 = spawnSync('pkg-config', ['--exists', 'fuse3']).status === 0;
const withoutLibfuse3 = 'libfuse3 for C is not installed (Debian packages libfuse3-dev, pkg-config)';
const reason = whyNoMounts();
if (!hasLibfuse3) console.log(`skipped: the peer c-libfuse3: ${withoutLibfuse3}.`);
if (reason !== null) console.log(`skipped: benchmarks on real mounts: ${reason}.`);

describe.skipIf(reason !== null)('benchmarks on real mounts', () => {
  beforeAll(async () => {
    const programs = ['client', 'memfs', ...(hasLibfuse3 ? ['fuse_memfs'] : [])];
    const targets = programs.map((name) => `../build/${name}`);
    const made = await run('make', ['-s', '-C', join(PROJECT, 'bench/reference'), ...targets]);
    expect(made.stderr).toBe('');
    expect(made.code).toBe(0);
  });

  describe.each([
    ['c-winfsp', true],
    [`c-libfuse3${hasLibfuse3 ? '' : ` (${withoutLibfuse3})`}`, hasLibfuse3],
  ])('%s', (title, canRun) => {
    const name = title.split(' ', 1)[0]!;
    let mounted: MountedContender | undefined;
    afterEach(() => mounted?.end());

    it.skipIf(!canRun)('keeps a real tree, byte for byte, through renames and deletes', async () => {
      mounted = await MountedContender.start(CONTENDERS.find((one) => one.name === name)!, false);
      const { directory } = mounted;
      const free = freeBytes(directory);
      const script = `set -e
        cp -a "${PROJECT}src" tree
        diff -r "${PROJECT}src" tree
        ln -s tree/drive link && test "$(readlink link)" = tree/drive && test -d link/
        mv tree moved && test ! -e tree && diff -r "${PROJECT}src" moved
        exec 5< moved/ntstatus.ts && rm moved/ntstatus.ts && cmp - "${PROJECT}src/ntstatus.ts" <&5 && exec 5<&-
        truncate -s 1000000 sparse && test "$(stat -c %s sparse)" = 1000000 && cmp -n 1000000 sparse /dev/zero
        printf x | dd of=sparse bs=1 seek=777777 conv=notrunc status=none && truncate -s 777777 sparse && truncate -s 900000 sparse
        cmp -n 900000 sparse /dev/zero
        for i in $(seq 500); do : > "many-$i"; done && test "$(ls | grep -c many-)" = 500
        ! mkdir moved 2>/dev/null && ! rmdir moved 2>/dev/null
        rm -r moved link sparse many-*`;
      const { code, stderr } = await run('sh', ['-c', script], { cwd: directory });
      expect(stderr).toBe('');
      expect(code).toBe(0);
      expect(readdirSync(directory)).toEqual([]);
      await expect.poll(() => freeBytes(directory), { timeout: 5000 }).toBe(free);
    });
  });

  describe.each(CLIENTS)('the client in %s', (_, command) => {
    const [program, ...args] = command as [string, ...string[]];
    const client = (folder: string, processes: number, words: string) =>
      run(program, [...args, folder, '0', String(processes), '10', ...words.split(' ')]);

    it('fails a file system that answers with wrong data', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'ramdrive-bench-test-'));
      try {
        const io = () => client(folder, 1, 'io seq read buffered 4096 8192');
        expect(await io()).toMatchObject({ code: 0 });
        const file = join(folder, 'io-0-8192');
        const bytes = readFileSync(file);
        bytes[4096] = 1;
        writeFileSync(file, bytes);
        expect(await io()).toMatchObject({
          code: 1,
          stderr: expect.stringContaining('wrong data at offset 4096'),
        });
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    it.each([
      [1, 'io seq read buffered 4096 65536'],
      [1, 'io rand write buffered 4096 65536'],
      [1, 'io rand read direct 4096 65536'],
      [1, 'io seq write direct 65536 131072'],
      [1, 'cycle'],
      [1, 'step create'],
      [1, 'step stat'],
      [1, 'step open'],
      [1, 'step unlink'],
      [1, 'list 50'],
      [1, 'scale create 50'],
      [1, 'scale absent 50'],
      [2, 'io rand read direct 4096 65536'],
      [3, 'cycle'],
    ])('%d at a time: %s, and the same report', async (processes, words) => {
      // On a disk: not every tmpfs can be read without a cache.
      mkdirSync(join(PROJECT, '.cache'), { recursive: true });
      const folder = mkdtempSync(join(PROJECT, '.cache', 'bench-client-'));
      try {
        const { code, stdout, stderr } = await client(folder, processes, words);
        expect(stderr).toBe('');
        expect(code).toBe(0);
        const report = JSON.parse(stdout) as Record<string, number | null>;
        expect(Object.keys(report)).toEqual(FIELDS);
        const { operations, operationsPerSecond, bytes, nsP50, nsP999 } = report;
        expect(operations).toBeGreaterThanOrEqual(processes);
        expect(operationsPerSecond).toBeGreaterThan(0);
        const isIo = words.startsWith('io');
        expect(bytes).toBe(isIo ? operations! * Number(words.split(' ')[4]) : 0);
        expect(nsP50).toBeGreaterThan(0);
        expect(nsP999).toBeGreaterThanOrEqual(nsP50!);
        // Only what is kept for the next call is left.
        expect(readdirSync(folder).filter((name) => !/^(io-|many-)/.test(name))).toEqual([]);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    it('refuses what it does not know', async () => {
      const folder = tmpdir();
      for (const words of ['cycle more', 'step', 'io seq read', 'nothing']) {
        expect(await client(folder, 1, words), words).toMatchObject({ code: 2 });
      }
      expect(await client(folder, 17, 'cycle')).toMatchObject({ code: 2 });
    });

    it('fails as a whole when one of several fails', async () => {
      const { code } = await client(join(tmpdir(), 'ramdrive-is-not-there'), 2, 'cycle');
      expect(code).toBe(1);
    });
  });

  it('measures the drive beside its peers and leaves figures, and no mount', async () => {
    const started = Date.now();
    const before = mountedContenders();
    const { code, stdout, stderr } = await run(
      process.execPath,
      [join(PROJECT, 'dist/bench/main.js'), '--quick', 'end-to-end', 'random read, direct: 4 KiB'],
      { cwd: PROJECT },
    );
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const file = join(PROJECT, '.cache/bench/end-to-end.json');
    expect(statSync(file).mtimeMs).toBeGreaterThan(started);
    const ratios = ratiosOf(readResults(file).figures);
    expect(ratios.map(({ peer }) => peer)).toEqual(
      expect.arrayContaining(['c-winfsp', ...(hasLibfuse3 ? ['c-libfuse3'] : []), 'tmpfs']),
    );
    for (const { median, cpu } of ratios) {
      expect(median).toBeGreaterThan(0);
      expect(cpu!.median).toBeGreaterThan(0);
    }
    expect(stdout).toContain(`written: ${join('.cache', 'bench', 'end-to-end.json')}`);
    // Another run on this machine, or one that was killed, may have mounts of its own.
    expect(mountedContenders().filter((mount) => !before.includes(mount))).toEqual([]);
  });

  it.each([
    [['nonsense'], 'unknown layer "nonsense"'],
    [['--nonsense'], 'nonsense'],
    [['--compare', 'one'], '--compare: expected two result files'],
    [['--compare', 'one', 'two'], '--compare: one: no result file'],
    [['--check', 'core'], '--check core: no ratios are recorded'],
  ])('refuses %j with exit code 2', async (words, message) => {
    const { code, stderr } = await run(process.execPath, [join(PROJECT, 'dist/bench/main.js'), ...words], {
      cwd: PROJECT,
    });
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

function mountedContenders(): string[] {
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
  return mounts.filter((mount) => mount.includes('/ramdrive-bench-'));
}

function freeBytes(directory: string): number {
  const { stdout } = spawnSync('stat', ['-f', '-c', '%a %S', directory], { encoding: 'utf8' });
  const [blocks, size] = stdout.split(' ').map(Number);
  return blocks! * size!;
}
