/** What a successor learns from the journal of a worker that was killed, wherever it was. */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { historyOf, Journal, recover } from '../../chaos/journal.js';
import { Model } from '../../chaos/model.js';
import { type Operation, operationAt } from '../../chaos/operations.js';

let directory: string;
let journal: Journal;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ramdrive-test-journal-'));
  journal = new Journal(directory, new Model(), 0);
});
afterEach(() => {
  journal.close();
  rmSync(directory, { recursive: true });
});

const operation = (index: number): Operation => operationAt(1, 0, index);
const CREATE = { m: 'create', path: 'f', id: 1 } as const;
const WRITE = { m: 'write', id: 1, offset: 0, length: 100, source: 7 } as const;

describe('recover', () => {
  it('repeats what was acknowledged, and knows the call that was under way', () => {
    journal.begin(operation(0));
    journal.intend(CREATE);
    journal.acknowledge(0);
    journal.intend(WRITE);
    journal.acknowledge(60);
    journal.begin(operation(1));
    journal.intend({ ...WRITE, offset: 60 });
    const { model, nextIndex, pending } = recover(directory)!;
    expect(model.file(1).content.lengthBytes).toBe(60);
    expect(nextIndex).toBe(2);
    expect(pending).toEqual({ ...WRITE, offset: 60 });
  });

  it('goes on with the operation that changed nothing so far', () => {
    journal.begin(operation(0));
    journal.intend(CREATE);
    journal.acknowledge(0);
    journal.begin(operation(1));
    journal.begin(operation(2));
    expect(recover(directory)).toMatchObject({ nextIndex: 1, pending: null });
    journal.flush();
    expect(recover(directory)).toMatchObject({ nextIndex: 3, pending: null });
  });

  it('does not apply what was refused, nor read a line that was cut', () => {
    journal.begin(operation(0));
    journal.intend(CREATE);
    journal.refuse('ENOSPC');
    appendFileSync(join(directory, 'journal.jsonl'), '{"i":1,"kind":"wri');
    const { model, nextIndex, pending } = recover(directory)!;
    expect([model.files.size, nextIndex, pending]).toEqual([0, 1, null]);
  });

  it('begins at the last snapshot', () => {
    const model = new Model();
    journal.begin(operation(0));
    journal.intend(CREATE);
    model.apply(CREATE);
    journal.acknowledge(0);
    journal.snapshot(model, 5);
    const recovered = recover(directory)!;
    expect([recovered.nextIndex, [...recovered.model.files.keys()]]).toEqual([5, ['f']]);
  });
});

it('tells a file’s history with the operations that made it', () => {
  journal.begin(operation(3));
  journal.intend(CREATE);
  journal.acknowledge(0);
  journal.begin(operation(4));
  journal.begin(operation(5));
  journal.intend(WRITE);
  journal.refuse('ENOSPC');
  journal.intend({ ...WRITE, id: 2 });
  journal.acknowledge(100);
  const history = historyOf(directory, 1);
  expect(history).toHaveLength(2);
  expect(history[0]).toMatch(/^operation 3 .*create.* done/);
  expect(history[1]).toMatch(/^operation 5 .*write.* refused: ENOSPC$/);
});
