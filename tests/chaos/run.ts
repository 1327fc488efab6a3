/**
 * One run, from the drive's start to its end: workers, faults, quiescent points every few seconds, figures. It ends at
 * the first finding, or when the time is over, or when every worker has done its operations.
 *
 * Runs in the driver's process and never touches the tortured file system itself.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AwakeClock } from './awake-clock.js';
import { Board } from './board.js';
import { type FaultContext, type FaultEvent, Faults, impossibleFaults } from './faults.js';
import type { Claims, Finding, WorkerInput } from './messages.js';
import { Moments } from './moments.js';
import type { ChaosOptions, FaultKind } from './options.js';
import type { Limits } from './perform.js';
import { AuditorProcess, WorkerProcess } from './processes.js';
import type { ProfileShares } from './profile.js';
import { type Context, examine, finding, type Quiescences } from './quiescence.js';
import { type CpuSeconds, cpuSecondsOf, Sampler, type Totals } from './sampler.js';
import { Target } from './target.js';
import { Thinned } from './thinned.js';

const QUIESCENT_EVERY_MS = 5000;
/** Quiescent points hash one file in so many; the last one all. */
const HASHED_ONE_IN = 8;
/** So many quiescent points for each moment, with --moments. */
const MOMENT_ONE_IN = 2;
/** Longer files would only make fewer operations of the same time. */
const MAX_FILE_BYTES = 1024 * 1024;
/** An operation that takes longer hangs; the time in which the run itself was stopped does not count. */
const HANG_LIMIT_MS = 60_000;
/** When the drive is killed with --kill-drive: so often, evenly over the run. */
const DRIVE_KILLS = 3;
/** So many faults are kept with their moment; all of them are counted. */
const MAX_FAULT_EVENTS = 1200;

export interface RunResult {
  findings: Finding[];
  seconds: number;
  samples: Sampler['samples'];
  totals: Totals;
  quiescences: Quiescences;
  /** How often each kind befell the run. */
  faults: Readonly<Record<string, number>>;
  /** With their moments; of a long run some of them only. */
  faultEvents: readonly FaultEvent[];
  impossible: string[];
  unsupported: string[];
  target: string;
  isDrive: boolean;
  refusals: number;
  driveKills: { atSeconds: number; remountMs: number }[];
  /** How often there was which; null without --moments. */
  moments: Readonly<Record<string, number>> | null;
  capacityBytes: number;
  kernelCache: boolean | null;
  /** Where the time of one worker went; only when it was asked for. */
  profile: ProfileShares | null;
  /** Of the processes that lived at the end. */
  cpuSeconds: Readonly<Record<string, CpuSeconds>>;
}

/** What is tried on which target. */
interface Plan {
  target: string;
  /** The wanted kinds of faults that cannot be had, with the reason. */
  impossible: string[];
  kinds: FaultKind[];
}

export function faultCount({ faults }: Pick<RunResult, 'faults'>): number {
  return Object.values(faults).reduce((sum, count) => sum + count, 0);
}

export type LiveFigures = {
  seconds: number;
  totals: Totals;
  used: string | null;
  faults: number;
  findings: number;
};

export class Run {
  readonly #options: ChaosOptions;
  readonly #evidence: string;
  readonly #refuseMemoryFlag: string;
  readonly #findings: Finding[] = [];
  readonly #faultEvents = new Thinned<FaultEvent>(MAX_FAULT_EVENTS);
  readonly #faultCounts: Record<string, number> = {};
  readonly #quiescences: Quiescences = { count: 0, milliseconds: 0, entries: 0, hashedBytes: 0, last: null };
  readonly #driveKills: RunResult['driveKills'] = [];
  readonly #unsupported = new Set<string>();
  readonly #over = new AbortController();
  #workers: WorkerProcess[] = [];
  #doneWorkers = new Set<number>();
  #target!: Target;
  #auditor!: AuditorProcess;
  #board!: Board;
  #sampler!: Sampler;
  #context!: Context;
  #moments: Moments | null = null;
  #limits!: Limits;
  #begunMs = 0;
  #round = 0;
  #refusals = 0;
  #profile: ProfileShares | null = null;
  #cpuSeconds: Record<string, CpuSeconds> = {};
  /** The drive is being killed: clients that lose it are no finding. */
  #driveDying = false;
  #goneWorkers = new Set<number>();
  readonly #clock = new AwakeClock();
  /** Each worker's operation, known by its beginning, and since when it has been seen under way. */
  readonly #underWay = new Map<number, { startedMs: number; sinceMs: number }>();

