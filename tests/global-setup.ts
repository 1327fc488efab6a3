/** Before tests that use them: the compiled program and the native library are those of the sources. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export default function setup(): void {
  if (process.env.RAMDRIVE_TEST_NO_BUILD === '1') {
    return;
  }
  const script = fileURLToPath(new URL('../scripts/bootstrap.mjs', import.meta.url));
  const { status } = spawnSync(process.execPath, [script], { stdio: 'inherit' });
  if (status !== 0) {
    throw new Error('The program could not be built: see above. The tests would test an old one.');
  }
}
