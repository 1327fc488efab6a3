/**
 * The kernel's file cache before the volume: tla/kernel-cache/KernelCache.tla in TypeScript, action by action, for the explorer. Read that
 * module first; names, order and conditions are its own, without the planted faults. Files and requests count from 0.
 */
import { put, putAll } from '../explorer/encoder.js';
import { type Model, type Step, stepOf } from '../explorer/explorer.js';

export interface Constants {
  FileCount: number;
  RequestCount: number;
  ValueCount: number;
  Capacity: number;
  MaxUnits: number;
  FrontEndLocks: boolean;
  DirectWrites: boolean;
  Queries: boolean;
}

const CLEAN = 0;
const ZERO = 0;
const NO_FILE = -1;

const LIVES = ['absent', 'open', 'cleaned', 'closed', 'deleted'] as const;
const PCS = ['idle', 'sent', 'answered'] as const;
const KINDS = ['', 'resize', 'direct', 'query', 'page'] as const;
const STATUSES = ['', 'ok', 'full'] as const;

export interface Request {
  pc: (typeof PCS)[number];
  kind: (typeof KINDS)[number];
  file: number;
  offset: number;
  value: number;
  info: number;
  status: (typeof STATUSES)[number];
}

export interface State {
  life: (typeof LIVES)[number][];
  size: number[];
  /** file × units of a file, as are `dirty` and `truth`. */
  data: number[];
  reserved: number;
  cacheSize: number[];
  dirty: number[];
  requests: Request[];
  trueSize: number[];
  truth: number[];
  broken: string[];
}

