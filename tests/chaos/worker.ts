/**
 * A worker process: does its operations one after the other, compares, and stops at the first thing that is wrong.
 * Between operations it listens to the driver: at a quiescent point it writes a snapshot and claims what must be on the
 * drive.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Board, type WorkerBoard } from './board.js';
import { Churn } from './churn.js';
import { Client, O_RDONLY } from './client.js';
import { historyOf, Journal, recover } from './journal.js';
import type { Claims, Finding, FromWorker, ToWorker, WorkerInput } from './messages.js';
import { isGone, Mismatch } from './mismatch.js';
import { Model, type ModelFile } from './model.js';
import { OPERATION_KINDS, type Operation, operationAt, SHARED_KINDS } from './operations.js';
import { EVERYDAY, type Performer } from './perform.js';
import { type ProfileShares, profile } from './profile.js';
import { hashOf } from './random.js';
import type { Shared } from './shared.js';
import { resolvePending } from './succession.js';

/** Messages of the driver are looked at this often. */
const SLICE_MS = 10;
/** By then everything that is done often has been compiled. */
const PROFILE_DELAY_MS = 10_000;
const PROFILE_LENGTH_MS = 8000;

class Worker {
  readonly #input: WorkerInput;
  readonly #board: Board;
  readonly #figures: WorkerBoard;
  readonly #journal: Journal;
  readonly #model: Model;
  readonly #client: Client;
  readonly #performers: Map<string, Performer>;
  readonly #churn: Churn | null;
  readonly #shared: Shared | null;
  readonly #hard: typeof import('./perform-hard.js') | null;
  readonly #releaseAll: () => void;
  #index: number;
  /** All operations are done; only quiescent points are left. */
  #idle = false;
  #operation: Operation | null = null;
  #pause: { round: number; hashedOneIn: number } | null = null;
  #resume: (() => void) | null = null;
  #profile: ProfileShares | null = null;

  static async start(input: WorkerInput): Promise<Worker> {
    const board = await Board.open(input.boardPath, input.workers);
    const linux = process.platform === 'linux';
    const hard = linux ? await import('./perform-hard.js') : null;
    const figures = board.writer(input.worker);
    let shared: Shared | null = null;
    if (linux && input.shared) {
      const module = await import('./shared.js');
      const { root, seed, worker } = input;
      shared = new module.Shared(root, seed, worker, board.sharedTable(), figures);
    }
    return new Worker(input, board, figures, hard, shared);
  }

