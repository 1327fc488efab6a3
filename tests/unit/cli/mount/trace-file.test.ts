import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { checkTraceFile, TraceFile } from '../../../../src/cli/mount/trace-file.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

const folder = temporaryFolder('trace');
const drive = join(folder, 'drive');
mkdirSync(join(drive, 'sub'), { recursive: true });

it('answers the real path of a file that can be written, and touches nothing', () => {
  symlinkSync(folder, join(folder, 'link'));
  const path = checkTraceFile(join(folder, 'link', 'trace'), drive);
  expect(path).toBe(join(folder, 'trace'));
  expect(existsSync(path)).toBe(false);
  writeFileSync(path, 'earlier');
  expect(checkTraceFile(path, drive)).toBe(path);
  expect(readFileSync(path, 'utf8')).toBe('earlier');
});

it('keeps an earlier trace until the drive is mounted, and lets one drive write', () => {
  const place = join(folder, 'claimed');
  writeFileSync(place, 'earlier');
  const failed = TraceFile.claim(place);
  writeFileSync(failed.path, 'of a mount that fails');
  failed.discard();
  expect(readFileSync(place, 'utf8')).toBe('earlier');
  expect(existsSync(failed.path)).toBe(false);

  const mounting = TraceFile.claim(place);
  writeFileSync(mounting.path, 'new');
  expect(() => TraceFile.claim(place)).toThrow(/another drive writes its trace/);
  mounting.keep();
  expect(readFileSync(place, 'utf8')).toBe('new');
  // Mounted by now: the lock has gone along.
  expect(() => TraceFile.claim(place)).toThrow(/another drive writes its trace/);
  expect(readFileSync(place, 'utf8')).toBe('new');
  expect(existsSync(mounting.path)).toBe(false);
  mounting.discard();
  TraceFile.claim(place).discard();
});

it('writes a device as it is', () => {
  expect(TraceFile.claim('/dev/full').path).toBe('/dev/full');
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
