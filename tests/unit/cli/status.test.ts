import { describe, expect, it } from 'vitest';
import { colour } from '../../../src/cli/colour.js';
import { nodeVersion } from '../../../src/cli/doctor.js';
import { statusText } from '../../../src/cli/mount/status-line.js';
import { describeStatus } from '../../../src/cli/status-command.js';
import type { DriveStatus } from '../../../src/drive/status.js';

const latency = {
  latencyUsMean: 3,
  latencyUsP50: 2.5,
  latencyUsP90: 4,
  latencyUsP99: 1500,
  latencyUsP999: 2000,
};
const status: DriveStatus = {
  mountPoint: '/mnt/ram',
  label: 'Scratch',
  pid: 42,
  startedAt: '2020-01-01T00:00:00.000Z',
  uptimeSeconds: 3725,
  capacityBytes: 2 ** 30,
  reservedBytes: 2 ** 29,
  freeBytes: 2 ** 29,
  allocatedBytes: 2 ** 28,
  committedBytes: 2 ** 29,
  preallocatedBytes: 0,
  residentBytes: 2 ** 29,
  pageSizeBytes: 4096,
  kernelCache: true,
  caseSensitive: true,
  files: 1234,
  openHandles: 3,
  snapshots: [
    { name: 'base', createdAt: '2020-01-01T00:00:00.000Z', files: 10, bytes: 2 ** 20 },
    { name: 'more', createdAt: '2020-01-01T00:00:01.000Z', files: 11, bytes: 2 ** 20 },
  ],
  snapshotBytes: 2 ** 20,
  clientMemoryBytes: 4096,
  requests: {
    turns: 10,
    emptyReceives: 0,
    answersInline: 10,
    answersByCompletion1: 0,
    answersByCompletion2: 0,
    answersByExtraThreads: 0,
    answersByLanes: 0,
    laneFailures: 0,
    answersOverflowed: 0,
    handlerErrors: 0,
    answersTooLong: 0,
    completionFailures: 0,
    requests: 12345,
    failures: 1,
    kinds: [{ kind: 'Read', count: 12345, failures: 1, bytes: 2 ** 20, ...latency }],
    latency,
  },
  errors: { handlerErrors: 0, completionFailures: 0, laneFailures: 0, answersTooLong: 0, last: null },
  strictViolations: { count: 0, texts: [] },
  selfCheck: { at: new Date().toISOString(), violations: [], violationCount: 0, milliseconds: 1.25 },
  saving: null,
};
const plain = colour({ isTTY: false });

describe('the status line', () => {
  it('tells space, files and rates', () => {
    expect(statusText(status, 2, 100, 5_000_000)).toBe(
      '512 MiB used, 512 MiB free · 1,234 files · 50 ops/s · 2.5 MB/s',
    );
    expect(statusText(status, 0, 0, 0)).toContain('0 ops/s');
  });

  it('counts one file as one', () => {
    expect(statusText({ ...status, files: 1 }, 1, 0, 0)).toContain(' 1 file ');
    expect(statusText({ ...status, files: 0 }, 1, 0, 0)).toContain(' 0 files ');
  });

  it('tells errors once there are some, of every kind', () => {
    for (const kind of ['handlerErrors', 'completionFailures', 'laneFailures', 'answersTooLong'] as const) {
      const broken = { ...status, errors: { ...status.errors, [kind]: 2 } };
      expect(statusText(broken, 1, 0, 0), kind).toContain('2 errors');
      expect(describeStatus(broken, plain), kind).toMatch(/errors +2\n/);
    }
  });
});

describe('describeStatus', () => {
  it('shows every figure', () => {
    const text = describeStatus(status, plain);
    for (const part of [
      '/mnt/ram',
      'Scratch (process 42, up 1 h 2 min)',
      '1 GiB in pages of 4 KiB',
      '512 MiB (50.0 %)',
      '1,234 (files and directories)',
      '12,345, p50 2.5 µs, p99 1.5 ms',
      'no violations',
      'clean (1.3 ms, 0 s ago)',
      'Read',
    ]) {
      expect(text).toContain(part);
    }
  });

  it('lets no name reach the terminal raw', () => {
    const evil = '\x1b[2J\n\x9b';
    const text = describeStatus(
      {
        ...status,
        label: evil,
        mountPoint: `/mnt/${evil}`,
        selfCheck: { at: '', violations: [`Names: "${evil}"`], violationCount: 1, milliseconds: 1 },
        errors: { ...status.errors, last: evil },
      },
      plain,
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    expect(text.split('\n')[0]).toBe('/mnt/\\x1b[2J\\x0a\\x9b');
  });

  it('shows what is wrong', () => {
    const broken = describeStatus(
      {
        ...status,
        selfCheck: {
          at: '',
          violations: ['PoolConsistent: allocated 2 > reserved 1'],
          violationCount: 1,
          milliseconds: 1,
        },
        strictViolations: { count: 1, texts: ['FileSize is a lie'] },
        errors: { ...status.errors, handlerErrors: 1, last: 'Write: boom' },
      },
      plain,
    );
    expect(broken).toMatch(
      /! PoolConsistent: allocated 2 > reserved 1\n.*! FileSize is a lie\n.*! Write: boom/,
    );
  });
});

describe('colours', () => {
  it.each([
    [true, {}, true],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [true, { TERM: 'dumb' }, false],
    [false, {}, false],
  ])('terminal %j with %j', (isTTY, env, wanted) => {
    expect(colour({ isTTY }, env).red('x') !== 'x').toBe(wanted);
  });
});

describe('doctor', () => {
  it.each([
    ['20.19.0', 'ok'],
    ['22.0.0', 'ok'],
    ['20.18.9', 'problem'],
    ['18.20.0', 'problem'],
  ])('Node %s is %s', (version, level) => {
    expect(nodeVersion(version).level).toBe(level);
  });
});
