/**
 * Long random histories of requests against the RAM drive behind the real host, beside a model of byte arrays: every
 * answer, every FILE_INFO, every byte read and the free space are compared. The volume has a few pages only, so most
 * histories fill it.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NtStatus } from '../../src/ntstatus.js';
import { CreateDisposition } from '../../src/winfsp/abi/constants.js';
import { holds, propertyRuns } from '../support/property.js';
import type { DispatcherName } from './served-options.js';
import { PAGE } from './served-options.js';
import { Cleanup, expectStatus, type Info, infoAt, OpenFile, ServedVolume } from './served-volume.js';

const CAPACITY_PAGES = 8;
const NAMES = ['a', 'B', 'b.txt', 'ß', 'SS', 'é'];
const REPLACE = 1;
const RUNS = 200;

interface ModelFile {
  name: string;
  bytes: Buffer;
  reserve: number;
}

interface Handle {
  file: ModelFile;
  real: OpenFile;
}

const pagesOf = (bytes: number): number => Math.ceil(bytes / PAGE);
/** Enough for the names above; the volume has a table of its own. */
const fold = (name: string): string => (name === 'ß' ? name : name.toUpperCase());

class Model {
  readonly files = new Map<string, ModelFile>();
  readonly handles: Handle[] = [];

  constructor(
    readonly volume: ServedVolume,
    readonly counts: Record<string, number>,
  ) {}

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  handle(pick: number): Handle {
    return this.handles[pick % this.handles.length]!;
  }

  opens(file: ModelFile): number {
    return this.handles.filter((one) => one.file === file).length;
  }

  get free(): number {
    let reserved = 0;
    for (const { reserve } of this.allFiles()) reserved += reserve;
    return CAPACITY_PAGES - reserved;
  }

  *allFiles(): Iterable<ModelFile> {
    yield* this.files.values();
  }

  /** NoSpuriousDiskFull and NoSilentLoss: refused exactly when there is no room. True when it was done. */
  hadRoom(status: number, more: number, what: string): boolean {
    const fits = more <= this.free;
    expectStatus(status, fits ? NtStatus.SUCCESS : NtStatus.DISK_FULL, `${what}, ${more} more pages`);
    if (!fits) this.count('full');
    return fits;
  }

  /** FileInfoTrue. */
  compare({ fileSize, allocationSize }: Info, { bytes, reserve }: ModelFile): void {
    assert.deepEqual(
      { fileSize, allocationSize },
      { fileSize: bytes.length, allocationSize: reserve * PAGE },
    );
  }

  resize(file: ModelFile, length: number): void {
    const bytes = Buffer.alloc(length);
    file.bytes.copy(bytes, 0, 0, Math.min(length, file.bytes.length));
    file.bytes = bytes;
  }
}

type Command = fc.Command<Model, null>;

/** `run` gets the model only: the real volume is what it holds. */
function command(
  text: string,
  run: (model: Model) => void,
  check: (model: Model) => boolean = (model) => model.handles.length > 0,
): Command {
  return { check: (model) => check(model as Model), run: (model) => run(model), toString: () => text };
}

const name = fc.constantFrom(...NAMES);
const pick = fc.nat(100);
/** Near the ends of pages, and anywhere. */
const size = fc.oneof(
  fc
    .integer({ min: 0, max: CAPACITY_PAGES + 1 })
    .chain((pages) => fc.integer({ min: -1, max: 1 }).map((more) => Math.max(0, pages * PAGE + more))),
  fc.nat(4 * PAGE),
);

const create = fc.tuple(name, fc.constantFrom(0, 0, 1, 3 * PAGE)).map(([path, allocationSize]) =>
  command(
    `Create(${path}, ${allocationSize})`,
    (model) => {
      const opened = model.volume.tryOpen(path, CreateDisposition.FILE_CREATE, 0, { allocationSize });
      if (model.files.has(fold(path))) {
        expectStatus(opened.status, NtStatus.OBJECT_NAME_COLLISION, `create ${path}`);
        model.count('collision');
        return;
      }
      const reserve = pagesOf(allocationSize);
      if (!model.hadRoom(opened.status, reserve, `create ${path}`)) return;
      const file = { name: path, bytes: Buffer.alloc(0), reserve };
      model.files.set(fold(path), file);
      const real = new OpenFile(model.volume, model.volume.path(path), opened);
      model.handles.push({ file, real });
      model.compare(real.info, file);
      model.count('create');
    },
    (model) => model.handles.length < 6,
  ),
);

