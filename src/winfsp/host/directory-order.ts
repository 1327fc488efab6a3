/**
 * The order of a listing, for file systems that hold a directory's entries as a plain list. A listing is asked for in
 * pieces, each after a *marker*, the last name of the piece before. What is gone meanwhile must not matter, so a piece
 * begins where the marker's place in the order is, and not where its entry is (docs/winfsp.md#callbacks ReadDirectory).
 */
import type { DirectoryEntry } from './file-system.js';

/**
 * `.` and `..` first, then by name without regard to case; names that differ in case only are told apart by their code
 * units.
 */
export function compareNames(a: string, b: string): number {
  return rank(a) - rank(b) || compare(a.toUpperCase(), b.toUpperCase()) || compare(a, b);
}

/**
 * The entries behind the marker, sorted; all of them for null. Takes O(n log n), so it is for directories of ordinary
 * size.
 */
export function afterMarker<Entry extends Pick<DirectoryEntry, 'fileName'>>(
  entries: Iterable<Entry>,
  marker: string | null,
): Entry[] {
  return [...entries]
    .filter((entry) => marker === null || compareNames(entry.fileName, marker) > 0)
    .sort((a, b) => compareNames(a.fileName, b.fileName));
}

function rank(name: string): number {
  return name === '.' ? 0 : name === '..' ? 1 : 2;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
