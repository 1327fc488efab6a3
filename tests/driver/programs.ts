/**
 * Programs on the volume: each has a file of its own and a model of what must be in it, and does random things to it
 * through cached, uncached and mapped access; another one renames directories and lists them. What a program does
 * depends on the seed alone, not on the others.
 */
import { createHash } from 'node:crypto';
import { NtStatus, ntStatusName } from '../../src/ntstatus.js';
import { CreateDisposition as Disposition } from '../../src/winfsp/abi/constants.js';
import { VOLUME } from './host.js';
import { Access, DirectoryFlag, FileClass, Option } from './nt.js';
import { basicInformation, type NtFile, namesOf, open } from './rig.js';

const PAGE = 4096;
const MAX_OFFSET = 60_000;
const MAX_WRITE = 9000;
const MAX_READ = 20_000;
const NAMES = 5;
const FILE = Option.NON_DIRECTORY;
const ACCESS = Access.READ_WRITE | Access.DELETE;

/** xorshift32. */
export function randomFrom(seed: number): (below: number) => number {
  let state = (Math.imul(seed, 2654435761) ^ 0x9e3779b9) | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** What the programs do at this moment, for those who wait for them. */
export class Progress {
  readonly doing = new Map<string, string>();
  readonly counts = new Map<string, number>();
  operations = 0;

  async step<Result>(who: string, what: string, work: () => Promise<Result>): Promise<Result> {
    this.doing.set(who, what);
    const result = await work();
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
    this.operations += 1;
    this.doing.delete(who);
    return result;
  }
}

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

export interface ProgramOptions {
  id: number;
  seed: number;
  progress: Progress;
  /** Whether to go on. */
  more: () => boolean;
}

/** Runs until told to end, then compares the file as a whole. Throws at the first difference. */
export async function fileProgram({ id, seed, progress, more }: ProgramOptions): Promise<void> {
  await new FileProgram(id, randomFrom(seed * 1000 + id), progress).run(more);
}

class FileProgram {
  #name: string;
  #file: NtFile | null = null;
  #model = Buffer.alloc(0);
  readonly #actions: readonly (() => Promise<void>)[];

  constructor(
    readonly id: number,
    readonly random: (below: number) => number,
    readonly progress: Progress,
  ) {
    this.#name = `program ${id}`;
    const often = [this.#write, this.#read];
    this.#actions = [
      ...often,
      ...often,
      ...often,
      this.#setSize,
      this.#flush,
      this.#reopen,
      this.#poke,
      this.#poke,
      this.#query,
      this.#touch,
      this.#uncached,
      this.#overwrite,
    ];
  }

  async run(more: () => boolean): Promise<void> {
    try {
      await this.#open(Disposition.FILE_OVERWRITE_IF);
      while (more()) {
        await this.#actions[this.random(this.#actions.length)]!.call(this);
      }
      await this.#compare();
    } finally {
      await this.#close();
    }
  }
  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    if (file !== null) {
      await this.#do('close', () => file.close());
    }
  }

  #do<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
    return this.progress.step(`program ${this.id}`, what, work);
  }
  #path(name = this.#name): string {
    return `${VOLUME}\\${name}`;
  }
  #expect(status: number, expected: number, what: string): void {
    if (status !== expected) {
      throw new Error(
        `${what} of ${this.#name}, ${this.#model.length} bytes: ${ntStatusName(status)}, expected ${ntStatusName(expected)}`,
      );
    }
  }

  async #open(disposition: number): Promise<void> {
    // Half of them have synchronous handles, for which there is fast I/O.
    const options = FILE | (this.id % 2 === 0 ? Option.SYNCHRONOUS : 0);
    const opened = await this.#do('open', () => open(this.#path(), { access: ACCESS, disposition, options }));
    this.#expect(opened.status, NtStatus.SUCCESS, 'open');
    this.#file = opened.file;
  }
  #grow(length: number): void {
    if (length > this.#model.length) {
      this.#model = Buffer.concat([this.#model, Buffer.alloc(length - this.#model.length)]);
    }
  }

  async #write(): Promise<void> {
    const offset = this.random(MAX_OFFSET);
    const data = Buffer.alloc(1 + this.random(MAX_WRITE), this.random(256));
    const { status, done } = await this.#do('write', () => this.#file!.write(data, offset));
    this.#expect(status, NtStatus.SUCCESS, `write of ${data.length} bytes at ${offset}`);
    this.#expect(done, data.length, 'bytes written');
    this.#grow(offset + data.length);
    data.copy(this.#model, offset);
  }
  async #read(): Promise<void> {
    const offset = this.random(MAX_OFFSET + MAX_WRITE);
    const length = 1 + this.random(MAX_READ);
    const { status, data } = await this.#do('read', () => this.#file!.read(length, offset));
    const expected = this.#model.subarray(offset, offset + length);
    const outside = offset >= this.#model.length;
    this.#expect(status, outside ? NtStatus.END_OF_FILE : NtStatus.SUCCESS, `read at ${offset}`);
    if (!outside && !data.equals(expected)) {
      const at = data.findIndex((byte, i) => byte !== expected[i]);
      throw new Error(
        `${this.#name}: read ${data.length} bytes at ${offset}, expected ${expected.length}; first difference at ${offset + at}`,
      );
    }
  }
  async #setSize(): Promise<void> {
    const size = this.random(MAX_OFFSET);
    const status = await this.#do('set size', () => this.#file!.setEndOfFile(size));
    this.#expect(status, NtStatus.SUCCESS, `size ${size}`);
    this.#model = Buffer.from(this.#model.subarray(0, size));
    this.#grow(size);
  }
  async #flush(): Promise<void> {
    this.#expect(await this.#do('flush', () => this.#file!.flush()), NtStatus.SUCCESS, 'flush');
  }
  async #reopen(): Promise<void> {
    if (this.random(3) > 0) {
      const name = `program ${this.id}, ${this.random(NAMES)}`;
      const status = await this.#do('rename', () => this.#file!.rename(this.#path(name)));
      this.#expect(status, NtStatus.SUCCESS, `rename to ${name}`);
      this.#name = name;
    }
    await this.#close();
    await this.#open(Disposition.FILE_OPEN);
  }
  /**
   * As a program with a mapping changes the file: near its end, where a change of size has to write it, or anywhere.
   */
  async #poke(): Promise<void> {
    const end = this.#model.length;
    if (end < 2 * PAGE) {
      return;
    }
    const data = Buffer.alloc(8, this.random(256));
    const last = end - (end % PAGE);
    const offset =
      this.random(2) === 0 && end % PAGE >= data.length ? last : this.random(Math.floor(end / PAGE)) * PAGE;
    const status = await this.#do('change mapped page', () => this.#file!.poke(data, offset));
    if (status === NtStatus.SUCCESS) {
      data.copy(this.#model, offset);
    } else {
      this.#expect(
        status,
        NtStatus.INVALID_PARAMETER,
        'change of a mapped page of a file that is not cached',
      );
    }
  }
  async #query(): Promise<void> {
    const { status, data } = await this.#do('query', () => this.#file!.query(FileClass.STANDARD, 24));
    this.#expect(status, NtStatus.SUCCESS, 'query');
    this.#expect(Number(data.readBigUInt64LE(8)), this.#model.length, 'size');
  }
  async #touch(): Promise<void> {
    const time = 0x01d0000000000000n + BigInt(this.random(2 ** 30));
    const change = basicInformation({ creationTime: time });
    this.#expect(
      await this.#do('touch', () => this.#file!.set(FileClass.BASIC, change)),
      NtStatus.SUCCESS,
      'touch',
    );
    const { data } = await this.#do('query', () => this.#file!.query(FileClass.BASIC, 40));
    this.#expect(Number(data.readBigInt64LE(0) - time), 0, 'creation time');
  }
  /** Through a second handle that goes past the cache. */
  async #uncached(): Promise<void> {
    const options = FILE | Option.NO_BUFFERING | Option.SYNCHRONOUS;
    const { status, file } = await this.#do('open', () => open(this.#path(), { access: ACCESS, options }));
    this.#expect(status, NtStatus.SUCCESS, 'open without the cache');
    try {
      await this.#pastTheCache(file!);
    } finally {
      await this.#do('close', () => file!.close());
    }
  }
  async #pastTheCache(file: NtFile): Promise<void> {
    const offset = PAGE * this.random(MAX_OFFSET / PAGE);
    if (this.random(2) === 0) {
      const data = Buffer.alloc(PAGE * (1 + this.random(3)), this.random(256));
      const written = await this.#do('write past the cache', () => file.write(data, offset));
      this.#expect(written.status, NtStatus.SUCCESS, `write past the cache at ${offset}`);
      this.#grow(offset + data.length);
      data.copy(this.#model, offset);
    } else {
      const read = await this.#do('read past the cache', () => file.read(4 * PAGE, offset));
      const expected = this.#model.subarray(offset, offset + 4 * PAGE);
      if (expected.length > 0 && !read.data.equals(expected)) {
        throw new Error(`${this.#name}: reading past the cache at ${offset} gives other bytes`);
      }
    }
  }
  async #overwrite(): Promise<void> {
    await this.#close();
    await this.#open(this.random(2) === 0 ? Disposition.FILE_OVERWRITE : Disposition.FILE_SUPERSEDE);
    this.#model = Buffer.alloc(0);
  }

  async #compare(): Promise<void> {
    const expected = sha256(this.#model);
    for (const options of [FILE | Option.SYNCHRONOUS, FILE | Option.NO_BUFFERING | Option.SYNCHRONOUS]) {
      const { file, status } = await open(this.#path(), { access: Access.READ, options });
      this.#expect(status, NtStatus.SUCCESS, 'open to compare');
      const { data } = await file!.read(PAGE * (Math.ceil(this.#model.length / PAGE) + 1), 0);
      await file!.close();
      if (sha256(data) !== expected) {
        throw new Error(`${this.#name}: SHA-256 of ${data.length} bytes differs from that of the model`);
      }
    }
  }
}

/** Makes and renames directories with files in them, and lists them. */
export async function directoryProgram({ id, seed, progress, more }: ProgramOptions): Promise<void> {
  const random = randomFrom(seed * 1000 + id);
  const step = <Result>(what: string, work: () => Promise<Result>) =>
    progress.step(`directories ${id}`, what, work);
  const path = (which: number) => `${VOLUME}\\directory ${id}.${which}`;
  while (more()) {
    const from = path(random(3));
    const directory = await step('open directory', () =>
      open(from, {
        disposition: Disposition.FILE_OPEN_IF,
        access: Access.DELETE | Access.LIST,
        options: Option.DIRECTORY | Option.SYNCHRONOUS,
      }),
    );
    if (directory.file === null) {
      throw new Error(`${from}: ${ntStatusName(directory.status)}`);
    }
    try {
      const name = `file ${random(7)}`;
      await writeSmallFile(`${from}\\${name}`, random(256), step);
      const { data } = await step('list', () => directory.file!.directory(null, DirectoryFlag.RESTART));
      if (!namesOf(data).includes(name)) {
        throw new Error(`${from} lists ${namesOf(data).join(', ')}, but not ${name}`);
      }
      await step('rename directory', () => directory.file!.rename(path(random(3))));
    } finally {
      await step('close', () => directory.file!.close());
    }
  }
}

type Step = <Result>(what: string, work: () => Promise<Result>) => Promise<Result>;
async function writeSmallFile(path: string, value: number, step: Step): Promise<void> {
  const made = await step('open', () =>
    open(path, { disposition: Disposition.FILE_OVERWRITE_IF, options: FILE }),
  );
  if (made.file === null) {
    throw new Error(`${path}: ${ntStatusName(made.status)}`);
  }
  await step('write', () => made.file!.write(Buffer.alloc(5000, value), 0));
  await step('close', () => made.file!.close());
}
