import { describe, expect, it } from 'vitest';
import { SCALES, scaling, UNPINNED, WORKLOADS } from '../../../../bench/end-to-end/workloads.js';
import { lastCpuOf } from '../../../../bench/platform/affinity.js';
import {
  driveCommands,
  freePlace,
  memfsCommand,
  memfsPath,
  WINDOWS,
  whyLeftOut,
} from '../../../../bench/platform/windows.js';

describe('contenders on Windows', () => {
  it('are the drive, the memfs of WinFsp, and the temporary directory', () => {
    expect(WINDOWS.contenders.map(({ name, mount }) => [name, mount === null])).toEqual([
      ['ramdrive', false],
      ['winfsp-memfs', false],
      ['ntfs', true],
    ]);
  });

  it('mount at the letter, where clients use its root', () => {
    expect(driveCommands.mount('Z:\\').args.slice(1)).toEqual(['mount', 'Z:', '--capacity', '6144M']);
    expect(driveCommands.unmount('Z:\\').args.slice(1)).toEqual(['unmount', 'Z:']);
  });

  it('have room for the largest file and the most files that are measured', () => {
    const { program, args } = memfsCommand('C:\\WinFsp\\bin\\memfs-x64.exe', 'Y:\\');
    expect(program).toBe('C:\\WinFsp\\bin\\memfs-x64.exe');
    expect(args).toEqual(['-i', '-n', '2097152', '-s', '1073741824', '-m', 'Y:']);
    const files = WORKLOADS.flatMap(({ kind, ...one }) => ('words' in one ? [one.words] : []));
    const largest = Math.max(...files.filter(([word]) => word === 'io').map((words) => Number(words.at(-1))));
    expect(largest).toBeLessThanOrEqual(Number(args[4]));
    expect(SCALES.reduce((sum, count) => sum + count)).toBeLessThan(Number(args[2]));
  });

  it('finds memfs by the installation and the architecture', () => {
    expect(memfsPath('C:\\Program Files (x86)\\WinFsp\\', 'x64')).toBe(
      'C:\\Program Files (x86)\\WinFsp\\bin\\memfs-x64.exe',
    );
    expect(memfsPath('C:\\WinFsp', 'arm64')).toBe('C:\\WinFsp\\bin\\memfs-a64.exe');
    expect(memfsPath('C:\\WinFsp', 'ia32')).toBe(null);
    expect(memfsPath(null, 'x64')).toBe(null);
  });

  it('takes the last free letter, and says when there is none', () => {
    expect(freePlace(() => false)).toBe('Z:\\');
    expect(freePlace((place) => place === 'Z:\\' || place === 'Y:\\')).toBe('X:\\');
    expect(() => freePlace(() => true)).toThrow('no drive letter is free');
  });
});

describe('workloads on Windows', () => {
  const all = [...WORKLOADS, ...UNPINNED, ...SCALES.flatMap(scaling)];

  it('are all but programs, mappings and emptied caches', () => {
    const leftOut = all.filter((workload) => whyLeftOut(workload) !== null);
    expect(leftOut.map(({ group, name }) => `${group}: ${name}`)).toEqual([
      'sequential cold read, buffered: 1 MiB',
      'random read, mmap: 4 KiB',
      'sequential write, mmap: 4 KiB',
      'programs: tar -x',
      'programs: git clone',
      'programs: npm ci',
    ]);
  });
});

describe('lastCpuOf', () => {
  it.each([
    [0b1n, 0b1n],
    [0b1111n, 0b1000n],
    [0b1011_0000n, 0b1000_0000n],
    [2n ** 64n - 1n, 2n ** 63n],
  ])('%s → %s', (mask, last) => {
    expect(lastCpuOf(mask)).toBe(last);
  });
});
