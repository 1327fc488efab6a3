/** The hard links' part of the self-check: what directories list is what is kept of each file, and the other way. */
import type { DirectoryEntry, Inode } from '../inode.js';
import { HardLink, type HardLinks } from './hard-links.js';

/** In words, each behind `where`, what does not fit together below a root. Reads only. */
export function checkLinks(root: Inode, hardLinks: HardLinks, where: string): string[] {
  const violations: string[] = [];
  const complain = ({ name, inode }: DirectoryEntry, what: string) =>
    violations.push(`${where}"${name}" (${inode.indexNumber}) ${what}`);
  const listed = new Set<DirectoryEntry>();
  const directories = [root];
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    let count = 0;
    for (const entry of directory.children?.values() ?? []) {
      const { inode } = entry;
      if (inode.isDirectory) count += 1;
      if (entry === inode) {
        if (inode.isDirectory) directories.push(inode);
        continue;
      }
      if (!(entry instanceof HardLink)) complain(entry, 'is neither an inode nor a hard link');
      listed.add(entry);
      if (inode.isDirectory) complain(entry, 'is a hard link to a directory');
      if (inode.parent === null) complain(entry, 'is a hard link to a file without a name of its own');
    }
    const counted = directory.children?.directoryCount ?? 0;
    if (counted !== count) complain(directory, `has ${count} directories, and counts ${counted}`);
  }
  let kept = 0;
  hardLinks.visit((inode, links) => {
    links.forEach((link, slot) => {
      kept += 1;
      if (link.inode !== inode || link.slot !== slot)
        complain(link, 'is kept for another file, or elsewhere');
      if (!listed.has(link)) complain(link, 'is a hard link that no directory lists');
    });
  });
  if (kept !== listed.size || kept !== hardLinks.count) {
    violations.push(
      `${where}${listed.size} hard links are listed, ${kept} are kept, ${hardLinks.count} counted`,
    );
  }
  return violations;
}
