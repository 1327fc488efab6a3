/** Security descriptors: merging a change, inheriting, and finding the shared copy that a new file's descriptor has. */
import {
  inheritDescriptor,
  mergeDescriptor,
  rootDescriptor,
  SecurityInformation,
} from '../../src/volume/security/security-rules.js';
import { type SecurityDescriptor, SecurityStore } from '../../src/volume/security/security-store.js';
import type { CoreBenchmarks } from './run.js';

export function add(bench: CoreBenchmarks): void {
  const root = rootDescriptor();
  const child = inheritDescriptor(root, true) as Uint8Array;
  const { OWNER, GROUP, DACL } = SecurityInformation;
  bench.add('merge owner', () => {
    mergeDescriptor(child, OWNER, root);
  });
  bench.add('merge owner, group and a DACL of three entries', () => {
    mergeDescriptor(child, OWNER | GROUP | DACL, root);
  });
  bench.add('inherit three entries', () => {
    inheritDescriptor(root, true);
  });

  const store = new SecurityStore();
  const shared = store.acquire(root) as SecurityDescriptor;
  bench.add('inherit for a new file, through the store', () => {
    store.release(store.acquireInherited(shared, false) as SecurityDescriptor);
  });
  const others = [root, child];
  let turn = 0;
  bench.add('acquire and release, the same as the last', () => {
    store.release(store.acquire(root) as SecurityDescriptor);
  });
  bench.add('acquire and release, another than the last', () => {
    turn ^= 1;
    store.release(store.acquire(others[turn] as Uint8Array) as SecurityDescriptor);
  });
}
