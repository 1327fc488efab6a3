/**
 * Moments of a run: while all workers rest and everything has been compared, a snapshot is taken, rolled back to or
 * deleted, the drive is saved while the workers go on, or saved, unmounted and mounted again from its image.
 *
 * The oracle of each is exact: every name, length, time of change, mode and SHA-256, as the auditor saw them then. What
 * a rollback or a reload shows, and what an image holds, must be that. Before a rollback the moment itself becomes a
 * snapshot; to that the drive is rolled back again, so that the workers' successors find what their journals say.
 */
import { createHash, type Hash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DriveError } from '../../src/drive/errors.js';
import { verifyImage } from '../../src/image/image-file.js';
import type { TreeEntry } from './messages.js';
import type { AuditorProcess, WorkerProcess } from './processes.js';
import { hashOf, Random } from './random.js';
import type { Target } from './target.js';

const MAX_SNAPSHOTS = 3;
const NOW = 'now';
const MAX_DIFFERENCES = 5;
const UNIX_EPOCH_UNITS = 116_444_736_000_000_000n;
const ZEROS = Buffer.alloc(2 ** 16);

type Tree = ReadonlyMap<string, TreeEntry>;

export interface MomentContext {
  target: Target;
  auditor: AuditorProcess;
  workers: readonly WorkerProcess[];
  /** Where images may lie. */
  directory: string;
}

export class Moments {
  readonly counts: Record<string, number> = {};
  readonly #context: MomentContext;
  readonly #random: Random;
  readonly #snapshots = new Map<string, Tree>();
  #number = 0;
  #save: { path: string; due: Tree; ended: Promise<unknown> } | null = null;

  constructor(context: MomentContext, seed: number) {
    this.#context = context;
    this.#random = new Random(hashOf(seed, 0x303e27));
  }

