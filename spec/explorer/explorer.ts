/**
 * The state-space explorer: breadth first over everything a model's steps can reach, each state once, every invariant in every
 * state. What TLC does with tla/*.tla, done with the TypeScript twins of those modules; both must count the same states.
 *
 * A model is plain data and plain functions. A step answers the next state, or null where it is not enabled; it never changes the
 * state it is given. States are compared by their encoding, a few bytes that two states share only when they are the same.
 *
 * A search that finds something answers the steps that lead there, shortest first. It keeps encodings and one link for each state,
 * and whole states only of the level it is at: about 150 bytes a state.
 */
import { EncodingTable, putText, takeText } from './encoder.js';

export interface Step<State> {
  /** The TLA+ action's name. */
  readonly action: string;
  readonly args: readonly (number | string | boolean)[];
  apply(state: State): State | null;
  /** False where the step is surely not enabled. Steps in a row that share this function are asked together, which saves time only. */
  readonly mayApply?: ((state: State) => boolean) | undefined;
}

const MAX_STEP_ARGUMENTS = 7;

/** A step from an action and its arguments; without rest arguments in the call, which the search makes a million times a second. */
export function stepOf<State, Args extends (number | string | boolean)[]>(
  action: (state: State, ...args: Args) => State | null,
  ...args: Args
): Step<State> {
  if (args.length > MAX_STEP_ARGUMENTS)
    throw new RangeError(`${action.name} has more than ${MAX_STEP_ARGUMENTS} arguments`);
  const [a, b, c, d, e, f, g] = args;
  const act = action as (state: State, ...args: unknown[]) => State | null;
  return { action: action.name, args, apply: (state) => act(state, a, b, c, d, e, f, g) };
}

export interface Model<State> {
  readonly initial: State;
  readonly steps: readonly Step<State>[];
  /** Puts the numbers that tell this state from all others (encoder.ts). */
  encode(state: State): void;
  readonly invariants: Readonly<Record<string, (state: State) => boolean>>;
  /** What must hold of every step, `[][…]_vars` in TLA+. */
  readonly actionProperties?: Readonly<Record<string, (before: State, after: State) => boolean>>;
  /** States that may have no successor; where it is missing, none may. */
  isFinal?(state: State): boolean;
  /** The same state with interchangeable things renamed, in every way but the identity. */
  symmetries?(state: State): State[];
  /** Names of the rare branches taken so far; the steps fill it. */
  readonly reached: Set<string>;
}

export interface Violation {
  /** An invariant's name, or `Deadlock`. */
  name: string;
  /** `Action(arguments)` from the initial state on. */
  trace: string[];
}

export interface Exploration {
  distinctStates: number;
  transitions: number;
  depth: number;
  /** Of the processor, garbage collection included: what the clock says depends on what else the machine does. */
  cpuSeconds: number;
  /** How often each action was taken, and how many states it found. */
  actions: Record<string, { taken: number; found: number }>;
  reached: Set<string>;
  violation: Violation | null;
  /** With symmetry: how many states the representatives stand for; equal to a full search's distinct states. */
  representedStates: number;
}

export interface ExploreOptions<State> {
  /** Counts states that differ only by names of interchangeable things once. Answers the same question, sooner. */
  symmetry?: boolean;
  /** Looks only for this: stops as soon as it answers true, and checks no invariant. */
  goal?(): boolean;
  /** Names of the invariants and action properties to check; all when it is missing. */
  only?: readonly string[];
  /** Called for each transition; a graph of the whole space can be built from it. States are numbered as they are found. */
  onTransition?(from: number, step: number, to: number, state: State): void;
}

