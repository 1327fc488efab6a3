/** How much memory there is for a drive: the machine's, or what a container or a limit leaves of it. */
import { readFileSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import { formatSize } from '../config/sizes.js';
import { ConfigError } from '../errors.js';
import { cgroupMemory, type MemoryFigures } from './cgroup-memory.js';

export function readMemory(): MemoryFigures {
  const machine = { totalBytes: totalmem(), availableBytes: machineAvailableBytes() };
  const group = process.platform === 'linux' ? cgroupMemory() : null;
  return {
    totalBytes: Math.min(machine.totalBytes, group?.totalBytes ?? Number.POSITIVE_INFINITY),
    availableBytes: Math.min(machine.availableBytes, group?.availableBytes ?? Number.POSITIVE_INFINITY),
  };
}

function machineAvailableBytes(): number {
  try {
    const match = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'));
    if (match !== null) {
      return Number(match[1]) * 1024;
    }
  } catch {
    // Not Linux.
  }
  return freemem();
}

/**
 * A sentence about a drive that this memory cannot hold, or null. The drive is made all the same: it may never be
 * filled.
 */
export function capacityWarning(capacityBytes: number, { totalBytes } = readMemory()): string | null {
  return capacityBytes > totalBytes
    ? `The capacity of ${formatSize(capacityBytes)} is more than the ${formatSize(totalBytes)} of memory here. ` +
        'A drive that is filled beyond memory makes the system swap, or end programs.'
    : null;
}

/**
 * Throws ConfigError when pre-allocating would take more memory than there is: the system would end programs for it.
 */
export function refuseToOvercommit(capacityBytes: number, { availableBytes } = readMemory()): void {
  if (capacityBytes <= availableBytes) {
    return;
  }
  const message =
    `Pre-allocating ${formatSize(capacityBytes)} takes more than the ${formatSize(availableBytes)} of memory that ` +
    'are available here. Choose a smaller capacity, or leave out --preallocate; --force tries all the same.';
  throw new ConfigError([{ source: null, key: 'preallocate', value: null, message }]);
}

/** Left for everything else while memory is taken piece by piece. */
const SPARE_BYTES = 64 * 2 ** 20;

/** Between two pieces: throws when other programs have taken the memory meanwhile. */
export function refuseToExhaust(
  doneBytes: number,
  capacityBytes: number,
  { availableBytes } = readMemory(),
): void {
  if (doneBytes < capacityBytes && availableBytes < SPARE_BYTES) {
    throw new Error(
      `the memory ran out after ${formatSize(doneBytes)} of ${formatSize(capacityBytes)} had been taken; ` +
        'choose a smaller capacity, or --force',
    );
  }
}
