/**
 * PathLimit: no path of the volume gets longer than its front end can say. What a longer one led to could be opened by
 * no program, and so not even be deleted. A new name is measured alone; a directory that moves takes along what lies
 * below it.
 *
 * The longest path is known from above: it is measured again, which takes a look at every inode, only when that bound
 * says too little.
 */
import type { DirectoryEntry, Inode } from '../inode.js';
import type { NameTree } from './name-tree.js';

export class PathLimit {
  readonly #tree: NameTree;
  readonly #maxUnits: number;
  /** No path is longer. */
  #boundUnits = 0;

  constructor(tree: NameTree, maxUnits: number) {
    this.#tree = tree;
    this.#maxUnits = maxUnits;
  }

  /** Whether an inode may get this path; it is taken to get it. */
  admits(path: string): boolean {
    if (path.length > this.#maxUnits) return false;
    if (path.length > this.#boundUnits) this.#boundUnits = path.length;
    return true;
  }

  /** The same for an entry that moves there, with everything below it. */
  admitsMove(entry: DirectoryEntry, newPath: string): boolean {
    const { inode } = entry;
    if (inode.children === null && inode.streams === null) return this.admits(newPath);
    const growth = newPath.length - this.#tree.pathOf(entry).length;
    if (growth <= 0) return true;
    if (this.#boundUnits + growth > this.#maxUnits) {
      this.#boundUnits = unitsBelow(this.#tree.root);
      if (newPath.length + unitsBelow(inode) > this.#maxUnits) return false;
    }
    this.#boundUnits = Math.min(this.#maxUnits, this.#boundUnits + growth);
    return true;
  }
}

/** What the longest path below a directory has more than its own. */
function unitsBelow(directory: Inode): number {
  let longest = 0;
  const pending: [Inode, number][] = [[directory, 0]];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [{ children, streams }, units] = next;
    const visit = (_key: string, child: DirectoryEntry) => {
      const whole = units + 1 + child.name.length;
      if (whole > longest) longest = whole;
      if (child.inode.children !== null || child.inode.streams !== null) pending.push([child.inode, whole]);
    };
    children?.forEachPair(visit);
    streams?.forEachPair(visit);
  }
  return longest;
}
