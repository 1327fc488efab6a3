/** Whether this machine can mount a drive, as a reason in words: for whatever has to skip, and to say why. */
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const CAP_SYS_ADMIN = 1n << 21n;

/** Why nothing can be mounted through FUSE here, or null. */
export function whyNoMount(): string | null {
  if (process.platform !== 'linux') {
    return `this mounts through FUSE, and the platform is ${process.platform}`;
  }
  if (!existsSync('/dev/fuse')) {
    return 'this machine has no /dev/fuse';
  }
  try {
    // A container may show the device and yet forbid it.
    closeSync(openSync('/dev/fuse', 'r+'));
  } catch (error) {
    return `/dev/fuse cannot be opened (${(error as NodeJS.ErrnoException).code})`;
  }
  const isRoot = process.getuid?.() === 0;
  if (isRoot && (effectiveCapabilities() & CAP_SYS_ADMIN) === 0n) {
    return 'this root may not mount (no CAP_SYS_ADMIN)';
  }
  if (!isRoot && !isOnPath('fusermount3')) {
    return 'only root can mount without fusermount3';
  }
  return null;
}

function effectiveCapabilities(): bigint {
  const match = /^CapEff:\s+([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return match === null ? 0n : BigInt(`0x${match[1]}`);
}

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => existsSync(join(directory, program)));
}
