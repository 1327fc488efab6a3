import { describe, expect, it } from 'vitest';
import { NtStatus } from '../../../../src/ntstatus.js';
import { buildDescriptor, Control } from '../../../../src/volume/security/security-descriptor.js';
import { rootDescriptor, Sid, sid } from '../../../../src/volume/security/security-rules.js';
import { type SecurityDescriptor, SecurityStore } from '../../../../src/volume/security/security-store.js';

const numbered = (n: number) =>
  buildDescriptor({
    control: Control.DACL_PRESENT,
    owner: sid(5, 21, n),
    group: Sid.EVERYONE,
    sacl: null,
    dacl: null,
  })!;
const acquire = (store: SecurityStore, bytes: Uint8Array) => {
  const descriptor = store.acquire(bytes);
  expect(typeof descriptor).toBe('object');
  return descriptor as SecurityDescriptor;
};
const check = (store: SecurityStore, ...allocated: SecurityDescriptor[]) => {
  const counted = new Map<SecurityDescriptor, number>();
  for (const one of allocated) counted.set(one, (counted.get(one) ?? 0) + 1);
  return store.check(counted);
};

describe('SecurityStore', () => {
  it('keeps equal descriptors once, and a copy of what it was given', () => {
    const store = new SecurityStore();
    const given = Buffer.from(rootDescriptor());
    const first = acquire(store, given);
    given.fill(0);
    const other = acquire(store, numbered(1));
    const again = acquire(store, rootDescriptor());
    expect(again).toBe(first);
    expect(first.users).toBe(2);
    expect(other).not.toBe(first);
    expect(first.bytes).toEqual(rootDescriptor());
    expect(check(store, first, first, other)).toEqual([]);
    expect(store.acquire(new Uint8Array(20))).toBe(NtStatus.INVALID_SECURITY_DESCR);
  });

  it('finds out what children inherit once, also after that was swept out', () => {
    const store = new SecurityStore();
    const root = acquire(store, rootDescriptor());
    const child = store.acquireInherited(root, true) as SecurityDescriptor;
    expect(store.acquireInherited(root, true)).toBe(child);
    expect(store.acquireInherited(root, false)).not.toBe(child);
    store.release(child);
    store.release(child);
    store.release(root.childFile!);
    for (let i = 0; i < 5000; i++) store.release(acquire(store, numbered(i)));
    const later = store.acquireInherited(root, true) as SecurityDescriptor;
    expect(later.bytes).toEqual(child.bytes);
    expect(check(store, root, later)).toEqual([]);
  });

  it('forgets what nobody uses, without being asked', () => {
    const store = new SecurityStore(100_000);
    const kept = acquire(store, rootDescriptor());
    // 100,000 of them are 5 MB; with a limit of 100 kB each finds room only if the others are gone.
    for (let i = 0; i < 100_000; i++) store.release(acquire(store, numbered(i)));
    expect(check(store, kept)).toEqual([]);
    expect(() => store.release(acquire(store, numbered(1)))).not.toThrow();
  });

  it('does not hand out again what it has just swept out', () => {
    const store = new SecurityStore();
    const kept = acquire(store, rootDescriptor());
    // Somewhere on the way the release of the last one acquired sweeps it out.
    for (let i = 0; i < 1100; i++) {
      store.release(acquire(store, numbered(i)));
      const again = acquire(store, numbered(i));
      if (i > 1000) expect(check(store, kept, again)).toEqual([]);
      store.release(again);
    }
  });

  it('refuses new ones beyond its limit, and takes those it has', () => {
    const store = new SecurityStore(1000);
    const allocated: SecurityDescriptor[] = [];
    for (let i = 0; ; i++) {
      const one = store.acquire(numbered(i));
      if (typeof one === 'number') {
        expect(one).toBe(NtStatus.DISK_FULL);
        break;
      }
      allocated.push(one);
    }
    expect(allocated.length).toBeGreaterThan(10);
    expect(store.acquire(numbered(3))).toBe(allocated[3]);
    store.release(allocated[3]!);
    store.release(allocated.pop()!);
    allocated.push(acquire(store, numbered(1000)));
    expect(check(store, ...allocated)).toEqual([]);
  });

  it('notices what is given up twice, miscounted or changed', () => {
    const store = new SecurityStore();
    const one = acquire(store, numbered(1));
    store.release(one);
    expect(() => store.release(one)).toThrow('twice');
    const two = acquire(store, numbered(2));
    expect(check(store, two, two)).toEqual([expect.stringContaining('counts 1 users, 2 inodes')]);
    (two.bytes as Uint8Array)[25] = 0xff;
    expect(check(store, two)).toContainEqual(expect.stringContaining('has been changed'));
    expect(check(store, { ...two })).toContainEqual(expect.stringContaining('does not know'));
  });
});
