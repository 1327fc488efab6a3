import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { HEADER, headerOf } from '../../../scripts/ntfs-upper-case.js';
import { packageRoot } from '../../../src/package-root.js';
import { NTFS_UPPER_CASE_RUNS } from '../../../src/volume/names/ntfs-upper-case.js';

it('the native library has the same table of capitals as the volume', () => {
  expect(readFileSync(join(packageRoot(), HEADER), 'utf8')).toBe(headerOf(NTFS_UPPER_CASE_RUNS));
});
