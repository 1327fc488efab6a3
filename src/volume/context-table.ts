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
const GENERATION_END = 2 ** (53 - SLOT_BITS);

export class ContextTable {
  /** By slot; slot 0 is never used. A number where it has no user now. */
  readonly #users: (Inode | number)[] = [0];
  /** How often each slot was used before: small integers, which take no memory of their own. */
  readonly #generations: number[] = [0];
  /** The slot that was given up last, 0 without any; each has the next one in the place of its user. */
  #freeSlot = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** 0 for an inode that is not open. */
  contextOf({ slot }: Inode): number {
    return slot + (this.#generations[slot] as number) * GENERATION_STEP;
  }

  /** Undefined for whatever is not the context of an open inode. */
  inodeOf(context: number): Inode | undefined {
    const user = this.#users[context & MAX_OPEN_INODES];
    return typeof user === 'object' && this.contextOf(user) === context ? user : undefined;
  }

  assign(inode: Inode): void {
    let slot = this.#freeSlot;
    if (slot === 0) {
      slot = this.#users.length;
      if (slot > MAX_OPEN_INODES) throw new Error('more inodes are open than there are contexts');
      this.#users.push(inode);
      this.#generations.push(0);
    } else {
      this.#freeSlot = this.#users[slot] as number;
      this.#users[slot] = inode;
    }
    inode.slot = slot;
    this.#count += 1;
  }

  release(inode: Inode): void {
    const { slot } = inode;
    if (this.#users[slot] !== inode) throw new Error(`the context of slot ${slot} is given up twice`);
    const next = (this.#generations[slot] as number) + 1;
    this.#generations[slot] = next < GENERATION_END ? next : 0;
    this.#users[slot] = this.#freeSlot;
    this.#freeSlot = slot;
    inode.slot = 0;
    this.#count -= 1;
  }

  visit(visit: (inode: Inode) => void): void {
    for (const user of this.#users) if (typeof user === 'object') visit(user);
  }

  clear(): void {
    this.visit((inode) => {
      this.release(inode);
    });
  }
}
