/**
 * The test build of the native library: it takes scripted requests (native/winfsp-linux/src/script), which the one that
 * ships does not. What plays the driver chooses it before the library is loaded. On Windows nothing changes, nor where
 * RAMDRIVE_WINFSP_LIBRARY names a library already.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';

const VARIABLE = 'RAMDRIVE_WINFSP_LIBRARY';

/** For this process and its children. Returns whether it changed anything. */
export function useTestLibrary(): boolean {
  const path = join(packageRoot(), 'native', 'winfsp-linux', 'build', 'libwinfsp-test.so');
  if (process.platform !== 'linux' || process.env[VARIABLE] || !existsSync(path)) {
    return false;
  }
  process.env[VARIABLE] = path;
  return true;
}

/** For what this process loads during `work`; children that it starts afterwards use the library that ships. */
export async function withTestLibrary<T>(work: () => Promise<T>): Promise<T> {
  const changed = useTestLibrary();
  try {
    return await work();
  } finally {
    if (changed) {
      delete process.env[VARIABLE];
    }
  }
}
