/**
 * ContextTable: the numbers by which a front end knows open nodes. A context is a slot number (24 bits, from 1) plus 2^24 × how often
 * the slot was used before, so numbers are small, never 0, and one that was given up is unknown from then on:
 * whoever comes with it gets "no such handle" and not somebody else's file. (After 2^29 reuses a slot's numbers begin anew.)
 */
import type { Node } from './inode.js';

const SLOT_BITS = 24;
/** Four times as many as a volume can have nodes. */
export const MAX_OPEN_NODES = 2 ** SLOT_BITS - 1;
const GENERATION_STEP = 2 ** SLOT_BITS;
const GENERATION_END = 2 ** 53;

export class ContextTable {
  /** By slot; slot 0 is never used. */
  readonly #nodes: (Node | undefined)[] = [undefined];
  /** The context a slot's next user gets. */
  readonly #nextContexts: number[] = [0];
  readonly #freeSlots: number[] = [];

  get count(): number {
    return this.#nodes.length - 1 - this.#freeSlots.length;
  }

  /** Undefined for whatever is not the context of an open node. */
  nodeOf(context: number): Node | undefined {
    const node = this.#nodes[context & MAX_OPEN_NODES];
    return node !== undefined && node.context === context ? node : undefined;
  }

  assign(node: Node): void {
    let slot = this.#freeSlots.pop();
    if (slot === undefined) {
      slot = this.#nodes.length;
      if (slot > MAX_OPEN_NODES) throw new Error('more nodes are open than there are contexts');
      this.#nodes.push(undefined);
      this.#nextContexts.push(slot);
    }
    this.#nodes[slot] = node;
    node.context = this.#nextContexts[slot] as number;
  }

  release(node: Node): void {
    const { context } = node;
    const slot = context & MAX_OPEN_NODES;
    if (context === 0 || this.#nodes[slot] !== node) throw new Error(`context ${context} is given up twice`);
    const next = context + GENERATION_STEP;
    this.#nextContexts[slot] = next < GENERATION_END ? next : slot;
    this.#nodes[slot] = undefined;
    this.#freeSlots.push(slot);
    node.context = 0;
  }

  visit(visit: (node: Node) => void): void {
    for (const node of this.#nodes) if (node !== undefined) visit(node);
  }

  clear(): void {
    this.visit((node) => {
      this.release(node);
    });
  }
}
