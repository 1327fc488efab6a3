/**
 * Everything that a worker does on what all workers share, but for the directory of names (churn.ts). Linux only: it
 * needs shared memory.
 */
import type { SharedTable, WorkerBoard } from './board.js';
import { Documents } from './documents.js';
import type { Operation } from './operations.js';
import { SharedFiles } from './shared-files.js';

export class Shared {
  readonly #files: SharedFiles;
  readonly #documents: Documents;

  constructor(root: string, seed: number, worker: number, table: SharedTable, board: WorkerBoard) {
    this.#files = new SharedFiles(root, seed, worker, table, board);
    this.#documents = new Documents(root, seed, worker, table, board);
  }

  /** False when the operation is none of these. */
  perform(operation: Operation): boolean {
    switch (operation.kind) {
      case 'sharedWrite':
        this.#files.write(operation);
        return true;
      case 'sharedRead':
        this.#files.read(operation);
        return true;
      case 'saveDocument':
        this.#documents.save(operation);
        return true;
      case 'readDocument':
        this.#documents.read(operation);
        return true;
      default:
        return false;
    }
  }

  settleAfterDeath(): void {
    this.#files.settleAfterDeath();
    this.#documents.settleAfterDeath();
  }
}
