import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { extractUpperCase, mkntfsVersion } from '../../../../scripts/ntfs-upper-case.js';
import {
  copyText,
  foldingTable,
  foldText,
  ntfsUpperCase,
} from '../../../../src/volume/names/case-folding.js';

/** Of the 131,072 bytes of $UpCase, made by mkntfs v2022.10.3. */
const SHA256 = '41c26bc7a12bdaeb26025c93118697c7e3ef81ee048b00fe5cce2a472e0e0742';
const upper = foldingTable(false);
const fold = (text: string) => foldText(text, upper);

/** The units for which something holds, as text: all 65,536 are looked at, and one comparison is made. */
const unitsWhere = (holds: (unit: number) => boolean) =>
  [...upper.keys()].filter(holds).map((unit) => unit.toString(16));

describe('folding', () => {
  it('makes capitals of what has a capital of one unit', () => {
    expect(fold('abcxyz')).toBe('ABCXYZ');
    expect(fold('äöüéñøþÿ')).toBe('ÄÖÜÉÑØÞŸ');
    expect(fold('σςλ')).toBe('ΣςΛ');
    expect(fold('абвё')).toBe('АБВЁ');
    expect(fold('ǆǅǄ')).toBe('ǄǅǄ');
    // Where the engine's full mapping has two units, and Unicode's simple one has one.
    expect(fold('ᾀᾗᾧᾳῃῳ')).toBe('ᾈᾟᾯᾼῌῼ');
  });

  it('leaves alone what has none: ß, ŉ, ǰ, ligatures, digits, signs', () => {
    for (const text of ['ß', 'ẞ', 'ŉ', 'ǰ', 'ΐ', 'և', 'ﬁ', 'ẖ', '0', '_', '~', '[', '{', '中', '\u{ffff}']) {
      expect(fold(text)).toBe(text);
    }
  });

  it('never leads from outside of ASCII into it', () => {
    expect(fold('ı')).toBe('ı');
    expect(fold('ſ')).toBe('ſ');
    expect(fold('İ')).toBe('İ');
    expect(fold('\u212a')).toBe('\u212a'); // the Kelvin sign is a capital already
    expect(fold('i')).toBe('I');
    expect(unitsWhere((unit) => unit >= 0x80 && upper[unit]! < 0x80)).toEqual([]);
  });

  it('keeps surrogates, paired or not, and so the capitals beyond the basic plane', () => {
    for (const text of ['😀', '\ud83d', '\ude00', '\ude00\ud83d', '𐐨']) expect(fold(text)).toBe(text);
    expect(unitsWhere((unit) => unit >= 0xd800 && unit <= 0xdfff && upper[unit] !== unit)).toEqual([]);
  });

  it('changes nothing when done twice, so a stored capital is found by itself', () => {
    expect(unitsWhere((unit) => upper[upper[unit]!] !== upper[unit])).toEqual([]);
  });

  const mkntfs = mkntfsVersion();
  it.skipIf(mkntfs === null)(
    `is, for all 65,536 units, the table on an NTFS volume${mkntfs === null ? ' (skipped: mkntfs is not installed)' : ''}`,
    () => {
      const table = extractUpperCase();
      expect(unitsWhere((unit) => upper[unit] !== table[unit])).toEqual([]);
    },
  );

  it('has the capitals that it was stored with', () => {
    expect(unitsWhere((unit) => upper[unit] !== unit)).toHaveLength(973);
    expect(createHash('sha256').update(ntfsUpperCase).digest('hex')).toBe(SHA256);
  });

  it('keeps apart what NTFS keeps apart, though Unicode gives it one capital', () => {
    const pairs = ['µμ', 'ςσ', 'ϑθ', 'ϕφ', 'ϖπ', 'ϰκ', 'ϱρ', 'ǅǆ', 'ẛṡ', '\u1fbeι', '\u0345ι', 'ᲀв', 'ᲈꙋ'];
    for (const [a, b] of pairs) expect(fold(a!), `${a} and ${b}`).not.toBe(fold(b!));
  });

  it('is the identity for volumes that tell case apart', () => {
    const table = foldingTable(true);
    expect(foldText('aßİ😀', table)).toBe('aßİ😀');
    expect(table.every((value, unit) => value === unit)).toBe(true);
  });
});

describe('copyText', () => {
  it('cuts out a part, of one-byte, two-byte and broken text, of any length', () => {
    expect(copyText('\\dir\\name', 5, 9)).toBe('name');
    expect(copyText('ÿĀ', 0, 1)).toBe('ÿ');
    expect(copyText('ÿĀ', 0, 2)).toBe('ÿĀ');
    expect(copyText('x\ud800y', 0, 3)).toBe('x\ud800y');
    expect(copyText('', 0, 0)).toBe('');
    for (const length of [1023, 1024, 1025, 5000]) {
      expect(copyText('é'.repeat(length), 0, length)).toBe('é'.repeat(length));
      expect(copyText('ж'.repeat(length), 0, length, upper)).toBe('Ж'.repeat(length));
    }
  });
});
