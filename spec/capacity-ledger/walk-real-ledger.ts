/** Takes the real ledger through every transition of a CapacityLedger configuration. */
import { type WalkResult, walkReal } from '../explorer/walk-real.js';
import { capacityLedgerModel } from './invariants.js';
import { RealLedger } from './real-ledger.js';
import type { Constants, State } from './state.js';

/** A pool is used for this many walks: their pages are ever more used ones. */
const WALKS_PER_POOL = 50;

/** Throws a Deviation that says which steps lead to it. */
export function walkRealLedger(constants: Constants): WalkResult {
  const model = capacityLedgerModel(constants);
  // Where the operating system is to refuse, nothing may be in stock, or it is not asked.
  const warmPages = constants.OsRefusals > 0 ? [0] : [0, 1, constants.PageCount];
  let real: RealLedger | null = null;
  return walkReal<State>(
    model,
    (walk) => {
      real?.reset();
      if (real === null || walk % WALKS_PER_POOL === 0) {
        real = new RealLedger(model.ledger, warmPages[(walk / WALKS_PER_POOL) % warmPages.length] as number);
      }
      return real;
    },
    () => model.ledger.answer === 'full',
  );
}
