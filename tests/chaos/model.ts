/**
 * What one worker's tree on the drive must look like. Every change is a `Mutation`: plain data, applied here after the
 * system has acknowledged it, and written to the journal before and after, so that a successor of a killed worker knows
 * where it stood.
 *
 * Pure: no file is touched. `expectedError` says how the system must answer a mutation now, by the rules of POSIX.
 */
import { Content, type Extent } from './content.js';

export type Mutation =
  | { m: 'create'; path: string; id: number }
  | { m: 'unlink'; path: string }
  | { m: 'rename'; path: string; to: string }
  | { m: 'mkdir'; path: string }
  | { m: 'rmdir'; path: string }
  | { m: 'mode'; id: number; mode: number }
  | { m: 'write'; id: number; offset: number; length: number; source: number; torn?: true }
  | { m: 'length'; id: number; length: number }
  | { m: 'allocate'; id: number; bytes: number }
  | { m: 'zero'; id: number; offset: number; length: number }
  | { m: 'copy'; id: number; offset: number; from: number; fromOffset: number; length: number };

export class ModelFile {
  content: Content;
  /** Names that lead to it: 0 after its deletion, while someone has it open. */
  path: string | null;
  mode = 0o644;
  /**
   * Room asked for beyond the length. On Windows it lasts until the last close at most, and may go with that of any
   * handle.
   */
  allocatedMostBytes = 0;
  allocatedLeastBytes = 0;
  /** There was such room once: what the kernel remembers of it need not be true any more. */
  hadAllocation = false;

  constructor(
    readonly id: number,
    path: string,
    content = new Content(),
  ) {
    this.path = path;
    this.content = content;
  }
}

export interface Snapshot {
  /** Of the next operation. */
  nextIndex: number;
  nextId: number;
  directories: string[];
  files: {
    id: number;
    path: string;
    mode: number;
    length: number;
    generation: number;
    extents: Extent[];
    allocatedMostBytes: number;
  }[];
}

export class Model {
  /** All directories by path; '' is the worker's own root. */
  readonly directories = new Map<string, Set<string>>([['', new Set()]]);
  readonly files = new Map<string, ModelFile>();
  /** Files without a name that the worker still has open are here too. */
  readonly byId = new Map<number, ModelFile>();
  #nextId = 1;

  newId(): number {
    return this.#nextId++;
  }

  file(id: number): ModelFile {
    const file = this.byId.get(id);
    if (file === undefined) {
      throw new Error(`The model has no file ${id}.`);
    }
    return file;
  }

  names(directory: string): string[] {
    return [...this.directories.get(directory)!];
  }

  /** The errno name with which the system must refuse, or null. Room is not considered. */
  expectedError(mutation: Mutation): string | null {
    switch (mutation.m) {
      case 'create':
      case 'mkdir':
        return this.#errorOfNew(mutation.path);
      case 'unlink':
        return this.files.has(mutation.path) ? null : 'ENOENT';
      case 'rmdir':
        return this.#errorOfEmpty(mutation.path);
      case 'rename':
        return this.#errorOfRename(mutation.path, mutation.to);
      default:
        return null;
    }
  }

  apply(mutation: Mutation): void {
    switch (mutation.m) {
      case 'create':
        this.#add(new ModelFile(mutation.id, mutation.path));
        this.#nextId = Math.max(this.#nextId, mutation.id + 1);
        break;
      case 'unlink':
        this.#detach(mutation.path);
        break;
      case 'rename':
        this.#rename(mutation.path, mutation.to);
        break;
      case 'mkdir':
        this.directories.set(mutation.path, new Set());
        this.directories.get(parentOf(mutation.path))!.add(nameOf(mutation.path));
        break;
      case 'rmdir':
        this.directories.delete(mutation.path);
        this.directories.get(parentOf(mutation.path))!.delete(nameOf(mutation.path));
        break;
      case 'mode':
        this.file(mutation.id).mode = mutation.mode;
        break;
      case 'write':
        this.file(mutation.id).content.write(mutation.offset, mutation.length, mutation.source);
        break;
      case 'length': {
        const file = this.file(mutation.id);
        if (mutation.length <= file.content.lengthBytes) {
          file.allocatedLeastBytes = 0;
        }
        if (mutation.length < file.content.lengthBytes) {
          file.allocatedMostBytes = 0;
        }
        file.content.setLength(mutation.length);
        break;
      }
      case 'allocate': {
        const file = this.file(mutation.id);
        file.allocatedMostBytes = Math.max(file.allocatedMostBytes, mutation.bytes);
        file.allocatedLeastBytes = Math.max(file.allocatedLeastBytes, mutation.bytes);
        file.hadAllocation = true;
        break;
      }
      case 'zero':
        this.file(mutation.id).content.zero(mutation.offset, mutation.length);
        break;
      case 'copy': {
        const { id, from, fromOffset, offset, length } = mutation;
        this.file(id).content.copyFrom(this.file(from).content, fromOffset, offset, length);
        break;
      }
    }
  }

