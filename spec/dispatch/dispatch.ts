/**
 * Who delivers which answer: tla/dispatch/Dispatch.tla in TypeScript, action by action, for the explorer. Read that module first; names,
 * order and conditions are its own, without the planted faults. Requests count from 1; 0 is none. Sets are bit masks.
 */
import { put, putAll } from '../explorer/encoder.js';
import { type Model, type Step, stepOf } from '../explorer/explorer.js';

export interface Constants {
  RequestCount: number;
  Dispatcher: 'inline' | 'async';
  MayStop: boolean;
  Streams: boolean;
  Filters: boolean;
}

const NONE = 0;
const STATES = ['unused', 'queued', 'inside', 'ignored', 'done', 'cancelled'] as const;
const KINDS = ['leaf', 'plain', 'safe', 'info', 'cleanup', 'rename', 'stream', 'failure'] as const;
const STAGES = ['', 'answered', 'locked', 'nested'] as const;
const M_PCS = ['receive', 'handle', 'complete', 'ended'] as const;
const STOPS = ['running', 'stop0', 'stopped', 'freed'] as const;
type Kind = (typeof KINDS)[number];

export interface State {
  queue: number[];
  /** Of request r at r; entry 0 is unused here and below. */
  state: (typeof STATES)[number][];
  kind: (Kind | '')[];
  stage: (typeof STAGES)[number][];
  mPc: (typeof M_PCS)[number];
  mRequest: number;
  /** Of completion thread h at h - 1. */
  completionQueue: [number[], number[], number[]];
  completionRequest: [number, number, number];
  late: number;
  calls: number;
  mutex: number;
  rename: number;
  stop: (typeof STOPS)[number];
  deliveries: number[];
}

const COMPLETION_THREADS = [0, 1, 2] as const;

