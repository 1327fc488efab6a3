/**
 * What a dispatcher adds to a request: reads of a file system that does nothing, which another thread submits through
 * the library's script front end one at a time, compared with a loop of the native call alone. All of them share one
 * CPU and take turns, round by round.
 */
import { NativePageMemory } from '../../src/os/native-page-memory.js';
import { median } from '../noise.js';
import { printComparisonRow } from '../print-row.js';
import { Server } from '../read-path/dispatchers.js';
import type { BenchFigure } from '../results.js';
import type { RunOptions } from '../run-options.js';
import type { NoOpServer } from './no-op-worker.js';

export const SERVERS: readonly NoOpServer[] = ['bare', 'inline', 'async', 'async, promise', 'native'];
const GROUP = 'read that does nothing, through a dispatcher';
export const PRICE = 'price of a dispatcher';
const BYTES = 4096;
const ROUNDS = 9;
const MILLISECONDS = 300;

export async function measurePrices({ quick, words }: RunOptions): Promise<BenchFigure[]> {
  if (!words.every((word) => PRICE.includes(word))) return [];
  if (process.platform === 'win32') {
    console.log(`skipped: ${PRICE}: requests can be scripted with the Linux library only`);
    return [];
  }
  const buffer = new NativePageMemory({ pageCount: 1 });
  const servers: Server[] = [];
  const samples = new Map<string, Sample[]>(SERVERS.map((name) => [name, []]));
  try {
    const module = new URL('./no-op-worker.js', import.meta.url);
    for (const name of SERVERS) servers.push(await Server.start(name, module, { name }));
    for (let round = -1; round < (quick ? 3 : ROUNDS); round++) {
      for (const server of round % 2 === 0 ? servers : [...servers].reverse()) {
        const sample = sampleOf(server, quick ? 60 : MILLISECONDS, buffer.baseAddress);
        if (round >= 0) samples.get(server.name)!.push(sample);
      }
    }
  } finally {
    for (const server of servers) await server.end();
    buffer.dispose();
  }
  const measured = SERVERS.map((contender): BenchFigure => {
    const rounds = samples.get(contender)!.map(({ rate }) => rate);
    return {
      group: GROUP,
      name: '4 KiB',
      contender,
      unit: 'operations/s',
      value: median(rounds),
      rounds,
      cpuRounds: samples.get(contender)!.map(({ ratePerCpuSecond }) => ratePerCpuSecond),
      pinned: true,
    };
  });
  printComparisonRow(measured);
  const bare = measured[0]!;
  const prices = measured.slice(1).map((figure): BenchFigure => {
    const more = (mine: number[], others: number[]) =>
      mine.map((rate, round) => 1e6 / rate - 1e6 / others[round]!);
    const cpuRounds = more(figure.cpuRounds!, bare.cpuRounds!);
    const rounds = more(figure.rounds!, bare.rounds!);
    const unit = 'µs more than the bare native call';
    return { group: PRICE, name: figure.contender!, value: median(rounds), unit, rounds, cpuRounds };
  });
  for (const { name, value, cpuRounds } of prices) {
    const words = `${value.toFixed(2).padStart(8)} µs more than bare, by CPU ${median(cpuRounds!).toFixed(2)}`;
    console.log(`  ${name.padEnd(16)}${words}`);
  }
  return [...measured, ...prices];
}

interface Sample {
  rate: number;
  /** The same by the CPU time of all threads: on one CPU it says the same, unless someone disturbs. */
  ratePerCpuSecond: number;
}

function sampleOf(server: Server, milliseconds: number, address: number): Sample {
  const before = process.cpuUsage();
  const start = performance.now();
  const rate = server.readFor(milliseconds, BYTES, address);
  const reads = (rate * (performance.now() - start)) / 1000;
  const { user, system } = process.cpuUsage(before);
  return { rate, ratePerCpuSecond: (reads * 1e6) / (user + system) };
}
