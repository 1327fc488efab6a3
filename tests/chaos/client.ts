/**
 * One worker's access to its own tree on the drive. Every call is first compared with the model (must it be refused,
 * and how?), written to the journal, done, judged, and only then applied to the model. A `Mismatch` is a finding about
 * the drive.
 *
 * ENOSPC is accepted only where a file's reservation would have had to grow: inside what it reserves for, a refusal is
 * a finding (NoSilentLoss), and a refusal must have changed nothing (AllOrNothing).
 */
import fs, { constants } from 'node:fs';
import { join } from 'node:path';
import type { WorkerBoard } from './board.js';
import { BLOCK_BYTES } from './content.js';
import { done, type Journal } from './journal.js';
import { codeOf, expectDriveThere, Mismatch } from './mismatch.js';
import type { Model, ModelFile, Mutation } from './model.js';
import { MAX_PIECE_BYTES, pieceAt } from './noise.js';

export const { O_RDONLY, O_RDWR, O_APPEND } = constants;
const { O_CREAT, O_EXCL, O_TRUNC } = constants;

export interface Handle {
  fd: number;
  file: ModelFile;
}

export interface ClientOptions {
  /** The worker's own directory on the drive. */
  root: string;
  model: Model;
  journal: Journal;
  board: WorkerBoard;
  pageSizeBytes: number;
}

const buffer = Buffer.alloc(MAX_PIECE_BYTES);
const WINDOW_BYTES = 16 * 1024;

/**
 * Refusals that are expected come as exceptions too, and the traces of their stacks took a twentieth of a client's
 * time.
 */
