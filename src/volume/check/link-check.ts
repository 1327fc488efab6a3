/** The hard links' part of the self-check: what directories list is what is kept of each file, and the other way. */
import type { DirectoryEntry } from '../inode.js';
import { HardLink, type HardLinks } from '../names/hard-links.js';

export class LinkCheck {
  readonly #hardLinks: HardLinks;
  /** Stands before each violation. */
  readonly #where: string;
  readonly #violations: string[];
  readonly #listed = new Set<DirectoryEntry>();

  constructor(hardLinks: HardLinks, where: string, violations: string[]) {
    this.#hardLinks = hardLinks;
    this.#where = where;
    this.#violations = violations;
  }

  /** Whether it was added, and not removed. */
  has(link: DirectoryEntry): boolean {
    return this.#listed.has(link);
  }

  /** An entry of a directory that is not the inode itself. */
  add(link: DirectoryEntry): void {
    this.#listed.add(link);
    const { inode } = link;
    if (!(link instanceof HardLink)) this.#complain(link, 'is neither an inode nor a hard link');
    if (inode.isDirectory) this.#complain(link, 'is a hard link to a directory');
    if (inode.parent === null) this.#complain(link, 'is a hard link to a file without a name of its own');
  }

  /** One that is about to change. */
  remove(link: DirectoryEntry): void {
    this.#listed.delete(link);
  }

  /** When all were added. */
  finish(): void {
    let kept = 0;
    this.#hardLinks.visit((inode, links) => {
      links.forEach((link, slot) => {
        kept += 1;
        if (link.inode !== inode || link.slot !== slot)
          this.#complain(link, 'is kept for another file, or elsewhere');
        if (!this.#listed.has(link)) this.#complain(link, 'is a hard link that no directory lists');
      });
    });
    if (kept !== this.#listed.size || kept !== this.#hardLinks.count) {
      const counts = `${kept} are kept, ${this.#hardLinks.count} counted`;
      this.#violations.push(`${this.#where}${this.#listed.size} hard links are listed, ${counts}`);
    }
  }

  #complain({ name, inode }: DirectoryEntry, what: string): void {
    this.#violations.push(`${this.#where}"${name}" (${inode.indexNumber}) ${what}`);
  }
}
