/**
 * Failures on purpose (worker-protocol.ts `Faults`): how tests see that a running drive survives what must never
 * happen.
 */
import { existsSync } from 'node:fs';
import type { PageMemory } from '../volume/content/page-memory.js';
import type { RamVolume } from '../volume/ram-volume.js';
import type { OpenResult, SecurityByNameResult } from '../winfsp/index.js';
import type { Faults } from './drive-worker-protocol.js';
import type { LedgerPublisher } from './ledger.js';
import { RamFileSystem } from './ram-file-system.js';

const VARIABLE = 'RAMDRIVE_TEST_';

/** Faults asked for by environment variables, which a background process inherits. Empty everywhere but in tests. */
export function faultsFromEnvironment(env: NodeJS.ProcessEnv = process.env): Faults {
  const text = (name: string) => env[VARIABLE + name] || undefined;
  const throwOnName = text('THROW_ON_NAME');
  const throwIn = text('THROW_IN');
  const dieOnName = text('DIE_ON_NAME');
  const failCommitAboveBytes = text('FAIL_COMMIT_ABOVE_BYTES');
  const refuseMemoryWhile = text('REFUSE_MEMORY_WHILE');
  const workerHeapMib = text('WORKER_HEAP_MIB');
  return {
    ...(throwOnName === undefined ? {} : { throwOnName }),
    ...(throwIn === undefined ? {} : { throwIn: throwIn.split(',').map((name) => name.trim()) }),
    ...(dieOnName === undefined ? {} : { dieOnName }),
    ...(failCommitAboveBytes === undefined ? {} : { failCommitAboveBytes: Number(failCommitAboveBytes) }),
    ...(refuseMemoryWhile === undefined ? {} : { refuseMemoryWhile }),
    ...(workerHeapMib === undefined ? {} : { workerHeapMib: Number(workerHeapMib) }),
  };
}

/** Throws for one name or in some callbacks, and asks for the worker's death at another name. */
export class FaultyFileSystem extends RamFileSystem {
  readonly #faults: Faults;
  readonly #dying: { now: boolean };

  constructor(volume: RamVolume, ledger: LedgerPublisher, faults: Faults, dying: { now: boolean }) {
    super(volume, ledger);
    this.#faults = faults;
    this.#dying = dying;
    for (const callback of faults.throwIn ?? []) {
      if (typeof Reflect.get(this, callback) !== 'function') {
        throw new Error(`${VARIABLE}THROW_IN: there is no callback "${callback}".`);
      }
      Object.defineProperty(this, callback, {
        value: () => {
          throw new Error(`Injected: ${callback} throws.`);
        },
      });
    }
  }

  override getSecurityByName(fileName: string, result: SecurityByNameResult): number {
    this.#meet(fileName);
    return super.getSecurityByName(fileName, result);
  }

  override create(
    fileName: string,
    createOptions: number,
    grantedAccess: number,
    fileAttributes: number,
    securityDescriptor: Uint8Array | null,
    allocationSize: number,
    result: OpenResult,
  ): number {
    this.#meet(fileName);
    return super.create(
      fileName,
      createOptions,
      grantedAccess,
      fileAttributes,
      securityDescriptor,
      allocationSize,
      result,
    );
  }

  #meet(fileName: string): void {
    const name = fileName.slice(fileName.lastIndexOf('\\') + 1);
    if (name === this.#faults.throwOnName) {
      throw new Error(`Injected: the handler throws for ${fileName}.`);
    }
    if (name === this.#faults.dieOnName) {
      this.#dying.now = true;
    }
  }
}

/** Makes the memory refuse to commit more than `limitBytes` in all. */
export function limitCommit(memory: PageMemory, limitBytes: number): void {
  const limitPages = Math.floor(limitBytes / memory.pageSizeBytes);
  const commit = memory.commit.bind(memory);
  const decommit = memory.decommit.bind(memory);
  let committed = 0;
  memory.commit = (firstPage, count) => {
    if (committed + count > limitPages || !commit(firstPage, count)) {
      return false;
    }
    committed += count;
    return true;
  };
  memory.decommit = (firstPage, count) => {
    committed -= count;
    decommit(firstPage, count);
  };
}

/** Makes the memory refuse every commit while this file exists. */
export function refuseCommitWhile(memory: PageMemory, flagPath: string): void {
  const commit = memory.commit.bind(memory);
  memory.commit = (firstPage, count) => !existsSync(flagPath) && commit(firstPage, count);
}
