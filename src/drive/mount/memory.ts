/** How much memory there is for a drive: the machine's, or what a container or a limit leaves of it. */
import { readFileSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import { formatSize } from '../config/sizes.js';

export interface MemoryFigures {
  totalBytes: number;
  /** What can be had now, caches given back included. */
  availableBytes: number;
}

export function readMemory(): MemoryFigures {
  // constrainedMemory() is 0 or absurdly large where nothing limits the process.
  const limit = process.constrainedMemory?.() ?? 0;
  const machine = totalmem();
  const totalBytes = limit > 0 && limit < machine ? limit : machine;
  return { totalBytes, availableBytes: Math.min(totalBytes, machineAvailableBytes()) };
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
export function capacityWarning(
  { capacityBytes, preallocate }: { capacityBytes: number; preallocate: boolean },
  { totalBytes, availableBytes }: MemoryFigures = readMemory(),
): string | null {
  if (capacityBytes > totalBytes) {
    return (
      `The capacity of ${formatSize(capacityBytes)} is more than the ${formatSize(totalBytes)} of memory here. ` +
      'A drive that is filled beyond memory makes the system swap, or end programs.'
    );
  }
  if (preallocate && capacityBytes > availableBytes) {
    return (
      `Pre-allocating ${formatSize(capacityBytes)} takes more than the ${formatSize(availableBytes)} of memory that are free now. ` +
      'Other programs may be ended or swapped out.'
    );
  }
  return null;
}