  /**
   * Nobody has it open any more: without a name it is gone. On Windows the last close gives back what was allocated.
   */
  closed(file: ModelFile): void {
    if (process.platform === 'win32') {
      file.allocatedMostBytes = 0;
      file.allocatedLeastBytes = 0;
    }
    if (file.path === null) {
      this.byId.delete(file.id);
    }
  }

  snapshot(nextIndex: number): Snapshot {
    return {
      nextIndex,
      nextId: this.#nextId,
      directories: [...this.directories.keys()].filter((path) => path !== '').sort(),
      files: [...this.files.values()].map(({ id, path, mode, content, allocatedMostBytes }) => ({
        id,
        path: path!,
        mode,
        length: content.lengthBytes,
        generation: content.generation,
        extents: content.extents,
        allocatedMostBytes,
      })),
    };
  }

  static restore(snapshot: Snapshot): Model {
    const model = new Model();
    for (const path of snapshot.directories) {
      model.apply({ m: 'mkdir', path });
    }
    for (const { id, path, mode, length, generation, extents, allocatedMostBytes } of snapshot.files) {
      const content = new Content();
      content.lengthBytes = length;
      content.generation = generation;
      content.extents = extents.map((extent) => ({ ...extent }));
      const file = new ModelFile(id, path, content);
      file.mode = mode;
      // What is kept of it by a kernel that nobody asked is not known.
      file.hadAllocation = true;
      file.allocatedMostBytes = allocatedMostBytes;
      model.#add(file);
    }
    model.#nextId = snapshot.nextId;
    return model;
  }

  #errorOfNew(path: string): string | null {
    const parent = this.directories.get(parentOf(path));
    if (parent === undefined) {
      return 'ENOENT';
    }
    return parent.has(nameOf(path)) ? 'EEXIST' : null;
  }

  #errorOfEmpty(path: string): string | null {
    const names = this.directories.get(path);
    if (names === undefined) {
      return 'ENOENT';
    }
    return names.size > 0 ? 'ENOTEMPTY' : null;
  }

  #errorOfRename(path: string, to: string): string | null {
    const directory = this.directories.get(path);
    if ((directory === undefined && !this.files.has(path)) || !this.directories.has(parentOf(to))) {
      return 'ENOENT';
    }
    if (directory !== undefined && to !== path && (this.directories.get(to)?.size ?? 0) > 0) {
      return 'ENOTEMPTY';
    }
    return null;
  }

  #add(file: ModelFile): void {
    this.files.set(file.path!, file);
    this.byId.set(file.id, file);
    this.directories.get(parentOf(file.path!))!.add(nameOf(file.path!));
  }

  #detach(path: string): ModelFile {
    const file = this.files.get(path)!;
    this.files.delete(path);
    this.directories.get(parentOf(path))!.delete(nameOf(path));
    file.path = null;
    return file;
  }

  #rename(path: string, to: string): void {
    if (path === to) {
      return;
    }
    if (this.files.has(path)) {
      if (this.files.has(to)) {
        this.#detach(to);
      }
      const file = this.#detach(path);
      file.path = to;
      this.#add(file);
      return;
    }
    const moved = (old: string) => to + old.slice(path.length);
    const below = (old: string) => old === path || old.startsWith(`${path}/`);
    this.directories.delete(to);
    for (const [old, names] of [...this.directories].filter(([old]) => below(old))) {
      this.directories.delete(old);
      this.directories.set(moved(old), names);
    }
    for (const [old, file] of [...this.files].filter(([old]) => below(old))) {
      this.files.delete(old);
      file.path = moved(old);
      this.files.set(file.path, file);
    }
    this.directories.get(parentOf(path))!.delete(nameOf(path));
    this.directories.get(parentOf(to))!.add(nameOf(to));
  }
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