const open = name.map((path) =>
  command(
    `Open(${path})`,
    (model) => {
      const opened = model.volume.tryOpen(path, CreateDisposition.FILE_OPEN);
      const file = model.files.get(fold(path));
      if (file === undefined) {
        expectStatus(opened.status, NtStatus.OBJECT_NAME_NOT_FOUND, `open ${path}`);
        return;
      }
      expectStatus(opened.status, NtStatus.SUCCESS, `open ${path}`);
      const real = new OpenFile(model.volume, model.volume.path(file.name), opened);
      model.handles.push({ file, real });
      assert.equal(real.normalizedName, `\\${file.name}`);
      model.compare(real.info, file);
    },
    (model) => model.handles.length < 6,
  ),
);

const write = fc
  .record({ pick, offset: size, length: size, value: fc.integer({ min: 1, max: 255 }), mode: fc.nat(4) })
  .map(({ pick: at, offset, length, value, mode }) =>
    command(`Write(${at}, ${offset}, ${length}, mode ${mode})`, (model) => {
      const { file, real } = model.handle(at);
      const [append, constrained] = [mode === 3, mode === 4];
      const data = Buffer.alloc(length);
      // Each byte tells its place in the data, so that one that lands elsewhere is seen.
      for (let i = 0; i < length; i++) data[i] = (value + i * 7) | 1;
      const answer = real.tryWrite(append ? -1 : offset, data, constrained);
      const start = append ? file.bytes.length : offset;
      const count = constrained ? Math.max(0, Math.min(length, file.bytes.length - start)) : length;
      const end = count === 0 ? 0 : start + count;
      const reserve = Math.max(file.reserve, pagesOf(end));
      if (end <= file.bytes.length) expectStatus(answer.status, NtStatus.SUCCESS, 'NoSilentLoss');
      if (!model.hadRoom(answer.status, reserve - file.reserve, 'write')) return;
      assert.equal(answer.information, count, 'bytes written');
      if (end > file.bytes.length) model.resize(file, end);
      data.copy(file.bytes, start, 0, count);
      file.reserve = reserve;
      model.compare(infoAt(answer.bytes, 24), file);
      model.count(append ? 'append' : constrained ? 'constrained' : 'write');
    }),
  );

const read = fc
  .record({ pick, offset: size, length: size.map((length) => length + 1) })
  .map(({ pick: at, offset, length }) =>
    command(`Read(${at}, ${offset}, ${length})`, (model) => {
      const { file, real } = model.handle(at);
      const answer = real.tryRead(offset, length);
      if (offset >= file.bytes.length) {
        expectStatus(answer.status, NtStatus.END_OF_FILE, 'read behind the end');
        return;
      }
      expectStatus(answer.status, NtStatus.SUCCESS, 'read');
      const due = file.bytes.subarray(offset, offset + length);
      assert.equal(answer.information, due.length, 'ReadConsistent: bytes read');
      assert.ok(answer.data.subarray(0, answer.information).equals(due), 'DataIntegrity: other bytes');
      model.count('read');
    }),
  );

const setSize = fc
  .record({ pick, bytes: size, allocation: fc.boolean() })
  .map(({ pick: at, bytes, allocation }) =>
    command(`${allocation ? 'SetAllocation' : 'SetSize'}(${at}, ${bytes})`, (model) => {
      const { file, real } = model.handle(at);
      const answer = real.trySetSize(bytes, allocation);
      const shrinks = bytes < file.bytes.length;
      const reserve = shrinks || allocation ? pagesOf(bytes) : Math.max(file.reserve, pagesOf(bytes));
      if (!model.hadRoom(answer.status, reserve - file.reserve, 'size')) return;
      file.reserve = reserve;
      if (shrinks || !allocation) model.resize(file, bytes);
      model.compare(infoAt(answer.bytes, 24), file);
      model.count(shrinks ? 'truncate' : allocation ? 'allocate' : 'extend');
    }),
  );

const overwrite = fc.record({ pick, allocationSize: size }).map(({ pick: at, allocationSize }) =>
  command(
    `Overwrite(${at}, ${allocationSize})`,
    (model) => {
      const { file, real } = model.handle(at);
      const answer = real.tryOverwrite(0, false, allocationSize);
      // The host closes a file whose Overwrite fails, as the driver would have it; that is tested elsewhere.
      if (!model.hadRoom(answer.status, pagesOf(allocationSize) - file.reserve, 'overwrite')) return;
      file.reserve = pagesOf(allocationSize);
      model.resize(file, 0);
      model.compare(infoAt(answer.bytes, 24), file);
      model.count('overwrite');
    },
    (model) => {
      if (model.handles.length === 0) return false;
      const { file } = model.handle(at);
      return pagesOf(allocationSize) - file.reserve <= model.free;
    },
  ),
);

const look = fc.tuple(pick, fc.boolean()).map(([at, isFlush]) =>
  command(`${isFlush ? 'Flush' : 'Query'}(${at})`, (model) => {
    const { file, real } = model.handle(at);
    model.compare(isFlush ? real.flush() : real.query(), file);
  }),
);

