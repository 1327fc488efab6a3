/**
 * A directory in which all workers make, rename and remove names while others list it. Names that nobody touches are in
 * every listing exactly once; so are a worker's own names, which only it changes; nothing is there that nobody made.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import type { WorkerBoard } from './board.js';
import { codeOf, Mismatch } from './mismatch.js';
import type { Operation } from './operations.js';

export const CHURN_DIRECTORY = 'churn';
/** With such long names a listing takes several requests, each of which goes on where the one before ended. */
const STABLE_COUNT = 400;
const STABLE_NAME_LENGTH = 150;
const MAX_OWN = 12;

export const stableNames = Array.from({ length: STABLE_COUNT }, (_, i) =>
  `stable-${(i * 7919) % 10_007}-`.padEnd(STABLE_NAME_LENGTH, 'x'),
);

const ownPrefix = (worker: number) => `worker-${worker}-`;

export class Churn {
  readonly #root: string;
  readonly #own = new Set<string>();

  constructor(
    root: string,
    readonly worker: number,
    readonly board: WorkerBoard,
  ) {
    this.#root = join(root, CHURN_DIRECTORY);
    // A predecessor's, if there was one.
    for (const name of fs.readdirSync(this.#root)) {
      if (name.startsWith(ownPrefix(worker))) {
        fs.rmSync(join(this.#root, name));
      }
    }
  }

  get names(): string[] {
    return [...this.#own];
  }

  step({ choice }: Operation): void {
    const name = `${ownPrefix(this.worker)}${choice % MAX_OWN}`;
    const other = `${ownPrefix(this.worker)}${(choice >>> 8) % MAX_OWN}`;
    try {
      if (!this.#own.has(name)) {
        fs.closeSync(fs.openSync(join(this.#root, name), 'wx'));
        this.#own.add(name);
      } else if (choice % 3 === 0 && name !== other) {
        fs.renameSync(join(this.#root, name), join(this.#root, other));
        this.#own.delete(name);
        this.#own.add(other);
      } else {
        fs.unlinkSync(join(this.#root, name));
        this.#own.delete(name);
      }
      if (choice % 2 === 0) {
        this.#verifyListing();
      }
    } catch (error) {
      if (error instanceof Mismatch) {
        throw error;
      }
      throw new Mismatch(`a change in ${CHURN_DIRECTORY} failed with ${codeOf(error)}`, { path: name });
    }
    this.board.add('verified', 1);
  }

  #verifyListing(): void {
    const counts = new Map<string, number>();
    for (const name of fs.readdirSync(this.#root)) {
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    const wrong: string[] = [];
    for (const name of [...stableNames, ...this.#own]) {
      if (counts.get(name) !== 1) {
        wrong.push(`${name} ${counts.get(name) ?? 0} times`);
      }
      counts.delete(name);
    }
    for (const name of counts.keys()) {
      if (!/^worker-\d+-\d+$/.test(name) || name.startsWith(ownPrefix(this.worker))) {
        wrong.push(`${name}, which is not there`);
      }
    }
    if (wrong.length > 0) {
      throw new Mismatch(`a listing beside changes is wrong: ${wrong.slice(0, 10).join('; ')}`, {
        path: CHURN_DIRECTORY,
        expected: 'every name once',
        actual: wrong.join('; '),
      });
    }
  }
}
