/**
 * Programs at work above the simulated cache, as plain commands, and the oracle beside them: what every file must
 * contain, and how much room all of them take. A command that makes no sense at its moment is skipped, so any list of
 * commands is a workload.
 */
import assert from 'node:assert/strict';
import { NtStatus } from '../../../src/ntstatus.js';
import { PAGE } from '../served-options.js';
import type { ServedVolume } from '../served-volume.js';
import { CacheManager } from './cache-manager.js';

export const FILES = 5;
export const MAX_OFFSET = 12 * PAGE;
export const MAX_LENGTH = 3 * PAGE;

export const ACTIONS = [
  'open',
  'overwrite',
  'write',
  'write',
  'write',
  'append',
  'read',
  'setSize',
  'setAllocation',
  'flush',
  'writeSome',
  'writeSome',
  'writeSome',
  'purge',
  'close',
  'settle',
  'delete',
  'rename',
  'observe',
] as const;

export interface Command {
  action: (typeof ACTIONS)[number];
  /** Which file, and the other one of a rename. */
  file: number;
  other: number;
  offset: number;
  length: number;
  /** Fills what is written; chooses pages of the lazy writer. */
  seed: number;
}

export class Workload {
  readonly #volume: ServedVolume;
  readonly #cache: CacheManager;
  /** What programs were promised, by name. */
  readonly #expected = new Map<string, Buffer>();
  /** Room of each file, as the drive has told it; files that are not open keep what they had. */
  readonly #allocated = new Map<string, number>();
  refusals = 0;
  applied = 0;

  constructor(volume: ServedVolume) {
    this.#volume = volume;
    this.#cache = new CacheManager(volume);
  }

  apply(command: Command): void {
    const name = `f${command.file}`;
    const open = this.#cache.isOpen(name);
    switch (command.action) {
      case 'open':
        this.#cache.open(name);
        this.#expected.set(name, this.#expected.get(name) ?? Buffer.alloc(0));
        break;
      case 'overwrite':
        this.#cache.open(name, true);
        this.#expected.set(name, Buffer.alloc(0));
        break;
      case 'write':
        if (open) this.#write(name, command.offset, command);
        break;
      case 'append':
        if (open) this.#write(name, this.#expected.get(name)!.length, command);
        break;
      case 'read':
        if (open) this.#read(name, command);
        break;
      case 'setSize':
        if (open) this.#setSize(name, command.offset);
        break;
      case 'setAllocation':
        if (open) this.#setAllocation(name, command.offset);
        break;
      case 'flush':
        if (open) this.#cache.flush(name);
        break;
      case 'writeSome':
        this.#cache.writeSome(command.seed, command.length % 3);
        break;
      case 'purge':
        this.#cache.purgeClean();
        break;
      case 'close':
        if (open) this.#cache.close(name);
        break;
      case 'settle':
        this.#cache.settle(name);
        break;
      case 'delete':
        if (!open && this.#expected.has(name)) {
          this.#cache.delete(name, command.seed % 2 === 0);
          this.#expected.delete(name);
          this.#allocated.delete(name);
        }
        break;
      case 'rename':
        this.#rename(name, `f${command.other}`);
        break;
      case 'observe':
        this.#observe();
        break;
    }
    this.#note(name);
    this.applied += 1;
  }

  /**
   * Everything is written and closed; then every byte that was ever acknowledged must be on the drive. Empties the
   * volume.
   */
  finish(): void {
    for (const name of this.#cache.names()) {
      while (this.#cache.isOpen(name)) {
        this.#cache.close(name);
      }
      this.#note(name);
      this.#cache.settle(name);
    }
    this.#observe();
    for (const [name, expected] of this.#expected) {
      const file = this.#volume.open(name);
      assert.equal(file.info.fileSize, expected.length, `size of ${name}`);
      if (expected.length > 0) {
        assertSame(file.read(0, expected.length), expected, `${name} on the drive`);
      }
      file.close();
      this.#volume.delete(name);
    }
    assert.equal(this.#volume.freeBytes, this.#volume.options.capacityBytes, 'room of an empty volume');
  }

  #write(name: string, offset: number, { length, seed }: Command): void {
    const data = Buffer.alloc(length, seed & 0xff || 1);
    const before = this.#expected.get(name)!;
    const needed = this.#pagesMissing(name, offset + length);
    const status = this.#cache.write(name, offset, data);
    if (this.#refused(status, needed, `write of ${name}`)) {
      return;
    }
    const after = Buffer.alloc(Math.max(before.length, offset + length));
    before.copy(after);
    data.copy(after, offset);
    this.#expected.set(name, after);
  }

