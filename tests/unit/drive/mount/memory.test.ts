import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../../src/drive/errors.js';
import { cgroupMemory } from '../../../../src/drive/mount/cgroup-memory.js';
import {
  capacityWarning,
  readMemory,
  refuseToExhaust,
  refuseToOvercommit,
} from '../../../../src/drive/mount/memory.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

const GIB = 2 ** 30;
const memory = { totalBytes: 1000, availableBytes: 400 };

describe('memory for a drive', () => {
  it('warns of a capacity beyond the memory', () => {
    expect(capacityWarning(1000, memory)).toBeNull();
    expect(capacityWarning(1001, memory)).toMatch(/more than the 1000 B of memory/);
  });

  it('refuses to pre-allocate more than is available', () => {
    refuseToOvercommit(400, memory);
    expect(() => refuseToOvercommit(401, memory)).toThrow(ConfigError);
    expect(() => refuseToOvercommit(401, memory)).toThrow(
      /Pre-allocating 401 B takes more than the 400 B.*--force/,
    );
  });

  it('stops pre-allocating when the memory runs out on the way, and not for the last piece', () => {
    refuseToExhaust(GIB, 4 * GIB, { totalBytes: 8 * GIB, availableBytes: GIB });
    expect(() => refuseToExhaust(GIB, 4 * GIB, memory)).toThrow(/ran out after 1 GiB of 4 GiB/);
    refuseToExhaust(GIB, GIB, memory);
  });

  it('reads figures of this machine', () => {
    const { totalBytes, availableBytes } = readMemory();
    expect(availableBytes).toBeGreaterThan(0);
    expect(totalBytes).toBeGreaterThanOrEqual(availableBytes);
  });
});

describe('the limits of control groups', () => {
  const machine = (files: Record<string, string>): string => {
    const root = temporaryFolder('cgroup');
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), text);
    }
    return root;
  };

  it('are the smallest of all levels, and file pages that can be dropped are available (version 2)', () => {
    const root = machine({
      'proc/self/cgroup': '0::/user.slice/my.service\n',
      'sys/fs/cgroup/user.slice/memory.max': `${4 * GIB}\n`,
      'sys/fs/cgroup/user.slice/memory.current': `${3.5 * GIB}\n`,
      'sys/fs/cgroup/user.slice/memory.stat': `anon 1\ninactive_file ${0.25 * GIB}\nactive_file 9\n`,
      'sys/fs/cgroup/user.slice/my.service/memory.max': 'max\n',
      'sys/fs/cgroup/user.slice/my.service/memory.current': '5\n',
    });
    expect(cgroupMemory(root)).toEqual({ totalBytes: 4 * GIB, availableBytes: 0.75 * GIB });
  });

  it('are read inside a container, which sees itself as the root', () => {
    const root = machine({
      'proc/self/cgroup': '0::/\n',
      'sys/fs/cgroup/memory.max': `${GIB}\n`,
      'sys/fs/cgroup/memory.current': `${2 * GIB}\n`,
    });
    expect(cgroupMemory(root)).toEqual({ totalBytes: GIB, availableBytes: 0 });
  });

  it('are read from version 1', () => {
    const root = machine({
      'proc/self/cgroup': '5:cpu,cpuacct:/x\n4:memory:/docker/1\n',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': `${2 * GIB}\n`,
      'sys/fs/cgroup/memory/memory.usage_in_bytes': `${GIB}\n`,
      'sys/fs/cgroup/memory/memory.stat': `inactive_file 7\ntotal_inactive_file ${GIB / 2}\n`,
    });
    expect(cgroupMemory(root)).toEqual({ totalBytes: 2 * GIB, availableBytes: 1.5 * GIB });
  });

  it('are none where there are none', () => {
    expect(cgroupMemory(machine({ 'proc/self/cgroup': '0::/init.scope\n' }))).toBeNull();
    expect(cgroupMemory(machine({}))).toBeNull();
  });
});
