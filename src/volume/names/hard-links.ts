/** HardLinks: of each file that has more than one name, those beside the one that its inode holds itself. */
import type { DirectoryEntry, Inode } from '../inode.js';

export class HardLink implements DirectoryEntry {
  name: string;
  key: string;
  parent: Inode | null = null;
  readonly inode: Inode;
  hash = 0;
  next: DirectoryEntry | null = null;
  /** For HardLinks alone: its place among those of the inode. */
  slot = 0;

  constructor(name: string, key: string, inode: Inode) {
    this.name = name;
    this.key = key;
    this.inode = inode;
  }
}

export class HardLinks {
  readonly #byInode = new Map<Inode, HardLink[]>();
  #count = 0;

  /** Of all files together. */
  get count(): number {
    return this.#count;
  }

  /** Names of a file beside its inode's own. */
  countOf(inode: Inode): number {
    return this.#count === 0 ? 0 : (this.#byInode.get(inode)?.length ?? 0);
  }

  add(link: HardLink): void {
    const links = this.#byInode.get(link.inode);
    link.slot = links?.length ?? 0;
    if (links === undefined) this.#byInode.set(link.inode, [link]);
    else links.push(link);
    this.#count += 1;
  }

  remove(link: HardLink): void {
    const links = this.#byInode.get(link.inode);
    const last = links?.pop();
    if (links === undefined || last === undefined) throw new Error(`"${link.name}" is no hard link here`);
    if (last !== link) {
      links[link.slot] = last;
      last.slot = link.slot;
    }
    if (links.length === 0) this.#byInode.delete(link.inode);
    this.#count -= 1;
  }

  /** Any one of a file's; undefined when it has none. */
  anyOf(inode: Inode): HardLink | undefined {
    return this.#count === 0 ? undefined : this.#byInode.get(inode)?.at(-1);
  }

  /** For the self-check. */
  visit(visit: (inode: Inode, links: readonly HardLink[]) => void): void {
    for (const [inode, links] of this.#byInode) visit(inode, links);
  }
}
