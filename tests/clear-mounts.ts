/**
 * Before tests that mount: what an earlier run has left mounted, when it was killed, is taken away. Once, and without
 * touching a drive that does not answer: that may be one of another run at work.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lazyUnmount } from '../src/drive/mount/linux-mount-point.js';
import { readMounts } from '../src/drive/mount/mounts.js';
import { probeMounts } from '../src/drive/mount/probe-mounts.js';

export default async function setup(): Promise<void> {
  if (process.platform !== 'linux') {
    return;
  }
  const paths = (await readMounts())
    .map(({ mountPoint }) => mountPoint)
    .filter((path) => path.startsWith(join(tmpdir(), 'ramdrive-test-')));
  const states = await probeMounts(paths);
  for (const path of paths.filter((_, index) => states[index] === 'dead')) {
    await lazyUnmount(path);
  }
}
