/**
 * Random histories of files with streams beside a model that is a list of contents: after every step the streams that are
 * listed, their bytes, the room taken and the self-check agree, with snapshots and rollbacks in between.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { NtStatus } from '../../../../src/ntstatus.js';
import { Cleanup } from '../../../../src/volume/file-attributes.js';
import type { Inode } from '../../../../src/volume/inode.js';
import { RamVolume } from '../../../../src/volume/ram-volume.js';
import { PlainPageMemory } from '../../../support/plain-page-memory.js';

const PAGE = 16;
const PAGES = 24;
const FILES = ['\\f', '\\g', '\\d'];
const NAMES = ['', ':a', ':B', ':b'];

/** Content by folded path; a file's own under its name alone. */
type Model = Map<string, string>;
interface Open {
  inode: Inode;
  path: string;
  content: string | null;
}

const path = fc.tuple(fc.constantFrom(...FILES), fc.constantFrom(...NAMES)).map((parts) => parts.join(''));
const step = fc.oneof(
  fc.record({ kind: fc.constant('create' as const), path }),
  fc.record({ kind: fc.constant('open' as const), path }),
  fc.record({ kind: fc.constant('write' as const), at: fc.nat(7), length: fc.integer({ min: 1, max: 70 }) }),
  fc.record({ kind: fc.constant('delete' as const), at: fc.nat(7) }),
  fc.record({ kind: fc.constant('overwrite' as const), at: fc.nat(7) }),
  fc.record({ kind: fc.constant('close' as const), at: fc.nat(7) }),
  fc.record({
    kind: fc.constant('rename' as const),
    from: fc.constantFrom(...FILES),
    to: fc.constantFrom(...FILES),
  }),
  fc.record({ kind: fc.constant('snapshot' as const) }),
  fc.record({ kind: fc.constant('rollback' as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class Rig {
  readonly memory = new PlainPageMemory({ pageSizeBytes: PAGE, pageCount: PAGES, scratchBytes: 4096 });
  readonly volume = new RamVolume({
    memory: this.memory,
    caseSensitive: false,
    namedStreams: true,
    label: '',
  });
  model: Model = new Map();
  kept: Model | null = null;
  opens: Open[] = [];
  value = 0;

  run(step: Step): void {
    const { volume, model } = this;
    const at = 'at' in step ? this.opens[step.at % Math.max(1, this.opens.length)] : undefined;
    switch (step.kind) {
      case 'create': {
        const made = volume.create(step.path, 0x20, step.path === '\\d', null, 0);
        const main = fold(step.path).split(':')[0] as string;
        if (model.has(fold(step.path))) expect(made).toBe(NtStatus.OBJECT_NAME_COLLISION);
        else if (step.path.includes(':') && !model.has(main))
          expect(made).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
        else {
          model.set(fold(step.path), '');
          // One that is open since before its file was overwritten has its name again.
          for (const open of this.opens)
            if (open.inode === made) Object.assign(open, { path: fold(step.path), content: null });
          this.opens.push({ inode: made as Inode, path: fold(step.path), content: null });
        }
        return;
      }
      case 'open': {
        const inode = volume.open(step.path);
        expect(typeof inode !== 'number').toBe(model.has(fold(step.path)));
        if (typeof inode !== 'number') this.opens.push({ inode, path: fold(step.path), content: null });
        return;
      }
      case 'write': {
        if (at === undefined || at.inode.isDirectory) return;
        const content = String.fromCharCode(65 + (this.value++ % 26)).repeat(step.length);
        const address = this.memory.put(Buffer.from(content));
        const written = volume.write(at.inode, 0, step.length, address, false, false);
        if (written === NtStatus.DISK_FULL) return;
        this.#put(at, content + this.#contentOf(at).slice(step.length));
        return;
      }
      case 'overwrite': {
        if (at === undefined || at.inode.isDirectory) return;
        expect(volume.overwrite(at.inode, 0x20, false, 0)).toBe(0);
        if (at.inode.main === at.inode && at.content === null)
          for (const path of this.#streamsOf(at.path)) this.#unname(path);
        this.#put(at, '');
        return;
      }
      case 'delete': {
        if (at === undefined) return;
        volume.cleanup(at.inode, Cleanup.DELETE);
        if (at.content === null)
          for (const path of [...this.#streamsOf(at.path), at.path]) this.#unname(path);
        return;
      }
      case 'close':
        if (at === undefined) return;
        this.opens.splice(this.opens.indexOf(at), 1);
        volume.close(at.inode);
        return;
      case 'rename': {
        const from = volume.lookup(step.from);
        if (typeof from === 'number' || step.from === step.to) return;
        const status = volume.rename(from, step.to, true);
        const isDirectory = volume.lookup(step.to) !== from && step.to === '\\d';
        if (status < 0) {
          expect(status === NtStatus.ACCESS_DENIED || isDirectory).toBe(true);
          return;
        }
        for (const path of [...this.#streamsOf(fold(step.to)), fold(step.to)]) this.#unname(path);
        for (const old of [...this.#streamsOf(fold(step.from)), fold(step.from)]) {
          const young = fold(step.to) + old.slice(step.from.length);
          model.set(young, model.get(old) as string);
          model.delete(old);
          for (const open of this.opens) if (open.path === old && open.content === null) open.path = young;
        }
        return;
      }
      case 'snapshot':
        if (this.kept !== null) expect(volume.deleteSnapshot('s')).toBe(0);
        this.kept = volume.snapshot('s') < 0 ? null : new Map(model);
        return;
      case 'rollback':
        if (this.kept === null || volume.rollback('s') < 0) return;
        this.model = new Map(this.kept);
        this.opens = [];
    }
  }

  verify(): void {
    const { volume, model } = this;
    expect(volume.selfCheck()).toEqual([]);
    for (const main of FILES) {
      const inode = volume.lookup(main);
      expect(typeof inode !== 'number').toBe(model.has(fold(main)));
      if (typeof inode === 'number') continue;
      const listed: string[] = [];
      volume.listStreams(inode, (name, stream) => {
        listed.push(fold(name === '' ? main : `${main}:${name}`));
        expect(this.#read(stream)).toBe(model.get(listed.at(-1) as string));
        return true;
      });
      const due = this.#streamsOf(fold(main));
      expect(listed).toEqual(inode.isDirectory ? due : [fold(main), ...due]);
    }
    for (const open of this.opens)
      if (!open.inode.isDirectory) expect(this.#read(open.inode)).toBe(this.#contentOf(open));
    if (this.kept !== null) return;
    const unnamed = new Map(
      this.opens.filter(({ content }) => content !== null).map((o) => [o.inode, o.content]),
    );
    for (const { inode } of this.opens)
      if (inode.main.deleted && !unnamed.has(inode.main)) unnamed.set(inode.main, this.#read(inode.main));
    let pages = 0;
    for (const content of [...model.values(), ...unnamed.values()])
      pages += Math.ceil((content ?? '').length / PAGE);
    expect(volume.pool.reservedPages).toBe(pages);
  }

  #streamsOf(main: string): string[] {
    return [...this.model.keys()].filter((path) => path.startsWith(`${main}:`)).sort();
  }

  #contentOf(open: Open): string {
    return open.content ?? (this.model.get(open.path) as string);
  }

  #put(open: Open, content: string): void {
    if (open.content === null) this.model.set(open.path, content);
    else for (const other of this.opens) if (other.inode === open.inode) other.content = content;
  }

  #unname(path: string): void {
    const content = this.model.get(path);
    if (content === undefined) return;
    for (const open of this.opens) if (open.path === path && open.content === null) open.content = content;
    this.model.delete(path);
  }

  #read(inode: Inode): string {
    if (inode.fileSize === 0) return '';
    const address = this.memory.put(new Uint8Array(inode.fileSize));
    expect(this.volume.read(inode, 0, inode.fileSize, address)).toBe(inode.fileSize);
    return Buffer.from(this.memory.get(address, inode.fileSize)).toString();
  }
}

const fold = (text: string) => text.toUpperCase();

it('random histories of streams agree with the model after every step', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const rig = new Rig();
      for (const one of steps) {
        rig.run(one);
        rig.verify();
      }
    }),
    { numRuns: 300 },
  );
});
