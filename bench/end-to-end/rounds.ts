/**
 * Interleaved rounds: every contender once, then every contender again, each round beginning with another one. Whatever
 * disturbs the machine for a second then disturbs all of them, and a ratio of two values of the same round is worth
 * something.
 */
import path from 'node:path';
import { must } from '../../scripts/realworld/program.js';
import { median } from '../noise.js';
import { PLATFORM } from '../platform/platform.js';
import type { BenchFigure } from '../results.js';
import type { MountedContender } from './contenders.js';
import { makeRun } from './programs.js';
import type { ClientWorkload, Workload } from './workloads.js';

export interface RoundOptions {
  rounds: number;
  milliseconds: number;
  pin: boolean;
  /** Told about a contender that fails a workload; the others go on. */
  onFailure(contender: MountedContender, workload: Workload, error: Error): void;
}

interface ClientResult {
  operations: number;
  operationsPerSecond: number;
  bytesPerSecond: number;
  nsP50: number;
  nsP99: number;
  nsP999: number;
  bytes: number;
  clientCpuNs: number;
  /** null where the client cannot tell. */
  serverCpuNs: number | null;
}

interface Sample {
  rate: number;
  cpu: CpuSample | null;
  latencies: Pick<ClientResult, 'nsP50' | 'nsP99' | 'nsP999'> | null;
}

interface CpuSample {
  /** The same amount by the CPU time of client and server together. */
  ratePerSecond: number;
  serverShare: number;
}

const CLIENT_LIMIT_MS = 300_000;
const WARM_UP_FILE_BYTES = 2 ** 24;

export async function measure(
  workload: Workload,
  contenders: readonly MountedContender[],
  options: RoundOptions,
): Promise<BenchFigure[]> {
  let left = contenders.filter(
    ({ name }) => workload.kind === 'program' || !workload.without?.includes(name),
  );
  const samples = new Map(left.map((contender) => [contender, [] as Sample[]]));
  // Round −1 fills files and caches, and does not count.
  for (let round = -1; round < options.rounds; round++) {
    const first = (round + 1) % Math.max(1, left.length);
    for (const contender of [...left.slice(first), ...left.slice(0, first)]) {
      try {
        const sample = await sampleOf(workload, contender, options);
        if (round >= 0) samples.get(contender)!.push(sample);
      } catch (error) {
        options.onFailure(contender, workload, error as Error);
        samples.delete(contender);
        left = left.filter((other) => other !== contender);
      }
    }
  }
  return [...samples].map(([contender, list]) => figureOf(workload, contender, list, options));
}

async function sampleOf(
  workload: Workload,
  contender: MountedContender,
  { milliseconds, pin }: RoundOptions,
): Promise<Sample> {
  if (workload.kind === 'client') {
    return runClient(workload, contender, workload.milliseconds ?? milliseconds, pin);
  }
  const { command, directory, remove } = makeRun(workload.program, contender.directory);
  try {
    const measured = { words: ['run', ...command], unit: 'operations/s' as const };
    return { ...(await runClient(measured, contender, 0, pin, directory)), latencies: null };
  } finally {
    remove();
  }
}

/** A bit of everything that is measured later, unmeasured. */
export async function warmUp(contender: MountedContender, milliseconds: number, pin: boolean): Promise<void> {
  const io = (pattern: string, direction: string) => [
    'io',
    pattern,
    direction,
    'direct',
    '4096',
    String(WARM_UP_FILE_BYTES),
  ];
  for (const words of [['cycle'], ['step', 'open'], io('rand', 'read'), io('seq', 'write')]) {
    await runClient({ words, unit: 'operations/s' }, contender, milliseconds, pin);
  }
}

export async function runClient(
  { words, processes = 1, unit }: Pick<ClientWorkload, 'words' | 'processes' | 'unit'>,
  contender: MountedContender,
  milliseconds: number,
  pin: boolean,
  directory = contender.directory,
): Promise<Sample> {
  const server = String(contender.child?.pid ?? 0);
  const [program, ...args] = PLATFORM.pinned(
    [...PLATFORM.client, directory, server, String(processes), String(milliseconds), ...words],
    pin,
  );
  const cwd = path.dirname(PLATFORM.client.at(-1)!);
  const output = await must(program!, args, { limitMs: CLIENT_LIMIT_MS, cwd });
  const result = JSON.parse(output) as ClientResult;
  const isData = unit === 'bytes/s';
  return {
    rate: isData ? result.bytesPerSecond : result.operationsPerSecond,
    cpu: cpuOf(result, isData ? result.bytes : result.operations),
    latencies: result,
  };
}

function cpuOf({ clientCpuNs, serverCpuNs }: ClientResult, amount: number): CpuSample | null {
  if (serverCpuNs === null) return null;
  const cpuNs = clientCpuNs + serverCpuNs;
  return { ratePerSecond: (amount * 1e9) / cpuNs, serverShare: serverCpuNs / cpuNs };
}

function figureOf(
  workload: Workload,
  { name: contender }: MountedContender,
  samples: readonly Sample[],
  { pin }: RoundOptions,
): BenchFigure {
  const rounds = samples.map(({ rate }) => rate);
  const latencies = samples.flatMap((sample) => sample.latencies ?? []);
  const cpu = samples.flatMap((sample) => sample.cpu ?? []);
  return {
    group: workload.group,
    name: workload.name,
    contender,
    value: median(rounds),
    unit: workload.kind === 'program' ? 'runs/s' : workload.unit,
    rounds,
    ...(cpu.length === 0
      ? {}
      : {
          cpuRounds: cpu.map(({ ratePerSecond }) => ratePerSecond),
          serverShare: median(cpu.map(({ serverShare }) => serverShare)),
        }),
    pinned: pin,
    ...(latencies.length === 0
      ? {}
      : {
          nsP50: median(latencies.map(({ nsP50 }) => nsP50)),
          nsP99: median(latencies.map(({ nsP99 }) => nsP99)),
          nsP999: median(latencies.map(({ nsP999 }) => nsP999)),
        }),
  };
}
