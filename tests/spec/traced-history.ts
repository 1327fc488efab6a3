/** A random history of a small volume that is nearly always full, as the trace that the drive would have written of it. */
import { TracedVolume, type TraceEvent } from '../../src/drive/trace.js';
import type { Inode } from '../../src/volume/inode.js';
import { ntfsUpperCase } from '../../src/volume/names/case-folding.js';
import { eaList } from '../support/ea-list.js';
import { PlainPageMemory } from '../support/plain-page-memory.js';

const PAGE_BYTES = 16;
const PAGE_COUNT = 12;
/** Another system's table of capitals: `b` is not `B`. */
const apartFromNtfs = ntfsUpperCase.map((upper, unit) => (unit === 0x62 ? unit : upper));
const NAMES = ['a', 'B', 'b', 'c', 'd'];

/** The trace and the volume's own opinion of itself at the end. Every third seed has named streams. */
export function tracedHistory(
  seed: number,
  operations: number,
): { events: TraceEvent[]; selfCheck: string[] } {
  const events: TraceEvent[] = [];
  const namedStreams = seed % 3 === 0;
  const memory = new PlainPageMemory({ pageSizeBytes: PAGE_BYTES, pageCount: PAGE_COUNT, scratchBytes: 256 });
  const volume = new TracedVolume(
    {
      memory,
      caseSensitive: seed % 2 === 0,
      upperCase: seed % 4 === 1 ? apartFromNtfs : ntfsUpperCase,
      label: 'traced',
      namedStreams,
    },
    { write: (event) => events.push(event), close: () => {} },
  );
  const random = mulberry32(seed);
  const below = (count: number): number => Math.floor(random() * count);
  const name = (): string => NAMES[below(NAMES.length)] as string;
  const filePath = (): string =>
    below(3) === 0 ? `\\dir\\${name()}` : `\\${below(8) === 0 ? 'dir' : name()}`;
  const path = (): string => (namedStreams && below(2) === 0 ? `${filePath()}:${name()}` : filePath());
  const handles: Inode[] = [];
  const opened = (inode: Inode | number): void => {
    if (typeof inode !== 'number') handles.push(inode);
  };
  opened(volume.create('\\dir', 0, true, null, 0));

  for (let i = 0; i < operations; i++) {
    const inode = handles[below(handles.length)];
    const kind = below(20);
    if (kind === 0 && below(4) === 0) opened(volume.create(filePath(), 0, false, null, below(20), false));
    else if (kind < 4) opened(volume.create(path(), 0, below(6) === 0, null, below(4) === 0 ? 20 : 0));
    else if (kind < 6) opened(volume.open(path()));
    else if (kind === 6) void volume.freeBytes;
    else if (inode === undefined) continue;
    else if (kind < 11) {
      volume.write(inode, below(60), below(40), memory.scratchAddress, below(5) === 0, below(5) === 0);
    } else if (kind === 11) volume.read(inode, below(60), below(60), memory.scratchAddress);
    else if (kind === 12) volume.setFileSize(inode, below(70));
    else if (kind === 13) volume.setAllocationSize(inode, below(90));
    else if (kind === 14 && inode.main !== inode && below(2) === 0) {
      // A stream goes with the overwrite of its file, and comes again while it is open.
      volume.overwrite(inode.main, 0, false, below(40));
      opened(volume.create(`${volume.pathOf(inode.main)}:${inode.name}`, 0, false, null, below(40)));
    } else if (kind === 14) volume.overwrite(inode, 0, false, below(40));
    else if (kind === 15 && below(4) === 0) volume.exchange(inode, path());
    else if (kind === 15 && below(5) === 0) volume.renameLeavingWhiteout(inode, path(), below(2) === 0);
    else if (kind === 16 && below(4) === 0) {
      volume.setExtendedAttributes(inode, eaList({ 'user.a': 'x'.repeat(below(20)) }));
    } else if (kind === 15) volume.rename(inode, path(), below(2) === 0, below(2) === 0);
    else if (kind === 16) list(volume, inode, below(3) + 1);
    else {
      volume.cleanup(inode, below(4));
      volume.close(inode);
      handles.splice(handles.indexOf(inode), 1);
    }
  }
  const selfCheck = volume.selfCheck();
  volume.dispose();
  return { events, selfCheck };
}

/** A directory in pieces of `room` entries. */
function list(volume: TracedVolume, inode: Inode, room: number): void {
  let marker: string | null = null;
  for (let more = true; more; ) {
    let left = room;
    more = false;
    volume.list(inode, marker, (entry) => {
      if (left-- === 0) {
        more = true;
        return false;
      }
      marker = entry;
      return true;
    });
  }
}

export function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
