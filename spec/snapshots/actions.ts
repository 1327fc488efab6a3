/** The actions of tla/snapshots/Snapshots.tla, one function each, under the same names. */
import { type Step, stepOf } from '../explorer/explorer.js';
import {
  cardinality,
  copy,
  freePages,
  HOLE,
  JUNK,
  Life,
  lowestPage,
  membersOf,
  NO_SNAPSHOT,
  NO_TABLE,
  own,
  pageBit,
  pagesIn,
  pagesOf,
  type State,
  snapshotPages,
  tag,
  trueFree,
  type World,
  ZERO,
} from './state.js';

const markIf = ({ reached }: World, condition: boolean, branch: string): void => {
  if (condition) reached.add(branch);
};
function breakIf(next: State, condition: boolean, rule: string): void {
  if (condition && !next.broken.includes(rule)) next.broken = [...next.broken, rule].sort();
}

/** Null when the refusal was due: it changes nothing. */
function refuse(world: World, s: State, needed: number, isInside: boolean, branch: string): State | null {
  world.answer = 'full';
  markIf(world, true, branch);
  const next = copy(s);
  breakIf(next, isInside, 'NoSilentLoss');
  breakIf(next, needed <= trueFree(world, s), 'NoSpuriousDiskFull');
  return next.broken === s.broken ? null : next;
}

/** PagePool.giveBack. Answers how many of them stay with other tables. */
function giveBack({ constants }: World, next: State, pages: number): number {
  let staying = 0;
  for (const page of membersOf(pages)) {
    if ((next.more[page - 1] as number) > 0) {
      next.more[page - 1]!--;
      staying++;
      continue;
    }
    next.free |= pageBit(page);
    next.allocated--;
    const first = (page - 1) * constants.UnitsPerPage;
    next.content.fill(JUNK, first, first + constants.UnitsPerPage);
  }
  return staying;
}

/** A content gives up its table. Answers how many of its pages stay with others. */
function dropTable(world: World, next: State, table: number): number {
  if (table === NO_TABLE || --next.refs[table]! > 0) return 0;
  const pages = pagesIn(world, next, table);
  next.entries.fill(HOLE, table * world.indexCount, (table + 1) * world.indexCount);
  return giveBack(world, next, pages);
}

/** PageTable.detached, where it is needed. Answers the file's table. */
function detach(world: World, next: State, f: number, sharesPages = true): number {
  const { indexCount } = world;
  const before = next.table[f] as number;
  if ((next.refs[before] as number) === 1) return before;
  const table = next.refs.indexOf(0);
  next.refs[before]!--;
  next.refs[table] = 1;
  next.table[f] = table;
  if (!sharesPages) return table;
  for (let i = 0; i < indexCount; i++) {
    const page = next.entries[before * indexCount + i] as number;
    next.entries[table * indexCount + i] = page;
    if (page !== HOLE) next.more[page - 1]!++;
  }
  return table;
}

// Files.

export function Create(_: World, s: State, f: number): State | null {
  if (s.life[f] !== Life.None) return null;
  const next = copy(s);
  const table = next.refs.indexOf(0);
  next.table[f] = table;
  next.refs[table] = 1;
  next.life[f] = Life.Named;
  return next;
}

export function Unlink(world: World, s: State, f: number): State | null {
  if (!world.constants.Orphans || s.life[f] !== Life.Named) return null;
  const next = copy(s);
  next.life[f] = Life.Orphan;
  return next;
}

export function Remove(world: World, s: State, f: number): State | null {
  if (s.life[f] === Life.None) return null;
  const { MaxUnits } = world.constants;
  const next = copy(s);
  markIf(world, dropTable(world, next, s.table[f] as number) > 0, 'PageStays');
  next.reserved -= pagesOf(world, s.length[f] as number);
  next.life[f] = Life.None;
  next.length[f] = 0;
  next.table[f] = NO_TABLE;
  next.size[f] = 0;
  next.truth.fill(ZERO, f * MaxUnits, (f + 1) * MaxUnits);
  return next;
}

