/**
 * Documents that any worker replaces by renaming a new one over the old, as editors save, while others open and read
 * them by name. The name is never absent, and who reads gets one version, whole: one that was the last, or on its way,
 * at some moment of the read.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { DOCUMENTS, FIRST_DOCUMENT, type SharedTable, type WorkerBoard } from './board.js';
import { codeOf, Mismatch } from './mismatch.js';
import type { Operation } from './operations.js';
import { documentContent, documentName, SHARED_DIRECTORY } from './shared-content.js';

export class Documents {
  constructor(
    readonly root: string,
    readonly seed: number,
    readonly worker: number,
    readonly table: SharedTable,
    readonly board: WorkerBoard,
  ) {}

  /** Not done when another worker is at it, or when there is no room for the new one. */
  save({ choice }: Operation): void {
    const document = choice % DOCUMENTS;
    const entry = FIRST_DOCUMENT + document;
    if (!this.table.tryLock(entry, this.worker)) {
      return;
    }
    const old = this.table.acknowledged(entry);
    const version = this.table.begin(entry);
    try {
      const stored = this.#store(documentContent(this.seed, document, version));
      if (stored) {
        fs.renameSync(this.#temporary, this.#path(document));
        this.board.add('verified', 1);
      } else {
        fs.rmSync(this.#temporary);
      }
      this.table.settle(entry, stored ? version : old);
    } catch (error) {
      throw new Mismatch(`saving a document failed with ${codeOf(error)}`, { path: documentName(document) });
    } finally {
      this.table.unlock(entry);
    }
  }

  read({ choice }: Operation): void {
    const document = choice % DOCUMENTS;
    const entry = FIRST_DOCUMENT + document;
    const oldest = this.table.acknowledged(entry);
    const bytes = this.#content(document);
    const newest = this.table.begun(entry);
    if (this.#versionOf(document, bytes, oldest, newest) === null) {
      throw new Mismatch(
        `${documentName(document)} was read as ${bytes.length} bytes that are none of the versions ${oldest} to ${newest}`,
        { path: `${SHARED_DIRECTORY}/${documentName(document)}` },
      );
    }
    this.board.add('bytesRead', bytes.length);
    this.board.add('verified', 1);
  }

  /** After this worker's predecessor was killed: its rename was done, or not. */
  settleAfterDeath(): void {
    fs.rmSync(this.#temporary, { force: true });
    for (let document = 0; document < DOCUMENTS; document++) {
      const entry = FIRST_DOCUMENT + document;
      if (this.table.owner(entry) !== this.worker) {
        continue;
      }
      const bytes = this.#content(document);
      const version = this.#versionOf(
        document,
        bytes,
        this.table.acknowledged(entry),
        this.table.begun(entry),
      );
      if (version === null) {
        throw new Mismatch('after its writer was killed, a document is neither old nor new', {
          path: `${SHARED_DIRECTORY}/${documentName(document)}`,
        });
      }
      this.table.settle(entry, version);
      this.table.unlock(entry);
    }
  }

  get #temporary(): string {
    return join(this.root, SHARED_DIRECTORY, `new-${this.worker}`);
  }

  #path(document: number): string {
    return join(this.root, SHARED_DIRECTORY, documentName(document));
  }

  /** False when there is no room; what has been written of it stays. */
  #store(content: Buffer): boolean {
    const fd = fs.openSync(this.#temporary, 'w');
    try {
      for (let at = 0; at < content.length; ) {
        at += fs.writeSync(fd, content, at, content.length - at, at);
      }
      return true;
    } catch (error) {
      if (codeOf(error) !== 'ENOSPC') {
        throw error;
      }
      return false;
    } finally {
      fs.closeSync(fd);
    }
  }

  #content(document: number): Buffer {
    try {
      return fs.readFileSync(this.#path(document));
    } catch (error) {
      throw new Mismatch(
        `reading ${documentName(document)}, which is always there, failed with ${codeOf(error)}`,
        {
          path: `${SHARED_DIRECTORY}/${documentName(document)}`,
        },
      );
    }
  }

  #versionOf(document: number, bytes: Buffer, oldest: number, newest: number): number | null {
    for (let version = newest; version >= oldest; version--) {
      if (documentContent(this.seed, document, version).equals(bytes)) {
        return version;
      }
    }
    return null;
  }
}
