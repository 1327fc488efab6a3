/** The oracle of names, and what a successor learns from a killed worker's journal. */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { historyOf, Journal, recover } from '../../chaos/journal.js';
import { Model, type Mutation } from '../../chaos/model.js';
import { operationAt } from '../../chaos/operations.js';

const create = (path: string, id: number): Mutation => ({ m: 'create', path, id });

function modelOf(...mutations: Mutation[]): Model {
  const model = new Model();
  for (const mutation of mutations) {
    expect(model.expectedError(mutation)).toBe(null);
    model.apply(mutation);
  }
  return model;
}

describe('Model', () => {
  it('knows how the system must refuse', () => {
    const model = modelOf({ m: 'mkdir', path: 'd' }, create('d/f', 1), { m: 'mkdir', path: 'empty' });
    const refused: [Mutation, string][] = [
      [create('d/f', 2), 'EEXIST'],
      [create('nowhere/f', 2), 'ENOENT'],
      [{ m: 'mkdir', path: 'd' }, 'EEXIST'],
      [{ m: 'rmdir', path: 'd' }, 'ENOTEMPTY'],
      [{ m: 'rmdir', path: 'gone' }, 'ENOENT'],
      [{ m: 'unlink', path: 'f' }, 'ENOENT'],
      [{ m: 'rename', path: 'empty', to: 'd' }, 'ENOTEMPTY'],
      [{ m: 'rename', path: 'f', to: 'g' }, 'ENOENT'],
      [{ m: 'rename', path: 'd/f', to: 'nowhere/f' }, 'ENOENT'],
    ];
    for (const [mutation, error] of refused) {
      expect(model.expectedError(mutation)).toBe(error);
    }
    expect(model.expectedError({ m: 'rename', path: 'd', to: 'empty' })).toBe(null);
  });

  it('moves directories with everything below, and keeps files that lose their name', () => {
    const model = modelOf(
      { m: 'mkdir', path: 'd' },
      { m: 'mkdir', path: 'd/s' },
      { m: 'mkdir', path: 'e' },
      create('d/s/f', 1),
      create('d/s/g', 2),
      { m: 'rename', path: 'd', to: 'e' },
      { m: 'rename', path: 'e/s/f', to: 'e/s/g' },
    );
    expect([...model.files.keys()]).toEqual(['e/s/g']);
    expect([...model.directories.keys()].sort()).toEqual(['', 'e', 'e/s']);
    expect(model.names('e/s')).toEqual(['g']);
    expect(model.file(1).path).toBe('e/s/g');
    expect(model.file(2).path).toBe(null);
    model.closed(model.file(2));
    expect(model.byId.has(2)).toBe(false);
  });

  it('is the same after a snapshot', () => {
    const model = modelOf({ m: 'mkdir', path: 'd' }, create('d/f', 7), {
      m: 'write',
      id: 7,
      offset: 100,
      length: 5000,
      source: 3,
    });
    const restored = Model.restore(JSON.parse(JSON.stringify(model.snapshot(41))));
    expect(restored.snapshot(41)).toEqual(model.snapshot(41));
    expect(restored.file(7).content.sha256()).toBe(model.file(7).content.sha256());
    expect(restored.newId()).toBe(8);
  });
});

describe('Journal', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'ramdrive-test-journal-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('tells a successor what was acknowledged, what was refused, and what was under way', () => {
    const model = modelOf(create('f', 1));
    const journal = new Journal(directory, model, 10);
    const write: Mutation = { m: 'write', id: 1, offset: 0, length: 3000, source: 5 };
    journal.begin(operationAt(1, 0, 10));
    journal.intend(write);
    journal.acknowledge(1000);
    journal.intend({ m: 'length', id: 1, length: 9_000_000 });
    journal.refuse('ENOSPC');
    journal.begin(operationAt(1, 0, 11));
    journal.intend({ m: 'unlink', path: 'f' });
    journal.close();
    // Killed in the middle of a line.
    appendFileSync(join(directory, 'journal.jsonl'), '{"o');
    const recovered = recover(directory)!;
    expect(recovered.model.file(1).content.lengthBytes).toBe(1000);
    expect(recovered.nextIndex).toBe(12);
    expect(recovered.pending).toEqual({ m: 'unlink', path: 'f' });
    expect(historyOf(directory, 1).join('\n')).toMatch(
      /operation 10 .*"write".*done \(1000\)\n.*refused: ENOSPC/,
    );
  });

  it('goes on from a snapshot, whatever lay before', () => {
    const model = modelOf(create('f', 1));
    const journal = new Journal(directory, model, 0);
    journal.begin(operationAt(1, 0, 5));
    journal.snapshot(model, 6);
    journal.close();
    expect(recover(directory)).toMatchObject({ nextIndex: 6, pending: null });
  });

  it('forgets files that had no name any more', () => {
    const model = modelOf(create('f', 1), create('g', 2), { m: 'unlink', path: 'f' });
    const journal = new Journal(directory, model, 0);
    const write = (id: number): Mutation => ({ m: 'write', id, offset: 0, length: 10, source: 5 });
    for (const mutation of [write(1), { m: 'unlink', path: 'g' } as const, write(2)]) {
      journal.intend(mutation);
      journal.acknowledge(10);
    }
    journal.intend(write(2));
    journal.close();
    const recovered = recover(directory)!;
    expect(recovered.pending).toBe(null);
    expect([...recovered.model.files.keys()]).toEqual([]);
  });

  it('has nothing to tell of a worker that had not begun', () => {
    expect(recover(directory)).toBe(null);
  });
});