export function dispatchModel(constants: Constants): Model<State> {
  const { RequestCount, Dispatcher, MayStop, Streams, Filters } = constants;
  const applications = Array.from({ length: RequestCount }, (_, r) => r + 1);
  const requests = Array.from({ length: 3 * RequestCount }, (_, r) => r + 1);
  const kinds = KINDS.filter((kind) => Streams || !isOfStream(kind));
  const reached = new Set<string>();
  const markIf = (condition: boolean, branch: string): void => {
    if (condition) reached.add(branch);
  };
  const each = <Value>(value: Value): Value[] => new Array<Value>(3 * RequestCount + 1).fill(value);

  const initial: State = {
    queue: [],
    state: each('unused'),
    kind: each(''),
    stage: each(''),
    mPc: 'receive',
    mRequest: NONE,
    completionQueue: [[], [], []],
    completionRequest: [NONE, NONE, NONE],
    late: 0,
    calls: 0,
    mutex: NONE,
    rename: NONE,
    stop: 'running',
    deliveries: each(0),
  };

  const childOf = (r: number): number => r + RequestCount;
  const has = (set: number, r: number): boolean => (set & (1 << r)) !== 0;
  const isOutstanding = (s: State, r: number): boolean => {
    const state = s.state[r];
    return state === 'queued' || state === 'inside' || state === 'ignored';
  };
  const isFinished = (s: State, r: number): boolean => s.state[r] === 'done' || s.state[r] === 'cancelled';
  const pagingIsOutstanding = (s: State): boolean =>
    requests.some((r) => s.kind[r] === 'leaf' && isOutstanding(s, r));

  function Submit(s: State, r: number, kind: Kind): State | null {
    if (s.state[r] !== 'unused' || s.stop !== 'running') return null;
    if (applications.some((earlier) => earlier < r && s.state[earlier] === 'unused')) return null;
    if (kind === 'rename' && s.kind.includes('rename')) return null;
    const next = copy(s);
    next.queue = [...s.queue, r];
    next.state = set(next.state, r, 'queued');
    next.kind = set(next.kind, r, kind);
    return next;
  }

  function Receive(s: State): State | null {
    if (s.mPc !== 'receive' || s.stop !== 'running' || s.queue.length === 0) return null;
    const next = copy(s);
    next.mRequest = s.queue[0]!;
    next.queue = s.queue.slice(1);
    next.state = set(next.state, next.mRequest, 'inside');
    next.mPc = 'handle';
    return next;
  }

  function EndLoop(s: State): State | null {
    if (s.mPc !== 'receive' || s.stop === 'running') return null;
    const next = copy(s);
    next.mPc = 'ended';
    return next;
  }

  /** CompletionRing.isDelivered. */
  const isDelivered = (s: State, r: number): boolean =>
    s.completionRequest[0] !== r && !s.completionQueue[0].includes(r);
  const renameNow = (s: State): number => (s.rename !== NONE && isDelivered(s, s.rename) ? NONE : s.rename);

  /** AnswerRouting.route: 0 is M itself, else the completion thread's number. */
  function route(s: State, kind: Kind | ''): 0 | 1 | 2 | 3 {
    if (kind === 'rename') return 1;
    if (isOfStream(kind)) return 3;
    if (kind === 'info') return 2;
    if (kind === 'safe' || kind === 'cleanup') return renameNow(s) === NONE ? 0 : 2;
    return 0;
  }

  function AnswerInline(s: State): State | null {
    if (Dispatcher !== 'inline' || s.mPc !== 'handle' || route(s, s.kind[s.mRequest]!) !== 0) return null;
    const next = copy(s);
    next.stage = set(next.stage, s.mRequest, 'answered');
    countDelivery(next, s.mRequest);
    next.rename = renameNow(s);
    next.mPc = 'complete';
    return next;
  }

  function AnswerByCompletionThread(s: State): State | null {
    if (Dispatcher !== 'inline' || s.mPc !== 'handle') return null;
    const kind = s.kind[s.mRequest]!;
    const completionThread = route(s, kind);
    if (completionThread === 0) return null;
    const h = COMPLETION_THREADS[completionThread - 1]!;
    markIf(completionThread === 2 && kind === 'cleanup', 'CleanupByCompletionThread');
    markIf(completionThread === 2 && kind === 'safe', 'SafeByCompletionThread');
    markIf(s.completionQueue[h].length > 0, 'TwoInRing');
    markIf(completionThread === 3 && s.completionRequest[h] !== NONE, 'StreamBehindStream');
    const next = copy(s);
    next.completionQueue = set(s.completionQueue, h, [...s.completionQueue[h], s.mRequest]);
    next.stage = set(next.stage, s.mRequest, 'answered');
    countDelivery(next, s.mRequest);
    next.rename = kind === 'rename' ? s.mRequest : renameNow(s);
    next.mPc = 'receive';
    next.mRequest = NONE;
    return next;
  }

  function PutAside(s: State): State | null {
    if (Dispatcher !== 'async' || s.mPc !== 'handle') return null;
    const next = copy(s);
    next.late |= 1 << s.mRequest;
    next.rename = renameNow(s);
    next.mPc = 'receive';
    next.mRequest = NONE;
    return next;
  }

  function FinishLate(s: State, r: number): State | null {
    if (!has(s.late, r)) return null;
    const next = copy(s);
    next.late &= ~(1 << r);
    next.calls |= 1 << r;
    next.stage = set(next.stage, r, 'answered');
    countDelivery(next, r);
    return next;
  }

  function CompletionTake(s: State, h: 0 | 1 | 2): State | null {
    if (s.completionRequest[h] !== NONE || s.completionQueue[h].length === 0) return null;
    const next = copy(s);
    next.completionRequest = set(s.completionRequest, h, s.completionQueue[h][0]!);
    next.completionQueue = set(s.completionQueue, h, s.completionQueue[h].slice(1));
    return next;
  }

  // The driver.

  const isDelivering = (s: State, r: number): boolean =>
    (s.mPc === 'complete' && s.mRequest === r) || s.completionRequest.includes(r) || has(s.calls, r);

  function finish(next: State, r: number, how: State['state'][number]): State {
    next.state = set(next.state, r, how);
    next.kind = set(next.kind, r, '');
    next.stage = set(next.stage, r, '');
    return next;
  }

  function CompleteIgnored(s: State, r: number): State | null {
    if (s.state[r] !== 'inside' || s.stage[r] !== 'answered' || s.stop === 'running') return null;
    return isDelivering(s, r) ? finish(copy(s), r, 'ignored') : null;
  }

  /** What all completions that the driver really begins have in common. */
  const begins = (s: State, r: number): boolean =>
    s.stage[r] === 'answered' && s.stop === 'running' && isDelivering(s, r);
  const takesMutex = (kind: Kind | ''): boolean =>
    kind === 'safe' || kind === 'info' || kind === 'cleanup' || kind === 'stream';

  function Complete(s: State, r: number): State | null {
    const kind = s.kind[r]!;
    if (kind === 'rename' || !begins(s, r) || (takesMutex(kind) && s.mutex !== NONE)) return null;
    markIf(s.rename !== NONE && s.mutex === NONE && kind === 'cleanup', 'CleanupAfterMutex');
    return finish(copy(s), r, 'done');
  }

  function nest(next: State, parent: number, kind: Kind): State | null {
    const child = childOf(parent);
    if (child > 3 * RequestCount || next.state[child] !== 'unused') return null;
    next.queue = [...next.queue, child];
    next.state = set(next.state, child, 'queued');
    next.kind = set(next.kind, child, kind);
    next.stage = set(next.stage, parent, 'nested');
    return next;
  }

  function CompleteFlushing(s: State, r: number): State | null {
    if (s.kind[r] !== 'info' || s.mutex !== NONE || !begins(s, r)) return null;
    const next = nest(copy(s), r, 'leaf');
    markIf(next !== null && r > RequestCount, 'NestedTwice');
    markIf(next !== null && s.rename !== NONE, 'FlushDuringRename');
    return next;
  }

  function CompleteStream(s: State, r: number): State | null {
    const kind = s.kind[r]!;
    if (!isOfStream(kind) || !begins(s, r) || (takesMutex(kind) && s.mutex !== NONE)) return null;
    const next = nest(copy(s), r, 'cleanup');
    markIf(next !== null && s.rename !== NONE, 'StreamDuringRename');
    markIf(next !== null && r > RequestCount, 'StreamOfFilter');
    return next;
  }

  function RenameLocks(s: State, r: number): State | null {
    if (s.kind[r] !== 'rename' || s.mutex !== NONE || !begins(s, r)) return null;
    markIf(s.kind.includes('leaf'), 'RenameWaitsForPaging');
    const next = copy(s);
    next.mutex = r;
    next.stage = set(next.stage, r, 'locked');
    return next;
  }

  function RenameCompletes(s: State, r: number): State | null {
    if (s.stage[r] !== 'locked' || pagingIsOutstanding(s)) return null;
    const next = copy(s);
    next.mutex = NONE;
    return finish(next, r, 'done');
  }

  function RenameFiltered(s: State, r: number, kind: Kind): State | null {
    if (s.stage[r] !== 'locked' || !Filters || s.stop !== 'running' || pagingIsOutstanding(s)) return null;
    const next = copy(s);
    next.mutex = NONE;
    return nest(next, r, kind);
  }

  function CompleteNested(s: State, r: number): State | null {
    if (s.stage[r] !== 'nested' || !isFinished(s, childOf(r))) return null;
    return finish(copy(s), r, 'done');
  }

  const hasReturned = (s: State, r: number): boolean => s.state[r] !== 'queued' && s.state[r] !== 'inside';

  function ReturnToM(s: State): State | null {
    if (s.mPc !== 'complete' || !hasReturned(s, s.mRequest)) return null;
    const next = copy(s);
    next.mPc = 'receive';
    next.mRequest = NONE;
    return next;
  }

  function ReturnToCompletionThread(s: State, h: 0 | 1 | 2): State | null {
    if (s.completionRequest[h] === NONE || !hasReturned(s, s.completionRequest[h])) return null;
    const next = copy(s);
    next.completionRequest = set(next.completionRequest, h, NONE);
    return next;
  }

  function ReturnToCall(s: State, r: number): State | null {
    if (!has(s.calls, r) || !hasReturned(s, r)) return null;
    const next = copy(s);
    next.calls &= ~(1 << r);
    return next;
  }

  // The end.

  function Stop0(s: State): State | null {
    if (!MayStop || s.stop !== 'running') return null;
    markIf(s.stage.includes('nested'), 'Stop0WhileNested');
    markIf(s.late !== 0, 'Stop0WhileLate');
    const next = copy(s);
    next.stop = 'stop0';
    return next;
  }

  function Stop(s: State): State | null {
    if (s.stop !== 'stop0' || s.mPc !== 'ended' || s.late !== 0) return null;
    markIf(
      s.completionRequest.some((r) => r !== NONE && s.stage[r] === 'nested'),
      'StopReleasesCompletion',
    );
    const next = copy(s);
    next.stop = 'stopped';
    next.queue = [];
    next.state = s.state.map((state, r) => (isOutstanding(s, r) ? 'cancelled' : state));
    next.kind = initial.kind;
    next.stage = initial.stage;
    next.mutex = NONE;
    return next;
  }

  const completionThreadsAreIdle = (s: State): boolean => s.completionRequest.every((r) => r === NONE);

  function Release(s: State): State | null {
    if (s.stop !== 'stopped' || !completionThreadsAreIdle(s) || s.calls !== 0) return null;
    if (s.completionQueue.some((queue) => queue.length > 0)) return null;
    const next = copy(s);
    next.stop = 'freed';
    return next;
  }

  /** The module's `End` is a step that changes nothing; here such a state may simply have no step. */
  function isFinal(s: State): boolean {
    const allServed =
      applications.every((r) => isFinished(s, r)) &&
      s.mPc === 'receive' &&
      completionThreadsAreIdle(s) &&
      s.calls === 0;
    return s.stop === 'freed' || (!MayStop && allServed);
  }

  const steps: Step<State>[] = [];
  const add = <Args extends (number | string)[]>(
    action: (s: State, ...args: Args) => State | null,
    ...args: Args
  ) => steps.push({ ...stepOf(action, ...args), mayApply });
  let mayApply: Step<State>['mayApply'];
  for (const r of applications) {
    mayApply = (s) => s.state[r] === 'unused' && s.stop === 'running';
    for (const kind of kinds) add(Submit, r, kind);
  }
  mayApply = undefined;
  for (const action of [Receive, EndLoop, AnswerInline, AnswerByCompletionThread, PutAside, ReturnToM])
    add(action);
  for (const h of COMPLETION_THREADS) {
    add(CompletionTake, h);
    add(ReturnToCompletionThread, h);
  }
  for (const r of requests) {
    mayApply = (s) => s.stage[r] !== '' || has(s.late | s.calls, r);
    for (const action of [FinishLate, ReturnToCall, CompleteIgnored, Complete, CompleteFlushing]) {
      add(action, r);
    }
    for (const action of [CompleteStream, RenameLocks, RenameCompletes, CompleteNested]) add(action, r);
    for (const kind of kinds) if (kind !== 'rename') add(RenameFiltered, r, kind);
  }
  mayApply = undefined;
  for (const action of [Stop0, Stop, Release]) add(action);

  /** How often the process has request r in hand. */
  const places = (s: State, r: number): number => {
    let count = 0;
    if (s.mRequest === r) count++;
    if (has(s.late, r)) count++;
    if (has(s.calls, r)) count++;
    for (const h of COMPLETION_THREADS) {
      if (s.completionRequest[h] === r) count++;
      for (const other of s.completionQueue[h]) if (other === r) count++;
    }
    return count;
  };

  return {
    initial,
    steps,
    encode,
    isFinal,
    reached,
    invariants: {
      TypeOK: (s) => s.queue.length <= 3 * RequestCount,
      AnsweredOnce: (s) =>
        requests.every(
          (r) =>
            s.deliveries[r]! <= 1 && places(s, r) <= 1 && (s.state[r] !== 'done' || s.deliveries[r] === 1),
        ),
      NothingForgotten: (s) => requests.every((r) => s.state[r] !== 'inside' || places(s, r) === 1),
      NoBufferTouchedAfterStop: (s) =>
        s.stop === 'running' || s.stop === 'stop0' || (s.mPc === 'ended' && s.late === 0),
      NoAnswerReadAfterFree: (s) => s.stop !== 'freed' || (s.calls === 0 && completionThreadsAreIdle(s)),
      EndsClean: (s) =>
        s.stop !== 'freed' || requests.every((r) => s.state[r] === 'unused' || isFinished(s, r)),
      MNeverWaits: (s) => {
        if (s.mPc !== 'complete') return true;
        const stage = s.stage[s.mRequest];
        if (stage === 'locked' || stage === 'nested') return false;
        return !takesMutex(s.kind[s.mRequest]!) || s.mutex === NONE;
      },
    },
  };
}

