/**
 * Real files in a real pool, read by real copy lanes, driven action by action beside the specification. The lanes have no threads: what
 * their threads do, this does, from the shared memory that it is told in. Where the specification waits, the real change must ask to
 * wait before it has changed anything; and where it does not, the real one must not.
 */

import { PagePool } from '../../src/volume/content/page-pool.js';
import type { PageReader } from '../../src/volume/content/page-readers.js';
import { PagedFile } from '../../src/volume/content/paged-file.js';
import { NativeBlock } from '../../src/winfsp/memory/native-memory.js';
import { CopyLane } from '../../src/winfsp/threads/lanes/copy-lane.js';
import { CopyWord, JOB_DOUBLES } from '../../src/winfsp/threads/lanes/copy-ring.js';
import { checkPool } from '../../tests/support/check-pool.js';
import { PlainPageMemory } from '../../tests/support/plain-page-memory.js';
import type { Step } from '../explorer/explorer.js';
import { Deviation, type WalkResult, walkReal } from '../explorer/walk-real.js';
import { type Constants, copyLanesModel, type State, Stop, What } from './copy-lanes.js';

const PAGE_BYTES = 4;
const LANE_SLOTS = 16;

class Waits extends Error {}

/** Says that it would wait instead of waiting: nobody else would wake this thread. */
class ProbedLane extends CopyLane implements PageReader {
  isDead = false;

  constructor() {
    super(null);
  }

  override untilCopied(index: number): void {
    if (!this.isCopied(index) && !this.isDead) throw new Waits();
  }
}

class RealLanes {
  readonly #constants: Constants;
  readonly #memory: PlainPageMemory;
  readonly #pool: PagePool;
  readonly #files: PagedFile[];
  readonly #lanes: ProbedLane[];
  readonly #answer: NativeBlock;

