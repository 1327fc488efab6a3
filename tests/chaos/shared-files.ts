/**
 * Operations on what all workers share: files whose 4 KiB blocks any of them overwrites under a lock and reads without
 * one, and a directory in which all of them make and remove names.
 *
 * Rule for a read beside writes: each block is, whole, one of the generations that were acknowledged or under way at
 * some moment of the read. Reads past the kernel's cache (O_DIRECT) are held to it. A kernel copies cached pages to a
 * reader without locking out writers, so a buffered read may see both of two such generations in one block, byte by
 * byte, and nothing else.
 */
import fs, { constants } from 'node:fs';
import { join } from 'node:path';
import { SHARED_BLOCKS, SHARED_FILES, type SharedTable, type WorkerBoard } from './board.js';
import { BLOCK_BYTES } from './content.js';
import { Mapping } from './libc.js';
import { codeOf, expectDriveThere, Mismatch } from './mismatch.js';
import { firstDifference } from './noise.js';
import type { Operation } from './operations.js';
import { SHARED_DIRECTORY, sharedBlock, sharedFileName } from './shared-content.js';

const MAX_BLOCKS_AT_ONCE = 16;

interface Range {
  file: number;
  /** Within the file. */
  first: number;
  count: number;
  /** Number of its first block among those of all shared files. */
  block: number;
}

function rangeOf({ choice, position }: Operation): Range {
  const file = choice % SHARED_FILES;
  const first = Math.min(SHARED_BLOCKS - 1, Math.floor(position * SHARED_BLOCKS));
  // Most of them crowd at the start of a file, so that they meet.
  const start = choice % 16 < 10 ? first % 24 : first;
  const count = Math.min(1 + ((choice >>> 8) % MAX_BLOCKS_AT_ONCE), SHARED_BLOCKS - start);
  return { file, first: start, count, block: file * SHARED_BLOCKS + start };
}

export class SharedFiles {
  readonly #fds: number[] = [];
  readonly #directFds: (number | null)[] = [];
  readonly #memory = Buffer.from(Mapping.of(null, MAX_BLOCKS_AT_ONCE * BLOCK_BYTES).view());

  constructor(
    readonly root: string,
    readonly seed: number,
    readonly worker: number,
    readonly table: SharedTable,
    readonly board: WorkerBoard,
  ) {
    for (let file = 0; file < SHARED_FILES; file++) {
      const path = join(root, SHARED_DIRECTORY, sharedFileName(file));
      this.#fds.push(fs.openSync(path, constants.O_RDWR));
      this.#directFds.push(openDirect(path));
    }
  }

  /** Overwrites blocks that are all reserved: it must never be refused. False when someone else is at them. */
  write(operation: Operation): boolean {
    const { file, first, count, block } = rangeOf(operation);
    let locked = 0;
    while (locked < count && this.table.tryLock(block + locked, this.worker)) {
      locked++;
    }
    try {
      if (locked < count) {
        return false;
      }
      const bytes = this.#memory.subarray(0, count * BLOCK_BYTES);
      const generations: number[] = [];
      for (let i = 0; i < count; i++) {
        const generation = this.table.begin(block + i);
        generations.push(generation);
        sharedBlock(this.seed, block + i, generation).copy(bytes, i * BLOCK_BYTES);
      }
      this.#writeFully(file, bytes, first * BLOCK_BYTES);
      for (let i = 0; i < count; i++) {
        this.table.settle(block + i, generations[i]!);
      }
      this.board.add('verified', 1);
      return true;
    } finally {
      for (let i = 0; i < locked; i++) {
        this.table.unlock(block + i);
      }
    }
  }

