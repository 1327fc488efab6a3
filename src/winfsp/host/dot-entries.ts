/**
 * `.` and `..`, which every directory but the root lists first (docs/winfsp.md#callbacks, ReadDirectory). The host adds
 * them, so a file system need not; where it begins its listing with entries of its own of these names, those are used.
 */
import type { DirectoryEntry, FileInfo } from './file-system.js';

const DOTS = ['.', '..'];

/** The marker to ask the file system with: behind an entry of the host, all of the file system's are still to come. */
export function markerBehindDots(marker: string | null): string | null {
  return marker !== null && DOTS.includes(marker) ? null : marker;
}

/**
 * The listing behind `marker`. `entries`: what the file system gave for markerBehindDots(marker). `infoOfDirectory` is
 * asked only when an entry has to be added; it stands for `..` too, since a context does not lead to its parent.
 */
export function* withDots(
  entries: Iterable<DirectoryEntry>,
  marker: string | null,
  isRoot: boolean,
  infoOfDirectory: () => FileInfo,
): Iterable<DirectoryEntry> {
  const due = isRoot || markerBehindDots(marker) !== null ? [] : DOTS.slice(DOTS.indexOf(marker ?? '') + 1);
  const given: DirectoryEntry[] = [];
  const dots = function* () {
    for (const fileName of due.splice(0)) {
      yield given.find((entry) => entry.fileName === fileName) ?? { fileName, fileInfo: infoOfDirectory() };
    }
  };
  for (const entry of entries) {
    if (DOTS.includes(entry.fileName)) {
      given.push(entry);
    } else {
      yield* dots();
      yield entry;
    }
  }
  yield* dots();
}
