/**
 * SecurityStore: each distinct security descriptor of a volume once, shared by all inodes that have it, and gone when
 * the last of them is. A volume has few of them, so an inode pays for a reference.
 *
 * Malformed bytes are INVALID_SECURITY_DESCR. All distinct descriptors together are bounded, since they lie outside of
 * the capacity that the ledger counts: beyond that, a new one is DISK_FULL.
 */
import { NtStatus } from '../../ntstatus.js';
import { parseDescriptor } from './security-descriptor.js';
import { inheritDescriptor, mergeDescriptor } from './security-rules.js';

export interface SecurityDescriptor {
  readonly bytes: Uint8Array;
  /** Inodes that have it. */
  users: number;
  /** What children without a descriptor of their own get; found out once. */
  childFile: SecurityDescriptor | null;
  childDirectory: SecurityDescriptor | null;
}

export const MAX_TOTAL_DESCRIPTOR_BYTES = 64 * 2 ** 20;
/** Descriptors without users stay for a while: setting and deleting one key of a Map over and over makes it slow. */
const MIN_UNUSED_KEPT = 1024;

export class SecurityStore {
  readonly #maxBytes: number;
  #byContent = new Map<string, SecurityDescriptor>();
  #unused = 0;
  #bytes = 0;
  /** Programs create many files in a row with one descriptor; then it need not be looked for. */
  #last: SecurityDescriptor | null = null;

  constructor(maxBytes = MAX_TOTAL_DESCRIPTOR_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** The descriptor of this content, with one more user; the bytes are copied. */
  acquire(bytes: Uint8Array): SecurityDescriptor | number {
    const found = this.#find(bytes);
    return typeof found === 'number' ? found : this.#use(found);
  }

  /** What a new child gets that brings none, with one more user. */
  acquireInherited(parent: SecurityDescriptor, directory: boolean): SecurityDescriptor | number {
    const known = directory ? parent.childDirectory : parent.childFile;
    if (known !== null && known.users > 0) return this.#use(known);
    // One without users may have been swept out of the store meanwhile.
    const bytes = known?.bytes ?? inheritDescriptor(parent.bytes, directory);
    if (bytes === undefined) return NtStatus.INVALID_SECURITY_DESCR;
    const found = this.acquire(bytes);
    if (typeof found === 'number') return found;
    if (directory) parent.childDirectory = found;
    else parent.childFile = found;
    return found;
  }

  /** What a change leaves, with one more user; `current` keeps its own. */
  acquireMerged(
    current: SecurityDescriptor,
    information: number,
    modification: Uint8Array,
  ): SecurityDescriptor | number {
    const bytes = mergeDescriptor(current.bytes, information, modification);
    return typeof bytes === 'number' ? bytes : this.acquire(bytes);
  }

  release(descriptor: SecurityDescriptor): void {
    if (descriptor.users <= 0) throw new Error('a security descriptor is given up twice');
    descriptor.users -= 1;
    if (descriptor.users > 0) return;
    this.#unused += 1;
    if (this.#unused >= MIN_UNUSED_KEPT && this.#unused * 2 > this.#byContent.size) this.#sweep();
  }

  /** For the self-check: `counted` are the users found by walking over all inodes. */
  check(counted: ReadonlyMap<SecurityDescriptor, number>): string[] {
    const violations: string[] = [];
    let unused = 0;
    let bytes = 0;
    for (const [key, descriptor] of this.#byContent) {
      const users = counted.get(descriptor) ?? 0;
      if (descriptor.users !== users) {
        violations.push(`Security: a descriptor counts ${descriptor.users} users, ${users} inodes have it`);
      }
      if (keyOf(descriptor.bytes) !== key) violations.push('Security: a shared descriptor has been changed');
      if (users === 0) unused++;
      bytes += descriptor.bytes.length;
    }
    for (const descriptor of counted.keys()) {
      if (this.#byContent.get(keyOf(descriptor.bytes)) !== descriptor) {
        violations.push('Security: an inode has a descriptor that the store does not know');
      }
    }
    if (unused !== this.#unused || bytes !== this.#bytes) {
      violations.push(
        `Security: ${unused} unused descriptors and ${bytes} bytes in all, counted ${this.#unused} and ${this.#bytes}`,
      );
    }
    return violations;
  }

  #find(bytes: Uint8Array): SecurityDescriptor | number {
    if (this.#last !== null && Buffer.compare(this.#last.bytes, bytes) === 0) return this.#last;
    const key = keyOf(bytes);
    let found = this.#byContent.get(key);
    if (found === undefined) {
      if (parseDescriptor(bytes) === undefined) return NtStatus.INVALID_SECURITY_DESCR;
      if (this.#bytes + bytes.length > this.#maxBytes) this.#sweep();
      if (this.#bytes + bytes.length > this.#maxBytes) return NtStatus.DISK_FULL;
      found = { bytes: new Uint8Array(bytes), users: 0, childFile: null, childDirectory: null };
      this.#byContent.set(key, found);
      this.#bytes += bytes.length;
      this.#unused += 1;
    }
    this.#last = found;
    return found;
  }

  #use(descriptor: SecurityDescriptor): SecurityDescriptor {
    if (descriptor.users === 0) this.#unused -= 1;
    descriptor.users += 1;
    return descriptor;
  }

  #sweep(): void {
    const kept = new Map<string, SecurityDescriptor>();
    this.#bytes = 0;
    for (const [key, descriptor] of this.#byContent) {
      if (descriptor.users === 0) continue;
      kept.set(key, descriptor);
      this.#bytes += descriptor.bytes.length;
    }
    this.#byContent = kept;
    this.#unused = 0;
    this.#last = null;
  }
}

function keyOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
