/** One case of the conformance suite: plain data and one function, so that any runner can run it. */
import type { DutyId } from './duties.js';
import type { DispatcherName } from './served-options.js';
import type { ServedVolume, StartOptions } from './served-volume.js';

export interface ConformanceCase {
  /** What happens, as a phrase. Unique. */
  name: string;
  duties: readonly DutyId[];
  /** A volume of its own, made like this. Without it the case gets a directory on a volume that others use too. */
  own?: Omit<StartOptions, 'kind'>;
  /** All of them unless said otherwise. */
  dispatchers?: readonly DispatcherName[];
  /** The case stops its volume itself. Only with `own`. */
  endsVolume?: true;
  /** Throws when the duty is not kept. */
  run: (volume: ServedVolume) => void | Promise<void>;
}
