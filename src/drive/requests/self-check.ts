/** A self-check in pieces: requests of programs are served between two of them, for as long as a piece takes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_VIOLATIONS_SHOWN, SELF_CHECK_GRACE_MS, SELF_CHECK_PIECE_MS } from '../config/limits.js';
import type { SelfCheckResult } from '../status.js';
import type { VolumeRequest, VolumeResults } from './messages.js';

/** `ask` asks the volume for one piece, and fails when its answer takes longer than `limitMs`. */
export async function selfCheck(
  ask: (
    piece: VolumeRequest & { command: 'selfCheck' },
    limitMs: number,
  ) => Promise<VolumeResults['selfCheck']>,
): Promise<SelfCheckResult> {
  const deadline = performance.now() + SELF_CHECK_GRACE_MS;
  for (let milliseconds = 0; ; ) {
    const limitMs = Math.max(0, deadline - performance.now());
    const piece = await ask({ command: 'selfCheck', milliseconds: SELF_CHECK_PIECE_MS }, limitMs);
    milliseconds += piece.milliseconds;
    const { violations } = piece;
    if (violations === null) {
      await sleep(piece.milliseconds);
      continue;
    }
    return {
      at: new Date().toISOString(),
      violations: violations.slice(0, MAX_VIOLATIONS_SHOWN),
      violationCount: violations.length,
      milliseconds,
    };
  }
}
