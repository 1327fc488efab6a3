/** How far a save has come, on standard error, for commands that wait for a drive to be saved. */
import { ask } from '../../drive/control/control-client.js';
import type { DriveRecord } from '../../drive/control/drive-records.js';
import { Progress } from '../progress.js';

const LOOK_MS = 500;

export async function withSaveProgress<T>(drive: DriveRecord, work: Promise<T>): Promise<T> {
  const progress = new Progress(process.stderr, 'saving');
  let isAsking = false;
  const timer = setInterval(() => {
    if (isAsking) return;
    isAsking = true;
    ask(drive, 'status')
      .then(({ saving }) => {
        if (saving !== null) progress.update(saving.doneBytes, saving.totalBytes);
      })
      // It is on its way to its end, which the work itself tells of.
      .catch(() => {})
      .finally(() => {
        isAsking = false;
      });
  }, LOOK_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    progress.end();
  }
}
