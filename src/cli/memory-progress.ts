/** How far pre-allocation has come, on standard error: a live line on a terminal, elsewhere a line now and then. */
import type { WriteStream } from 'node:tty';
import { formatSize } from '../drive/config/sizes.js';

const LINE_INTERVAL_MS = 5_000;
const ERASE_LINE = '\r\x1b[2K';

export class MemoryProgress {
  readonly #stream: Pick<WriteStream, 'isTTY' | 'write'>;
  #shownAt = performance.now();
  #isShown = false;

  constructor(stream: Pick<WriteStream, 'isTTY' | 'write'>) {
    this.#stream = stream;
  }

  update(doneBytes: number, totalBytes: number): void {
    const percent = Math.floor((doneBytes / totalBytes) * 100);
    const text = `taking memory: ${formatSize(doneBytes)} of ${formatSize(totalBytes)} (${percent} %)`;
    if (this.#stream.isTTY) {
      this.#stream.write(`${ERASE_LINE}${text}`);
      this.#isShown = true;
    } else if (performance.now() - this.#shownAt >= LINE_INTERVAL_MS) {
      this.#stream.write(`ramdrive: ${text}\n`);
      this.#shownAt = performance.now();
    }
  }

  end(): void {
    if (this.#isShown) {
      this.#stream.write(ERASE_LINE);
      this.#isShown = false;
    }
  }
}
