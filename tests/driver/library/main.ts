/**
 * This project's WinFsp library for Linux beside WinFsp's own: the same calls on both, and every result, every call of
 * a callback and every byte of an answer compared. Differences that may be are data with a reason (allowed.ts).
 *
 *   --seed n
 */
import assert from 'node:assert/strict';
import { check, note, option } from '../../wine/check.js';
import { ALLOWED } from './allowed.js';
import { accessChecks, creating, newDescriptors } from './create.js';
import { changedDescriptors, directoryBuffers, errorCodes, extendedAttributes, records } from './lists.js';
import { operations } from './operations.js';
import { Comparison } from './sides.js';
import { volumes } from './volumes.js';

const seed = option('seed', Date.now() % 1_000_000);
const comparison = new Comparison(ALLOWED);

const AREAS = {
  errorCodes,
  records,
  extendedAttributes,
  directoryBuffers,
  changedDescriptors,
  operations,
  creating,
  accessChecks,
  newDescriptors,
  volumes,
};

for (const [name, work] of Object.entries(AREAS)) {
  await check(name, () => {
    work(comparison, seed);
    comparison.finish();
  });
}
for (const { id, reason } of ALLOWED) {
  await check(`allowed: ${id}`, () => assert.ok(comparison.seen.has(id), `it no longer occurs: ${reason}`));
}
const listed = [...comparison.seen].map(([id, times]) => `${id} ${times}`).join('; ');
note(`${comparison.cases} calls compared, seed ${seed}; differences with a reason: ${listed || 'none'}`);
process.exit();