  constructor(
    options: ChaosOptions,
    /** An existing directory outside of the drive: journals, the board. */
    evidence: string,
  ) {
    this.#options = options;
    this.#evidence = evidence;
    this.#refuseMemoryFlag = join(evidence, 'refuse-memory');
  }

  get live(): LiveFigures {
    const ledger = this.#sampler?.samples.at(-1)?.ledger ?? null;
    return {
      seconds: this.#seconds(),
      totals: this.#sampler.totals(),
      used:
        ledger === null ? null : `${Math.round((100 * ledger.reservedBytes) / ledger.capacityBytes)} % used`,
      faults: faultCount({ faults: this.#faultCounts }),
      findings: this.#findings.length,
    };
  }

  /** Ends the run early, in order. */
  stop(): void {
    this.#over.abort();
  }

  async run(onBegin: () => void = () => {}): Promise<RunResult> {
    let orderly = false;
    let plan: Plan;
    try {
      await this.#begin();
      onBegin();
      plan = this.#planFaults();
      const faults = new Faults(this.#faultContext(), plan.kinds, this.#options.seed);
      const sampling = this.#sample();
      await this.#torture(faults);
      this.#over.abort();
      await sampling;
      await this.#noteCpuSeconds();
      await this.#finish();
      orderly = this.#findings.length === 0;
      if (!orderly) {
        await this.#keepEvidence();
      }
    } finally {
      this.#over.abort();
      await this.#end(orderly);
    }
    const status = this.#context.before;
    return {
      findings: this.#findings,
      seconds: this.#seconds(),
      samples: this.#sampler.samples,
      totals: this.#sampler.totals(),
      quiescences: this.#quiescences,
      faults: this.#faultCounts,
      faultEvents: this.#faultEvents.entries,
      impossible: plan.impossible,
      unsupported: [...this.#unsupported],
      target: plan.target,
      isDrive: status !== null,
      refusals: this.#refusals,
      driveKills: this.#driveKills,
      moments: this.#moments?.counts ?? null,
      capacityBytes: this.#limits.capacityBytes,
      kernelCache: status?.kernelCache ?? null,
      profile: this.#profile,
      cpuSeconds: this.#cpuSeconds,
    };
  }

  async #begin(): Promise<void> {
    const { path, capacityBytes, mountOptions, lateAnswers, workers } = this.#options;
    this.#target =
      path === null
        ? await Target.mount({
            capacityBytes,
            mountOptions,
            lateAnswers,
            refuseMemoryFlag: this.#refuseMemoryFlag,
          })
        : await Target.existing(path);
    this.#auditor = new AuditorProcess();
    this.#board = await Board.open(join(this.#evidence, 'board'), workers);
    this.#sampler = new Sampler(this.#board);
    await this.#populate();
    if (this.#options.moments && this.#target.isOwn) {
      const { seed } = this.#options;
      const [target, auditor, workers] = [this.#target, this.#auditor, this.#workers];
      this.#moments = new Moments({ target, auditor, workers, directory: this.#evidence }, seed);
    }
    this.#begunMs = performance.now();
  }

  /** Everything on an empty drive: what is shared, and a worker each. */
  async #populate(): Promise<void> {
    const target = this.#target;
    const status = target.isDrive ? await target.status() : null;
    const capacityBytes = status?.capacityBytes ?? Number.POSITIVE_INFINITY;
    const { workers, seed } = this.#options;
    const share =
      Math.min(status?.freeBytes ?? Number.POSITIVE_INFINITY, this.#options.capacityBytes) / workers;
    this.#limits = {
      capacityBytes,
      pageSizeBytes: status?.pageSizeBytes ?? 4096,
      // Some forty files a worker, of about a third of this length: many workers get the drive nearly full by
      // themselves.
      fileMostBytes: Math.max(64 * 1024, Math.min(MAX_FILE_BYTES, Math.floor(share / 16))),
    };
    this.#context = {
      target,
      auditor: this.#auditor,
      board: this.#board,
      workers: this.#workers,
      seed,
      shared: this.#shared,
      baseline: status === null ? null : { reservedBytes: status.reservedBytes, files: status.files },
      pageSizeBytes: status?.pageSizeBytes ?? null,
      before: null,
    };
    try {
      await this.#auditor.ask({ type: 'prepare', root: target.root, seed, workers, shared: this.#shared });
    } catch (error) {
      this.#report(finding(`the first files could not be made: ${(error as Error).message}`));
      return;
    }
    const ids =
      this.#options.replay === null
        ? Array.from({ length: workers }, (_, worker) => worker)
        : [this.#options.replay.worker];
    for (const worker of ids) {
      this.#workers.push(new WorkerProcess(this.#input(worker), this.#events));
    }
    await this.#untilOver(Promise.all(this.#workers.map(({ started }) => started)));
  }

  get #shared(): boolean {
    return this.#options.replay === null;
  }

  #input(worker: number): WorkerInput {
    const { workers, seed, operations } = this.#options;
    return {
      worker,
      workers,
      incarnation: 0,
      seed,
      root: this.#target.root,
      journalDirectory: join(this.#evidence, `worker-${worker}`),
      boardPath: join(this.#evidence, 'board'),
      limits: this.#limits,
      shared: this.#shared,
      operations,
      only: this.#options.replay?.indexes ?? null,
      profile: this.#options.profile && worker === 0,
    };
  }

  readonly #events = {
    onFinding: (found: Finding) => this.#report(found),
    onGone: (worker: number, message: string) => {
      this.#goneWorkers.add(worker);
      if (!this.#driveDying) {
        this.#report(finding(`worker ${worker}: ${message}. ${this.#target.errorOutput}`, worker));
      }
    },
    onDone: (worker: number) => {
      this.#doneWorkers.add(worker);
      if (this.#doneWorkers.size === this.#workers.length) {
        this.#over.abort();
      }
    },
    onDeath: (worker: number, how: string) => {
      // A mapping of a dead drive's file ends its process.
      this.#goneWorkers.add(worker);
      if (!this.#driveDying) {
        this.#report(finding(`worker ${worker} died: ${how}`, worker));
      }
    },
  };

  #report(found: Finding): void {
    this.#findings.push({ ...found, atSeconds: this.#seconds() });
    this.#over.abort();
  }

  #planFaults(): Plan {
    const impossible = impossibleFaults(this.#options.faults, this.#target);
    return {
      target: this.#target.describe(),
      impossible: [...impossible].map(([kind, reason]) => `${kind}: ${reason}`),
      kinds: this.#options.faults.filter((kind) => !impossible.has(kind)),
    };
  }

  #faultContext(): FaultContext {
    return {
      target: this.#target,
      auditor: this.#auditor,
      workers: this.#workers,
      refuseMemoryFlag: this.#refuseMemoryFlag,
    };
  }

