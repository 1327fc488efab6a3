/**
 * ImageSaver: saves a running drive, as the main thread sees it. Each save has a thread of its own, which ends with it.
 * One at a time; a save that is asked for while another is under way comes after it, since it must have what was
 * written before it was asked for. Callers that wait for the same file share one.
 */
import { MessageChannel, type TransferListItem, Worker } from 'node:worker_threads';
import { SaveState } from '../../image/save-state.js';
import { SAVE_GRACE_MS } from '../config/limits.js';
import { DriveError } from '../errors.js';
import type { SaveResult } from '../status.js';
import { withinTime } from '../within-time.js';
import type { SaveProgress, SaveRequest, SaveThreadInput, SaveThreadMessage } from './save-messages.js';

export interface ImageSaverOptions {
  /** Of the drive's own image. */
  imageFile: string | undefined;
  /** Gives a request to the thread that owns the volume, and wakes it. */
  ask: (request: SaveRequest, transfer: TransferListItem[]) => void;
  onProgress: (progress: SaveProgress) => void;
}

interface RunningSave {
  state: SaveState;
  worker: Worker;
  progress: SaveProgress | null;
  /** Of the time without progress that is too long. */
  timer: NodeJS.Timeout | null;
}

type Saved = SaveThreadMessage & { type: 'saved' };

export class ImageSaver {
  /** Of the drive's own image, as it was loaded or saved last. */
  known: string | null = null;
  readonly #options: ImageSaverOptions;
  readonly #waiting = new Map<string, Promise<SaveResult>>();
  #last: Promise<unknown> = Promise.resolve();
  #running: RunningSave | null = null;
  #isEnded = false;

  constructor(options: ImageSaverOptions) {
    this.#options = options;
  }

  /** Of the save that is under way. */
  get progress(): SaveProgress | null {
    return this.#running?.progress ?? null;
  }

  /** Throws DriveError NOT_SAVED, NOT_RUNNING or TIMEOUT. */
  save(path: string): Promise<SaveResult> {
    const waiting = this.#waiting.get(path);
    if (waiting !== undefined) return waiting;
    const save = this.between(() => {
      this.#waiting.delete(path);
      if (this.#isEnded) throw new DriveError('NOT_RUNNING', 'The drive is not running.');
      return this.#run(path);
    });
    this.#waiting.set(path, save);
    return save;
  }

  /** Work that must not meet a save: after those that were asked for, before those that will be. */
  between<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  /** Gives up the save that is under way. */
  cancel(): void {
    this.#running?.state.cancel();
  }

  /** The drive is no more: a save that has got no moment of it ends, and no other begins. */
  end(): void {
    this.#isEnded = true;
    this.cancel();
    void this.#running?.worker.terminate();
  }

  async #run(path: string): Promise<SaveResult> {
    const begun = performance.now();
    const { imageFile, ask } = this.#options;
    const isOwn = path === imageFile;
    const state = new SaveState();
    const { port1, port2 } = new MessageChannel();
    const input: SaveThreadInput = {
      path,
      known: isOwn ? this.known : null,
      replacesImages: !isOwn,
      moment: port1,
      state: state.memory,
    };
    const worker = new Worker(new URL('./save-thread-main.js', import.meta.url), {
      workerData: input,
      transferList: [port1],
      name: 'ramdrive-save',
    });
    const running: RunningSave = { state, worker, progress: null, timer: null };
    this.#running = running;
    let identity: string | null = null;
    try {
      const end = this.#endOf(running, path);
      ask({ type: 'save', moment: port2, state: state.memory }, [port2]);
      const saved = await withinTime(end, SAVE_GRACE_MS, `saving the image ${path}`, (timer) => {
        running.timer = timer;
      });
      if (isOwn) {
        identity = saved.identity;
        this.known = identity;
      }
      const { files, bytes } = saved;
      return { path, files, bytes, milliseconds: Math.round(performance.now() - begun) };
    } catch (error) {
      state.cancel();
      void worker.terminate();
      throw error;
    } finally {
      this.#running = null;
      ask({ type: 'saveEnded', identity }, []);
    }
  }

  /** Resolves when the thread is no more, so that nothing reads the volume's memory. */
  #endOf(running: RunningSave, path: string): Promise<Saved> {
    const { worker } = running;
    return new Promise((resolve, reject) => {
      let saved: Saved | null = null;
      let problem = `The image ${path} is not saved: its thread ended without a message.`;
      worker.on('message', (message: SaveThreadMessage) => {
        if (message.type === 'saved') saved = message;
        else if (message.type === 'failed') problem = message.error;
        else {
          running.timer?.refresh();
          running.progress = { path, doneBytes: message.doneBytes, totalBytes: message.totalBytes };
          this.#options.onProgress(running.progress);
        }
      });
      worker.on('error', (error) => {
        problem = `The image ${path} is not saved: ${error.message}`;
      });
      worker.once('exit', () => {
        running.state.endReads();
        if (saved !== null) resolve(saved);
        else if (this.#isEnded) reject(new DriveError('NOT_RUNNING', 'The drive ended before it was saved.'));
        else reject(new DriveError('NOT_SAVED', problem));
      });
    });
  }
}
