/**
 * The in-memory example file system on a real mount, in a process of its own (serve.mjs), and what must hold when it
 * ends.
 */
import { readdir, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { canDropCaches } from '../../support/machine.js';
import { dropCaches, isMounted } from '../../support/mount.js';
import { MountingProgram } from '../../support/mounting-program.js';
import { Client } from '../../support/processes.js';

/** How `read`, `write` and `readDirectory` answer. */
export const MANNERS = ['synchronous', 'resolved', 'delayed'] as const;
export type Manner = (typeof MANNERS)[number];

const SERVE = fileURLToPath(new URL('./serve.mjs', import.meta.url));
const SEED = '20260701';
const CAPACITY_BYTES = 256 * 2 ** 20;

export interface Report {
  read: number;
  write: number;
  readDirectory: number;
  /** Of these, how many were answered by a promise. */
  promises: number;
  /** Most promises that were under way at once. */
  most: number;
  /** Answers that came before the answer of an older request. */
  overtakings: number;
  contexts: number;
  freeBytes: number;
  violations: string[];
  errors: string[];
  ends: string[];
  callbacks: number;
  blocks: number;
  pending: number;
}

export class ServedMount {
  readonly #clients: Client[] = [];

  private constructor(
    readonly program: MountingProgram,
    readonly manner: Manner,
  ) {}

  static async start(manner: Manner): Promise<ServedMount> {
    return new ServedMount(await MountingProgram.start(SERVE, manner, SEED), manner);
  }

  path(...names: string[]): string {
    return this.program.path(...names);
  }

  client(): Client {
    const client = new Client();
    this.#clients.push(client);
    return client;
  }

  report(): Promise<Report> {
    return this.program.ask('report');
  }

  /**
   * Deletes everything, unmounts, and expects that nothing is left: no handle, no byte, no callback, no block of native
   * memory, no mount; that no rule was broken, no handler threw, and that the manner was really the one that is being
   * tested.
   */
  async endClean(): Promise<void> {
    for (const client of this.#clients) {
      await client.end();
    }
    for (const name of await readdir(this.program.dir)) {
      await rm(this.path(name), { recursive: true });
    }
    // The kernel sends its last closes after the calls that caused them; it keeps the root itself as long as there is a
    // mount.
    let before = await this.report();
    const isAllocated = () => before.contexts > 1 || before.freeBytes !== CAPACITY_BYTES;
    for (let tries = 0; canDropCaches() && isAllocated() && tries < 100; tries++) {
      dropCaches();
      await sleep(50);
      before = await this.report();
    }
    if (canDropCaches()) {
      expect(before.contexts).toBeLessThanOrEqual(1);
      expect(before.freeBytes).toBe(CAPACITY_BYTES);
    }
    const after = await this.program.ask<Report>('unmount');
    expect(await this.program.exited).toEqual({ code: 0, signal: null });
    expect(await isMounted(this.program.dir)).toBe(false);
    expect(after).toMatchObject({
      contexts: 0,
      violations: [],
      errors: [],
      ends: ['stopped'],
      callbacks: 0,
      blocks: 0,
      pending: 0,
    });
    const asked = after.read + after.write + after.readDirectory;
    expect(asked).toBeGreaterThan(0);
    expect(after.promises).toBe(this.manner === 'synchronous' ? 0 : asked);
  }
}