  /** Faults and quiescent points in turn, until the time is over. */
  async #torture(faults: Faults): Promise<void> {
    const { durationSeconds, operations, killDrive } = this.#options;
    const endMs = operations === null ? this.#begunMs + durationSeconds * 1000 : Number.POSITIVE_INFINITY;
    let kills = 0;
    while (!this.#over.signal.aborted && performance.now() < endMs) {
      const restMs = Math.min(performance.now() + QUIESCENT_EVERY_MS, endMs);
      await this.#strikeUntil(faults, restMs);
      if (this.#over.signal.aborted) {
        return;
      }
      await this.#quiesce(HASHED_ONE_IN);
      const due = ((performance.now() - this.#begunMs) / 1000 / durationSeconds) * (DRIVE_KILLS + 1);
      if (killDrive && this.#target.isOwn && due >= kills + 1 && kills < DRIVE_KILLS) {
        kills++;
        await this.#killDrive();
      }
    }
  }

  async #strikeUntil(faults: Faults, untilMs: number): Promise<void> {
    const ending = new AbortController();
    const ended = ending.signal;
    const end = () => ending.abort();
    const timer = setTimeout(end, untilMs - performance.now());
    this.#over.signal.addEventListener('abort', end);
    while (!ended.aborted) {
      await sleep(faults.none ? 1000 : faults.gapMs(), null, { signal: ended }).catch(() => {});
      if (!ended.aborted && !faults.none) {
        const atSeconds = this.#seconds();
        try {
          this.#noteFault({ atSeconds, ...(await faults.strike(ended)) });
        } catch (error) {
          this.#report(finding(`a fault could not be made: ${String(error)}`));
        }
      }
      this.#watchForHangs();
    }
    clearTimeout(timer);
    this.#over.signal.removeEventListener('abort', end);
    await faults.undo();
  }

