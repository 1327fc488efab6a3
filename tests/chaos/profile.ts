/**
 * Where a worker's time goes: V8's sampling profile of a few seconds, by what the time is spent for. It answers whether
 * the oracle limits the rate. Waiting for the drive is time in a call of the system.
 */
import { type Profiler, Session } from 'node:inspector/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const INTERVAL_US = 500;

/** Parts of the time, together 1. */
export interface ProfileShares {
  calls: number;
  oracle: number;
  journal: number;
  drawing: number;
  driving: number;
  collector: number;
}

/** By the source (without extension) of the innermost function of ours. */
const SHARE_OF: Readonly<Record<string, keyof ProfileShares>> = {
  content: 'oracle',
  model: 'oracle',
  noise: 'oracle',
  'shared-content': 'oracle',
  journal: 'journal',
  operations: 'drawing',
  random: 'drawing',
};

export async function profile(delayMs: number, lengthMs: number): Promise<ProfileShares> {
  await sleep(delayMs);
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US });
  await session.post('Profiler.start');
  await sleep(lengthMs);
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  return sharesOf(profile);
}

export function sharesOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): ProfileShares {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const shareOf = (id: number): keyof ProfileShares | null => {
    const { functionName, url } = byId.get(id)!.callFrame;
    if (functionName === '(idle)') {
      return null;
    }
    if (functionName === '(garbage collector)') {
      return 'collector';
    }
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const source = /\/chaos\/([^/]+)\.[jt]s$/.exec(byId.get(at)!.callFrame.url)?.[1];
      if (source !== undefined) {
        // Under a client's or performer's function: what is not its own is the system's, or Node's on the way there.
        return SHARE_OF[source] ?? (url.includes('/chaos/') ? 'driving' : 'calls');
      }
    }
    return 'driving';
  };
  const shares: ProfileShares = { calls: 0, oracle: 0, journal: 0, drawing: 0, driving: 0, collector: 0 };
  let total = 0;
  samples.forEach((id, index) => {
    const share = shareOf(id);
    if (share !== null) {
      shares[share] += timeDeltas[index]!;
      total += timeDeltas[index]!;
    }
  });
  for (const name of Object.keys(shares) as (keyof ProfileShares)[]) {
    shares[name] = total === 0 ? 0 : shares[name] / total;
  }
  return shares;
}
