/**
 * Every state and every transition of a model as a graph, and walks that take each transition at least once: the way to run
 * something real through a whole state space without being able to copy it.
 *
 * A walk goes on as long as there is a transition nearby that was not taken yet; then it begins again from the initial state. So what
 * is run meets each transition with some history behind it, and most of them with several.
 */
import { explore, type Model } from './explorer.js';

export interface StateGraph<State> {
  readonly model: Model<State>;
  /** The transitions of state s are those from first[s] to first[s + 1]. */
  readonly first: Int32Array;
  readonly step: Uint16Array;
  readonly to: Int32Array;
  /** A shortest way from the initial state: the transition that leads to each state, and the state before. */
  readonly viaTransition: Int32Array;
  readonly parent: Int32Array;
}

/** What a walk tells its caller, who carries it out. */
export interface Walker<State> {
  /** Begin again: everything is as in the initial state. */
  restart(): void;
  /**
   * Do this; `after` is the state that the model says is reached, and `to` its number. Only on the way to something new it is
   * done once more.
   */
  take(step: number, before: State, after: State, isNew: boolean, to: number): void;
}

/** Looking further for a transition not taken costs more than beginning again. */
const MAX_LOOKED_AT = 100;

export function graphOf<State>(model: Model<State>): StateGraph<State> {
  const froms: number[] = [];
  const steps: number[] = [];
  const tos: number[] = [];
  const { distinctStates, violation } = explore(model, {
    onTransition: (from, step, to) => {
      froms.push(from);
      steps.push(step);
      tos.push(to);
    },
  });
  if (violation !== null) throw new Error(`${violation.name} is violated: ${violation.trace.join(' ')}`);
  const first = new Int32Array(distinctStates + 1);
  const parent = new Int32Array(distinctStates).fill(-1);
  const viaTransition = new Int32Array(distinctStates).fill(-1);
  // The search visits states in their order, so transitions are sorted by where they begin.
  froms.forEach((from, transition) => {
    first[from + 1] = transition + 1;
    const to = tos[transition] as number;
    if (to !== 0 && parent[to] === -1) {
      parent[to] = from;
      viaTransition[to] = transition;
    }
  });
  for (let s = 1; s <= distinctStates; s++) first[s] = Math.max(first[s] as number, first[s - 1] as number);
  return { model, first, step: Uint16Array.from(steps), to: Int32Array.from(tos), parent, viaTransition };
}

/** Takes every transition of the graph at least once. Answers how many it took in all. */
export function walkEverywhere<State>(graph: StateGraph<State>, walker: Walker<State>): number {
  const { model, first, to, parent, viaTransition } = graph;
  const states = parent.length;
  const isTaken = new Uint8Array(to.length);
  /** Per state, transitions before this one are taken. */
  const nextUntaken = first.slice(0, states);
  let count = 0;
  let at = 0;
  let state = model.initial;

  const untaken = (s: number): number => {
    let transition = nextUntaken[s] as number;
    const end = first[s + 1] as number;
    while (transition < end && isTaken[transition] === 1) transition++;
    nextUntaken[s] = transition;
    return transition < end ? transition : -1;
  };
  const take = (transition: number): void => {
    const step = graph.step[transition] as number;
    const after = model.steps[step]!.apply(state) as State;
    walker.take(step, state, after, isTaken[transition] === 0, to[transition] as number);
    isTaken[transition] = 1;
    state = after;
    at = to[transition] as number;
    count++;
  };
  const wayToUntaken = (): number[] | null => {
    const cameBy = new Map<number, number>([[at, -1]]);
    const cameFrom = new Map<number, number>();
    const queue = [at];
    for (let i = 0; i < queue.length && queue.length < MAX_LOOKED_AT; i++) {
      const s = queue[i] as number;
      for (let transition = first[s] as number; transition < (first[s + 1] as number); transition++) {
        const t = to[transition] as number;
        if (cameBy.has(t)) continue;
        cameBy.set(t, transition);
        cameFrom.set(t, s);
        if (untaken(t) >= 0) return wayBack(t, cameBy, cameFrom);
        queue.push(t);
      }
    }
    return null;
  };

  for (let target = 0; target < states; ) {
    if (untaken(target) < 0) {
      target++;
      continue;
    }
    walker.restart();
    at = 0;
    state = model.initial;
    for (const transition of wayFromStart(target, parent, viaTransition)) take(transition);
    for (;;) {
      const transition = untaken(at);
      if (transition >= 0) {
        take(transition);
        continue;
      }
      const way = wayToUntaken();
      if (way === null) break;
      for (const one of way) take(one);
    }
  }
  return count;
}

function wayFromStart(target: number, parent: Int32Array, viaTransition: Int32Array): number[] {
  const way: number[] = [];
  for (let s = target; s !== 0; s = parent[s] as number) way.push(viaTransition[s] as number);
  return way.reverse();
}

function wayBack(target: number, cameBy: Map<number, number>, cameFrom: Map<number, number>): number[] {
  const way: number[] = [];
  for (let s: number | undefined = target; s !== undefined; s = cameFrom.get(s)) {
    const transition = cameBy.get(s) as number;
    if (transition >= 0) way.push(transition);
  }
  return way.reverse();
}
