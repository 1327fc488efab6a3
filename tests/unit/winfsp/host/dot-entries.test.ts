/** `.` and `..` in listings: exactly once, first, whatever the file system gives itself and wherever a piece ends. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { markerBehindDots, withDots } from '../../../../src/winfsp/host/dot-entries.js';
import type { DirectoryEntry, FileInfo } from '../../../../src/winfsp/host/file-system.js';

const OWN = { indexNumber: 1 } as FileInfo;
const OF_HOST = { indexNumber: 2 } as FileInfo;

function listingIn(pieceLength: number, given: DirectoryEntry[], isRoot: boolean): DirectoryEntry[] {
  const seen: DirectoryEntry[] = [];
  for (let marker: string | null = null; ; marker = seen.at(-1)!.fileName) {
    const asked = markerBehindDots(marker);
    const behind = given.slice(given.findIndex(({ fileName }) => fileName === asked) + 1);
    const piece: DirectoryEntry[] = [];
    for (const entry of withDots(behind, marker, isRoot, () => OF_HOST)) {
      piece.push(entry);
      if (piece.length === pieceLength) {
        break;
      }
    }
    if (piece.length === 0) {
      return seen;
    }
    seen.push(...piece);
  }
}

describe('a listing', () => {
  it.each([
    ['none', [], ['.', 2, '..', 2]],
    ['both, first', ['.', '..'], ['.', 1, '..', 1]],
    ['one', ['..'], ['.', 2, '..', 1]],
  ])('whose file system gives %s', (_name, own, expected) => {
    fc.assert(
      fc.property(fc.nat(5), fc.integer({ min: 1, max: 9 }), (count, pieceLength) => {
        const names = Array.from({ length: count }, (_, i) => `!${i}`);
        const given = [...own, ...names].map((fileName) => ({ fileName, fileInfo: OWN }));
        const listed = listingIn(pieceLength, given, false);
        expect(listed.map(({ fileName }) => fileName)).toEqual(['.', '..', ...names]);
        expect(listed.slice(0, 2).flatMap((one) => [one.fileName, one.fileInfo.indexNumber])).toEqual(
          expected,
        );
        expect(listingIn(pieceLength, given, true).map(({ fileName }) => fileName)).toEqual(names);
      }),
    );
  });

  it('whose file system gives them in the middle has them first all the same', () => {
    const given = ['!', '.', '..', 'a'].map((fileName) => ({ fileName, fileInfo: OWN }));
    for (const pieceLength of [1, 2, 3, 9]) {
      expect(listingIn(pieceLength, given, false).map(({ fileName }) => fileName)).toEqual([
        '.',
        '..',
        '!',
        'a',
      ]);
    }
  });

  it('takes no more entries than fit', () => {
    let made = 0;
    const endless = function* () {
      for (;;) {
        made += 1;
        yield { fileName: `${made}`, fileInfo: OWN };
      }
    };
    for (const { fileName } of withDots(endless(), null, false, () => OF_HOST)) {
      if (fileName === '3') {
        break;
      }
    }
    expect(made).toBe(3);
  });
});