  /** `lanes` are as new: those of a walk before. */
  constructor(constants: Constants, lanes: ProbedLane[], answer: NativeBlock) {
    const { FileCount, PageCount, FilePages } = constants;
    this.#constants = constants;
    this.#memory = new PlainPageMemory({
      pageSizeBytes: PAGE_BYTES,
      pageCount: PageCount,
      scratchBytes: (FilePages + 1) * PAGE_BYTES,
    });
    this.#pool = new PagePool(this.#memory, { warmPages: 0 });
    this.#files = Array.from({ length: FileCount + 1 }, () => new PagedFile(this.#pool));
    this.#lanes = lanes;
    this.#answer = answer;
    for (const lane of lanes) {
      lane.state.fill(0);
      lane.isDead = false;
    }
  }

  take({ action, args }: Step<State>, before: State): void {
    const [a, b, c] = args as [number, number, number];
    switch (action) {
      case 'Read':
        this.#read(a, b);
        return;
      case 'Write':
        this.#write(a, b, c);
        return;
      case 'Cut':
        this.#cut(a, b);
        return;
      case 'WaitToWrite':
        this.#mustWait(() => this.#write(a, b, c));
        return;
      case 'WaitToCut':
        this.#mustWait(() => this.#cut(a, b));
        return;
      case 'Wake': {
        const { what, file, index, value } = before.waiting;
        if (what === What.Write) this.#write(file, index, value);
        else this.#cut(file, index);
        return;
      }
      case 'Copy':
        this.#copy(a, before);
        return;
      case 'Tell':
        Atomics.add(this.#lanes[a]!.state, CopyWord.COPIED, 1);
        return;
      case 'Deliver':
        Atomics.add(this.#lanes[a]!.state, CopyWord.DELIVERED, 1);
        return;
      case 'Die':
        this.#lanes[a]!.isDead = true;
        return;
      case 'EndLoop':
      case 'StopVolume':
        return; // of the dispatcher and the driver, which are not here
      default:
        throw new Error(`no code stands for the action ${action}`);
    }
  }

  #read(file: number, l: number): void {
    const lane = this.#lanes[l]!;
    const paged = this.#files[file]!;
    lane.begin(0);
    const length = paged.lengthBytes;
    if (paged.describeRead(0, length, lane) !== length || !lane.fits)
      throw new Deviation('the read was refused');
    lane.push(this.#answer.address);
  }

  #write(file: number, index: number, value: number): void {
    const source = this.#memory.put(new Uint8Array(PAGE_BYTES).fill(value));
    const written = this.#files[file]!.write((index - 1) * PAGE_BYTES, PAGE_BYTES, source);
    if (written !== PAGE_BYTES) throw new Deviation(`the write answers ${written}`);
  }

  #cut(file: number, length: number): void {
    const status = this.#files[file]!.setLength(length * PAGE_BYTES);
    if (status < 0) throw new Deviation(`the truncation answers ${status}`);
  }

  #mustWait(change: () => void): void {
    try {
      change();
    } catch (error) {
      if (error instanceof Waits) return;
      throw error;
    }
    throw new Deviation('nothing was waited for');
  }

  /** Page `next` of the read that the lane is at, wherever the pieces that it was told begin and end. */
  #copy(l: number, before: State): void {
    const lane = this.#lanes[l]!;
    const { next, due } = before.jobs[l]![0]!;
    const index = Atomics.load(lane.state, CopyWord.DELIVERED);
    const base = (index % LANE_SLOTS) * JOB_DOUBLES;
    let offset = next * PAGE_BYTES;
    for (let piece = 0; piece < lane.jobs[base]!; piece++) {
      const address = lane.jobs[base + 2 + 2 * piece]!;
      const lengthBytes = lane.jobs[base + 3 + 2 * piece]!;
      if (offset < lengthBytes) {
        const bytes = this.#memory.get(address + offset, PAGE_BYTES);
        if (bytes.every((byte) => byte === due[next])) return;
        throw new Deviation(`page ${next} of the read is ${bytes}, due is ${due[next]}`);
      }
      offset -= lengthBytes;
    }
    throw new Deviation(`the read has no page ${next}`);
  }

  compare(s: State): void {
    const { FileCount, PageCount, LaneCount, SlotCount } = this.#constants;
    for (let f = 1; f <= FileCount; f++) {
      const due = s.table[f]!.map((page) => s.content[page]!);
      const file = this.#files[f]!;
      equal(file.lengthBytes, due.length * PAGE_BYTES, `length of file ${f}`);
      due.forEach((value, i) => {
        const page = file.table.pageAt(i);
        const bytes = this.#memory.get(page * PAGE_BYTES, PAGE_BYTES);
        if (!bytes.every((byte) => byte === value)) throw new Deviation(`page ${i} of file ${f} is ${bytes}`);
      });
    }
    const used = s.table.flat().length;
    equal(this.#pool.freePages, PageCount - used, 'free pages told to an observer');
    equal(this.#pool.allocatedPages, used, 'pages allocated');
    const violations = checkPool(this.#pool, this.#files);
    if (violations.length > 0) throw new Deviation(violations.join('; '));
    if (s.stop === Stop.Stopped) return;
    for (let l = 1; l <= LaneCount; l++)
      equal(this.#lanes[l]!.waiting, s.jobs[l]!.length, `reads in lane ${l}`);
    const { readers } = this.#pool.copies;
    if (readers.size > LaneCount * SlotCount + 1) throw new Deviation(`${readers.size} reads are remembered`);
  }
}

/** Takes real files and lanes through every transition of a CopyLanes configuration. Throws a Deviation that says how. */
export async function walkRealLanes(constants: Constants): Promise<WalkResult> {
  const lanes = Array.from({ length: constants.LaneCount + 1 }, () => new ProbedLane());
  const answer = new NativeBlock(128);
  try {
    return walkReal<State>(
      copyLanesModel(constants),
      () => new RealLanes(constants, lanes, answer),
      () => false,
    );
  } finally {
    await Promise.all(lanes.map((lane) => lane.end()));
    answer.free();
  }
}

function equal(real: number, due: number, what: string): void {
  if (real !== due) throw new Deviation(`${what}: ${real}, due is ${due}`);
}
