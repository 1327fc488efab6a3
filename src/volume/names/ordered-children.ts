/**
 * A directory's children in the order of listings: by folded name, unit by unit. A B+ tree (sorted-btree), so that
 * adding, removing and going on behind any name cost O(log n), whether or not that name is there.
 */
import { createRequire } from 'node:module';

// The package is CommonJS with a default export, which Inode, TypeScript and test runners each import in their own way;
// required, it is the same everywhere.
const { default: BTree } = createRequire(import.meta.url)('sorted-btree') as typeof import('sorted-btree');

/**
 * Of a node of the tree. Its arrays grow to exactly that: V8 makes room for half as many again and 16 more, which from
 * half a node, as it is split, is 65 with the element that is pushed. A file takes 20 bytes less than with nodes of 32.
 */
const MAX_NODE_SIZE = 64;

const STOP = { break: true };

/** JavaScript compares strings by their UTF-16 units. */
const byUnits = (a: string, b: string) => (a < b ? -1 : a === b ? 0 : 1);

export class OrderedChildren<Child> extends BTree<string, Child> {
  /** Those of the children that are directories. */
  directoryCount = 0;

  constructor() {
    super(undefined, byUnits, MAX_NODE_SIZE);
  }
}

/**
 * Visits the children whose folded names come behind `marker` ('' for all), in order, until `visit` answers false.
 * Nothing may be added or removed meanwhile.
 */
export function visitBehind<Inode, Child extends { name: string; inode: Inode }>(
  children: OrderedChildren<Child>,
  marker: string,
  visit: (name: string, inode: Inode) => boolean,
): void {
  const last = children.maxKey();
  if (last === undefined) return;
  // Not its iterator, which makes objects for every entry. Only the first key can be the marker; the others stay
  // untouched, which saves a cache miss an entry.
  children.forRange(marker, last, true, (key, child, counter) =>
    (counter === 0 && key === marker) || visit(child.name, child.inode) ? undefined : STOP,
  );
}