  /** What is wrong. `replaced`: the workers have successors, which work already. */
  async next(): Promise<{ problems: string[]; replaced: boolean; reloaded: boolean }> {
    const problems = await this.endSave();
    const kinds = ['save', 'reload', ...(this.#snapshots.size < MAX_SNAPSHOTS ? ['snapshot'] : [])];
    if (this.#snapshots.size > 0) kinds.push('rollback', 'rollback', 'delete');
    const kind = this.#random.pick(kinds);
    const replaced = kind === 'rollback' || kind === 'reload';
    if (replaced) await Promise.all(this.#context.workers.map((worker) => worker.end()));
    const due = await this.#tree();
    if (kind === 'snapshot') await this.#snapshot(`s${++this.#number}`, due);
    else if (kind === 'delete') await this.#delete(this.#random.pick([...this.#snapshots.keys()]));
    else if (kind === 'save') await this.#beginSave(due);
    else if (kind === 'rollback') problems.push(...(await this.#rollback(due)));
    else problems.push(...(await this.#reload(due)));
    if (replaced && problems.length === 0) for (const worker of this.#context.workers) worker.replace();
    return { problems, replaced, reloaded: kind === 'reload' };
  }

  /** Of a save that is under way, or has ended meanwhile. */
  async endSave(): Promise<string[]> {
    const save = this.#save;
    this.#save = null;
    if (save === null) return [];
    await save.ended;
    this.#count('save while programs were at work');
    const problems = differences('the saved image', await treeOfImage(save.path), save.due, false);
    if (problems.length === 0) rmSync(save.path);
    return problems;
  }

  /** So that nothing is reserved at the end of a run. */
  async end(): Promise<string[]> {
    const problems = await this.endSave();
    for (const name of [...this.#snapshots.keys()]) {
      problems.push(...(await this.#rollBackTo(name)));
      await this.#delete(name);
    }
    return problems;
  }

  async #snapshot(name: string, due: Tree): Promise<boolean> {
    const taken = await this.#hasRoom(this.#context.target.ask('snapshot', { name }));
    if (taken) this.#snapshots.set(name, due);
    this.#count(taken ? 'snapshot' : 'snapshot refused for want of room');
    return taken;
  }

  async #delete(name: string): Promise<void> {
    await this.#context.target.ask('deleteSnapshot', { name });
    this.#snapshots.delete(name);
    this.#count('deletion');
  }

  /** Back, and forth again. */
  async #rollback(due: Tree): Promise<string[]> {
    const name = this.#random.pick([...this.#snapshots.keys()]);
    if (!(await this.#snapshot(NOW, due))) return [];
    const problems = [...(await this.#rollBackTo(name)), ...(await this.#rollBackTo(NOW))];
    await this.#delete(NOW);
    return problems;
  }

  async #rollBackTo(name: string): Promise<string[]> {
    const { target } = this.#context;
    const isBack = await this.#hasRoom(target.ask('rollback', { name }));
    this.#count(isBack ? 'rollback' : 'rollback refused for want of room');
    if (!isBack) return name === NOW ? ['what was a moment ago has no room'] : [];
    const problems = differences(
      `rolled back to ${name}`,
      await this.#tree(),
      this.#snapshots.get(name)!,
      true,
    );
    const { violations } = await target.selfCheck();
    return [...problems, ...violations.map((violation) => `self-check after a rollback: ${violation}`)];
  }

  async #reload(due: Tree): Promise<string[]> {
    const { target, directory } = this.#context;
    const path = join(directory, `reload-${++this.#number}.tar`);
    const code = await target.reload(path);
    this.#snapshots.clear();
    this.#count('reload');
    if (code !== 0) return [`the drive's process ended with ${code} when it was saved and unmounted`];
    const problems = differences('loaded again', await this.#tree(), due, true);
    if (problems.length === 0) rmSync(path);
    return problems;
  }

  /** Until the moment that is saved is there; then programs may go on. */
  async #beginSave(due: Tree): Promise<void> {
    const { target, directory } = this.#context;
    const path = join(directory, `save-${++this.#number}.tar`);
    let isEnded = false;
    const ended = target.ask('save', { file: path }).finally(() => {
      isEnded = true;
    });
    ended.catch(() => {});
    while (!isEnded && (await target.status()).saving === null) await sleep(5);
    this.#save = { path, due, ended };
  }

  async #tree(): Promise<Tree> {
    const { auditor, target } = this.#context;
    const entries = await auditor.ask<TreeEntry[]>({ type: 'tree', root: target.root });
    return new Map(entries.map((entry) => [entry.path, entry]));
  }

  async #hasRoom(request: Promise<unknown>): Promise<boolean> {
    try {
      await request;
      return true;
    } catch (error) {
      if (error instanceof DriveError && error.code === 'NO_ROOM') return false;
      throw error;
    }
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }
}

/** Of an image there is no mode to compare. */
function differences(what: string, found: Tree, due: Tree, withMode: boolean): string[] {
  const textOf = (entry: TreeEntry | undefined) =>
    entry === undefined
      ? 'nothing'
      : `${entry.sha256 ?? 'a directory'}, ${entry.sizeBytes} bytes, ${entry.mtimeNs} ns${withMode ? `, mode ${entry.mode.toString(8)}` : ''}`;
  const paths = [...new Set([...found.keys(), ...due.keys()])];
  const wrong = paths.filter((path) => textOf(found.get(path)) !== textOf(due.get(path)));
  return wrong
    .slice(0, MAX_DIFFERENCES)
    .map((path) => `${what}: ${path} is ${textOf(found.get(path))}, and must be ${textOf(due.get(path))}`);
}

async function treeOfImage(path: string): Promise<Tree> {
  const tree = new Map<string, TreeEntry>();
  let hash: Hash = createHash('sha256');
  let at = 0;
  const zeros = (to: number) => {
    for (; at < to; at += Math.min(ZEROS.length, to - at)) hash.update(ZEROS.subarray(0, to - at));
  };
  await verifyImage(path, {
    entry() {
      hash = createHash('sha256');
      at = 0;
    },
    data(offset, bytes) {
      zeros(offset);
      hash.update(bytes);
      at += bytes.length;
    },
    end({ path: name, kind, sizeBytes, times, link }) {
      zeros(sizeBytes);
      if (name === '') return;
      const first = kind === 'hardlink' ? tree.get(link ?? '') : undefined;
      tree.set(name, {
        path: name,
        sizeBytes: first?.sizeBytes ?? sizeBytes,
        mtimeNs: String((times.lastWrite - UNIX_EPOCH_UNITS) * 100n),
        mode: 0,
        sha256: kind === 'directory' ? null : (first?.sha256 ?? hash.digest('hex')),
      });
    },
  });
  return tree;
}