  private constructor(
    input: WorkerInput,
    board: Board,
    figures: WorkerBoard,
    hard: typeof import('./perform-hard.js') | null,
    shared: Shared | null,
  ) {
    this.#input = input;
    this.#board = board;
    this.#figures = figures;
    this.#hard = hard;
    this.#shared = shared;
    const { worker, root, journalDirectory } = input;
    const ownRoot = join(root, `worker-${worker}`);
    mkdirSync(journalDirectory, { recursive: true });
    const recovered = input.incarnation > 0 ? recover(journalDirectory) : null;
    this.#model = recovered?.model ?? new Model();
    this.#index = recovered?.nextIndex ?? 0;
    if (recovered !== null) {
      resolvePending(recovered, ownRoot);
      shared?.settleAfterDeath();
    } else {
      // One that was killed before its first snapshot may have made it.
      mkdirSync(ownRoot, { recursive: input.incarnation > 0 });
    }
    this.#journal = new Journal(journalDirectory, this.#model, this.#index);
    this.#churn = input.shared ? new Churn(root, worker, figures) : null;
    const { limits } = input;
    this.#client = new Client({
      root: ownRoot,
      model: this.#model,
      journal: this.#journal,
      board: figures,
      pageSizeBytes: limits.pageSizeBytes,
    });
    const held = hard === null ? null : new hard.HeldHandles();
    this.#releaseAll = () => held?.releaseAll(this.#client);
    this.#performers = new Map(
      Object.entries({ ...EVERYDAY, ...(hard?.HARD ?? {}), ...(held?.performers() ?? {}) }),
    );
    figures.set('incarnation', input.incarnation);
    if (recovered !== null) {
      verifyEverything(this.#client);
    }
  }

  get resumedAt(): number {
    return this.#index;
  }

  pause(round: number, hashedOneIn: number): void {
    if (this.#idle) {
      send({ type: 'paused', claims: this.#claims(round, hashedOneIn) });
    } else {
      this.#pause = { round, hashedOneIn };
    }
  }

  resume(): void {
    this.#resume?.();
  }

  blockHashes(path: string): string[] {
    return this.#model.files.get(path)?.content.blockSha256() ?? [];
  }

  async run(): Promise<void> {
    const { operations, only } = this.#input;
    if (this.#input.profile) {
      void profile(PROFILE_DELAY_MS, PROFILE_LENGTH_MS).then((shares) => {
        this.#profile = shares;
      });
    }
    const end = only?.length ?? operations ?? Number.POSITIVE_INFINITY;
    let sliceEndMs = performance.now() + SLICE_MS;
    for (; this.#index < end; this.#index++) {
      const nowMs = this.#step(only?.[this.#index] ?? this.#index);
      if (nowMs > sliceEndMs) {
        this.#board.publish(this.#input.worker);
        await turn();
        if (this.#pause !== null) {
          await this.#rest(this.#pause);
        }
        sliceEndMs = performance.now() + SLICE_MS;
      }
    }
    this.#operation = null;
    this.#releaseAll();
    this.#journal.snapshot(this.#model, this.#index);
    this.#board.publish(this.#input.worker);
    this.#idle = true;
    send({ type: 'done' });
  }

  finding(error: unknown): Finding {
    const mismatch = error instanceof Mismatch ? error : null;
    const fileId = mismatch?.details.fileId;
    this.#journal.flush();
    return {
      worker: this.#input.worker,
      message: mismatch?.message ?? String(error),
      details: mismatch?.details ?? {},
      operation: this.#operation,
      history: fileId === undefined ? [] : historyOf(this.#input.journalDirectory, fileId),
      stack: mismatch === null && error instanceof Error ? (error.stack ?? null) : null,
    };
  }

  /** Returns the time at its end. */
  #step(index: number): number {
    const { seed, worker, limits } = this.#input;
    const operation = operationAt(seed, worker, index);
    this.#operation = operation;
    this.#journal.begin(operation);
    const kind = OPERATION_KINDS.indexOf(operation.kind);
    const refusalsBefore = this.#client.refusals;
    this.#figures.set('index', index);
    this.#figures.set('startedMs', Date.now());
    const begunMs = performance.now();
    if (!this.#performShared(operation)) {
      this.#performers.get(operation.kind)!(this.#client, operation, limits);
    }
    const endMs = performance.now();
    this.#figures.set('startedMs', 0);
    this.#figures.operationDone(kind, endMs - begunMs);
    if (this.#client.refusals > refusalsBefore) {
      this.#figures.operationRefused(kind);
    }
    return endMs;
  }

  /** What is not in the worker's own tree; not there when a worker is alone. */
  #performShared(operation: Operation): boolean {
    if (operation.kind === 'churn') {
      this.#churn?.step(operation);
      return true;
    }
    return this.#shared?.perform(operation) ?? SHARED_KINDS.has(operation.kind);
  }

  async #rest({ round, hashedOneIn }: { round: number; hashedOneIn: number }): Promise<void> {
    this.#pause = null;
    const resumed = new Promise<void>((resolve) => {
      this.#resume = resolve;
    });
    this.#journal.snapshot(this.#model, this.#index + 1);
    send({ type: 'paused', claims: this.#claims(round, hashedOneIn) });
    await resumed;
  }

  #claims(round: number, hashedOneIn: number): Claims {
    const files = [...this.#model.files.values()];
    const claims: Claims = {
      worker: this.#input.worker,
      directories: [...this.#model.directories.keys()],
      files: files.map((file) => ({
        path: file.path!,
        id: file.id,
        sizeBytes: file.content.lengthBytes,
        reservedBytes: this.#reserveOf(file),
        allocationCached: file.hadAllocation,
        mode: file.mode,
        generation: file.content.generation,
        sha256: hashOf(file.id, round) % hashedOneIn === 0 ? file.content.sha256() : null,
      })),
      churnNames: this.#churn?.names ?? [],
      openDeletedBytes: this.#client.openDeleted().map((file) => this.#reserveOf(file)),
      refusals: this.#client.refusals,
      unsupported: [...(this.#hard?.unsupported ?? [])],
      profile: this.#profile,
    };
    this.#figures.set('files', files.length);
    this.#figures.set(
      'bytesStored',
      claims.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    );
    return claims;
  }

  #reserveOf(file: ModelFile): { least: number; most: number } {
    return { least: this.#client.reservedLeastBytes(file), most: this.#client.reservedMostBytes(file) };
  }
}

function verifyEverything(client: Client): void {
  for (const path of client.model.directories.keys()) {
    client.verifyList(path);
  }
  for (const path of [...client.model.files.keys()]) {
    const handle = client.open(path, O_RDONLY);
    if (handle !== null) {
      client.verifyAll(handle);
      client.close(handle);
    }
  }
}

function send(message: FromWorker): void {
  process.send!(message);
}

let worker: Worker | null = null;

async function start(input: WorkerInput): Promise<void> {
  try {
    worker = await Worker.start(input);
    send({ type: 'started', resumedAt: worker.resumedAt });
    await worker.run();
  } catch (error) {
    if (isGone(error)) {
      send({ type: 'gone', message: String(error) });
    } else {
      send({ type: 'finding', finding: worker?.finding(error) ?? findingBefore(input, error) });
    }
  }
}

function findingBefore(input: WorkerInput, error: unknown): Finding {
  const mismatch = error instanceof Mismatch ? error : null;
  return {
    worker: input.worker,
    message: `${input.incarnation > 0 ? 'succeeding a killed worker' : 'beginning'}: ${mismatch?.message ?? String(error)}`,
    details: mismatch?.details ?? {},
    operation: null,
    history:
      mismatch?.details.fileId === undefined
        ? []
        : historyOf(input.journalDirectory, mismatch.details.fileId),
    stack: mismatch === null && error instanceof Error ? (error.stack ?? null) : null,
  };
}

process.on('message', (message: ToWorker) => {
  switch (message.type) {
    case 'start':
      void start(message.input);
      break;
    case 'pause':
      worker?.pause(message.round, message.hashedOneIn);
      break;
    case 'resume':
      worker?.resume();
      break;
    case 'blockHashes':
      send({ type: 'blockHashes', path: message.path, hashes: worker?.blockHashes(message.path) ?? [] });
      break;
  }
});
process.on('disconnect', () => process.exit(0));
