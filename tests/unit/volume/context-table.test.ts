import { describe, expect, it } from 'vitest';
import { ContextTable } from '../../../src/volume/context-table.js';
import type { Inode } from '../../../src/volume/inode.js';

const inode = () => ({ slot: 0, openCount: 1 }) as Inode;

describe('ContextTable', () => {
  it('gives small numbers that are never 0, and knows them until they are given up', () => {
    const table = new ContextTable();
    const inodes = [inode(), inode(), inode()];
    for (const one of inodes) table.assign(one);
    expect(inodes.map((one) => table.contextOf(one))).toEqual([1, 2, 3]);
    for (const one of inodes) expect(table.inodeOf(table.contextOf(one))).toBe(one);
    expect(table.count).toBe(3);
    table.release(inodes[1]!);
    expect(table.inodeOf(2)).toBeUndefined();
    expect(table.contextOf(inodes[1]!)).toBe(0);
    expect(table.count).toBe(2);
  });

  it('never takes a stale number for someone else who has the slot now', () => {
    const table = new ContextTable();
    const seen = new Set<number>();
    for (let i = 0; i < 1000; i++) {
      const one = inode();
      table.assign(one);
      const context = table.contextOf(one);
      expect(Number.isSafeInteger(context) && context > 0).toBe(true);
      expect([...seen].filter((stale) => table.inodeOf(stale) !== undefined)).toEqual([]);
      expect(seen.has(context)).toBe(false);
      seen.add(context);
      table.release(one);
    }
  });

  it('gives slots again in the order in which they were given up, the last one first', () => {
    const table = new ContextTable();
    const inodes = Array.from({ length: 5 }, inode);
    for (const one of inodes) table.assign(one);
    for (const at of [1, 3, 0]) table.release(inodes[at]!);
    const more = Array.from({ length: 4 }, inode);
    for (const one of more) table.assign(one);
    expect(more.map(({ slot }) => slot)).toEqual([1, 4, 2, 6]);
    const seen: Inode[] = [];
    table.visit((one) => seen.push(one));
    expect(seen).toEqual([more[0], more[2], inodes[2], more[1], inodes[4], more[3]]);
    expect(table.count).toBe(6);
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
    const context = table.contextOf(one);
    table.clear();
    expect(table.inodeOf(context)).toBeUndefined();
    expect(table.count).toBe(0);
  });
});
