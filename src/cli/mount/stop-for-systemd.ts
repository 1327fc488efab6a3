/**
 * The stop of a drive that systemd has asked for. systemd takes no refusal: what has not ended by TimeoutStopSec is
 * killed, which would leave a dead mount. So a save that fails is tried again for as long as an operator could make it
 * possible, and then the drive ends without it, in order.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isNotSaved } from '../../drive/errors.js';
import type { RamDrive } from '../../drive/ram-drive.js';
import { SERVICE_STOP_TIMEOUT_MS } from '../../drive/service/service-definition.js';
import { describeError } from '../exit-codes.js';

const AGAIN_MS = 5_000;
/** The rest is for the unmount. */
const LIMIT_MS = SERVICE_STOP_TIMEOUT_MS - 60_000;

/** Throws what RamDrive.stop throws, but for NOT_SAVED. What is lost in the end tells `onNotSaved` of the drive. */
export async function stopForSystemd(
  drive: Pick<RamDrive, 'stop'>,
  say: (message: string) => void,
): Promise<void> {
  const begun = performance.now();
  for (let tries = 0; ; tries++) {
    try {
      await drive.stop();
      return;
    } catch (error) {
      if (!isNotSaved(error)) throw error;
      if (tries === 0) {
        say(describeError(error));
        say(
          `the drive stays mounted for ${LIMIT_MS / 1000} seconds, in which the save is tried again; ` +
            'then it ends without.',
        );
      }
      if (performance.now() - begun >= LIMIT_MS) {
        say(`the drive ends without its image: ${describeError(error)}`);
        return drive.stop({ discard: true });
      }
    }
    await sleep(AGAIN_MS);
  }
}
