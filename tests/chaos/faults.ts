/**
 * What befalls a run, at moments and with victims that the seed decides: clients killed or stopped in mid-call, the
 * drive stopped, the drive filled to its last pages, memory refused by the system, the kernel made to forget names.
 *
 * None of them may make anything wrong: a killed client leaves what it had been told was done, a stopped drive makes
 * others wait.
 */
import { accessSync, constants, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultKind } from './options.js';
import type { AuditorProcess, WorkerProcess } from './processes.js';
import { hashOf, Random } from './random.js';
import type { Target } from './target.js';

const DROP_CACHES = '/proc/sys/vm/drop_caches';

export interface FaultContext {
  target: Target;
  auditor: AuditorProcess;
  workers: readonly WorkerProcess[];
  refuseMemoryFlag: string;
}

export interface FaultEvent {
  atSeconds: number;
  kind: FaultKind | 'kill-drive';
  detail: string;
}

/** Which of the wanted kinds cannot be had here, with the reason. */
export function impossibleFaults(kinds: readonly FaultKind[], target: Target): Map<FaultKind, string> {
  const reasons = new Map<FaultKind, string>();
  const without = (kind: FaultKind, reason: string) => {
    if (kinds.includes(kind)) {
      reasons.set(kind, reason);
    }
  };
  if (process.platform === 'win32') {
    without('stop', 'Windows has no SIGSTOP');
    without('stop-drive', 'Windows has no SIGSTOP');
    without('forget', 'Windows has no drop_caches');
  } else {
    try {
      accessSync(DROP_CACHES, constants.W_OK);
    } catch {
      without('forget', `${DROP_CACHES} may not be written here`);
    }
  }
  if (target.pid === null) {
    without('stop-drive', 'no drive of this project is behind the path');
  }
  if (target.options?.lateAnswers) {
    without('refuse-memory', 'the drive with late answers does not know this fault');
  }
  if (!target.isOwn) {
    without('refuse-memory', 'the drive was not started by this run');
    without('fill', 'others may need the space of an existing mount');
  }
  return reasons;
}

export class Faults {
  readonly #context: FaultContext;
  readonly #kinds: readonly FaultKind[];
  readonly #random: Random;
  /** Anyone who is stopped, to be set going again when a quiescent point comes. */
  #undo: (() => Promise<void>) | null = null;

  constructor(context: FaultContext, kinds: readonly FaultKind[], seed: number) {
    this.#context = context;
    this.#kinds = kinds;
    this.#random = new Random(hashOf(seed, 0xfa17));
  }

  get none(): boolean {
    return this.#kinds.length === 0;
  }

  /** Time to the next fault. */
  gapMs(): number {
    return 300 + this.#random.below(1500);
  }

  /** One fault, from its beginning to its end, or to `ended`'s. */
  async strike(ended: AbortSignal): Promise<Omit<FaultEvent, 'atSeconds'>> {
    const kind = this.#random.pick(this.#kinds);
    const victim = this.#random.pick(this.#context.workers);
    const milliseconds = 50 + this.#random.below(kind === 'stop-drive' ? 400 : 2000);
    const detail = await this.#begin(kind, victim, milliseconds);
    if (this.#undo !== null) {
      await sleep(milliseconds, null, { signal: ended }).catch(() => {});
      await this.undo();
    }
    return { kind, detail };
  }

  async undo(): Promise<void> {
    const undo = this.#undo;
    this.#undo = null;
    await undo?.();
  }

  async #begin(kind: FaultKind, victim: WorkerProcess, milliseconds: number): Promise<string> {
    const { target, auditor, refuseMemoryFlag } = this.#context;
    switch (kind) {
      case 'kill':
        await victim.killAndReplace();
        return `worker ${victim.worker}`;
      case 'stop':
        victim.signal('SIGSTOP');
        this.#undo = async () => victim.signal('SIGCONT');
        return `worker ${victim.worker} for ${milliseconds} ms`;
      case 'stop-drive': {
        const pid = target.pid!;
        process.kill(pid, 'SIGSTOP');
        this.#undo = async () => {
          process.kill(pid, 'SIGCONT');
        };
        return `${milliseconds} ms`;
      }
      case 'fill': {
        const leaveBytes = this.#random.below(4) * 256 * 1024;
        const bytes = await auditor.ask<number>({ type: 'fill', root: target.root, leaveBytes });
        this.#undo = async () => {
          await auditor.ask({ type: 'fill', root: target.root, leaveBytes: null });
        };
        return `${bytes} bytes for ${milliseconds} ms, ${leaveBytes} bytes left`;
      }
      case 'refuse-memory':
        writeFileSync(refuseMemoryFlag, '');
        this.#undo = async () => rmSync(refuseMemoryFlag, { force: true });
        return `${milliseconds} ms`;
      case 'forget':
        // Names and inodes only: other programs' data stay in memory.
        writeFileSync(DROP_CACHES, '2');
        return '';
    }
  }
}
