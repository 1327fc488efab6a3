/**
 * Tells the kernel, and programs that watch directories, about changes that were made behind its back
 * (docs/winfsp.md#caching).
 *
 * Three things can lock up here, and none is left to the caller:
 * - Processing a notification writes back the cached pages of an open file, so the driver needs *answers* meanwhile:
 *   the call runs on a thread of the pool, and one at a time, so that it never takes more than one thread from the
 *   handlers.
 * - FspFileSystemNotifyBegin takes the lock of renames and sleeps while a rename waits, perhaps for us: it is tried
 *   without waiting, and again by a timer, with this thread free in between. The end mark goes with the records, in one
 *   buffer, so the lock is held briefly.
 * - Before WinFsp 2.2 a rename that queues up between Begin and Notify locks the volume for good: there Notify is
 *   called without a Begin, which the driver allows; a rename at the same moment may then be reported under its old
 *   name.
 */
import { NtStatus } from '../../ntstatus.js';
import { writeUtf16 } from '../abi/fields.js';
import { NotifyInfo } from '../abi/layouts.js';
import { WinFspCallError } from '../errors.js';
import type { VolumeReference } from '../library/volume-reference.js';
import { NativeBlock } from '../memory/native-memory.js';

/** FILE_NOTIFY_CHANGE_* */
export const NotifyFilter = {
  FILE_NAME: 0x1,
  DIR_NAME: 0x2,
  ATTRIBUTES: 0x4,
  SIZE: 0x8,
  LAST_WRITE: 0x10,
  LAST_ACCESS: 0x20,
  CREATION: 0x40,
  SECURITY: 0x100,
} as const;

/** FILE_ACTION_* */
export const NotifyAction = {
  ADDED: 1,
  REMOVED: 2,
  MODIFIED: 3,
  RENAMED_OLD_NAME: 4,
  RENAMED_NEW_NAME: 5,
} as const;

export interface Change {
  /** Absolute, `\a\b`, in its stored spelling. */
  fileName: string;
  /** NotifyFilter bits. */
  filter: number;
  /** One of NotifyAction. */
  action: number;
}

/**
 * One call's records are copied to memory of the kernel that is never paged out, so they are sent in pieces of this
 * size, and the second record of a rename beyond it.
 */
const MAX_PIECE_BYTES = 32 * 1024;
const MAX_PATH_UNITS = 8100;
const BEGIN_IS_SAFE_FROM = 0x0002_0002;
const RETRY_MS = 10;
const END_MARK_BYTES = 8;

export class Notifier {
  readonly #volume: VolumeReference;
  #queue: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(volume: VolumeReference) {
    this.#volume = volume;
  }

  /**
   * Resolves when the driver has taken the changes. They are sent in order, some 32 KiB at a time; the driver may
   * process several such pieces in another order, but the two records of a rename always travel together. Rejects with
   * a WinFspCallError: CANT_WAIT when renames left no gap for `timeoutMs`, VOLUME_DISMOUNTED when the volume has gone;
   * with a TypeError for a name that is no path.
   */
  async notify(changes: readonly Change[], timeoutMs: number): Promise<void> {
    const pieces = piecesOf(changes);
    const turn = this.#queue.then(async () => {
      for (const piece of pieces) {
        this.#refuseWhenClosed();
        await this.#send(piece, timeoutMs);
      }
    });
    this.#queue = turn.catch(() => {});
    await turn;
  }

  /**
   * Before the volume stops: while the driver processes a notification it may need answers, so the volume must be
   * served until this resolves. What is not sent yet is refused with VOLUME_DISMOUNTED.
   */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#queue;
  }

  async #send(records: Uint8Array, timeoutMs: number): Promise<void> {
    const begins = this.#volume.library.version >= BEGIN_IS_SAFE_FROM;
    // Without a Begin there is nothing to end.
    const block = new NativeBlock(records.length + END_MARK_BYTES);
    try {
      block.bytes.set(records);
      if (begins) {
        await this.#begin(timeoutMs);
      }
      const size = begins ? records.length + END_MARK_BYTES : records.length;
      const status = await this.#volume.notify(block.address, size);
      if (status < 0 && begins) {
        // Nothing of it was taken, so neither was the end mark, and renames wait for it.
        block.bytes.fill(0);
        await this.#volume.notify(block.address, END_MARK_BYTES);
      }
      check('FspFileSystemNotify', status);
    } finally {
      block.free();
    }
  }

  async #begin(timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      this.#refuseWhenClosed();
      const status = await this.#volume.notifyBegin();
      if (status !== NtStatus.CANT_WAIT || Date.now() >= deadline) {
        check('FspFileSystemNotifyBegin', status);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  #refuseWhenClosed(): void {
    if (this.#closed) {
      throw new WinFspCallError('FspFileSystemNotify', NtStatus.VOLUME_DISMOUNTED);
    }
  }
}

function check(call: string, status: number): void {
  if (status < 0) {
    throw new WinFspCallError(call, status);
  }
}

function piecesOf(changes: readonly Change[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let piece: Uint8Array[] = [];
  let bytes = 0;
  let endsWithOldName = false;
  for (const change of changes) {
    const record = recordOf(change);
    if (bytes + record.length > MAX_PIECE_BYTES && !endsWithOldName) {
      pieces.push(Buffer.concat(piece));
      piece = [];
      bytes = 0;
    }
    piece.push(record);
    bytes += record.length;
    endsWithOldName = change.action === NotifyAction.RENAMED_OLD_NAME;
  }
  if (bytes > 0) {
    pieces.push(Buffer.concat(piece));
  }
  return pieces;
}

function recordOf({ fileName, filter, action }: Change): Uint8Array {
  if (!fileName.startsWith('\\') || fileName.length > MAX_PATH_UNITS || fileName.includes('\0')) {
    throw new TypeError(
      `Change of "${fileName}": expected an absolute path (\\a\\b) of at most ${MAX_PATH_UNITS} characters.`,
    );
  }
  const size = NotifyInfo.SIZE + fileName.length * 2;
  const record = new Uint8Array((size + 7) & ~7);
  const view = new DataView(record.buffer);
  view.setUint16(NotifyInfo.Size, size, true);
  view.setUint32(NotifyInfo.Filter, filter, true);
  view.setUint32(NotifyInfo.Action, action, true);
  writeUtf16(new Uint16Array(record.buffer), NotifyInfo.FileNameBuf / 2, fileName);
  return record;
}