  #read(name: string, { offset, length }: Command): void {
    const expected = this.#expected.get(name)!;
    assertSame(
      this.#cache.read(name, offset, length),
      expected.subarray(offset, offset + length),
      `${name} read`,
    );
  }

  #setSize(name: string, size: number): void {
    const before = this.#expected.get(name)!;
    const needed = this.#pagesMissing(name, size);
    if (!this.#refused(this.#cache.setSize(name, size), needed, `size of ${name}`)) {
      const after = Buffer.alloc(size);
      before.copy(after);
      this.#expected.set(name, after);
    }
  }

  #setAllocation(name: string, size: number): void {
    const needed = this.#pagesMissing(name, size);
    if (!this.#refused(this.#cache.setAllocation(name, size), needed, `allocation of ${name}`)) {
      const rounded = Math.ceil(size / PAGE) * PAGE;
      this.#expected.set(name, this.#expected.get(name)!.subarray(0, rounded));
    }
  }

  #rename(from: string, to: string): void {
    if (!this.#expected.has(from) || this.#expected.has(to) || this.#cache.isOpen(from)) {
      return;
    }
    this.#cache.rename(from, to);
    for (const map of [this.#expected, this.#allocated] as Map<string, unknown>[]) {
      map.set(to, map.get(from));
      map.delete(from);
    }
  }

  /** Someone asks for the free space: what is not free must be what the files have. */
  #observe(): void {
    const { totalBytes, freeBytes } = this.#volume.volumeInfo();
    const allocated = [...this.#allocated.values()].reduce((sum, bytes) => sum + bytes, 0);
    assert.equal(totalBytes - freeBytes, allocated, 'room in use');
  }

  #note(name: string): void {
    if (this.#cache.isOpen(name)) {
      assert.equal(
        this.#cache.sizeOf(name),
        this.#expected.get(name)!.length,
        `size of ${name} in the cache`,
      );
    }
    if (this.#expected.has(name) && this.#cache.names().includes(name)) {
      this.#allocated.set(name, this.#cache.allocationOf(name));
    }
  }

  #pagesMissing(name: string, size: number): number {
    return Math.ceil(size / PAGE) - (this.#allocated.get(name) ?? 0) / PAGE;
  }

  /** Refusals must be DISK_FULL, and justified; what fits must not be refused. */
  #refused(status: number, pagesMissing: number, what: string): boolean {
    if (status >= 0) {
      return false;
    }
    assert.equal(status, NtStatus.DISK_FULL, what);
    const used = [...this.#allocated.values()].reduce((sum, bytes) => sum + bytes, 0);
    const freePages = (this.#volume.options.capacityBytes - used) / PAGE;
    assert.ok(pagesMissing > freePages, `${what}: refused ${pagesMissing} pages with ${freePages} free`);
    this.refusals += 1;
    return true;
  }
}

function assertSame(actual: Buffer, expected: Buffer, what: string): void {
  if (Buffer.compare(actual, expected) !== 0) {
    const at = actual.findIndex((byte, i) => byte !== expected[i]);
    assert.fail(`${what}: ${actual.length} bytes against ${expected.length}, first difference at ${at}`);
  }
}

/** The same workload for the same seed, without a library: for runs under Wine. */
export function* randomCommands(seed: number): Generator<Command> {
  let state = seed >>> 0;
  const next = (below: number) => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
  for (;;) {
    yield {
      action: ACTIONS[next(ACTIONS.length)]!,
      file: next(FILES),
      other: next(FILES),
      offset: next(MAX_OFFSET),
      length: 1 + next(MAX_LENGTH),
      seed: next(256),
    };
  }
}
