/**
 * `npm install` of the package runs this: makes sure that a native library is there that loads on this machine. The
 * prebuilt one does on most; else it is built, where there is a compiler. Never fails the installation: where nothing
 * helps, `ramdrive doctor` and `ramdrive mount` say what to do. Does nothing in a checkout (npm run bootstrap builds
 * there), nor on Windows, where WinFsp is installed by itself.
 */
import { existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildNative, missingRequirements } from './build-native.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

async function prebuiltLoads() {
  const prebuilt = join(root, 'native', 'winfsp-linux', 'prebuilt', process.arch);
  if (!existsSync(prebuilt)) return false;
  try {
    const { default: koffi } = await import('koffi');
    koffi.load(join(prebuilt, 'libwinfsp.so'));
    return true;
  } catch (error) {
    console.error(`The prebuilt library does not fit this machine: ${error.message}`);
    rmSync(prebuilt, { recursive: true });
    return false;
  }
}

const isCheckout = existsSync(join(root, 'tsconfig.json'));
if (process.platform === 'linux' && !isCheckout && !(await prebuiltLoads())) {
  const missing = missingRequirements().filter((requirement) => requirement !== 'fusermount3');
  if (missing.length > 0) {
    console.error(`The native library is not built: missing ${missing.join(', ')}.`);
  } else if (!buildNative(root)) {
    console.error('The native library does not compile: see above.');
  }
}
