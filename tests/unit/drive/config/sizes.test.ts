import { describe, expect, it } from 'vitest';
import { formatSize, parseSize, partOfMemory } from '../../../../src/drive/config/sizes.js';

describe('parseSize', () => {
  it.each([
    ['0', 0],
    ['1', 1],
    ['4096', 4096],
    ['64K', 65536],
    ['64k', 65536],
    ['64KB', 65536],
    ['64KiB', 65536],
    ['512M', 536870912],
    ['2G', 2147483648],
    ['2 G', 2147483648],
    [' 2G ', 2147483648],
    ['1.5G', 1610612736],
    ['0.5K', 512],
    ['1T', 1099511627776],
    ['100B', 100],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each([
    '',
    'G',
    '2X',
    '2 Gb x',
    '-1',
    '+1',
    '1e3',
    '0x10',
    '1,5G',
    '.5G',
    '1.G',
    '0.3K',
    '1.0001K',
    'NaN',
    '9007199254740992',
    '9000000T',
    '٢G',
    '2  G',
  ])('%j is refused', (text) => {
    expect(parseSize(text)).toBeNull();
  });
});

describe('formatSize', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [1048575, '1 MiB'],
    [1610612736, '1.5 GiB'],
    [150 * 2 ** 20 + 1, '150 MiB'],
    [126_362, '123 KiB'],
    [-1024, '-1 KiB'],
    [2 ** 51, '2048 TiB'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });
});

describe('partOfMemory', () => {
  it.each([
    ['50%', 500],
    ['100%', 1000],
    ['0.1%', 1],
    ['12.5 %', 125],
    [' 33.333% ', 333],
  ])('%j of 1000 bytes is %d', (text, bytes) => {
    expect(partOfMemory(text, 1000)).toBe(bytes);
  });

  it.each(['0%', '100.1%', '101%', '0.0001%', '1000%', '50%x', 'x50%', '50x%', '50.%', '.5%', '50', '', 50])(
    '%j is none',
    (given) => {
      expect(partOfMemory(given, 1000)).toBeNull();
    },
  );
});
