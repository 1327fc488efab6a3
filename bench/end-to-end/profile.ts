/**
 * `--profile`: where the serving process's time goes, per workload, by perf's samples: kernel, copies, koffi, V8 and
 * Node, compiled JavaScript, the C library. Writes docs/data/profile.json, which docs/performance.md explains. The C
 * file system on the same library is sampled as well: what both spend alike is not the language's.
 *
 * Needs perf and the right to use it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { compactJson } from '../../scripts/compact-json.js';
import { hasProgram, must, runProgram } from '../../scripts/realworld/program.js';
import { writeProfileTable } from '../report/profile-table.js';
import { provenance } from '../results.js';
import { CONTENDERS, endContenders, MountedContender } from './contenders.js';
import { runClient, warmUp } from './rounds.js';
import { type ClientWorkload, WORKLOADS } from './workloads.js';

const PROFILED: readonly [group: string, name: string][] = [
  ['random read, direct', '4 KiB'],
  ['random write, direct', '4 KiB'],
  ['sequential read, direct', '1 MiB'],
  ['sequential write, direct', '1 MiB'],
  ['names', 'create, write 4 KiB, close, stat, unlink'],
  ['names', 'open, close'],
  ['names', 'list 100,000 entries'],
];
const SERVERS = ['ramdrive', 'c-winfsp'];
const MILLISECONDS = 3000;
const WARM_UP_MS = 2000;
const SAMPLES_A_SECOND = 4999;
export const PROFILE_FILE = path.join('docs', 'data', 'profile.json');

type Part = 'kernel' | 'copy' | 'koffi' | 'V8 and Node.js' | 'JavaScript' | 'C library' | 'libc' | 'other';

export interface Profile {
  group: string;
  name: string;
  server: string;
  clientCpuUsPerOperation: number;
  serverCpuUsPerOperation: number;
  /** Percent of the server's samples. */
  parts: Partial<Record<Part, number>>;
  /** The symbols that are sampled most, with their percentages. */
  top: Record<string, number>;
}

export type ProfileFile = ReturnType<typeof provenance> & { profiles: Profile[] };

/** Returns the files that were written. */
export async function profile(): Promise<string[]> {
  if (!hasProgram('perf')) throw new Error('perf is not installed (Debian: linux-perf)');
  const folder = mkdtempSync(path.join(os.tmpdir(), 'ramdrive-bench-perf-'));
  const profiles: Profile[] = [];
  try {
    for (const name of SERVERS) {
      const contender = CONTENDERS.find((one) => one.name === name)!;
      const mounted = await MountedContender.start(contender, true, [
        '--perf-basic-prof',
        '--interpreted-frames-native-stack',
        `--logfile=${path.join(folder, 'v8.log')}`,
      ]);
      if (contender.warmsUp) await warmUp(mounted, WARM_UP_MS, true);
      for (const [group, what] of PROFILED) {
        const workload = WORKLOADS.find((one) => one.group === group && one.name === what) as ClientWorkload;
        const one = await profileOf(workload, mounted, path.join(folder, 'perf.data'));
        console.log(JSON.stringify(one));
        profiles.push(one);
      }
      await mounted.end();
    }
  } finally {
    await endContenders();
    rmSync(folder, { recursive: true, force: true });
  }
  const content: ProfileFile = { ...provenance('npm run bench -- --profile'), profiles };
  writeFileSync(PROFILE_FILE, compactJson(content));
  return [PROFILE_FILE, writeProfileTable(content)];
}

async function profileOf(
  workload: ClientWorkload,
  mounted: MountedContender,
  data: string,
): Promise<Profile> {
  // Directories and files are made before the recording begins.
  await runClient(workload, mounted, MILLISECONDS / 3, true);
  const recording = runProgram('perf', [
    'record',
    '-q',
    '-F',
    String(SAMPLES_A_SECOND),
    '-p',
    String(mounted.child!.pid),
    '-o',
    data,
    '--',
    'sleep',
    String((MILLISECONDS / 1000) * 0.8),
  ]);
  const sample = await runClient({ ...workload, unit: 'operations/s' }, mounted, MILLISECONDS, true);
  const { code, stderr } = await recording;
  if (code !== 0) throw new Error(`perf record: ${stderr.trim()}`);
  const report = await must('perf', [
    'report',
    '-i',
    data,
    '--no-children',
    '-g',
    'none',
    '-F',
    'overhead,dso,symbol',
    '--stdio',
    '-t',
    '\t',
  ]);
  const parts: Partial<Record<Part, number>> = {};
  const top: Record<string, number> = {};
  for (const line of report.split('\n')) {
    const [overhead, dso, symbol] = line.split('\t').map((field) => field.trim());
    const percent = Number.parseFloat(overhead ?? '');
    if (dso === undefined || symbol === undefined || Number.isNaN(percent)) continue;
    const part = partOf(dso, symbol);
    parts[part] = Number(((parts[part] ?? 0) + percent).toFixed(2));
    if (Object.keys(top).length < 12)
      top[
        `${part}: ${symbol.replace(/^\[.\] /, '').replace(/(file:)?\/\S*\/(?=dist\/|node_modules\/)/, '')}`
      ] = percent;
  }
  const { ratePerSecond, serverShare } = sample.cpu!;
  const perOperation = 1e6 / ratePerSecond;
  return {
    group: workload.group,
    name: workload.name,
    server: mounted.name,
    clientCpuUsPerOperation: Number((perOperation * (1 - serverShare)).toFixed(2)),
    serverCpuUsPerOperation: Number((perOperation * serverShare).toFixed(2)),
    parts,
    top,
  };
}

/** By the file a sample was in, and for copies by the function. */
export function partOf(dso: string, symbol: string): Part {
  const copies =
    /mem(cpy|move|set)|copy_(user|page|to_iter|from_iter|mc)|rep_movs|clear_page|fuse_copy_do|_copy_(to|from)_iter/.test(
      symbol,
    );
  if (dso.includes('kernel')) return copies ? 'copy' : 'kernel';
  if (/^libc[.-]/.test(dso)) return copies ? 'copy' : 'libc';
  if (dso.includes('koffi')) return 'koffi';
  if (dso.startsWith('[JIT]') || dso.startsWith('perf-')) return 'JavaScript';
  if (dso === 'node') return 'V8 and Node.js';
  return /winfsp|fuse|^memfs$/.test(dso) ? 'C library' : 'other';
}
