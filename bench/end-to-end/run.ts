/**
 * The end-to-end layer: a mounted RAM drive and its peers, used by other processes. Pinned to one CPU, in interleaved
 * rounds, medians with their range; some of it once more without pinning, which is shown apart because it cannot be
 * ranked (see bench/platform/linux.ts).
 *
 * Needs a system that can mount. What differs between Linux and Windows is in bench/platform; on Windows it has not
 * been run.
 */
import { killAllPrograms } from '../../scripts/realworld/program.js';
import type { Contender } from '../platform/contender.js';
import { PLATFORM } from '../platform/platform.js';
import { printComparisonRow } from '../print-row.js';
import { SUBJECT } from '../ratios.js';
import { type BenchFigure, type ResultFile, writeResults } from '../results.js';
import type { RunOptions } from '../run-options.js';
import { CONTENDERS, endContenders, MountedContender } from './contenders.js';
import { measureMemory } from './memory.js';
import { prepare, removePrepared } from './programs.js';
import { measure, type RoundOptions, warmUp } from './rounds.js';
import { SCALES, scaling, UNPINNED, WORKLOADS, type Workload } from './workloads.js';

const ROUNDS = 7;
const MILLISECONDS = 120;
const QUICK_ROUNDS = 3;
const QUICK_MILLISECONDS = 60;
/** Until V8 has compiled everything: the cost of a create halves during the first second. */
const WARM_UP_MS = 2000;
const QUICK_WARM_UP_MS = 600;

/** Returns the file that was written, null when nothing can be measured here. */
export async function run(options: RunOptions): Promise<string | null> {
  const reason = PLATFORM.whyNoMount() ?? PLATFORM.whyNotPinned();
  if (reason !== null) {
    console.log(`skipped: ${reason}`);
    return null;
  }
  const session = new Session(options);
  const interrupted = () => {
    killAllPrograms();
    void session.end().finally(() => process.exit(130));
  };
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    await session.run();
    return writeResults('end-to-end', session.figures, { ...options, skipped: session.skipped });
  } finally {
    await session.end();
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
  }
}

class Session {
  readonly figures: BenchFigure[] = [];
  readonly skipped: ResultFile['skipped'] = [];
  readonly #options: RunOptions;
  #mounted: MountedContender[] = [];

  constructor(options: RunOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const problem = await PLATFORM.buildPeers();
    if (problem !== null) console.log(problem);
    const wanted = this.#wanted(WORKLOADS);
    const scales = this.#options.quick ? [] : SCALES;
    if (wanted.length + this.#wanted(scales.flatMap(scaling)).length > 0) {
      await this.#mountAll(true);
      for (const workload of wanted) await this.#measure(workload, true);
      for (const files of scales) await this.#scale(files);
      await this.end();
    }
    if (this.#options.quick) return;
    const unpinned = this.#wanted(UNPINNED, 'unpinned ');
    if (unpinned.length > 0) {
      await this.#mountAll(false);
      for (const workload of unpinned) await this.#measure(workload, false);
      await this.end();
    }
    if (this.#matches('memory')) {
      const reason = PLATFORM.whyNoMemory();
      if (reason !== null) return this.#skip('memory', reason);
      const subject = CONTENDERS.find(({ name }) => name === SUBJECT)!;
      const drive = await MountedContender.start(subject, false);
      this.#mounted = [drive];
      this.figures.push(...(await measureMemory(drive)));
      await this.end();
    }
  }

  async end(): Promise<void> {
    this.#mounted = [];
    await endContenders();
    removePrepared();
  }

  #wanted<W extends Workload>(workloads: readonly W[], prefix = ''): W[] {
    return workloads.filter(
      ({ group, name, quick }) =>
        this.#matches(`${prefix}${group}: ${name}`) && (!this.#options.quick || quick === true),
    );
  }

  #matches(text: string): boolean {
    return this.#options.words.every((word) => text.includes(word));
  }

  async #mountAll(pin: boolean): Promise<void> {
    for (const contender of CONTENDERS) {
      const reason = contender.unavailable();
      if (reason === null) {
        await this.#mount(contender, pin);
      } else if (!this.skipped.some(({ what }) => what === contender.name)) {
        this.#skip(contender.name, reason);
      }
    }
  }

  /** A peer that fails is left out; without the subject there is nothing to measure. */
  async #mount(contender: Contender, pin: boolean): Promise<void> {
    try {
      const mounted = await MountedContender.start(contender, pin);
      this.#mounted.push(mounted);
      if (contender.warmsUp) await warmUp(mounted, this.#options.quick ? QUICK_WARM_UP_MS : WARM_UP_MS, pin);
    } catch (error) {
      if (contender.name === SUBJECT) throw error;
      this.#skip(contender.name, (error as Error).message);
    }
  }

  async #measure(workload: Workload, pin: boolean): Promise<void> {
    const leftOut = PLATFORM.whyLeftOut(workload);
    if (leftOut !== null) return this.#skip(`${workload.group}: ${workload.name}`, leftOut);
    if (workload.kind === 'program') {
      const reason = await prepare(workload.program);
      if (reason !== null) return this.#skip(workload.name, reason);
    }
    const quick = this.#options.quick;
    const rounds: RoundOptions = {
      rounds: quick ? QUICK_ROUNDS : ROUNDS,
      milliseconds: quick ? QUICK_MILLISECONDS : MILLISECONDS,
      pin,
      onFailure: ({ name }, { group, name: what }, error) =>
        this.#skip(`${group}: ${what}, ${name}`, error.message.split('\n').slice(0, 2).join(' ')),
    };
    const figures = await measure(workload, this.#mounted, rounds);
    printComparisonRow(figures);
    this.figures.push(...figures);
  }

  /**
   * Directories stay until the contender goes: to delete a million names one by one would take longer than to measure
   * them.
   */
  async #scale(files: number): Promise<void> {
    for (const workload of this.#wanted(scaling(files))) await this.#measure(workload, true);
  }

  #skip(what: string, reason: string): void {
    console.log(`skipped: ${what}: ${reason}`);
    this.skipped.push({ what, reason });
  }
}