const rename = fc.tuple(pick, name, fc.boolean()).map(([at, to, replace]) =>
  command(
    `Rename(${at}, ${to}, ${replace})`,
    (model) => {
      const { file, real } = model.handle(at);
      const there = model.files.get(fold(to));
      const status = real.tryRename(
        model.volume.path(to),
        replace ? REPLACE : 0,
        model.volume.path(file.name),
      );
      if (there !== undefined && there !== file && !replace) {
        expectStatus(status, NtStatus.OBJECT_NAME_COLLISION, `rename to ${to}`);
        return;
      }
      expectStatus(status, NtStatus.SUCCESS, `rename to ${to}`);
      if (there !== undefined && there !== file) model.count('replace');
      model.files.delete(fold(file.name));
      model.files.set(fold(to), file);
      file.name = to;
      for (const one of model.handles) if (one.file === file) one.real.path = model.volume.path(to);
      model.count('rename');
    },
    (model) => {
      if (model.handles.length === 0) return false;
      // The driver lets nobody replace what is open.
      const there = model.files.get(fold(to));
      return there === undefined || there === model.handle(at).file || model.opens(there) === 0;
    },
  ),
);

const close = fc.tuple(pick, fc.boolean(), fc.boolean()).map(([at, remove, trim]) =>
  command(`Close(${at}, delete ${remove}, trim ${trim})`, (model) => {
    const { file, real } = model.handle(at);
    const isLast = model.opens(file) === 1;
    const deletes = remove && isLast;
    real.cleanup((deletes ? Cleanup.DELETE : 0) | (trim ? Cleanup.TRIM : 0));
    if (trim) file.reserve = pagesOf(file.bytes.length);
    if (deletes) {
      model.files.delete(fold(file.name));
      // The content lives on until the Close.
      if (file.bytes.length > 0) assert.ok(real.read(0, file.bytes.length).equals(file.bytes));
      model.count('delete');
    }
    real.closeOnly();
    model.handles.splice(
      model.handles.findIndex((one) => one.real === real),
      1,
    );
  }),
);

const observe = fc.constant(
  command(
    'VolumeInfo()',
    (model) => {
      assert.equal(model.volume.freeBytes, model.free * PAGE, 'FreeBytesAccurate');
      const root = model.volume.rootFile();
      const due = [...model.files.values()].sort((a, b) => (fold(a.name) < fold(b.name) ? -1 : 1));
      assert.deepEqual(
        root.list(512),
        due.map((file) => file.name),
      );
      root.close();
    },
    () => true,
  ),
);

const history = fc.commands(
  [create, open, write, write, write, read, read, setSize, setSize, overwrite, look, rename, close, observe],
  { maxCommands: 150, size: 'max' },
);

describe.each(['inline', 'async', 'native'] as DispatcherName[])(
  'histories of requests, %s dispatcher',
  (kind) => {
    let volume: ServedVolume;
    beforeAll(async () => {
      volume = await ServedVolume.start({ kind, volume: { capacityBytes: CAPACITY_PAGES * PAGE } });
    });
    afterAll(() => volume?.abandon());

    it('DataIntegrity, ReadConsistent, FileInfoTrue, FreeBytesAccurate, NoSilentLoss, NoSpuriousDiskFull, NoPageLeak', async () => {
      const counts: Record<string, number> = {};
      const property = fc.property(history, (commands) => {
        const model = new Model(volume, counts);
        try {
          fc.modelRun(() => ({ model, real: null }), commands);
        } catch (error) {
          // What failed is told, not that there is something left to clean up after it.
          tryToEmpty(model);
          throw error;
        }
        empty(model);
        // NoPageLeak: nothing is left of a history.
        assert.equal(volume.freeBytes, CAPACITY_PAGES * PAGE, 'room left behind');
      });
      holds('histories of requests', property, RUNS);
      // A history that never meets these proves nothing about them.
      for (const what of [
        'full',
        'collision',
        'append',
        'constrained',
        'truncate',
        'extend',
        'allocate',
        'overwrite',
        'replace',
        'delete',
      ]) {
        expect(counts[what], what).toBeGreaterThan(propertyRuns(RUNS) / 20);
      }
      expect(volume.host.violations).toEqual([]);
    }, 240_000);
  },
);

function tryToEmpty(model: Model): void {
  try {
    empty(model);
  } catch {
    // The next history will say so.
  }
}

/** Closes everything and deletes every file. */
function empty(model: Model): void {
  for (const { real } of model.handles.splice(0)) real.close();
  const root = model.volume.rootFile();
  for (const left of root.list()) model.volume.delete(left);
  root.close();
}
