/** What this machine can do, asked once, with the reason in words: a test that is skipped says why. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { whyNoMount } from '../../scripts/why-no-mount.js';

export const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
export const MAIN = `${PROJECT}dist/src/cli/main.js`;

/** Why nothing can be mounted here, or null. */
export function whyNoMounts(): string | null {
  const reason = whyNoMount();
  if (reason !== null) {
    return reason;
  }
  if (!existsSync(`${PROJECT}native/winfsp-linux/build/libwinfsp.so`)) {
    return 'the native library is not built (node scripts/bootstrap.mjs says what is missing)';
  }
  if (!existsSync(MAIN)) {
    return 'the program is not compiled (node scripts/bootstrap.mjs)';
  }
  return null;
}

export function hasProgram(name: string): boolean {
  return spawnSync('sh', ['-c', `command -v "${name}"`]).status === 0;
}

/** Where the kernel can be told to drop its caches, so that what it holds open for speed is closed. */
export function canDropCaches(): boolean {
  try {
    accessSync('/proc/sys/vm/drop_caches', constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
