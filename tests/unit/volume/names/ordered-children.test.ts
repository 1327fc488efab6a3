import { expect, it } from 'vitest';
import { OrderedChildren, visitBehind } from '../../../../src/volume/names/ordered-children.js';

interface Entry {
  name: string;
  inode: { attributes: number; changeTimeHigh: number; fileSize: number };
}

const nameOf = (i: number) => `f${String(i).padStart(4, '0')}`;

function childrenOf(count: number): OrderedChildren<Entry> {
  const children = new OrderedChildren<Entry>();
  for (let i = count - 1; i >= 0; i--) {
    const inode = { attributes: 32, changeTimeHigh: i, fileSize: 2 ** 40 };
    children.set(nameOf(i), { name: nameOf(i), inode });
  }
  return children;
}

/** At most `most` names behind a marker. */
function namesBehind(children: OrderedChildren<Entry>, marker: string, most: number): string[] {
  const names: string[] = [];
  visitBehind<Entry['inode'], Entry>(children, marker, (name, inode) => {
    expect(nameOf(inode.changeTimeHigh)).toBe(name);
    if (names.length === most) return false;
    names.push(name);
    return true;
  });
  return names;
}

it.each([0, 1, 31, 32, 33, 63, 64, 65, 300])('lists %i entries in pieces of any size, each once', (count) => {
  const children = childrenOf(count);
  const all = Array.from({ length: count }, (_, i) => nameOf(i));
  for (const most of [1, 2, 31, 32, 33, 64, 1000]) {
    const listed: string[] = [];
    for (let piece = namesBehind(children, '', most); piece.length > 0; ) {
      listed.push(...piece);
      piece = namesBehind(children, listed.at(-1)!, most);
    }
    expect(listed).toEqual(all);
  }
});

it('goes on behind a name that is gone, and allows a listing within a listing', () => {
  const children = childrenOf(100);
  children.delete(nameOf(40));
  expect(namesBehind(children, nameOf(40), 2)).toEqual([nameOf(41), nameOf(42)]);
  const inner: number[] = [];
  visitBehind(children, '', () => {
    inner.push(namesBehind(children, nameOf(89), 1000).length);
    return true;
  });
  expect(inner).toEqual(new Array(99).fill(10));
});
