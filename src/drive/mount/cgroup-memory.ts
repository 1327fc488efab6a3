/**
 * What the control groups of this process (a container, a systemd service) leave it of the memory: the smallest of all
 * levels up to the root. Both versions of the interface, as Linux documents them in Documentation/admin-guide.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface MemoryFigures {
  totalBytes: number;
  /** What can be had now, caches given back included. */
  availableBytes: number;
}

interface Version {
  folder: string;
  limit: string;
  usage: string;
  /** Of memory.stat: file pages that the kernel drops when memory is asked for. */
  droppable: string;
}
const V2: Version = {
  folder: 'sys/fs/cgroup',
  limit: 'memory.max',
  usage: 'memory.current',
  droppable: 'inactive_file',
};
const V1: Version = {
  folder: 'sys/fs/cgroup/memory',
  limit: 'memory.limit_in_bytes',
  usage: 'memory.usage_in_bytes',
  droppable: 'total_inactive_file',
};

/** null where nothing limits the process. `root`: where proc and sys are, for tests. */
export function cgroupMemory(root = '/'): MemoryFigures | null {
  const levels: MemoryFigures[] = [];
  for (const line of (readText(join(root, 'proc/self/cgroup')) ?? '').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    const isV1 = controllers?.split(',').includes('memory') ?? false;
    if (path === undefined || !(controllers === '' || isV1)) {
      continue;
    }
    const version = isV1 ? V1 : V2;
    for (let level = path; ; level = dirname(level)) {
      const figures = figuresAt(join(root, version.folder, level), version);
      if (figures !== null) {
        levels.push(figures);
      }
      if (level === '/') {
        break;
      }
    }
  }
  return levels.length === 0
    ? null
    : {
        totalBytes: Math.min(...levels.map(({ totalBytes }) => totalBytes)),
        availableBytes: Math.min(...levels.map(({ availableBytes }) => availableBytes)),
      };
}

function figuresAt(folder: string, { limit, usage, droppable }: Version): MemoryFigures | null {
  // `max` of version 2 is no number; version 1 has a huge one.
  const totalBytes = Number(readText(join(folder, limit))?.trim() || 'max');
  const usedBytes = Number(readText(join(folder, usage))?.trim() || 'none');
  if (!Number.isSafeInteger(totalBytes) || !Number.isSafeInteger(usedBytes)) {
    return null;
  }
  const stat = readText(join(folder, 'memory.stat')) ?? '';
  const droppableBytes = Number(new RegExp(`^${droppable} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0);
  return { totalBytes, availableBytes: Math.max(0, totalBytes - usedBytes + droppableBytes) };
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
