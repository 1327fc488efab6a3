/** Takes something real through every transition of a model, and asks it in every state for what the model refuses. */
import { cpuSecondsSince, labelOf, type Model, type Step } from './explorer.js';
import { graphOf, walkEverywhere } from './state-graph.js';

export interface WalkResult {
  distinctStates: number;
  /** Of the model: each is taken at least once. */
  transitions: number;
  /** Steps that the real code took; after each of the `transitions`, state and self-check were looked at. */
  realTransitions: number;
  /** Refusals, which change nothing and are no transitions: each is asked for once in each state. */
  refusals: number;
  walks: number;
  cpuSeconds: number;
}

/** The real thing differs from its specification. */
export class Deviation extends Error {
  override name = 'Deviation';
}

export interface RealThing<State> {
  /** Carries out one step; throws a Deviation when the answer is not the model's. */
  take(step: Step<State>, before: State): void;
  /** Throws a Deviation when it is not in this state. */
  compare(state: State): void;
}

/**
 * `renew` gives what the next walk begins with, and is told what the last one left. `wasRefused` says whether the step that the model
 * was asked for last is one that the real thing must refuse. Throws a Deviation that says which steps lead to it.
 */
export function walkReal<State>(
  model: Model<State>,
  renew: (walk: number, last: RealThing<State> | null) => RealThing<State>,
  wasRefused: () => boolean,
): WalkResult {
  const started = process.cpuUsage();
  const graph = graphOf(model);
  const isRefusalTried = new Uint8Array(graph.parent.length);
  let trail: Step<State>[] = [];
  let real: RealThing<State> | null = null;
  let walks = 0;
  let refusals = 0;

  const withTrail = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const steps = trail.map(labelOf).join(' ');
      throw new Deviation(`${message}\nafter ${steps}\n(walk ${walks})`, { cause: error });
    }
  };
  const next = (): void =>
    withTrail(() => {
      real = renew(walks, real);
    });
  const realTransitions = walkEverywhere(graph, {
    restart: () => {
      next();
      trail = [];
      walks++;
    },
    take: (number, before, after, isNew, to) => {
      const step = model.steps[number] as Step<State>;
      trail.push(step);
      withTrail(() => {
        real!.take(step, before);
        // What was done before and is done again to get somewhere shows in the state there.
        if (isNew) real!.compare(after);
      });
      if (isRefusalTried[to] === 1) return;
      isRefusalTried[to] = 1;
      for (const refused of model.steps) {
        if (refused.apply(after) !== null || !wasRefused()) continue;
        trail.push(refused);
        withTrail(() => real!.take(refused, after));
        refusals++;
      }
      withTrail(() => real!.compare(after));
    },
  });
  next();
  return {
    distinctStates: graph.parent.length,
    transitions: graph.to.length,
    realTransitions,
    refusals,
    walks,
    cpuSeconds: cpuSecondsSince(started),
  };
}
