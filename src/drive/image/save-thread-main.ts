/** The thread that writes one image, from a moment of the volume, while the drive goes on. */
import { constants, setPriority } from 'node:os';
import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { SCRATCH_BYTES } from '../../image/checksum/pieces.js';
import { ImageFile } from '../../image/image-file.js';
import { type Moment, viewOfMoment } from '../../image/moment.js';
import { SaveState } from '../../image/save-state.js';
import type { VolumeView } from '../../image/volume-view.js';
import { sharedScratch } from '../../os/shared-scratch.js';
import { copyMemory } from '../../winfsp/index.js';
import { messageOf } from '../errors.js';
import type { SaveThreadInput, SaveThreadMessage } from './save-messages.js';
import { nowAndThen } from './save-progress.js';

if (isMainThread || parentPort === null) {
  throw new Error('save-thread-main is started by ImageSaver.');
}
// Programs that use the drive come first. Elsewhere Node knows only the priority of the whole process.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
const port = parentPort;
const input = workerData as SaveThreadInput;
const state = new SaveState(input.state);
try {
  await save(await momentFrom(input.moment));
} catch (error) {
  post({ type: 'failed', error: messageOf(error) });
} finally {
  state.endReads();
}

function post(message: SaveThreadMessage): void {
  port.postMessage(message);
}

function momentFrom(moment: MessagePort): Promise<Moment> {
  return new Promise((resolve, reject) => {
    moment.once('message', resolve);
    moment.once('close', () => reject(new Error('The drive ended before it was saved.')));
  });
}

async function save(moment: Moment): Promise<void> {
  const scratch = sharedScratch(SCRATCH_BYTES);
  const view = viewOfMoment(moment, {
    copy: copyMemory,
    zero: (address, lengthBytes) => {
      const at = address - scratch.address;
      scratch.bytes.fill(0, at, at + lengthBytes);
    },
    check: () => state.step(),
  });
  const onProgress = nowAndThen((doneBytes) => {
    post({ type: 'progress', doneBytes, totalBytes: moment.dataBytes });
  });
  onProgress(0);
  const file = new ImageFile(input.path, input);
  const { files } = await file.save(endingReads(view), scratch, onProgress);
  post({ type: 'saved', files, bytes: moment.dataBytes, identity: file.identity as string });
}

/** Tells when nothing more is read, so that the volume has its pages back while the disk is still at work. */
function endingReads(view: VolumeView): VolumeView {
  return {
    ...view,
    visit(visit) {
      view.visit(visit);
      state.step();
      state.endReads();
    },
  };
}