export function Write(
  world: World,
  s: State,
  f: number,
  offset: number,
  count: number,
  value: number,
): State | null {
  if (s.life[f] === Life.None) return null;
  const { indexCount, constants } = world;
  const { UnitsPerPage, MaxUnits } = constants;
  const end = offset + count;
  const first = Math.floor(offset / UnitsPerPage);
  const last = Math.floor((end - 1) / UnitsPerPage);
  const length = s.length[f] as number;
  const size = s.size[f] as number;
  const extension = Math.max(0, pagesOf(world, end) - pagesOf(world, length));
  const next = copy(s);
  const table = detach(world, next, f);
  const isMissing = (i: number): boolean => {
    const page = next.entries[table * indexCount + i] as number;
    return page === HOLE || (next.more[page - 1] as number) > 0;
  };
  let missing = 0;
  for (let i = first; i <= last; i++) if (isMissing(i)) missing++;
  if (extension > freePages(world, s) || cardinality(s.free) < missing) {
    return refuse(world, s, extension, end <= size, 'WriteRefused');
  }
  let changed = table !== s.table[f] || missing > 0 || end > size;
  let copied = 0;
  for (let i = first; i <= last; i++) {
    const at = table * indexCount + i;
    const old = next.entries[at] as number;
    const isNew = isMissing(i);
    const page = isNew ? lowestPage(next.free) : old;
    if (isNew) {
      next.free &= ~pageBit(page);
      next.allocated++;
      next.entries[at] = page;
      if (old !== HOLE) {
        next.more[old - 1]!--;
        copied++;
      }
    }
    for (let u = 0; u < UnitsPerPage; u++) {
      const x = i * UnitsPerPage + u;
      const unit = (page - 1) * UnitsPerPage + u;
      if (offset <= x && x < end) {
        const data = tag(world, value, x);
        changed ||= next.content[unit] !== data;
        next.content[unit] = data;
        next.truth[f * MaxUnits + x] = data;
      } else if (isNew) {
        next.content[unit] = old === HOLE ? ZERO : (s.content[(old - 1) * UnitsPerPage + u] as number);
        markIf(world, old !== HOLE, 'PartCopied');
      }
    }
  }
  next.reserved += extension;
  next.length[f] = Math.max(length, end);
  next.size[f] = Math.max(size, end);
  markIf(world, copied > 0, 'PageCopied');
  markIf(world, copied > 0 && s.saving !== NO_SNAPSHOT, 'CopiedWhileSaving');
  return changed ? next : null;
}

export function Resize(world: World, s: State, f: number, units: number): State | null {
  const length = s.length[f] as number;
  if (s.life[f] === Life.None || units === length) return null;
  const { indexCount, constants } = world;
  const { UnitsPerPage, MaxUnits } = constants;
  const pages = pagesOf(world, units);
  const extension = pages - pagesOf(world, length);
  if (extension > freePages(world, s)) return refuse(world, s, extension, false, 'ExtendRefused');
  const next = copy(s);
  next.length[f] = units;
  next.size[f] = units;
  next.reserved += extension;
  if (units > length) return next;
  next.truth.fill(ZERO, f * MaxUnits + units, (f + 1) * MaxUnits);
  // A truncation to nothing only gives its table up, and has an empty one.
  const table = detach(world, next, f, pages > 0);
  let gone = 0;
  for (let i = pages; i < indexCount; i++) {
    const at = table * indexCount + i;
    if (next.entries[at] !== HOLE) gone |= pageBit(next.entries[at] as number);
    next.entries[at] = HOLE;
  }
  markIf(world, giveBack(world, next, gone) > 0, 'PageStays');
  if (units % UnitsPerPage === 0) return next;
  const at = table * indexCount + pages - 1;
  const last = next.entries[at] as number;
  if (last === HOLE) return next;
  let page = last;
  if ((next.more[last - 1] as number) > 0) {
    page = lowestPage(next.free);
    next.free &= ~pageBit(page);
    next.allocated++;
    next.more[last - 1]!--;
    next.entries[at] = page;
    for (let u = 0; u < UnitsPerPage; u++) {
      next.content[(page - 1) * UnitsPerPage + u] = s.content[(last - 1) * UnitsPerPage + u] as number;
    }
    markIf(world, true, 'TailCopied');
  }
  next.content.fill(ZERO, (page - 1) * UnitsPerPage + (units % UnitsPerPage), page * UnitsPerPage);
  return next;
}

