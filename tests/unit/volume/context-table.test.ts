import { describe, expect, it } from 'vitest';
import { ContextTable } from '../../../src/volume/context-table.js';
import type { Node } from '../../../src/volume/inode.js';

const node = () => ({ context: 0, openCount: 1 }) as Node;

describe('ContextTable', () => {
  it('gives small numbers that are never 0, and knows them until they are given up', () => {
    const table = new ContextTable();
    const nodes = [node(), node(), node()];
    for (const one of nodes) table.assign(one);
    expect(nodes.map(({ context }) => context)).toEqual([1, 2, 3]);
    for (const one of nodes) expect(table.nodeOf(one.context)).toBe(one);
    expect(table.count).toBe(3);
    table.release(nodes[1]!);
    expect(table.nodeOf(2)).toBeUndefined();
    expect(nodes[1]!.context).toBe(0);
    expect(table.count).toBe(2);
  });

  it('never takes a stale number for somebody else who has the slot now', () => {
    const table = new ContextTable();
    const seen = new Set<number>();
    for (let i = 0; i < 1000; i++) {
      const one = node();
      table.assign(one);
      expect(Number.isSafeInteger(one.context) && one.context > 0).toBe(true);
      expect([...seen].filter((stale) => table.nodeOf(stale) !== undefined)).toEqual([]);
      expect(seen.has(one.context)).toBe(false);
      seen.add(one.context);
      table.release(one);
    }
  });

  it('knows none of the numbers that nobody was given', () => {
    const table = new ContextTable();
    const one = node();
    table.assign(one);
    for (const context of [
      0,
      -1,
      2,
      2 ** 24,
      2 ** 24 + 1,
      2 ** 32 + 1,
      2 ** 40,
      2 ** 53,
      1.8e19,
      0.5,
      Number.NaN,
    ]) {
      expect(table.nodeOf(context), String(context)).toBeUndefined();
    }
  });

  it('notices when a number is given up twice', () => {
    const table = new ContextTable();
    const one = node();
    table.assign(one);
    table.release(one);
    expect(() => table.release(one)).toThrow('twice');
  });

  it('forgets all when cleared', () => {
    const table = new ContextTable();
    const one = node();
    table.assign(one);
    const { context } = one;
    table.clear();
    expect(table.nodeOf(context)).toBeUndefined();
    expect(table.count).toBe(0);
  });
});