function withoutTrace<T>(call: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return call();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

export class Client {
  readonly model: Model;
  /** Calls that were refused for want of room, since the last look. */
  refusals = 0;
  readonly #root: string;
  readonly #journal: Journal;
  readonly #board: WorkerBoard;
  readonly #pageSizeBytes: number;
  readonly #openCounts = new Map<ModelFile, number>();

  constructor({ root, model, journal, board, pageSizeBytes }: ClientOptions) {
    this.#root = root;
    this.model = model;
    this.#journal = journal;
    this.#board = board;
    this.#pageSizeBytes = pageSizeBytes;
  }

  absolute(path: string): string {
    return join(this.#root, path);
  }

  /** A comparison with the oracle that held. */
  verified(count = 1): void {
    this.#board.add('verified', count);
  }

  /** A new file, or null when the model says that there can be none. */
  create(path: string): Handle | null {
    const id = this.model.newId();
    const fd = this.#attempt({ m: 'create', path, id }, path, () =>
      fs.openSync(this.absolute(path), O_RDWR | O_CREAT | O_EXCL, 0o644),
    );
    return fd === null ? null : this.#opened(fd, this.model.file(id));
  }

  /** null when it is not there, as the model says too. */
  open(path: string, flags: number): Handle | null {
    const file = this.model.files.get(path);
    let fd: number;
    try {
      fd = withoutTrace(() => fs.openSync(this.absolute(path), flags));
    } catch (error) {
      const code = codeOf(error);
      if (file === undefined && code === 'ENOENT') {
        this.verified();
        return null;
      }
      throw new Mismatch(`opening ${path} failed with ${code}`, { path, fileId: file?.id, actual: code });
    }
    if (file === undefined) {
      fs.closeSync(fd);
      throw new Mismatch(`${path} could be opened, but must not exist`, { path });
    }
    this.verified();
    if ((flags & O_TRUNC) !== 0) {
      throw new Error('O_TRUNC is a change of its own: use openEmptied.');
    }
    return this.#opened(fd, file);
  }

  /** Opens an existing file with O_TRUNC. */
  openEmptied(path: string): Handle | null {
    const file = this.model.files.get(path);
    if (file === undefined) {
      return this.open(path, O_RDWR);
    }
    const fd = this.#attempt({ m: 'length', id: file.id, length: 0 }, path, () =>
      fs.openSync(this.absolute(path), O_RDWR | O_TRUNC),
    );
    return fd === null ? null : this.#opened(fd, file);
  }

  close(handle: Handle): void {
    fs.closeSync(handle.fd);
    const count = this.#openCounts.get(handle.file)! - 1;
    if (count > 0) {
      this.#openCounts.set(handle.file, count);
      if (process.platform === 'win32') handle.file.allocatedLeastBytes = 0;
    } else {
      this.#openCounts.delete(handle.file);
      this.model.closed(handle.file);
    }
  }

  /** How much was written: all, or less when room ran out. 0 for a clean refusal. */
  write(handle: Handle, offset: number, lengthBytes: number, source: number, fd = handle.fd): number {
    const { file } = handle;
    const mutation: Mutation = { m: 'write', id: file.id, offset, length: lengthBytes, source };
    const count = this.#attempt(
      mutation,
      file.path,
      () => fs.writeSync(fd, pieceAt(source, lengthBytes), 0, lengthBytes, offset),
      (written) => written,
    );
    this.#board.add('bytesWritten', count ?? 0);
    this.verifyLength(handle);
    return count ?? 0;
  }

  /** Through a descriptor opened with O_APPEND. */
  append(handle: Handle, lengthBytes: number, source: number): number {
    const { file, fd } = handle;
    const offset = file.content.lengthBytes;
    const count = this.#attempt(
      { m: 'write', id: file.id, offset, length: lengthBytes, source },
      file.path,
      () => fs.writeSync(fd, pieceAt(source, lengthBytes)),
      (written) => written,
    );
    this.#board.add('bytesWritten', count ?? 0);
    this.verifyLength(handle);
    return count ?? 0;
  }

  /** Any other change of content: `call` does it and returns how many bytes it did, or 0 where it is all or nothing. */
  change(handle: Handle, mutation: Mutation & { id: number }, call: () => number): number | null {
    const count = this.#attempt(mutation, handle.file.path, call, (result) => result);
    this.verifyLength(handle);
    return count;
  }

  setLength(handle: Handle, lengthBytes: number): boolean {
    return (
      this.change(handle, { m: 'length', id: handle.file.id, length: lengthBytes }, () => {
        fs.ftruncateSync(handle.fd, lengthBytes);
        return 0;
      }) !== null
    );
  }

  unlink(path: string): boolean {
    const file = this.model.files.get(path);
    const result = this.#attempt({ m: 'unlink', path }, path, () => fs.unlinkSync(this.absolute(path)));
    this.#forget(file);
    return result !== null;
  }

  rename(path: string, to: string): boolean {
    const replaced = path === to ? undefined : this.model.files.get(to);
    const mutation: Mutation = { m: 'rename', path, to };
    const result = this.#attempt(mutation, path, () => fs.renameSync(this.absolute(path), this.absolute(to)));
    if (result !== null) {
      this.#forget(replaced);
    }
    return result !== null;
  }

  makeDirectory(path: string): boolean {
    return this.#attempt({ m: 'mkdir', path }, path, () => fs.mkdirSync(this.absolute(path))) !== null;
  }

  removeDirectory(path: string): boolean {
    return this.#attempt({ m: 'rmdir', path }, path, () => fs.rmdirSync(this.absolute(path))) !== null;
  }

  setMode(file: ModelFile, mode: number): void {
    const path = file.path!;
    this.#attempt({ m: 'mode', id: file.id, mode }, path, () => fs.chmodSync(this.absolute(path), mode));
  }

  /** Every name once, with the right type, and no other. */
  verifyList(path: string): void {
    const expected = this.model.directories.get(path);
    let entries: fs.Dirent[];
    try {
      entries = fs.readdirSync(this.absolute(path), { withFileTypes: true });
    } catch (error) {
      const code = codeOf(error);
      if (expected === undefined && code === 'ENOENT') {
        this.verified();
        return;
      }
      throw new Mismatch(`listing ${path || '.'} failed with ${code}`, { path, actual: code });
    }
    const typed = (name: string, isDirectory: boolean) => name + (isDirectory ? '/' : '');
    const found = entries.map((entry) => typed(entry.name, entry.isDirectory())).sort();
    const wanted = [...(expected ?? [])]
      .map((name) => typed(name, this.model.directories.has(path === '' ? name : `${path}/${name}`)))
      .sort();
    if (JSON.stringify(found) !== JSON.stringify(wanted)) {
      throw new Mismatch(`the listing of ${path || '.'} is wrong`, {
        path,
        expected: wanted.join(', '),
        actual: found.join(', '),
      });
    }
    this.verified(1 + found.length);
  }

  verifyLength({ fd, file }: Handle): void {
    const { size, nlink } = fs.fstatSync(fd);
    const expected = file.content.lengthBytes;
    if (size !== expected) {
      throw this.#wrong(file, `the length is ${size}, not ${expected}`, Math.min(size, expected));
    }
    if (file.path !== null && nlink === 0) {
      throw this.#wrong(file, 'fstat says that a file with a name has none', undefined);
    }
    this.verified();
  }

  /** Reads and compares; what lies beyond the end must not be there. */
  verifyRange(handle: Handle, offset: number, lengthBytes: number, fd = handle.fd, into = buffer): void {
    const { file } = handle;
    const end = Math.min(offset + lengthBytes, file.content.lengthBytes);
    for (let at = offset; at < end || at === offset; ) {
      const wanted = Math.min(into.length, offset + lengthBytes - at);
      let count: number;
      try {
        count = fs.readSync(fd, into, 0, wanted, at);
      } catch (error) {
        throw this.#wrong(file, `reading ${wanted} bytes at ${at} failed with ${codeOf(error)}`, at);
      }
      const expected = Math.max(0, Math.min(wanted, file.content.lengthBytes - at));
      if (count < expected) {
        expectDriveThere(fd, at + count);
      }
      if (count !== expected) {
        throw this.#wrong(
          file,
          `reading ${wanted} bytes at ${at} gave ${count} instead of ${expected}`,
          at + count,
        );
      }
      this.verifyBytes(file, at, into.subarray(0, count));
      this.#board.add('bytesRead', count);
      if (count === 0) {
        return;
      }
      at += count;
    }
  }

  verifyAll(handle: Handle): void {
    this.verifyLength(handle);
    this.verifyRange(handle, 0, handle.file.content.lengthBytes + 1);
  }

  /**
   * All of a short file; beginning, middle and end of a long one, which would take the time of many other operations.
   */
  verifyMost(handle: Handle): void {
    const { lengthBytes } = handle.file.content;
    if (lengthBytes <= 4 * WINDOW_BYTES) {
      this.verifyAll(handle);
      return;
    }
    this.verifyLength(handle);
    for (const at of [0, Math.floor(lengthBytes / 2), lengthBytes - WINDOW_BYTES]) {
      this.verifyRange(handle, at, WINDOW_BYTES + 1);
    }
  }

  verifyBytes(file: ModelFile, offset: number, bytes: Buffer): void {
    const difference = file.content.differenceAt(offset, bytes);
    if (difference >= 0) {
      const count = Math.min(32, offset + bytes.length - difference);
      throw new Mismatch(`wrong byte at ${difference} (block ${Math.floor(difference / BLOCK_BYTES)})`, {
        path: file.path ?? '(deleted)',
        fileId: file.id,
        offset: difference,
        expected: file.content.expected(difference, count).toString('hex'),
        actual: bytes.subarray(difference - offset, difference - offset + count).toString('hex'),
      });
    }
    this.verified();
  }

  /** What a file reserves at least: whole pages for its length, and for what was allocated beyond. */
  reservedLeastBytes(file: ModelFile): number {
    return this.#wholePages(Math.max(file.content.lengthBytes, file.allocatedLeastBytes));
  }

  reservedMostBytes(file: ModelFile): number {
    return this.#wholePages(Math.max(file.content.lengthBytes, file.allocatedMostBytes));
  }

  /** Files without a name that are still open here. */
  openDeleted(): ModelFile[] {
    return [...this.#openCounts.keys()].filter(({ path }) => path === null);
  }

  #wholePages(bytes: number): number {
    return Math.ceil(bytes / this.#pageSizeBytes) * this.#pageSizeBytes;
  }

  #opened(fd: number, file: ModelFile): Handle {
    this.#openCounts.set(file, (this.#openCounts.get(file) ?? 0) + 1);
    return { fd, file };
  }

  #forget(file: ModelFile | undefined): void {
    if (file !== undefined && file.path === null && !this.#openCounts.has(file)) {
      this.model.closed(file);
    }
  }

  /** The result of the call; null for a refusal that the oracle expects or allows. */
  #attempt<T>(
    mutation: Mutation,
    path: string | null,
    call: () => T,
    countOf: (result: T) => number = () => 0,
  ): T | null {
    const expected = this.model.expectedError(mutation);
    this.#journal.intend(mutation);
    let result: T;
    try {
      result = withoutTrace(call);
    } catch (error) {
      const code = codeOf(error);
      this.#journal.refuse(code);
      if (code === expected) {
        this.verified();
        return null;
      }
      if (code === 'ENOSPC' && expected === null && this.#mayNeedRoom(mutation)) {
        this.refusals++;
        return null;
      }
      throw new Mismatch(
        `${mutation.m} of ${path ?? 'a deleted file'} failed with ${code}${this.#why(mutation, code)}`,
        {
          path: path ?? undefined,
          fileId: 'id' in mutation ? mutation.id : undefined,
          expected: expected ?? 'success',
          actual: code,
        },
      );
    }
    if (expected !== null) {
      throw new Mismatch(`${mutation.m} of ${path} succeeded, and must fail with ${expected}`, {
        path: path ?? undefined,
        expected,
        actual: 'success',
      });
    }
    const count = countOf(result);
    if ('source' in mutation || mutation.m === 'copy') {
      this.#judgeCount(mutation, count, path);
    }
    this.model.apply(done(mutation, count));
    this.#journal.acknowledge(count);
    this.verified();
    return result;
  }

  /** Less than asked for is right only when room ran out, and then what was done lies inside. */
  #judgeCount(
    mutation: Mutation & { length: number; offset: number },
    count: number,
    path: string | null,
  ): void {
    // A copy may always stop early; anyone who wants more calls again.
    if (count === mutation.length || (mutation.m === 'copy' && count > 0)) {
      return;
    }
    if (!this.#mayNeedRoom(mutation)) {
      throw new Mismatch(
        `${mutation.m} of ${mutation.length} bytes at ${mutation.offset} did only ${count}`,
        {
          path: path ?? undefined,
          offset: mutation.offset + count,
        },
      );
    }
    this.refusals++;
  }

  /** Whether a file's reservation has to grow for it. */
  #mayNeedRoom(mutation: Mutation): boolean {
    switch (mutation.m) {
      case 'write':
      case 'copy':
        return mutation.offset + mutation.length > this.reservedLeastBytes(this.model.file(mutation.id));
      case 'length':
        return mutation.length > this.reservedLeastBytes(this.model.file(mutation.id));
      case 'allocate':
        return mutation.bytes > this.reservedLeastBytes(this.model.file(mutation.id));
      default:
        return false;
    }
  }

  #why(mutation: Mutation, code: string): string {
    return code === 'ENOSPC' && 'id' in mutation && mutation.m !== 'create'
      ? `, although the file has reserved ${this.reservedLeastBytes(this.model.file(mutation.id))} bytes already`
      : '';
  }

  #wrong(file: ModelFile, message: string, offset: number | undefined): Mismatch {
    return new Mismatch(`${file.path ?? 'a deleted file'}: ${message}`, {
      path: file.path ?? undefined,
      fileId: file.id,
      offset,
    });
  }
}
