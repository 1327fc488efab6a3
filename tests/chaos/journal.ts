/**
 * What a worker was about to change and what was acknowledged, on a disk that is not the drive. It survives the
 * worker's SIGKILL: a successor restores the last snapshot, repeats what was acknowledged since, and knows the one call
 * that was under way. It is also a file's history when something is wrong, and it is bounded: each snapshot begins a
 * new journal and the one before the last is dropped.
 *
 * Lines: {"i":index,"kind":…} an operation begins; {"try":mutation}; {"ok":length} or {"no":errno} ends the last try.
 * An operation's line is written together with its first try, or with the next operation's: one that changes nothing
 * may be done once more by a successor.
 */
import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Model, type Mutation, type Snapshot } from './model.js';
import type { Operation } from './operations.js';

interface Line {
  i?: number;
  kind?: string;
  try?: Mutation;
  ok?: number;
  no?: string;
}

const SNAPSHOT = 'snapshot.json';
const CURRENT = 'journal.jsonl';
const PREVIOUS = 'journal.previous.jsonl';

export class Journal {
  readonly #directory: string;
  #fd: number;
  /** Lines that are not written yet. */
  #waiting = '';

  /** Begins anew with the model as it is. */
  constructor(directory: string, model: Model, nextIndex: number) {
    this.#directory = directory;
    this.#fd = -1;
    this.snapshot(model, nextIndex);
  }

  begin({ index, kind }: Operation): void {
    this.#waiting += `${JSON.stringify({ i: index, kind } satisfies Line)}\n`;
  }

  intend(mutation: Mutation): void {
    this.#line({ try: mutation });
  }

  /** `length`: how much of a write or copy was done. */
  acknowledge(length: number): void {
    this.#line({ ok: length });
  }

  refuse(errno: string): void {
    this.#line({ no: errno });
  }

  snapshot(model: Model, nextIndex: number): void {
    const path = join(this.#directory, SNAPSHOT);
    writeFileSync(`${path}.new`, JSON.stringify(model.snapshot(nextIndex)));
    if (this.#fd >= 0) {
      this.flush();
      closeSync(this.#fd);
      renameSync(join(this.#directory, CURRENT), join(this.#directory, PREVIOUS));
    }
    renameSync(`${path}.new`, path);
    this.#fd = openSync(join(this.#directory, CURRENT), 'w');
  }

  /** For anyone who reads it now. */
  flush(): void {
    writeSync(this.#fd, this.#waiting);
    this.#waiting = '';
  }

  close(): void {
    this.flush();
    closeSync(this.#fd);
  }

  #line(line: Line): void {
    writeSync(this.#fd, `${this.#waiting}${JSON.stringify(line)}\n`);
    this.#waiting = '';
  }
}

export interface Recovered {
  model: Model;
  /** Of the operation after the last one that was begun and changed something, or tried to. */
  nextIndex: number;
  /** Tried, and neither acknowledged nor refused. */
  pending: Mutation | null;
}

/** The model of a worker that was killed, or null when it had not begun. */
export function recover(directory: string): Recovered | null {
  const path = join(directory, SNAPSHOT);
  if (!existsSync(path)) {
    return null;
  }
  const snapshot = JSON.parse(readFileSync(path, 'utf8')) as Snapshot;
  const model = Model.restore(snapshot);
  let { nextIndex } = snapshot;
  let pending: Mutation | null = null;
  for (const line of readLines(join(directory, CURRENT))) {
    if (line.i !== undefined) {
      nextIndex = line.i + 1;
    } else if (line.try !== undefined) {
      pending = line.try;
    } else {
      if (line.ok !== undefined && pending !== null && !isOfNameless(model, pending)) {
        model.apply(done(pending, line.ok));
      }
      pending = null;
    }
  }
  if (pending !== null && isOfNameless(model, pending)) {
    pending = null;
  }
  return { model, nextIndex, pending };
}

/** A file without a name has gone with the one who had it open; snapshots don't know it either. */
function isOfNameless(model: Model, mutation: Mutation): boolean {
  return 'id' in mutation && mutation.m !== 'create' && (model.byId.get(mutation.id)?.path ?? null) === null;
}

/** A write or copy as far as it was done. */
export function done(mutation: Mutation, length: number): Mutation {
  return mutation.m === 'write' || mutation.m === 'copy' ? { ...mutation, length } : mutation;
}

/** The last mutations that touched a file, oldest first, as text for people. */
export function historyOf(directory: string, id: number, most = 40): string[] {
  const history: string[] = [];
  let operation = '';
  let tried: Mutation | null = null;
  for (const name of [PREVIOUS, CURRENT]) {
    for (const line of readLines(join(directory, name))) {
      if (line.i !== undefined) {
        operation = `operation ${line.i} (${line.kind})`;
      } else if (line.try !== undefined) {
        tried = line.try;
      } else if (
        tried !== null &&
        'id' in tried &&
        (tried.id === id || (tried.m === 'copy' && tried.from === id))
      ) {
        const result = line.no === undefined ? `done (${line.ok})` : `refused: ${line.no}`;
        history.push(`${operation}: ${JSON.stringify(tried)} ${result}`);
      }
    }
  }
  return history.slice(-most);
}

/** A last line that is cut is no line: its writer was killed. */
function readLines(path: string): Line[] {
  if (!existsSync(path)) {
    return [];
  }
  const lines = readFileSync(path, 'utf8').split('\n');
  lines.pop();
  return lines.map((line) => JSON.parse(line) as Line);
}
