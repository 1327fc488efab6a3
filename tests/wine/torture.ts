/**
 * Windows: random programs above the simulated kernel cache (tests/conformance/kernel-cache), with every dispatcher in
 * turn, for `--seconds n` (60). Every byte is compared at the end of each round, every rule checked at the end of each
 * volume.
 */
import { ACTIONS, type Command, randomCommands, Workload } from '../conformance/kernel-cache/workload.js';
import { PAGE } from '../conformance/served-options.js';
import { ServedVolume, type StartOptions } from '../conformance/served-volume.js';
import { check, note, option } from './check.js';

const seconds = option('seconds', 60);
const firstSeed = option('seed', Date.now() % 1_000_000);
const COMMANDS_A_ROUND = 400;
const VOLUME = { volume: { capacityBytes: 24 * PAGE } };
const KINDS: readonly (StartOptions & { title: string })[] = [
  { title: 'inline', kind: 'inline' },
  {
    title: 'inline, completions held back',
    kind: 'inline',
    dispatcher: { completionsNest: true },
    library: { hold_completion: 1 },
  },
  { title: 'async', kind: 'async' },
  { title: 'native', kind: 'native' },
];

for (const { title, ...options } of KINDS) {
  await check(`${title}: ${Math.round(seconds / KINDS.length)} s of random programs`, async () => {
    const volume = await ServedVolume.start({ ...VOLUME, ...options });
    const until = performance.now() + (seconds * 1000) / KINDS.length;
    let commands = 0;
    let refusals = 0;
    let seed = firstSeed;
    for (; performance.now() < until; seed++) {
      const workload = new Workload(volume);
      const source = randomCommands(seed);
      try {
        for (let i = 0; i < COMMANDS_A_ROUND; i++) {
          workload.apply(source.next().value as Command);
        }
        workload.finish();
      } catch (error) {
        throw new Error(`seed ${seed}, command ${workload.applied}`, { cause: error });
      }
      commands += workload.applied;
      refusals += workload.refusals;
    }
    await volume.stop();
    note(
      `${title}: ${commands} commands of ${new Set(ACTIONS).size} kinds, ${refusals} justified refusals, seeds ${firstSeed} to ${seed - 1}`,
    );
  });
}
