/**
 * The command line of `npm run chaos`. A wrong value is refused with its option, what was given and what was expected.
 */
import { parseArgs } from 'node:util';
import { parseSize } from '../../src/drive/config/sizes.js';

export const FAULT_KINDS = ['kill', 'stop', 'stop-drive', 'fill', 'refuse-memory', 'forget'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface ChaosOptions {
  durationSeconds: number;
  /** Ends a run after so many operations of each worker instead. */
  operations: number | null;
  workers: number;
  seed: number;
  capacityBytes: number;
  /** An existing directory, on any file system; null: a drive of our own. */
  path: string | null;
  report: string | null;
  summary: string | null;
  record: string | null;
  faults: readonly FaultKind[];
  killDrive: boolean;
  /** Snapshots, rollbacks, saves and reloads between the operations. */
  moments: boolean;
  lateAnswers: boolean;
  shrink: boolean;
  profile: boolean;
  /** Only these operations of one worker, alone. */
  replay: { worker: number; indexes: readonly number[] } | null;
  /** More options of `ramdrive mount`, after `--`. */
  mountOptions: readonly string[];
}

export class BadInput extends Error {}

export const HELP = `npm run chaos -- [options] [-- <more options of "ramdrive mount">]

  --duration <time>     how long, such as 30s, 10m or 2h (default 1m)
  --operations <n>      instead: how many operations each worker does
  --workers <n>         client processes, 1 to 256 (default 8)
  --seed <n>            repeats the operations of another run (default: a new one)
  --capacity <size>     of the drive (default 512M)
  --path <directory>    torture an existing directory instead of a drive of its own
  --faults <list>       of ${FAULT_KINDS.join(', ')}; or all, or none (default all)
  --moments             also take snapshots, roll back, save, and mount again what was saved
  --kill-drive          also kill the drive, and mount it again
  --late-answers        of a drive that answers late and out of order (its async dispatcher)
  --no-shrink           after a failure, don't look for a shorter way to it
  --replay <w>:<i,j,…>  only these operations of one worker, alone
  --report <file.html>  what happened, as a page
  --record <file.json>  all figures, for programs
  --profile             one worker also profiles itself for some seconds; see the record
  --summary <file.md>   replaces the summary between two markers of a Markdown file
`;

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };
const MAX_WORKERS = 256;
const MIN_CAPACITY_BYTES = 16 * 1024 * 1024;

export function parseOptions(args: readonly string[]): ChaosOptions | 'help' {
  const dash = args.indexOf('--');
  const own = dash < 0 ? args : args.slice(0, dash);
  const values = parse(own);
  if (values.help) {
    return 'help';
  }
  const workers = whole('--workers', values.workers, 1, MAX_WORKERS);
  const capacityBytes = parseSize(values.capacity);
  if (capacityBytes === null || capacityBytes < MIN_CAPACITY_BYTES) {
    throw new BadInput(
      `--capacity: expected a size of at least 16M, such as 512M, got "${values.capacity}".`,
    );
  }
  if (values.moments && (values.path !== undefined || values['late-answers'] || values['kill-drive'])) {
    throw new BadInput(
      '--moments: expected a drive of the run, so without --path, --late-answers, --kill-drive.',
    );
  }
  return {
    durationSeconds: seconds(values.duration),
    operations: values.operations === undefined ? null : whole('--operations', values.operations, 1, 2 ** 31),
    workers,
    seed:
      values.seed === undefined
        ? Math.floor(Math.random() * 2 ** 32)
        : whole('--seed', values.seed, 0, Number.MAX_SAFE_INTEGER),
    capacityBytes,
    path: values.path ?? null,
    report: values.report ?? null,
    summary: values.summary ?? null,
    record: values.record ?? null,
    faults: faults(values.faults),
    killDrive: values['kill-drive'],
    moments: values.moments,
    lateAnswers: values['late-answers'],
    shrink: !values['no-shrink'],
    profile: values.profile,
    replay: values.replay === undefined ? null : replay(values.replay, workers),
    mountOptions: dash < 0 ? [] : args.slice(dash + 1),
  };
}

/** The command line that does the same again. */
export function commandOf(options: ChaosOptions): string {
  const parts = ['npm run chaos --'];
  parts.push(
    options.operations === null
      ? `--duration ${options.durationSeconds}s`
      : `--operations ${options.operations}`,
  );
  parts.push(`--workers ${options.workers} --seed ${options.seed} --capacity ${options.capacityBytes}`);
  if (options.path !== null) {
    parts.push(`--path '${options.path}'`);
  }
  if (options.faults.length !== FAULT_KINDS.length) {
    parts.push(`--faults ${options.faults.join(',') || 'none'}`);
  }
  if (options.replay !== null) {
    parts.push(`--replay ${options.replay.worker}:${options.replay.indexes.join(',')}`);
  }
  if (options.moments) {
    parts.push('--moments');
  }
  if (options.killDrive) {
    parts.push('--kill-drive');
  }
  if (options.lateAnswers) {
    parts.push('--late-answers');
  }
  if (options.profile) {
    parts.push('--profile');
  }
  if (options.mountOptions.length > 0) {
    parts.push(`-- ${options.mountOptions.join(' ')}`);
  }
  return parts.join(' ');
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        duration: { type: 'string', default: '1m' },
        operations: { type: 'string' },
        workers: { type: 'string', default: '8' },
        seed: { type: 'string' },
        capacity: { type: 'string', default: '512M' },
        path: { type: 'string' },
        faults: { type: 'string', default: 'all' },
        'kill-drive': { type: 'boolean', default: false },
        moments: { type: 'boolean', default: false },
        'late-answers': { type: 'boolean', default: false },
        'no-shrink': { type: 'boolean', default: false },
        profile: { type: 'boolean', default: false },
        replay: { type: 'string' },
        report: { type: 'string' },
        summary: { type: 'string' },
        record: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new BadInput(`${(error as Error).message} (--help shows the options)`);
  }
}

function whole(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new BadInput(`${option}: expected a whole number from ${least} to ${most}, got "${text}".`);
  }
  return value;
}

function seconds(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([smh])$/.exec(text);
  const value = match === null ? 0 : Number(match[1]) * UNIT_SECONDS[match[2]!]!;
  if (value <= 0) {
    throw new BadInput(`--duration: expected a time such as 30s, 10m or 2h, got "${text}".`);
  }
  return value;
}

function faults(text: string): FaultKind[] {
  if (text === 'all' || text === 'none') {
    return text === 'all' ? [...FAULT_KINDS] : [];
  }
  return text.split(',').map((word) => {
    const kind = FAULT_KINDS.find((known) => known === word);
    if (kind === undefined) {
      throw new BadInput(
        `--faults: expected all, none, or some of ${FAULT_KINDS.join(', ')}, got "${word}".`,
      );
    }
    return kind;
  });
}

function replay(text: string, workers: number): { worker: number; indexes: readonly number[] } {
  const match = /^(\d+):(\d+(?:,\d+)*)$/.exec(text);
  if (match === null || Number(match[1]) >= workers) {
    throw new BadInput(
      `--replay: expected a worker below ${workers} and indexes of its operations, such as 3:17,18,40, got "${text}".`,
    );
  }
  return { worker: Number(match[1]), indexes: match[2]!.split(',').map(Number) };
}
