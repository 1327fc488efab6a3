/**
 * NameIndex: (directory, folded name) → entry, for the whole volume; what makes a look-up cost the same in a directory
 * of ten entries and of a million. A hash table with chains through the entries: adding and removing the same name over
 * and over, as lock files do, leaves nothing behind (a V8 Map gets slower by that with every round).
 *
 * A look-up reads the name where it stands in the path, folding as it goes: no part of a path is cut out, and nothing
 * is allocated. Order is not this table's business; listings go by the directory's own children.
 */

import type { DirectoryEntry, Inode } from '../inode.js';
import { copyText } from './case-folding.js';

const MIN_BUCKETS = 64;
const FNV_PRIME = 0x01000193;

export class NameIndex {
  readonly #folding: Uint16Array;
  /** Makes chains of chosen names unlikely to be long in a volume one does not know. */
  readonly #seed: number;
  #buckets: (DirectoryEntry | null)[] = new Array(MIN_BUCKETS).fill(null);
  #count = 0;

  constructor(folding: Uint16Array, seed = Math.floor(Math.random() * 0x1_0000_0000)) {
    this.#folding = folding;
    this.#seed = seed;
  }

  get count(): number {
    return this.#count;
  }

  /** The child of `parent` whose name stands in `text` from `start` to `end`, in any case that folds alike. */
  find(parent: Inode, text: string, start: number, end: number): DirectoryEntry | undefined {
    const hash = this.#hash(parent, text, start, end);
    for (let entry = this.#buckets[hash & (this.#buckets.length - 1)]; entry != null; entry = entry.next) {
      if (entry.hash === hash && entry.parent === parent && this.#isNamed(entry.key, text, start, end))
        return entry;
    }
    return undefined;
  }

  /** `entry.parent` and `entry.key` must be set and must not change before the entry is removed again. */
  add(entry: DirectoryEntry): void {
    if (this.#count >= this.#buckets.length) this.#resize(this.#buckets.length * 2);
    entry.hash = this.#hash(entry.parent as Inode, entry.key, 0, entry.key.length);
    this.#link(entry);
    this.#count++;
  }

  remove(entry: DirectoryEntry): void {
    const bucket = entry.hash & (this.#buckets.length - 1);
    let at = this.#buckets[bucket] as DirectoryEntry | null;
    if (at === entry) this.#buckets[bucket] = entry.next;
    else {
      while (at !== null && at.next !== entry) at = at.next;
      if (at === null) throw new Error(`"${entry.name}" is not in the index of names`);
      at.next = entry.next;
    }
    entry.next = null;
    this.#count--;
    // Far below the size that makes it grow, so that a volume whose size swings does not rebuild the table all the
    // time.
    if (this.#count < this.#buckets.length / 8 && this.#buckets.length > MIN_BUCKETS) {
      this.#resize(this.#buckets.length / 2);
    }
  }

  /** For the self-check, as is visit: it changes as names come and go. */
  get bucketCount(): number {
    return this.#buckets.length;
  }

  visit(bucket: number, visit: (entry: DirectoryEntry) => void): void {
    const first = this.#buckets[bucket] as DirectoryEntry | null;
    for (let entry = first; entry !== null; entry = entry.next) visit(entry);
  }

  #link(entry: DirectoryEntry): void {
    const bucket = entry.hash & (this.#buckets.length - 1);
    entry.next = this.#buckets[bucket] as DirectoryEntry | null;
    this.#buckets[bucket] = entry;
  }

  #resize(length: number): void {
    const old = this.#buckets;
    this.#buckets = new Array(length).fill(null);
    for (const first of old) {
      for (let entry = first; entry !== null; ) {
        const next: DirectoryEntry | null = entry.next;
        this.#link(entry);
        entry = next;
      }
    }
  }

  #hash(parent: Inode, text: string, start: number, end: number): number {
    const folding = this.#folding;
    let hash = this.#seed ^ (parent.indexNumber | 0);
    for (let i = start; i < end; i++) {
      hash = Math.imul(hash ^ (folding[text.charCodeAt(i)] as number), FNV_PRIME);
    }
    // The lowest bits choose the bucket: let the others have a say in them.
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    return hash ^ (hash >>> 13);
  }

  #isNamed(key: string, text: string, start: number, end: number): boolean {
    if (key.length !== end - start) return false;
    const folding = this.#folding;
    for (let i = start; i < end; i++) {
      if (folding[text.charCodeAt(i)] !== key.charCodeAt(i - start)) return false;
    }
    return true;
  }
}

/** The name and its folded form as strings of their own; one and the same where folding changes nothing. */
export function nameAndKey(path: string, start: number, end: number, folding: Uint16Array): [string, string] {
  const name = copyText(path, start, end);
  for (let i = start; i < end; i++) {
    const unit = path.charCodeAt(i);
    if (folding[unit] !== unit) return [name, copyText(path, start, end, folding)];
  }
  return [name, name];
}
