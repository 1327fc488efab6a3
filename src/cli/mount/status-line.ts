/**
 * The live line under `ramdrive mount` on a terminal: what the drive holds, and what it is doing. Silent anywhere else.
 */
import type { WriteStream } from 'node:tty';
import { formatSize } from '../../drive/config/sizes.js';
import { type DriveStatus, errorCountOf } from '../../drive/status.js';
import { colour } from '../colour.js';
import { countOf } from '../count-of.js';

const INTERVAL_MS = 500;
const ERASE_LINE = '\r\x1b[2K';

export class StatusLine {
  readonly #stream: WriteStream;
  readonly #read: () => DriveStatus;
  #timer: NodeJS.Timeout | null = null;
  #before: { at: number; requests: number; bytes: number } | null = null;

  constructor(stream: WriteStream, read: () => DriveStatus) {
    this.#stream = stream;
    this.#read = read;
  }

  start(): void {
    if (this.#stream.isTTY) {
      this.#timer = setInterval(() => this.#draw(), INTERVAL_MS);
      this.#draw();
    }
  }

  stop(): void {
    if (this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
      this.#stream.write(ERASE_LINE);
    }
  }

  #draw(): void {
    const status = this.#read();
    const now = { at: performance.now(), requests: status.requests.requests, bytes: bytesMoved(status) };
    const before = this.#before ?? now;
    this.#before = now;
    const text = statusText(
      status,
      (now.at - before.at) / 1000,
      now.requests - before.requests,
      now.bytes - before.bytes,
    );
    const columns = this.#stream.columns ?? 80;
    // A line that wraps cannot be erased.
    const line = text.length < columns ? text : `${text.slice(0, columns - 2)}…`;
    this.#stream.write(`${ERASE_LINE}${colour(this.#stream).dim(line)}`);
  }
}

function bytesMoved(status: DriveStatus): number {
  return status.requests.kinds.reduce((sum, { bytes }) => sum + bytes, 0);
}

export function statusText(status: DriveStatus, seconds: number, requests: number, bytes: number): string {
  const perSecond = (value: number) => (seconds > 0 ? value / seconds : 0);
  const parts = [
    `${formatSize(status.reservedBytes)} used, ${formatSize(status.freeBytes)} free`,
    countOf(status.files, 'file'),
    `${Math.round(perSecond(requests)).toLocaleString('en')} ops/s`,
    `${(perSecond(bytes) / 1e6).toFixed(1)} MB/s`,
  ];
  if (status.saving !== null) {
    parts.push(`saving ${formatSize(status.saving.doneBytes)} of ${formatSize(status.saving.totalBytes)}`);
  }
  const errors = errorCountOf(status);
  if (errors > 0) {
    parts.push(countOf(errors, 'error'));
  }
  return parts.join(' · ');
}
