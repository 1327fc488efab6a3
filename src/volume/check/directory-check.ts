/** One directory's part of the self-check, in one step: what it lists, and whether in order. Reads only. */
import type { DirectoryEntry, Inode } from '../inode.js';

/** Tells of each entry; what does not hold is added to the violations, each behind `where`. */
export function checkDirectory(
  directory: Inode,
  where: string,
  violations: string[],
  visit: (entry: DirectoryEntry) => void,
): void {
  const complain = ({ name, inode }: DirectoryEntry, what: string) =>
    violations.push(`${where}"${name}" (${inode.indexNumber}) ${what}`);
  let previous = '';
  let directories = 0;
  // By position, not by look-up: a tree that is out of order would show a part of itself only.
  for (const [key, entry] of directory.children?.entries() ?? []) {
    if (!(key > previous)) complain(entry, 'is listed out of order');
    previous = key;
    if (entry.parent !== directory) complain(entry, 'is listed by a directory that is not its parent');
    if (entry.key !== key) complain(entry, 'is not listed by its name');
    if (entry.inode.isDirectory) directories += 1;
    visit(entry);
  }
  const counted = directory.children?.directoryCount ?? 0;
  if (counted !== directories) complain(directory, `has ${directories} directories, and counts ${counted}`);
}