// Snapshots.

export function Take(world: World, s: State, name: number): State | null {
  if (s.there[name] === 1) return null;
  const { FileCount, MaxUnits } = world.constants;
  let needed = s.allocated - s.inSnapshots;
  let due = 0;
  for (let f = 0; f < FileCount; f++) {
    if (s.life[f] === Life.Orphan) needed -= own(world, s, f);
    if (s.life[f] === Life.Named) due |= pagesIn(world, s, s.table[f] as number);
  }
  if (needed > freePages(world, s)) {
    return refuse(world, s, cardinality(due & ~snapshotPages(world, s)), false, 'SnapshotRefused');
  }
  const next = copy(s);
  next.reserved += needed;
  next.inSnapshots += needed;
  next.there[name] = 1;
  for (let f = 0; f < FileCount; f++) {
    markIf(world, s.life[f] === Life.Orphan && own(world, s, f) > 0, 'OrphanLeftOut');
    if (s.life[f] !== Life.Named) continue;
    const at = name * FileCount + f;
    const table = s.table[f] as number;
    markIf(world, (s.refs[table] as number) > 1, 'TableSharedTwice');
    next.refs[table]!++;
    next.snapHas[at] = 1;
    next.snapTable[at] = table;
    next.snapLength[at] = s.length[f] as number;
    next.keptSize[at] = s.size[f] as number;
    for (let x = 0; x < MaxUnits; x++)
      next.keptTruth[at * MaxUnits + x] = s.truth[f * MaxUnits + x] as number;
  }
  return next;
}

export function Rollback(world: World, s: State, name: number): State | null {
  if (s.there[name] === 0) return null;
  const { FileCount, MaxUnits } = world.constants;
  const first = name * FileCount;
  let needed = 0;
  let due = 0;
  for (let f = 0; f < FileCount; f++) {
    needed += pagesOf(world, s.snapLength[first + f] as number);
    due += pagesOf(world, s.keptSize[first + f] as number) - pagesOf(world, s.size[f] as number);
  }
  const missing = Math.max(0, needed - (s.reserved - s.inSnapshots));
  if (missing > freePages(world, s)) return refuse(world, s, due, false, 'RollbackRefused');
  const next = copy(s);
  for (const table of s.table) dropTable(world, next, table);
  let isChanged = needed !== s.reserved - s.inSnapshots;
  for (let f = 0; f < FileCount; f++) {
    const table = s.snapTable[first + f] as number;
    const life = s.snapHas[first + f] === 1 ? Life.Named : Life.None;
    isChanged ||= table !== s.table[f] || life !== s.life[f] || s.snapLength[first + f] !== s.length[f];
    next.life[f] = life;
    next.length[f] = s.snapLength[first + f] as number;
    next.table[f] = table;
    if (table !== NO_TABLE) next.refs[table]!++;
    next.size[f] = s.keptSize[first + f] as number;
    for (let x = 0; x < MaxUnits; x++) {
      next.truth[f * MaxUnits + x] = s.keptTruth[(first + f) * MaxUnits + x] as number;
    }
  }
  next.reserved = s.inSnapshots + needed;
  markIf(world, s.saving === name, 'RolledBackWhileSaving');
  markIf(world, missing > 0, 'RollbackReserves');
  return isChanged ? next : null;
}

