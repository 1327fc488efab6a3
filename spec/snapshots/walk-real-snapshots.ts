/** Takes a real volume through every transition of a Snapshots configuration. */
import { type WalkResult, walkReal } from '../explorer/walk-real.js';
import { snapshotsModel } from './invariants.js';
import { RealSnapshots } from './real-snapshots.js';
import type { Constants, State } from './state.js';

/** Throws a Deviation that says which steps lead to it. */
export function walkRealSnapshots(constants: Constants): WalkResult {
  const model = snapshotsModel(constants);
  return walkReal<State>(
    model,
    () => new RealSnapshots(model.world),
    () => model.world.answer === 'full',
  );
}
