/**
 * The real RamVolume with its snapshots, driven action by action beside the specification: each action is a few calls of the code, its
 * answer must be the specification's, and then the ledger, every live file and every file of every snapshot must be what the
 * specification says, byte by byte, and the volume's self-check must find nothing.
 *
 * A unit of the model is four bytes, each different, so that a copy to the wrong place or of the wrong length is seen.
 */
import { NtStatus } from '../../src/ntstatus.js';
import type { Inode } from '../../src/volume/inode.js';
import { RamVolume } from '../../src/volume/ram-volume.js';
import type { Snapshot } from '../../src/volume/snapshots/snapshot.js';
import { PlainPageMemory } from '../../tests/support/plain-page-memory.js';
import type { Step } from '../explorer/explorer.js';
import { Deviation } from '../explorer/walk-real.js';
import { HOLE, Life, NO_SNAPSHOT, NO_TABLE, type State, tag, type World, ZERO } from './state.js';

const UNIT_BYTES = 4;
const CLEANUP_DELETE = 1;

export class RealSnapshots {
  readonly #world: World;
  readonly #memory: PlainPageMemory;
  readonly #volume: RamVolume;
  /** Of files without a name. */
  readonly #orphans = new Map<number, Inode>();
  #read: Snapshot | null = null;

  constructor(world: World) {
    const { PageCount, UnitsPerPage, MaxUnits } = world.constants;
    this.#world = world;
    this.#memory = new PlainPageMemory({
      pageSizeBytes: UnitsPerPage * UNIT_BYTES,
      pageCount: PageCount,
      scratchBytes: (MaxUnits + UnitsPerPage) * UNIT_BYTES,
    });
    this.#volume = new RamVolume({ memory: this.#memory, caseSensitive: true, label: 'snapshots' });
  }

  /** Carries out one step of the specification; throws a Deviation when the answer is another one. */
  take(step: Step<State>, before: State): void {
    const due = this.#world.answer;
    const answer = this.#perform(step, before);
    const isRight = due === 'ok' ? answer >= 0 : answer === NtStatus.DISK_FULL;
    if (!isRight) throw new Deviation(`the answer is 0x${(answer >>> 0).toString(16)}, due is '${due}'`);
  }

  #perform({ action, args }: Step<State>, before: State): number {
    const [a, b, c, d] = args as number[] as [number, number, number, number];
    const volume = this.#volume;
    switch (action) {
      case 'Create':
        volume.close(volume.create(pathOf(a), 0, false, null, 0) as Inode);
        return 0;
      case 'Unlink': {
        const inode = volume.open(pathOf(a)) as Inode;
        volume.cleanup(inode, CLEANUP_DELETE);
        this.#orphans.set(a, inode);
        return 0;
      }
      case 'Remove': {
        const inode = this.#open(a);
        if (before.life[a] === Life.Named) volume.cleanup(inode, CLEANUP_DELETE);
        this.#orphans.delete(a);
        volume.close(inode);
        return 0;
      }
      case 'Write':
        return this.#withFile(a, before, (inode) =>
          volume.write(inode, b * UNIT_BYTES, c * UNIT_BYTES, this.#source(b, c, d), false, false),
        );
      case 'Resize':
        return this.#withFile(a, before, (inode) => volume.setFileSize(inode, b * UNIT_BYTES));
      case 'Take':
        return volume.snapshot(nameOf(a));
      case 'Rollback': {
        const status = volume.rollback(nameOf(a));
        if (status >= 0) this.#orphans.clear();
        return status;
      }
      case 'Forget':
        return volume.deleteSnapshot(nameOf(a));
      case 'SaveStart':
        this.#read = volume.openSnapshot(nameOf(a)) as Snapshot;
        return 0;
      case 'SaveNext':
        this.#saveNext(before);
        return 0;
      default:
        throw new Error(`no code stands for the action ${action}`);
    }
  }

  #open(f: number): Inode {
    return this.#orphans.get(f) ?? (this.#volume.open(pathOf(f)) as Inode);
  }

  /** A file with a name is open for one operation only. */
  #withFile(f: number, before: State, act: (inode: Inode) => number): number {
    const inode = this.#open(f);
    const status = act(inode);
    if (before.life[f] === Life.Named) this.#volume.close(inode);
    return status;
  }

  /** The image writer reads one page where it was told the page is, as another thread would. */
  #saveNext(before: State): void {
    const { indexCount, constants } = this.#world;
    const { FileCount, UnitsPerPage, MaxUnits } = constants;
    const f = Math.floor(before.savingNext / indexCount);
    const i = before.savingNext % indexCount;
    const at = before.saving * FileCount + f;
    const page = this.#read?.root.children?.get(`f${f}`)?.inode.file?.table.pageAt(i) ?? -1;
    for (let u = 0; u < UnitsPerPage; u++) {
      const x = i * UnitsPerPage + u;
      const due =
        x < (before.keptSize[at] as number) ? (before.keptTruth[at * MaxUnits + x] as number) : ZERO;
      if (page < 0 ? due !== ZERO : !this.#isUnit((page * UnitsPerPage + u) * UNIT_BYTES, due)) {
        throw new Deviation(`the image has something else than ${due} in unit ${x} of file ${f}`);
      }
    }
    if (before.savingNext < FileCount * indexCount - 1) return;
    this.#volume.closeSnapshot(this.#read as Snapshot);
    this.#read = null;
  }

  /** Throws a Deviation when the real volume is not in this state. */
  compare(s: State): void {
    const { FileCount, SnapshotCount, PageCount, UnitsPerPage } = this.#world.constants;
    const { pool } = this.#volume;
    equal(pool.reservedPages, s.reserved, 'pages reserved');
    equal(pool.allocatedPages, s.allocated, 'pages allocated');
    equal(pool.freePages, PageCount - s.reserved, 'free pages told to an observer');
    equal(this.#volume.snapshotBytes, s.inSnapshots * UnitsPerPage * UNIT_BYTES, 'bytes of snapshots');
    equal(Number(this.#read !== null), Number(s.saving !== NO_SNAPSHOT), 'a snapshot is being read');
    for (let f = 0; f < FileCount; f++) {
      const found = this.#orphans.get(f) ?? this.#volume.lookup(pathOf(f));
      equal(Number(typeof found !== 'number'), Number(s.life[f] !== Life.None), `file ${f} is there`);
      if (typeof found === 'number') continue;
      const { MaxUnits } = this.#world.constants;
      const truth = s.truth.slice(f * MaxUnits, (f + 1) * MaxUnits);
      this.#compareFile(`file ${f}`, found, s, s.table[f] as number, s.length[f] as number, truth);
    }
    for (let name = 0; name < SnapshotCount; name++) this.#compareSnapshot(s, name);
    const violations = this.#volume.selfCheck();
    if (violations.length > 0) throw new Deviation(violations.join('; '));
  }

  #compareSnapshot(s: State, name: number): void {
    const { FileCount, MaxUnits } = this.#world.constants;
    const snapshot = this.#volume.snapshots.find((one) => one.name === nameOf(name));
    equal(Number(snapshot !== undefined), s.there[name] as number, `snapshot ${name} is there`);
    for (let f = 0; f < FileCount; f++) {
      const at = name * FileCount + f;
      const inode = snapshot?.root.children?.get(`f${f}`)?.inode;
      equal(Number(inode !== undefined), s.snapHas[at] as number, `file ${f} is in snapshot ${name}`);
      if (inode === undefined) continue;
      const kept = s.keptTruth.slice(at * MaxUnits, (at + 1) * MaxUnits);
      const [table, length] = [s.snapTable[at] as number, s.snapLength[at] as number];
      this.#compareFile(`file ${f} of snapshot ${name}`, inode, s, table, length, kept);
    }
  }

  #compareFile(which: string, { file }: Inode, s: State, table: number, length: number, due: number[]): void {
    const { indexCount } = this.#world;
    equal(file!.lengthBytes, length * UNIT_BYTES, `${which}: length`);
    equal(file!.table.references, s.refs[table] as number, `${which}: contents with its page table`);
    for (let i = 0; i < indexCount; i++) {
      const page = table === NO_TABLE ? HOLE : (s.entries[table * indexCount + i] as number);
      const real = file!.table.pageAt(i);
      equal(Number(real >= 0), Number(page !== HOLE), `${which}: a page at index ${i}`);
      if (real < 0) continue;
      equal(
        Number(this.#volume.pool.isShared(real)),
        Number((s.more[page - 1] as number) > 0),
        `${which}: shared`,
      );
    }
    const { scratchAddress } = this.#memory;
    equal(file!.read(0, length * UNIT_BYTES, scratchAddress), length * UNIT_BYTES, `${which}: bytes read`);
    for (let x = 0; x < length; x++) {
      if (!this.#isUnit(scratchAddress + x * UNIT_BYTES, due[x] as number)) {
        throw new Deviation(`${which}: unit ${x} is not ${due[x]}`);
      }
    }
  }

  #isUnit(at: number, data: number): boolean {
    for (let i = 0; i < UNIT_BYTES; i++) if (this.#memory.bytes[at + i] !== byteOf(data, i)) return false;
    return true;
  }

  #source(offset: number, count: number, value: number): number {
    const bytes = new Uint8Array(count * UNIT_BYTES);
    for (let x = 0; x < count; x++) {
      const data = tag(this.#world, value, offset + x);
      for (let i = 0; i < UNIT_BYTES; i++) bytes[x * UNIT_BYTES + i] = byteOf(data, i);
    }
    return this.#memory.put(bytes);
  }
}

const pathOf = (f: number): string => `\\f${f}`;
const nameOf = (name: number): string => `s${name}`;
/** Byte i of a unit that holds `data`. */
const byteOf = (data: number, i: number): number => (data === ZERO ? 0 : data * UNIT_BYTES + i);

function equal(real: number, due: number, what: string): void {
  if (real !== due) throw new Deviation(`${what}: ${real}, due is ${due}`);
}
