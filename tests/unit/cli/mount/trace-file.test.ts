import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { checkTraceFile } from '../../../../src/cli/mount/trace-file.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

const folder = temporaryFolder('trace');
const drive = join(folder, 'drive');
mkdirSync(join(drive, 'sub'), { recursive: true });

it('makes the file and answers its real path', () => {
  symlinkSync(folder, join(folder, 'link'));
  const path = checkTraceFile(join(folder, 'link', 'trace'), drive);
  expect(path).toBe(join(folder, 'trace'));
  expect(existsSync(path)).toBe(true);
});

it('a name that only begins like the mount point is elsewhere', () => {
  expect(checkTraceFile(`${drive}.trace`, drive)).toBe(`${drive}.trace`);
});

it.each([
  ['in the drive', join(drive, 'trace')],
  ['below it', join(drive, 'sub', 'trace')],
])('refuses a file %s', (_, path) => {
  expect(() => checkTraceFile(path, drive)).toThrow(/^--trace: .* lies on the drive that is traced/);
  expect(existsSync(path)).toBe(false);
});

it.each([
  ['in no directory', join(folder, 'none', 'trace'), /in a directory that is there/],
  ['that is a directory', folder, /that can be written/],
])('refuses a file %s', (_, path, message) => {
  expect(() => checkTraceFile(path, drive)).toThrow(message);
});
