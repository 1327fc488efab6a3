/**
 * ContextTable: the numbers by which a front end knows open inodes. A context is a slot number (24 bits, from 1) plus
 * 2^24 × how often the slot was used before, so numbers are small, never 0, and one that was given up is unknown from
 * then on:
 * a request with it gets "no such handle" and not another file. (After 2^29 reuses a slot's numbers begin
 * anew.)
 */
import type { Inode } from './inode.js';

const SLOT_BITS = 24;
/** Four times as many as a volume can have inodes. */
export const MAX_OPEN_INODES = 2 ** SLOT_BITS - 1;
const GENERATION_STEP = 2 ** SLOT_BITS;
const GENERATION_END = 2 ** 53;

export class ContextTable {
  /** By slot; slot 0 is never used. */
  readonly #inodes: (Inode | undefined)[] = [undefined];
  /** The context a slot's next user gets. */
  readonly #nextContexts: number[] = [0];
  readonly #freeSlots: number[] = [];

  get count(): number {
    return this.#inodes.length - 1 - this.#freeSlots.length;
  }

  /** Undefined for whatever is not the context of an open inode. */
  inodeOf(context: number): Inode | undefined {
    const inode = this.#inodes[context & MAX_OPEN_INODES];
    return inode !== undefined && inode.context === context ? inode : undefined;
  }

  assign(inode: Inode): void {
    let slot = this.#freeSlots.pop();
    if (slot === undefined) {
      slot = this.#inodes.length;
      if (slot > MAX_OPEN_INODES) throw new Error('more inodes are open than there are contexts');
      this.#inodes.push(undefined);
      this.#nextContexts.push(slot);
    }
    this.#inodes[slot] = inode;
    inode.context = this.#nextContexts[slot] as number;
  }

  release(inode: Inode): void {
    const { context } = inode;
    const slot = context & MAX_OPEN_INODES;
    if (context === 0 || this.#inodes[slot] !== inode)
      throw new Error(`context ${context} is given up twice`);
    const next = context + GENERATION_STEP;
    this.#nextContexts[slot] = next < GENERATION_END ? next : slot;
    this.#inodes[slot] = undefined;
    this.#freeSlots.push(slot);
    inode.context = 0;
  }

  visit(visit: (inode: Inode) => void): void {
    for (const inode of this.#inodes) if (inode !== undefined) visit(inode);
  }

  clear(): void {
    this.visit((inode) => {
      this.release(inode);
    });
  }
}
