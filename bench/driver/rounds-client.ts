/**
 * The program that measures, below Windows Node: the drive and memfs on the driver in this process, used in turns.
 *
 *   rounds-client.js <rounds> <milliseconds> [word ...]     only workloads whose name contains every word
 *
 * Prints one line a sample: "sample", a tab, a Sample as JSON.
 */
import { writeSync } from 'node:fs';
import { startDrive, startMemfs } from '../../tests/driver/host.js';
import type { NtFile } from '../../tests/driver/rig.js';
import { WORKLOADS, type Workload } from './workloads.js';

export interface Sample {
  name: string;
  contender: string;
  unit: 'bytes/s' | 'operations/s';
  rate: number;
  /**
   * The same amount by the CPU time of the process, that is, of client, kernel, library and file system; null when the
   * clock for that, which ticks in 10 ms, stood still.
   */
  cpuRate: number | null;
}

const CAPACITY_BYTES = 256 * 2 ** 20;
const WARM_UP_MS = 1500;
const CONTENDERS = [
  { contender: 'ramdrive', volume: '\\??\\R:' },
  { contender: 'memfs', volume: '\\??\\M:' },
];

const [rounds, milliseconds] = process.argv.slice(2, 4).map(Number) as [number, number];
const words = process.argv.slice(4);
await startDrive({ capacityBytes: CAPACITY_BYTES });
await startMemfs('M:');
for (const workload of WORKLOADS.filter(({ name }) => words.every((word) => name.includes(word)))) {
  measure(workload);
}
process.exit();

function measure(workload: Workload): void {
  const prepared = CONTENDERS.map((one) => ({ ...one, file: workload.prepare(one.volume) }));
  for (const { volume, file } of prepared) {
    useFor(workload, volume, file, WARM_UP_MS);
  }
  for (let round = 0; round < rounds; round++) {
    const inTurn = round % 2 === 0 ? prepared : prepared.toReversed();
    for (const { contender, volume, file } of inTurn) {
      const sample = { name: workload.name, contender, unit: workload.unit };
      const rates = useFor(workload, volume, file, milliseconds);
      writeSync(1, `sample\t${JSON.stringify({ ...sample, ...rates } satisfies Sample)}\n`);
    }
  }
  for (const { file } of prepared) file?.closeNow();
}

function useFor(
  workload: Workload,
  volume: string,
  file: NtFile | null,
  milliseconds: number,
): Pick<Sample, 'rate' | 'cpuRate'> {
  const cpuBegun = process.cpuUsage();
  const begun = performance.now();
  let amount = 0;
  let elapsed = 0;
  do {
    amount += workload.turn(volume, file!);
    elapsed = performance.now() - begun;
  } while (elapsed < milliseconds);
  const { user, system } = process.cpuUsage(cpuBegun);
  if (file !== null) workload.settle?.(file);
  const cpuSeconds = (user + system) / 1e6;
  return { rate: amount / (elapsed / 1e3), cpuRate: cpuSeconds === 0 ? null : amount / cpuSeconds };
}
