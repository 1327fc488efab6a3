/** The trace that TLC makes the model follow (tla/ledger-trace/LedgerTrace.tla) is what the real volume does today. */
import { expect, test } from 'vitest';
import { ledgerEvents, tlaModule } from '../../spec/trace/trace-to-tla.js';
import { TracedVolume, type TraceEvent } from '../../src/drive/trace.js';
import type { Inode } from '../../src/volume/inode.js';
import { PlainPageMemory } from '../support/plain-page-memory.js';
import { mulberry32 } from './traced-history.js';

const UNIT = 8;
const PAGE = 2 * UNIT;
const PAGES = 4;
const STEPS = 110;

/** Two files on four pages, each length a whole number of half pages. */
function record(): TraceEvent[] {
  const events: TraceEvent[] = [];
  const memory = new PlainPageMemory({ pageSizeBytes: PAGE, pageCount: PAGES, scratchBytes: 256 });
  const volume = new TracedVolume(
    { memory, caseSensitive: true, label: 'trace' },
    { write: (event) => events.push(event), close: () => {} },
  );
  const random = mulberry32(7);
  const below = (count: number): number => Math.floor(random() * count);
  const handles: Inode[] = [];
  for (let step = 0; step < STEPS; step++) {
    const name = `\\${'ab'[below(2)]}`;
    const inode = handles[below(handles.length)];
    const kind = below(12);
    const count = (1 + below(4)) * UNIT;
    if (inode === undefined || kind === 0) {
      const found = volume.lookup(name);
      // A deleted file that is still open has its number; two files is all the model has.
      const isFull = new Set(handles).size >= 2 && typeof found === 'number';
      if (isFull || handles.length >= 3) continue;
      const opened = typeof found === 'number' ? volume.create(name, 0, false, null, 0) : volume.open(name);
      handles.push(opened as Inode);
    } else if (kind < 4) volume.write(inode, below(6) * UNIT, count, memory.scratchAddress, false, false);
    else if (kind === 4) volume.write(inode, 0, count, memory.scratchAddress, true, false);
    else if (kind === 5) volume.write(inode, below(6) * UNIT, count, memory.scratchAddress, false, true);
    else if (kind < 8) volume.setFileSize(inode, below(10) * UNIT);
    else if (kind === 8) volume.setAllocationSize(inode, below(10) * UNIT);
    else if (kind === 9) volume.overwrite(inode, 0, false, below(3) * PAGE);
    else {
      volume.cleanup(inode, kind === 10 ? 1 : 2);
      volume.close(inode);
      handles.splice(handles.indexOf(inode), 1);
    }
  }
  expect(volume.selfCheck()).toEqual([]);
  return events;
}

test('the recorded sequence is the one in tla/ledger-trace/LedgerTraceData.tla', async () => {
  const sequence = ledgerEvents(record(), UNIT, PAGE);
  const kinds = new Set(sequence.map(({ op, answer }) => `${op} ${answer}`));
  for (const kind of [
    'create',
    'open',
    'delete',
    'close',
    'write',
    'append',
    'constrained',
    'resize',
    'allocate',
    'overwrite',
  ]) {
    expect([...kinds]).toContain(`${kind} ok`);
  }
  expect([...kinds]).toEqual(expect.arrayContaining(['write full', 'resize full']));
  await expect(tlaModule(sequence)).toMatchFileSnapshot('../../tla/ledger-trace/LedgerTraceData.tla');
});