function isOfStream(kind: Kind | ''): boolean {
  return kind === 'stream' || kind === 'failure';
}

/** Shares everything with s: anyone who changes a list or a queue puts another in its place. */
function copy(s: State): State {
  const { queue, state, kind, stage, mPc, mRequest, completionQueue, completionRequest, late, calls } = s;
  const { mutex, rename, stop, deliveries } = s;
  // Written out: a spread takes several times as long.
  return {
    queue,
    state,
    kind,
    stage,
    mPc,
    mRequest,
    completionQueue,
    completionRequest,
    late,
    calls,
    mutex,
    rename,
    stop,
    deliveries,
  };
}

function set<Values extends unknown[]>(values: Values, at: number, value: Values[number]): Values {
  const changed = values.slice() as Values;
  changed[at] = value;
  return changed;
}

function countDelivery(next: State, r: number): void {
  next.deliveries = set(next.deliveries, r, next.deliveries[r]! + 1);
}

/** A sequence is preceded by its length; a set of up to 24 requests takes three numbers. */
function encode(s: State): void {
  putQueue(s.queue);
  putQueue(s.completionQueue[0]);
  putQueue(s.completionQueue[1]);
  putQueue(s.completionQueue[2]);
  for (let r = 1; r < s.state.length; r++) {
    const stage = STAGES.indexOf(s.stage[r]!);
    put(STATES.indexOf(s.state[r]!) * STAGES.length + stage);
    const kind = s.kind[r]!;
    put((kind === '' ? 0 : KINDS.indexOf(kind) + 1) + 16 * s.deliveries[r]!);
  }
  put(M_PCS.indexOf(s.mPc));
  put(s.mRequest);
  putAll(s.completionRequest);
  putSet(s.late);
  putSet(s.calls);
  put(s.mutex);
  put(s.rename);
  put(STOPS.indexOf(s.stop));
}

function putQueue(queue: readonly number[]): void {
  put(queue.length);
  putAll(queue);
}

function putSet(set: number): void {
  put(set & 127);
  put((set >> 7) & 127);
  put((set >> 14) & 127);
}
