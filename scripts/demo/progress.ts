/** Shows that something is going on: one line that is redrawn on a terminal, a line every few seconds anywhere else. */
const INTERVAL_ON_TERMINAL_MS = 100;
const INTERVAL_ELSEWHERE_MS = 3000;

export class Progress {
  #drawnAt = 0;
  #title = '';
  #begun = 0;

  begin(title: string): void {
    this.#title = title;
    this.#begun = performance.now();
    this.#drawnAt = process.stdout.isTTY ? 0 : this.#begun;
  }

  /** `text` is only made when it is shown. */
  update(text: () => string): void {
    const now = performance.now();
    const interval = process.stdout.isTTY ? INTERVAL_ON_TERMINAL_MS : INTERVAL_ELSEWHERE_MS;
    if (now - this.#drawnAt < interval) {
      return;
    }
    this.#drawnAt = now;
    const line = `  … ${this.#title}: ${text()}`;
    process.stdout.write(process.stdout.isTTY ? `\r\x1b[2K${line}` : `${line}\n`);
  }

  /** Returns how long it took. */
  end(result: string): number {
    const seconds = (performance.now() - this.#begun) / 1000;
    const line = `  ✓ ${this.#title}: ${result} (${seconds.toFixed(1)} s)`;
    process.stdout.write(process.stdout.isTTY ? `\r\x1b[2K${line}\n` : `${line}\n`);
    return seconds;
  }
}