export function explore<State>(model: Model<State>, options: ExploreOptions<State> = {}): Exploration {
  const started = process.cpuUsage();
  const { steps, reached } = model;
  const isWanted = ([name]: [string, unknown]): boolean =>
    options.goal === undefined && options.only?.includes(name) !== false;
  const invariants = Object.entries(model.invariants).filter(isWanted);
  const actionProperties = Object.entries(model.actionProperties ?? {}).filter(isWanted);
  const names = new EncodingTable();
  const parents: number[] = [];
  const via: number[] = [];
  const applies = steps.map((step) => step.apply);
  const mayApply = steps.map((step) => step.mayApply);
  const taken = new Float64Array(steps.length);
  const found = new Float64Array(steps.length);
  let transitions = 0;
  let depth = 0;
  let represented = 0;
  let violation: Violation | null = null;

  /** Of the state that was asked about last: how many states it stands for. */
  let orbitSize = 1;
  const numberOf = (state: State): number => {
    if (options.symmetry === true) {
      const orbit = orbitOf(model, state);
      orbitSize = orbit.size;
      putText([...orbit].sort()[0] as string);
    } else model.encode(state);
    return names.numberOf();
  };
  const fail = (name: string, index: number, step?: Step<State>): void => {
    violation ??= { name, trace: [...traceTo(index), ...(step === undefined ? [] : [labelOf(step)])] };
  };
  const isOver = (): boolean => violation !== null || options.goal?.() === true;
  const traceTo = (index: number): string[] => {
    const trace: string[] = [];
    for (let at = index; parents[at] !== -1; at = parents[at] as number) {
      trace.push(labelOf(steps[via[at] as number] as Step<State>));
    }
    return trace.reverse();
  };
  const add = (index: number, state: State, parent: number, step: number): void => {
    parents.push(parent);
    via.push(step);
    if (options.symmetry === true) represented += orbitSize;
    for (const [invariant, holds] of invariants) {
      if (!holds(state)) fail(invariant, index);
    }
  };

  add(numberOf(model.initial), model.initial, -1, -1);
  let level: State[] = [model.initial];
  let firstIndex = 0;
  while (level.length > 0 && !isOver()) {
    depth++;
    const next: State[] = [];
    for (let i = 0; i < level.length && !isOver(); i++) {
      const state = level[i] as State;
      let successors = 0;
      let asked: Step<State>['mayApply'];
      let isPossible = true;
      for (let s = 0; s < steps.length; s++) {
        if (mayApply[s] !== asked) {
          asked = mayApply[s];
          isPossible = asked === undefined || asked(state);
        }
        if (!isPossible) continue;
        const after = (applies[s] as Step<State>['apply'])(state);
        if (after === null) continue;
        successors++;
        taken[s] = (taken[s] as number) + 1;
        const known = names.size;
        const index = numberOf(after);
        if (index === known) {
          add(index, after, firstIndex + i, s);
          next.push(after);
          found[s] = (found[s] as number) + 1;
        }
        for (const [property, holds] of actionProperties) {
          if (!holds(state, after)) fail(property, firstIndex + i, steps[s]);
        }
        options.onTransition?.(firstIndex + i, s, index, after);
      }
      transitions += successors;
      if (successors === 0 && model.isFinal?.(state) !== true) fail('Deadlock', firstIndex + i);
    }
    firstIndex += level.length;
    level = next;
  }

  const actions: Exploration['actions'] = {};
  steps.forEach((step, s) => {
    actions[step.action] ??= { taken: 0, found: 0 };
    const sum = actions[step.action] as { taken: number; found: number };
    sum.taken += taken[s] as number;
    sum.found += found[s] as number;
  });
  return {
    distinctStates: names.size,
    transitions,
    depth,
    cpuSeconds: cpuSecondsSince(started),
    actions,
    reached,
    violation,
    representedStates: options.symmetry === true ? represented : names.size,
  };
}

export function labelOf(step: Pick<Step<unknown>, 'action' | 'args'>): string {
  return `${step.action}(${step.args.join(', ')})`;
}

export function cpuSecondsSince(started: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1e6;
}

/** The encodings of all states that this one stands for. */
function orbitOf<State>(model: Model<State>, state: State): Set<string> {
  const orbit = new Set<string>();
  for (const one of [state, ...(model.symmetries?.(state) ?? [])]) {
    model.encode(one);
    orbit.add(takeText());
  }
  return orbit;
}