  #watchForHangs(): void {
    for (const { worker, stopped } of this.#workers) {
      const { startedMs, index } = this.#board.figures(worker);
      const seen = this.#underWay.get(worker);
      if (stopped || startedMs === 0 || seen?.startedMs !== startedMs) {
        this.#underWay.set(worker, { startedMs, sinceMs: this.#clock.nowMs });
      } else if (this.#clock.nowMs - seen.sinceMs > HANG_LIMIT_MS) {
        this.#report(
          finding(
            `worker ${worker} has been in operation ${index} for more than ${HANG_LIMIT_MS / 1000} s`,
            worker,
          ),
        );
      }
    }
  }

  /** All rest; everything is compared; at the end nobody goes on. */
  async #quiesce(hashedOneIn: number, goOn = true): Promise<void> {
    const begunMs = performance.now();
    const round = ++this.#round;
    await this.#untilOver(Promise.all(this.#workers.map(({ started }) => started)));
    const resting = Promise.all(this.#workers.map((worker) => worker.pause(round, hashedOneIn)));
    const claims = await this.#withinHangLimit(resting);
    if (claims === null || this.#findings.length > 0) {
      return;
    }
    const examined = await this.#withinHangLimit(examine(this.#context, claims));
    if (examined === null) {
      return;
    }
    const { findings, audit, status } = examined;
    for (const found of findings) {
      this.#report(found);
    }
    this.#note(claims);
    this.#context.before = status;
    const { entries, hashedBytes } = audit;
    this.#quiescences.count++;
    this.#quiescences.milliseconds += performance.now() - begunMs;
    this.#quiescences.entries += entries;
    this.#quiescences.hashedBytes += hashedBytes;
    this.#quiescences.last = { entries, hashedBytes };
    if (findings.length > 0 || !goOn) {
      return;
    }
    const isReplaced = round % MOMENT_ONE_IN === 0 && (await this.#nextMoment());
    if (!isReplaced && this.#findings.length === 0) {
      for (const worker of this.#workers) {
        worker.resume();
      }
    }
  }

  /** Whether the workers have successors, which work already. */
  async #nextMoment(): Promise<boolean> {
    if (this.#moments === null) {
      return false;
    }
    // A reload is no loss of the drive.
    this.#driveDying = true;
    try {
      const { problems, replaced, reloaded } = await this.#moments.next();
      for (const problem of problems) {
        this.#report(finding(problem));
      }
      if (reloaded) {
        this.#context.before = null;
      }
      return replaced;
    } catch (error) {
      this.#report(finding(`a moment failed: ${String(error)}`));
      return false;
    } finally {
      this.#driveDying = false;
    }
  }

  #noteFault(event: FaultEvent): void {
    this.#faultEvents.push(event);
    this.#faultCounts[event.kind] = (this.#faultCounts[event.kind] ?? 0) + 1;
  }

  async #noteCpuSeconds(): Promise<void> {
    const of = async (name: string, pids: readonly number[]) => {
      this.#cpuSeconds[name] = await cpuSecondsOf(pids);
    };
    const drive = this.#target.pid;
    await of('drive', drive === null ? [] : [drive]);
    await of(
      'clients',
      this.#workers.map(({ pid }) => pid),
    );
    await of('auditor', [this.#auditor.pid]);
    await of('driver', [process.pid]);
  }

  #note(claims: readonly Claims[]): void {
    this.#refusals = claims.reduce((sum, { refusals }) => sum + refusals, 0);
    for (const { unsupported, profile } of claims) {
      this.#profile = profile ?? this.#profile;
      for (const what of unsupported) {
        this.#unsupported.add(what);
      }
    }
  }

  /** null when a worker gave no answer: then there is a finding. */
  async #withinHangLimit<T>(promise: Promise<T>, evenAfterFindings = false): Promise<T | null> {
    const endMs = this.#clock.nowMs + HANG_LIMIT_MS;
    let timer: NodeJS.Timeout | undefined;
    const ended = new Promise<'late' | 'failed'>((resolve) => {
      timer = setInterval(() => {
        if (!evenAfterFindings && this.#findings.length > 0) {
          resolve('failed');
        } else if (this.#clock.nowMs > endMs) {
          resolve('late');
        }
      }, 50);
    });
    const result = await Promise.race([promise, ended]);
    clearInterval(timer);
    if (result === 'late') {
      this.#report(
        finding(`neither the workers nor the drive come to rest within ${HANG_LIMIT_MS / 1000} s`),
      );
    }
    return result === 'late' || result === 'failed' ? null : result;
  }

  /**
   * A volatile volume promises nothing of its contents, but errors instead of hangs, and a place that can be used
   * again.
   */
  async #killDrive(): Promise<void> {
    this.#driveDying = true;
    this.#goneWorkers.clear();
    const atSeconds = this.#seconds();
    // In the middle of their calls.
    await sleep(200);
    this.#target.process!.kill('SIGKILL');
    const begunMs = performance.now();
    while (this.#goneWorkers.size < this.#workers.length && performance.now() - begunMs < HANG_LIMIT_MS) {
      await sleep(20);
    }
    const hanging = this.#workers.length - this.#goneWorkers.size;
    if (hanging > 0) {
      this.#report(finding(`${hanging} clients hang after their drive was killed`));
    }
    await Promise.all(this.#workers.map((worker) => worker.end()));
    this.#auditor.end();
    this.#auditor = new AuditorProcess();
    const remountBegunMs = performance.now();
    await this.#target.remount();
    this.#driveKills.push({ atSeconds, remountMs: performance.now() - remountBegunMs });
    this.#noteFault({ atSeconds, kind: 'kill-drive', detail: '' });
    this.#workers.length = 0;
    this.#board.sharedTable().clear();
    this.#driveDying = false;
    await this.#populate();
  }

  async #sample(): Promise<void> {
    while (!this.#over.signal.aborted) {
      await sleep(1000, null, { signal: this.#over.signal }).catch(() => {});
      if (this.#driveDying) {
        continue;
      }
      const status = this.#target.isDrive ? await this.#target.status().catch(() => null) : null;
      await this.#sampler.take(
        this.#seconds(),
        status,
        this.#workers.map(({ pid }) => pid),
        this.#auditor.pid,
      );
    }
  }

  /** The last quiescent point: everything is hashed, and the free space is tried out. */
  async #finish(): Promise<void> {
    if (this.#findings.length > 0) {
      return;
    }
    await this.#quiesce(1, false);
    if (this.#findings.length > 0 || !this.#target.isOwn) {
      return;
    }
    const problems = (await this.#moments?.end()) ?? [];
    for (const wrong of problems) {
      this.#report(finding(wrong));
    }
    const problem = await this.#auditor.ask<string | null>({
      type: 'probe',
      root: this.#target.root,
      pageSizeBytes: this.#limits.pageSizeBytes,
    });
    if (problem !== null) {
      this.#report(finding(`free space at the end: ${problem}`));
    }
  }

  /** While the drive still lives: the file that is wrong, and what the drive says of itself. */
  async #keepEvidence(): Promise<void> {
    if (this.#target.isDrive) {
      const status = await this.#target.status().catch((error: unknown) => String(error));
      writeFileSync(join(this.#evidence, 'status.json'), `${JSON.stringify(status, null, 2)}\n`);
    }
    const found = this.#findings.find(({ details }) => details.path !== undefined);
    const { worker, details } = found ?? {};
    if (details?.path === undefined) {
      return;
    }
    // Workers name files within their own directory, the auditor within the drive.
    const names = [details.path, `worker-${worker}/${details.path}`];
    const paths = names.map((name) => join(this.#target.root, name));
    await this.#withinHangLimit(
      this.#auditor.ask({ type: 'copy', paths, to: join(this.#evidence, 'wrong-file') }).catch(() => {}),
      true,
    );
  }

  async #end(orderly: boolean): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.end()));
    try {
      if (orderly) {
        await this.#leaveClean();
      }
    } catch (error) {
      this.#report(finding(`the end of the run: ${error instanceof Error ? error.message : String(error)}`));
    } finally {
      // What keeps this process alive, as far as there is any: of a run that could not begin there is only a part.
      this.#clock.stop();
      await this.#target?.abandon();
      this.#auditor?.end();
      this.#board?.close();
    }
  }

  /** Everything is removed; then nothing may be reserved, held or open, and the drive's process ends with 0. */
  async #leaveClean(): Promise<void> {
    const target = this.#target;
    if (!target.isOwn) {
      await this.#auditor.ask({ type: 'remove', paths: [target.root] });
      return;
    }
    const names = [...this.#workers.map(({ worker }) => `worker-${worker}`), 'churn', 'shared'];
    await this.#auditor.ask({ type: 'remove', paths: names.map((name) => join(target.root, name)) });
    let status = await target.status();
    for (let tries = 0; tries < 100 && (status.reservedBytes > 0 || status.files > 0); tries++) {
      await sleep(50);
      status = await target.status();
    }
    const { reservedBytes, allocatedBytes, files } = status;
    if (reservedBytes > 0 || allocatedBytes > 0 || files > 0) {
      this.#report(
        finding(
          `NoPageLeak: when all was removed, ${reservedBytes} bytes are reserved, ${allocatedBytes} held, ${files} files left`,
        ),
      );
    }
    const { violations } = await target.selfCheck();
    for (const violation of violations) {
      this.#report(finding(`self-check at the end: ${violation}`));
    }
    const code = await target.unmount();
    if (code !== 0) {
      this.#report(finding(`the drive's process ended with ${code}: ${target.errorOutput}`));
    }
  }

  #seconds(): number {
    return this.#begunMs === 0 ? 0 : (performance.now() - this.#begunMs) / 1000;
  }

  async #untilOver(promise: Promise<unknown>): Promise<void> {
    await this.#withinHangLimit(promise);
  }
}
