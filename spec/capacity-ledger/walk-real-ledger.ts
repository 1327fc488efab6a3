/** Takes the real ledger through every transition of a CapacityLedger configuration. */
import { cpuSecondsSince, labelOf, type Step } from '../explorer/explorer.js';
import { graphOf, walkEverywhere } from '../explorer/state-graph.js';
import { capacityLedgerModel } from './invariants.js';
import { Deviation, RealLedger } from './real-ledger.js';
import type { Constants, State } from './state.js';

export interface WalkResult {
  distinctStates: number;
  /** Of the model: each is taken at least once. */
  transitions: number;
  /** Steps that the real code took; after each of the `transitions`, state and self-check were looked at. */
  realTransitions: number;
  /** Refusals for want of room, which change nothing and are no transitions: each is asked for once in each state. */
  refusals: number;
  walks: number;
  cpuSeconds: number;
}

/** A pool is used for this many walks: their pages are ever more used ones. */
const WALKS_PER_POOL = 50;

/** Throws a Deviation that says which steps lead to it. */
export function walkRealLedger(constants: Constants): WalkResult {
  const started = process.cpuUsage();
  const model = capacityLedgerModel(constants);
  const graph = graphOf(model);
  // Where the operating system is to refuse, nothing may be in stock, or it is not asked.
  const warmPages = constants.OsRefusals > 0 ? [0] : [0, 1, constants.PageCount];
  let walks = 0;
  let warm = 0;
  let trail: Step<State>[] = [];
  let real: RealLedger | null = null;
  let refusals = 0;
  const isRefusalTried = new Uint8Array(graph.parent.length);

  const withTrail = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const steps = trail.map(labelOf).join(' ');
      throw new Deviation(`${message}\nafter ${steps}\n(warm pages: ${warm}, walk ${walks})`, {
        cause: error,
      });
    }
  };
  const realTransitions = walkEverywhere(graph, {
    restart: () => {
      withTrail(() => real?.reset());
      trail = [];
      if (walks % WALKS_PER_POOL === 0) {
        warm = warmPages[(walks / WALKS_PER_POOL) % warmPages.length] as number;
        real = new RealLedger(model.ledger, warm);
      }
      walks++;
    },
    take: (step, before, after, isNew, to) => {
      trail.push(model.steps[step] as Step<State>);
      withTrail(() => {
        real!.take(model.steps[step] as Step<State>, before);
        // What was done before and is done again to get somewhere shows in the state there.
        if (isNew) real!.compare(after);
      });
      if (isRefusalTried[to] === 1) return;
      isRefusalTried[to] = 1;
      for (const refused of model.steps) {
        if (refused.apply(after) !== null || model.ledger.answer !== 'full') continue;
        trail.push(refused);
        withTrail(() => real!.take(refused, after));
        refusals++;
      }
      withTrail(() => real!.compare(after));
    },
  });
  withTrail(() => real!.reset());
  return {
    distinctStates: graph.parent.length,
    transitions: graph.to.length,
    realTransitions,
    refusals,
    walks,
    cpuSeconds: cpuSecondsSince(started),
  };
}