export function kernelCacheModel(constants: Constants): Model<State> {
  const { FileCount, RequestCount, ValueCount, Capacity, MaxUnits, FrontEndLocks, DirectWrites, Queries } =
    constants;
  const files = [...Array(FileCount).keys()];
  const offsets = [...Array(MaxUnits).keys()];
  const reached = new Set<string>();
  const zeros = (count: number): number[] => new Array<number>(count).fill(0);
  const markIf = (condition: boolean, branch: string): void => {
    if (condition) reached.add(branch);
  };
  const breakIf = (next: State, condition: boolean, rule: string): void => {
    if (condition && !next.broken.includes(rule)) next.broken = [...next.broken, rule];
  };
  const tag = (value: number, offset: number): number => value * MaxUnits + offset;
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

  const initial: State = {
    life: files.map(() => 'absent'),
    size: zeros(FileCount),
    data: zeros(FileCount * MaxUnits),
    reserved: 0,
    cacheSize: zeros(FileCount),
    dirty: zeros(FileCount * MaxUnits),
    requests: Array.from({ length: RequestCount }, idle),
    trueSize: zeros(FileCount),
    truth: zeros(FileCount * MaxUnits),
    broken: [],
  };

  /** Whether there is a request under way at file f that is so. */
  const isUnderWay = (s: State, f: number, isSo: (request: Request) => boolean = () => true): boolean => {
    for (const request of s.requests) if (request.file === f && isSo(request)) return true;
    return false;
  };
  const changesSize = ({ kind }: Request): boolean => kind === 'resize' || kind === 'direct';
  const isSizeChanging = (s: State, f: number): boolean => isUnderWay(s, f, changesSize);
  const isDirty = (s: State, f: number): boolean => offsets.some((o) => s.dirty[f * MaxUnits + o] !== CLEAN);

  function send(
    s: State,
    r: number,
    kind: Request['kind'],
    f: number,
    offset: number,
    value: number,
  ): State | null {
    if (s.requests[r]!.pc !== 'idle') return null;
    const sizeChanges = kind === 'resize' || kind === 'direct';
    if (FrontEndLocks && (sizeChanges ? isUnderWay(s, f) : isSizeChanging(s, f))) return null;
    const next = copy(s);
    next.requests[r] = { pc: 'sent', kind, file: f, offset, value, info: 0, status: '' };
    return next;
  }

  // Applications.

  function Open(s: State, f: number): State | null {
    const life = s.life[f];
    if (life !== 'absent' && life !== 'closed' && life !== 'cleaned') return null;
    markIf(life === 'cleaned' && isDirty(s, f), 'OpenedDirty');
    const next = copy(s);
    next.life[f] = 'open';
    return next;
  }

  function WriteCached(s: State, f: number, offset: number, value: number): State | null {
    if (s.life[f] !== 'open' || offset >= s.cacheSize[f]!) return null;
    if (FrontEndLocks && isSizeChanging(s, f)) return null;
    const unit = f * MaxUnits + offset;
    if (s.dirty[unit] === tag(value, offset)) return null;
    markIf(
      isUnderWay(s, f, (request) => request.kind === 'page' && request.offset === offset),
      'DirtiedInFlight',
    );
    const next = copy(s);
    next.dirty[unit] = tag(value, offset);
    next.truth[unit] = tag(value, offset);
    return next;
  }

  function Resize(s: State, r: number, f: number, end: number, value: number): State | null {
    if (s.life[f] !== 'open') return null;
    if (value === 0 ? end === s.cacheSize[f] : end <= s.cacheSize[f]!) return null;
    return send(s, r, 'resize', f, end, value);
  }

  function WriteDirect(s: State, r: number, f: number, offset: number, value: number): State | null {
    if (!DirectWrites || s.life[f] !== 'open' || s.dirty[f * MaxUnits + offset] !== CLEAN) return null;
    if (isUnderWay(s, f, (other) => other.offset === offset)) return null;
    return send(s, r, 'direct', f, offset, value);
  }

  function Query(s: State, r: number, f: number): State | null {
    return Queries && s.life[f] === 'open' ? send(s, r, 'query', f, 0, 0) : null;
  }

  function Cleanup(s: State, f: number, isDelete: boolean): State | null {
    if (s.life[f] !== 'open' || isUnderWay(s, f, ({ kind }) => kind !== 'page')) return null;
    const next = copy(s);
    next.life[f] = isDelete ? 'deleted' : 'cleaned';
    return next;
  }

  function Close(s: State, f: number): State | null {
    if (isUnderWay(s, f)) return null;
    if (s.life[f] === 'cleaned') {
      if (isDirty(s, f)) return null;
      const next = copy(s);
      next.life[f] = 'closed';
      return next;
    }
    if (s.life[f] !== 'deleted') return null;
    const next = copy(s);
    next.life[f] = 'absent';
    next.reserved -= s.size[f]!;
    for (const values of [next.size, next.cacheSize, next.trueSize]) values[f] = 0;
    for (const values of [next.data, next.dirty, next.truth]) {
      values.fill(0, f * MaxUnits, (f + 1) * MaxUnits);
    }
    return next;
  }

  function WriteBack(s: State, r: number, f: number, offset: number): State | null {
    const unit = s.dirty[f * MaxUnits + offset]!;
    if (unit === CLEAN) return null;
    if (isUnderWay(s, f, (other) => other.kind === 'page' && other.offset === offset)) return null;
    const next = send(s, r, 'page', f, offset, unit);
    if (next !== null) next.dirty[f * MaxUnits + offset] = CLEAN;
    return next;
  }

  // The volume.

  function answer(next: State, r: number, status: Request['status']): State {
    const request = next.requests[r]!;
    next.requests[r] = { ...request, pc: 'answered', status, info: next.size[request.file]! };
    return next;
  }

  function grow(s: State, next: State, r: number, f: number, end: number, unit: number): State {
    const more = Math.max(0, end - s.size[f]!);
    if (more > Capacity - s.reserved) {
      markIf(true, 'DiskFullAtResize');
      const alone = s.requests.every((other, o) => o === r || !changesSize(other));
      breakIf(next, more <= Capacity - sum(s.trueSize) && alone, 'NoSpuriousDiskFull');
      return answer(next, r, 'full');
    }
    next.size[f] = Math.max(s.size[f]!, end);
    next.reserved += more;
    if (unit !== ZERO) next.data[f * MaxUnits + end - 1] = unit;
    return answer(next, r, 'ok');
  }

  function Perform(s: State, r: number): State | null {
    const { pc, kind, file: f, offset, value } = s.requests[r]!;
    if (pc !== 'sent') return null;
    const next = copy(s);
    const size = s.size[f]!;
    if (kind === 'resize' && offset < size) {
      next.size[f] = offset;
      next.data.fill(ZERO, f * MaxUnits + offset, (f + 1) * MaxUnits);
      next.reserved -= size - offset;
    } else if (kind === 'resize') {
      return grow(s, next, r, f, offset, ZERO);
    } else if (kind === 'direct' && offset >= size) {
      return grow(s, next, r, f, offset + 1, tag(value, offset));
    } else if (kind === 'direct') {
      next.data[f * MaxUnits + offset] = tag(value, offset);
    } else if (kind === 'page') {
      const inside = offset < size;
      if (inside) next.data[f * MaxUnits + offset] = value;
      markIf(s.life[f] === 'cleaned', 'WriteAfterCleanup');
      markIf(s.life[f] === 'deleted', 'WriteAfterDelete');
      markIf(!inside, 'WriteBehindEnd');
    }
    return answer(next, r, 'ok');
  }

  // The kernel applies an answer.

  function Apply(s: State, r: number): State | null {
    const { pc, kind, file: f, offset, value, info, status } = s.requests[r]!;
    if (pc !== 'answered') return null;
    const next = copy(s);
    next.requests[r] = idle();
    const isOk = status === 'ok';
    const size = kind !== 'page' && isOk ? info : s.cacheSize[f]!;
    let told = s.trueSize[f]!;
    if (isOk && kind === 'resize') told = offset;
    if (isOk && kind === 'direct') told = Math.max(told, offset + 1);
    const unit = kind === 'resize' ? offset - 1 : offset;
    const isWritten = isOk && value !== 0 && (kind === 'resize' || kind === 'direct');
    next.cacheSize[f] = size;
    next.trueSize[f] = told;
    for (const o of offsets) {
      const i = f * MaxUnits + o;
      if (o >= size) next.dirty[i] = CLEAN;
      else if (isWritten && kind === 'resize' && o === unit) next.dirty[i] = tag(value, o);
      if (o >= told) next.truth[i] = ZERO;
      else if (isWritten && o === unit) next.truth[i] = tag(value, o);
    }
    return next;
  }

  const steps: Step<State>[] = [];
  const add = <Args extends (number | boolean)[]>(
    action: (s: State, ...args: Args) => State | null,
    ...args: Args
  ) => steps.push({ ...stepOf(action, ...args), mayApply });
  let mayApply: Step<State>['mayApply'];
  const values = Array.from({ length: ValueCount }, (_, v) => v + 1);
  for (const f of files) {
    mayApply = undefined;
    add(Open, f);
    add(Close, f);
    add(Cleanup, f, false);
    add(Cleanup, f, true);
    for (const o of offsets) for (const v of values) add(WriteCached, f, o, v);
    for (let r = 0; r < RequestCount; r++) {
      mayApply = (s) => s.requests[r]!.pc === 'idle';
      add(Query, r, f);
      for (let end = 0; end <= MaxUnits; end++) add(Resize, r, f, end, 0);
      for (const o of offsets) {
        add(WriteBack, r, f, o);
        for (const v of values) {
          add(Resize, r, f, o + 1, v);
          add(WriteDirect, r, f, o, v);
        }
      }
    }
  }
  mayApply = undefined;
  for (let r = 0; r < RequestCount; r++) {
    add(Perform, r);
    add(Apply, r);
  }

  // Invariants.

  const isQuiet = (s: State, f: number): boolean => !isUnderWay(s, f, ({ kind }) => kind !== 'page');
  const unbroken = (rule: string) => (s: State) => !s.broken.includes(rule);
  const isFreeAccurate = (s: State): boolean => s.reserved === sum(s.size) && s.reserved <= Capacity;

  /** What a reader would get now. */
  const seen = (s: State, f: number, o: number): number => {
    const dirty = s.dirty[f * MaxUnits + o]!;
    if (dirty !== CLEAN) return dirty;
    const flying = s.requests.find(
      ({ kind, file, offset, pc }) => file === f && kind === 'page' && offset === o && pc === 'sent',
    );
    return flying?.value ?? s.data[f * MaxUnits + o]!;
  };

  return {
    initial,
    steps,
    encode,
    reached,
    invariants: {
      TypeOK: (s) => files.every((f) => s.size[f]! <= MaxUnits && s.cacheSize[f]! <= MaxUnits),
      FreeBytesAccurate: isFreeAccurate,
      CacheSizeTrue: (s) =>
        files.every(
          (f) => !isQuiet(s, f) || (s.cacheSize[f] === s.size[f] && s.cacheSize[f] === s.trueSize[f]),
        ),
      DataIntegrity: (s) =>
        files.every(
          (f) =>
            !isQuiet(s, f) ||
            s.life[f] === 'deleted' ||
            offsets.every((o) => o >= s.trueSize[f]! || seen(s, f, o) === s.truth[f * MaxUnits + o]),
        ),
      ClosedIsStored: (s) =>
        files.every(
          (f) =>
            s.life[f] !== 'closed' ||
            offsets.every((o) => s.data[f * MaxUnits + o] === s.truth[f * MaxUnits + o]),
        ),
      DeadFilesClean: (s) =>
        files.every(
          (f) =>
            s.life[f] !== 'absent' ||
            (s.size[f] === 0 && !isDirty(s, f) && offsets.every((o) => s.data[f * MaxUnits + o] === ZERO)),
        ),
      DiskFullOnlyAtResize: (s) =>
        s.requests.every((request) => request.status !== 'full' || changesSize(request)),
      NoSilentLoss: unbroken('NoSilentLoss'),
      NoSpuriousDiskFull: unbroken('NoSpuriousDiskFull'),
      AllOrNothing: (s) => s.requests.every(({ status }) => status !== 'full') || isFreeAccurate(s),
    },
  };
}

function idle(): Request {
  return { pc: 'idle', kind: '', file: NO_FILE, offset: 0, value: 0, info: 0, status: '' };
}

function copy(s: State): State {
  return {
    life: s.life.slice(),
    size: s.size.slice(),
    data: s.data.slice(),
    reserved: s.reserved,
    cacheSize: s.cacheSize.slice(),
    dirty: s.dirty.slice(),
    // Anyone who changes a request puts another in its place.
    requests: s.requests.slice(),
    trueSize: s.trueSize.slice(),
    truth: s.truth.slice(),
    broken: s.broken,
  };
}

function encode(s: State): void {
  for (const life of s.life) put(LIVES.indexOf(life));
  putAll(s.size);
  putAll(s.data);
  put(s.reserved);
  putAll(s.cacheSize);
  putAll(s.dirty);
  for (const { pc, kind, file, offset, value, info, status } of s.requests) {
    put(PCS.indexOf(pc));
    put(KINDS.indexOf(kind));
    put(file);
    put(offset);
    put(value);
    put(info);
    put(STATUSES.indexOf(status));
  }
  putAll(s.trueSize);
  putAll(s.truth);
  // A state in which a rule was broken is a violation: nothing beyond it is looked at.
  put(s.broken.length);
}