  read(operation: Operation): void {
    const { file, first, count, block } = rangeOf(operation);
    const direct = (operation.choice >>> 16) % 2 === 0 ? this.#directFds[file]! : null;
    const bytes = this.#memory.subarray(0, count * BLOCK_BYTES);
    const oldest = Array.from({ length: count }, (_, i) => this.table.acknowledged(block + i));
    let read: number;
    try {
      read = fs.readSync(direct ?? this.#fds[file]!, bytes, 0, bytes.length, first * BLOCK_BYTES);
    } catch (error) {
      throw new Mismatch(`reading a shared file failed with ${codeOf(error)}`, { path: this.#path(file) });
    }
    if (read !== bytes.length) {
      expectDriveThere(this.#fds[file]!, first * BLOCK_BYTES + read);
      throw new Mismatch(`reading ${bytes.length} bytes of a shared file gave ${read}`, {
        path: this.#path(file),
      });
    }
    for (let i = 0; i < count; i++) {
      const newest = this.table.begun(block + i);
      const seen = bytes.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES);
      this.#judge(file, block + i, first + i, seen, oldest[i]!, newest, direct === null);
    }
    this.board.add('bytesRead', bytes.length);
    this.board.add('verified', count);
  }

  /** After this worker's predecessor was killed: what it had begun was done or was not, block by block. */
  settleAfterDeath(): void {
    const seen = Buffer.alloc(BLOCK_BYTES);
    for (let block = 0; block < SHARED_FILES * SHARED_BLOCKS; block++) {
      if (this.table.owner(block) !== this.worker) {
        continue;
      }
      const file = Math.floor(block / SHARED_BLOCKS);
      const position = (block % SHARED_BLOCKS) * BLOCK_BYTES;
      fs.readSync(this.#fds[file]!, seen, 0, BLOCK_BYTES, position);
      const [old, begun] = [this.table.acknowledged(block), this.table.begun(block)];
      const generation = [begun, old].find((candidate) =>
        sharedBlock(this.seed, block, candidate).equals(seen),
      );
      if (generation === undefined) {
        throw new Mismatch('after its writer was killed, a block is neither old nor new', {
          path: this.#path(file),
          ...this.#difference(block, seen, old, position),
        });
      }
      this.table.settle(block, generation);
      this.table.unlock(block);
    }
  }

  #writeFully(file: number, bytes: Buffer, position: number): void {
    try {
      for (let at = 0; at < bytes.length; ) {
        at += fs.writeSync(this.#fds[file]!, bytes, at, bytes.length - at, position + at);
      }
    } catch (error) {
      throw new Mismatch(`overwriting a shared file inside its length failed with ${codeOf(error)}`, {
        path: this.#path(file),
        offset: position,
      });
    }
    this.board.add('bytesWritten', bytes.length);
  }

  #judge(
    file: number,
    block: number,
    index: number,
    seen: Buffer,
    oldest: number,
    newest: number,
    mayMix: boolean,
  ): void {
    const candidates: Buffer[] = [];
    for (let generation = newest; generation >= oldest; generation--) {
      const expected = sharedBlock(this.seed, block, generation);
      if (expected.equals(seen)) {
        return;
      }
      candidates.push(expected);
    }
    if (mayMix && seen.every((byte, i) => candidates.some((candidate) => candidate[i] === byte))) {
      return;
    }
    throw new Mismatch(
      `block ${index} of a shared file is none of the generations ${oldest} to ${newest}${mayMix ? '' : ' (O_DIRECT)'}`,
      { path: this.#path(file), ...this.#difference(block, seen, newest, index * BLOCK_BYTES) },
    );
  }

  #difference(block: number, seen: Buffer, generation: number, position: number) {
    const expected = sharedBlock(this.seed, block, generation);
    const at = Math.max(0, firstDifference(expected, seen));
    return {
      offset: position + at,
      expected: expected.subarray(at, at + 32).toString('hex'),
      actual: seen.subarray(at, at + 32).toString('hex'),
    };
  }

  #path(file: number): string {
    return `${SHARED_DIRECTORY}/${sharedFileName(file)}`;
  }
}

function openDirect(path: string): number | null {
  try {
    return fs.openSync(path, constants.O_RDONLY | constants.O_DIRECT);
  } catch {
    return null;
  }
}
