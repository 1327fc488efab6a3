import { describe, expect, it } from 'vitest';
import { ContextTable } from '../../../src/volume/context-table.js';
import type { Inode } from '../../../src/volume/inode.js';

const inode = () => ({ context: 0, openCount: 1 }) as Inode;

describe('ContextTable', () => {
  it('gives small numbers that are never 0, and knows them until they are given up', () => {
    const table = new ContextTable();
    const inodes = [inode(), inode(), inode()];
    for (const one of inodes) table.assign(one);
    expect(inodes.map(({ context }) => context)).toEqual([1, 2, 3]);
    for (const one of inodes) expect(table.inodeOf(one.context)).toBe(one);
    expect(table.count).toBe(3);
    table.release(inodes[1]!);
    expect(table.inodeOf(2)).toBeUndefined();
    expect(inodes[1]!.context).toBe(0);
    expect(table.count).toBe(2);
  });

  it('never takes a stale number for someone else who has the slot now', () => {
    const table = new ContextTable();
    const seen = new Set<number>();
    for (let i = 0; i < 1000; i++) {
      const one = inode();
      table.assign(one);
      expect(Number.isSafeInteger(one.context) && one.context > 0).toBe(true);
      expect([...seen].filter((stale) => table.inodeOf(stale) !== undefined)).toEqual([]);
      expect(seen.has(one.context)).toBe(false);
      seen.add(one.context);
      table.release(one);
    }
  });

  it('knows none of the numbers that nobody was given', () => {
    const table = new ContextTable();
    const one = inode();
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
      expect(table.inodeOf(context), String(context)).toBeUndefined();
    }
  });

  it('notices when a number is given up twice', () => {
    const table = new ContextTable();
    const one = inode();
    table.assign(one);
    table.release(one);
    expect(() => table.release(one)).toThrow('twice');
  });

  it('forgets all when cleared', () => {
    const table = new ContextTable();
    const one = inode();
    table.assign(one);
    const { context } = one;
    table.clear();
    expect(table.inodeOf(context)).toBeUndefined();
    expect(table.count).toBe(0);
  });
});
