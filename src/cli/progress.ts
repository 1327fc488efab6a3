/** How far long work has come, on standard error: a live line on a terminal, elsewhere a line now and then. */
import type { WriteStream } from 'node:tty';
import { formatSize } from '../drive/config/sizes.js';

const LINE_INTERVAL_MS = 5_000;
const ERASE_LINE = '\r\x1b[2K';

export class Progress {
  readonly #stream: Pick<WriteStream, 'isTTY' | 'write'>;
  readonly #what: string;
  #shownAt = performance.now();
  #isShown = false;

  constructor(stream: Pick<WriteStream, 'isTTY' | 'write'>, what: string) {
    this.#stream = stream;
    this.#what = what;
  }

  update(doneBytes: number, totalBytes: number): void {
    const percent = totalBytes === 0 ? 100 : Math.min(100, Math.floor((doneBytes / totalBytes) * 100));
    const text = `${this.#what}: ${formatSize(doneBytes)} of ${formatSize(totalBytes)} (${percent} %)`;
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
