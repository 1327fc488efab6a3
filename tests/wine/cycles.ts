/**
 * Windows: volumes started and stopped again and again, with every dispatcher; each must leave nothing. `--count n`
 * (100).
 */
import assert from 'node:assert/strict';
import { ServedVolume, type StartOptions } from '../conformance/served-volume.js';
import { check, note, option } from './check.js';

const count = option('count', 100);
const KINDS: readonly StartOptions[] = [
  { kind: 'inline' },
  { kind: 'inline', dispatcher: { completionsNest: true } },
  { kind: 'async' },
  { kind: 'native' },
];

await check(`${count} volumes started, used and stopped`, async () => {
  const begun = performance.now();
  let afterTen = 0;
  for (let i = 0; i < count; i++) {
    const volume = await ServedVolume.start(KINDS[i % KINDS.length]!);
    volume.makeFile('f', 'content');
    assert.equal(volume.contentOf('F'), 'content');
    await volume.stop();
    if (i === 9) {
      afterTen = process.memoryUsage.rss();
    }
  }
  const grownMib = (process.memoryUsage.rss() - afterTen) / 2 ** 20;
  note(
    `${Math.round((performance.now() - begun) / count)} ms a cycle, ${Math.round(grownMib)} MiB more after the tenth`,
  );
  // Each would leave at least a reserved volume and a worker's heap behind.
  assert.ok(grownMib < 3 * count, `${grownMib} MiB`);
});