export function Forget(world: World, s: State, name: number): State | null {
  if (s.there[name] === 0 || s.saving === name) return null;
  const { FileCount, MaxUnits } = world.constants;
  const first = name * FileCount;
  const next = copy(s);
  let staying = 0;
  for (let at = first; at < first + FileCount; at++) {
    staying += dropTable(world, next, s.snapTable[at] as number);
    next.snapHas[at] = 0;
    next.snapTable[at] = NO_TABLE;
    next.snapLength[at] = 0;
    next.keptSize[at] = 0;
  }
  next.keptTruth.fill(ZERO, first * MaxUnits, (first + FileCount) * MaxUnits);
  next.there[name] = 0;
  const isLast = !next.there.includes(1);
  let left = 0;
  if (!isLast) {
    left = next.allocated;
    for (let f = 0; f < FileCount; f++) left -= own(world, next, f);
  }
  next.inSnapshots = left;
  next.reserved -= s.inSnapshots - left;
  markIf(world, staying > 0, 'PageStays');
  markIf(world, !isLast && left < s.inSnapshots - (s.allocated - next.allocated), 'PageIsLiveAgain');
  return next;
}

// The image writer.

export function SaveStart(world: World, s: State, name: number): State | null {
  if (!world.constants.Saving || s.saving !== NO_SNAPSHOT || s.there[name] === 0) return null;
  const next = copy(s);
  next.saving = name;
  next.savingNext = 0;
  return next;
}

export function SaveNext(world: World, s: State): State | null {
  if (s.saving === NO_SNAPSHOT) return null;
  const { indexCount, constants } = world;
  const { FileCount, UnitsPerPage, MaxUnits } = constants;
  const at = s.saving * FileCount + Math.floor(s.savingNext / indexCount);
  const i = s.savingNext % indexCount;
  const table = s.snapTable[at] as number;
  const page = table === NO_TABLE ? HOLE : (s.entries[table * indexCount + i] as number);
  const next = copy(s);
  for (let u = 0; u < UnitsPerPage; u++) {
    const x = i * UnitsPerPage + u;
    const told = page === HOLE ? ZERO : s.content[(page - 1) * UnitsPerPage + u];
    const due = x < (s.keptSize[at] as number) ? s.keptTruth[at * MaxUnits + x] : ZERO;
    breakIf(next, told !== due, 'SavedImageIsOneMoment');
  }
  const isLast = s.savingNext === FileCount * indexCount - 1;
  next.saving = isLast ? NO_SNAPSHOT : s.saving;
  next.savingNext = isLast ? 0 : s.savingNext + 1;
  return next;
}

/** `Next`: every action with every argument, in the order of the module. */
export function steps(world: World): Step<State>[] {
  const { FileCount, SnapshotCount, ValueCount, MaxUnits, MaxWriteUnits } = world.constants;
  const all: Step<State>[] = [];
  const add = <Args extends number[]>(
    action: (world: World, s: State, ...args: Args) => State | null,
    ...args: Args
  ) => {
    const step = stepOf(action.bind(null, world) as (s: State, ...args: Args) => State | null, ...args);
    const apply = (s: State): State | null => {
      world.answer = 'ok';
      return step.apply(s);
    };
    all.push({ action: action.name, args, apply });
  };
  for (let f = 0; f < FileCount; f++) {
    for (const action of [Create, Unlink, Remove]) add(action, f);
    for (let value = 1; value <= ValueCount; value++) {
      for (let offset = 0; offset < MaxUnits; offset++) {
        for (let n = 1; n <= MaxWriteUnits && offset + n <= MaxUnits; n++) add(Write, f, offset, n, value);
      }
    }
    for (let units = 0; units <= MaxUnits; units++) add(Resize, f, units);
  }
  for (let name = 0; name < SnapshotCount; name++) {
    for (const action of [Take, Rollback, Forget, SaveStart]) add(action, name);
  }
  add(SaveNext);
  return all;
}
