/** Takes the real ledger through every transition of a CapacityLedger configuration. */
import type { Constants, State } from './capacity-ledger.js';
import { capacityLedgerModel } from './capacity-ledger-invariants.js';
import { cpuSecondsSince, labelOf, type Step } from './explorer.js';
import { Deviation, RealLedger } from './real-ledger.js';
import { graphOf, walkEverywhere } from './state-graph.js';

export interface WalkResult {
  distinctStates: number;
  /** Of the model: each is taken at least once. */
  transitions: number;
  /** Steps that the real code took; after each of the `transitions`, state and self-check were looked at. */
  realTransitions: number;
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
    take: (step, before, after, isNew) => {
      trail.push(model.steps[step] as Step<State>);
      withTrail(() => {
        real!.take(model.steps[step] as Step<State>, before);
        // What was done before and is done again to get somewhere shows in the state there.
        if (isNew) real!.compare(after);
      });
    },
  });
  withTrail(() => real!.reset());
  return {
    distinctStates: graph.parent.length,
    transitions: graph.to.length,
    realTransitions,
    walks,
    cpuSeconds: cpuSecondsSince(started),
  };
}
