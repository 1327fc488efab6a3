/**
 * Operations on files that lose their name, change it or are replaced while open, and calls that only few programs
 * make.
 */
import fs from 'node:fs';
import { type Client, type Handle, O_RDONLY, O_RDWR } from './client.js';
import { copyFileRange, FALLOC_KEEP_SIZE, FALLOC_PUNCH_HOLE, fallocate, Mapping } from './libc.js';
import { codeOf, Mismatch } from './mismatch.js';
import { PIECE_COUNT, pieceAt } from './noise.js';
import type { Operation, OperationKind } from './operations.js';
import type { Limits, Performer } from './perform.js';

const MAX_HELD = 6;
const DIRECT_BYTES = 64 * 1024;
const STORM_FILES = 24;
const STORM_FILE_BYTES = 256 * 1024;
/** O_DIRECT wants offsets and memory aligned to this. */
const DIRECT_UNIT = 4096;

/** Handles that stay open from one operation to the next. */
export class HeldHandles {
  readonly #handles: Handle[] = [];

  performers(): Partial<Record<OperationKind, Performer>> {
    return {
      hold: (client, { path, choice }) => {
        if (this.#handles.length >= MAX_HELD) {
          this.#release(client, choice);
        }
        const handle = client.open(path, O_RDWR);
        if (handle !== null) {
          this.#handles.push(handle);
        }
      },
      readHeld: (client, { position, lengthBytes, choice }) => {
        const handle = this.#pick(choice);
        if (handle !== null) {
          client.verifyLength(handle);
          client.verifyRange(handle, Math.floor(position * handle.file.content.lengthBytes), lengthBytes);
        }
      },
      writeHeld: (client, { position, lengthBytes, source, choice }, limits) => {
        const handle = this.#pick(choice);
        if (handle === null) {
          return;
        }
        if (choice % 5 === 0) {
          client.setLength(handle, Math.floor(position * Math.min(limits.fileMostBytes, 100_000)));
        } else {
          const offset = Math.floor(position * handle.file.content.lengthBytes);
          client.write(handle, Math.min(offset, limits.fileMostBytes), lengthBytes, source);
        }
      },
      release: (client, { choice }) => this.#release(client, choice),
    };
  }

  releaseAll(client: Client): void {
    while (this.#handles.length > 0) {
      this.#release(client, 0);
    }
  }

  #pick(choice: number): Handle | null {
    return this.#handles[choice % Math.max(1, this.#handles.length)] ?? null;
  }

  #release(client: Client, choice: number): void {
    const [handle] = this.#handles.splice(choice % Math.max(1, this.#handles.length), 1);
    if (handle !== undefined) {
      if (choice % 3 === 0) {
        client.verifyMost(handle);
      }
      client.close(handle);
    }
  }
}

/** Memory that O_DIRECT accepts. */
let aligned: Buffer<ArrayBuffer> | null = null;

/** What a file system may leave out; which of them was left out is reported. */
export const unsupported = new Set<string>();

function isUnsupported(error: unknown, what: string): boolean {
  if (['EOPNOTSUPP', 'ENOSYS', 'EINVAL'].includes(codeOf(error))) {
    unsupported.add(`${what} (${codeOf(error)})`);
    return true;
  }
  return false;
}

function withOpen(client: Client, path: string, flags: number, body: (handle: Handle) => void): void {
  const handle = client.open(path, flags);
  if (handle !== null) {
    try {
      body(handle);
    } finally {
      client.close(handle);
    }
  }
}

export const HARD: Partial<Record<OperationKind, Performer>> = {
  readDeleted(client, { path, position, lengthBytes, source }) {
    withOpen(client, path, O_RDWR, (handle) => {
      client.unlink(path);
      client.verifyMost(handle);
      client.write(handle, Math.floor(position * handle.file.content.lengthBytes), lengthBytes, source);
      // The name is free for another file, which must not be this one.
      const other = client.create(path);
      if (other !== null) {
        client.write(other, 0, Math.min(lengthBytes, 5000), (source + 77) % PIECE_COUNT);
        client.verifyMost(handle);
        client.verifyMost(other);
        client.close(other);
      }
      client.verifyMost(handle);
    });
  },

  renameOverOpen(client, { path, otherPath, lengthBytes, source }) {
    withOpen(client, otherPath, O_RDWR, (old) => {
      client.rename(path, otherPath);
      client.verifyMost(old);
      if (old.file.path === null) {
        client.write(old, 0, Math.min(lengthBytes, 10_000), source);
        client.verifyMost(old);
      }
      withOpen(client, otherPath, O_RDONLY, (successor) => client.verifyMost(successor));
    });
  },

  renameDirectory(client, { path, directory, otherDirectory, lengthBytes, source }) {
    withOpen(client, path, O_RDWR, (handle) => {
      client.rename(directory, otherDirectory);
      client.write(handle, 0, Math.min(lengthBytes, 20_000), source);
      client.verifyMost(handle);
      client.verifyList(otherDirectory);
      client.verifyList(directory);
    });
  },

  twoHandles(client, { path, lengthBytes, source }, limits) {
    withOpen(client, path, O_RDWR, (a) => {
      withOpen(client, path, O_RDWR, (b) => {
        const length = Math.min(lengthBytes, Math.floor(limits.fileMostBytes / 8));
        // Neighbours that meet in the middle of a block: each write changes pages that the other one changes too.
        for (let i = 0; i < 6; i++) {
          client.write(i % 2 === 0 ? a : b, i * length, length, (source + i * 8191) % PIECE_COUNT);
          client.verifyLength(i % 2 === 0 ? b : a);
        }
        client.verifyRange(b, 0, 6 * length);
        client.verifyRange(a, 0, 6 * length);
      });
    });
  },

  mapped(client, { path, position, lengthBytes, source, choice }) {
    withOpen(client, path, O_RDWR, (handle) => {
      const { file, fd } = handle;
      const size = file.content.lengthBytes;
      if (size === 0) {
        return;
      }
      const mapping = mappingOf(fd, size);
      if (mapping === null) {
        return;
      }
      const offset = Math.floor(position * (size - 1));
      const length = Math.min(lengthBytes, size - offset);
      client.change(handle, { m: 'write', id: file.id, offset, length, source, torn: true }, () => {
        mapping.write(offset, pieceAt(source, length));
        return length;
      });
      if (choice % 2 === 0) {
        mapping.sync();
      }
      client.verifyRange(handle, Math.max(0, offset - 100), length + 200);
      mapping.unmap();
      if (choice % 4 === 0) {
        fs.fsyncSync(fd);
      }
      client.verifyRange(handle, Math.max(0, offset - 100), length + 200);
    });
  },

  direct(client, { path, position, source, choice }, limits) {
    aligned ??= Buffer.from(Mapping.of(null, DIRECT_BYTES).view());
    withOpen(client, path, O_RDWR, (handle) => {
      let fd: number;
      try {
        fd = fs.openSync(client.absolute(path), fs.constants.O_RDWR | fs.constants.O_DIRECT);
      } catch (error) {
        if (isUnsupported(error, 'O_DIRECT')) {
          return;
        }
        throw error;
      }
      try {
        const most = Math.min(limits.fileMostBytes, Math.max(handle.file.content.lengthBytes, DIRECT_BYTES));
        const offset = Math.floor((position * (most - DIRECT_BYTES / 2)) / DIRECT_UNIT) * DIRECT_UNIT;
        const length = DIRECT_UNIT * (1 + (choice % 16));
        const bytes = aligned!.subarray(0, length);
        pieceAt(source, length).copy(bytes);
        client.change(handle, { m: 'write', id: handle.file.id, offset, length, source }, () =>
          fs.writeSync(fd, bytes, 0, length, offset),
        );
        // What the cache shows and what lies below it are the same.
        client.verifyRange(handle, offset, length);
        client.verifyRange(handle, offset, length, fd, aligned!);
      } finally {
        fs.closeSync(fd);
      }
    });
  },

  allocate(client, { path, position, lengthBytes, choice }, limits) {
    withOpen(client, path, O_RDWR, (handle) => {
      const { file, fd } = handle;
      const length = file.content.lengthBytes;
      if (choice % 3 === 0) {
        punchHole(client, handle, Math.floor(position * length), lengthBytes);
        return;
      }
      const bytes = Math.min(length + lengthBytes, limits.fileMostBytes);
      const mutation =
        choice % 3 === 1 ? allocation(file.id, bytes) : lengthening(file.id, Math.max(bytes, length));
      client.change(handle, mutation, () => {
        fallocate(fd, choice % 3 === 1 ? FALLOC_KEEP_SIZE : 0, 0, bytes);
        return 0;
      });
      client.verifyRange(handle, Math.max(0, length - 50), 8192);
    });
  },

  beyondCapacity(client, operation, limits) {
    if (Number.isFinite(limits.capacityBytes)) {
      withOpen(client, operation.path, O_RDWR, (handle) =>
        refuseMoreThanThereIs(client, handle, operation, limits),
      );
    }
  },

  copyRange(client, { path, otherPath, position, lengthBytes }, limits) {
    if (path === otherPath) {
      return;
    }
    withOpen(client, path, O_RDONLY, (from) => {
      withOpen(client, otherPath, O_RDWR, (to) => {
        const fromOffset = Math.floor(position * from.file.content.lengthBytes);
        const length = Math.min(lengthBytes, from.file.content.lengthBytes - fromOffset);
        if (length === 0) {
          return;
        }
        const most = Math.max(0, limits.fileMostBytes - length);
        const offset = Math.min(Math.floor((1 - position) * to.file.content.lengthBytes), most);
        const mutation = {
          m: 'copy',
          id: to.file.id,
          from: from.file.id,
          fromOffset,
          offset,
          length,
        } as const;
        client.change(to, mutation, () => copyFileRange(from.fd, fromOffset, to.fd, offset, length));
        client.verifyRange(to, Math.max(0, offset - 100), length + 200);
      });
    });
  },

  /** Takes what room there is in small files, then gives it back. */
  storm(client, { directory, source, choice }, limits) {
    const names: string[] = [];
    const refusedBefore = client.refusals;
    const length = Math.min(STORM_FILE_BYTES, limits.fileMostBytes);
    for (let i = 0; i < STORM_FILES && client.refusals === refusedBefore; i++) {
      const path = `${directory}${directory === '' ? '' : '/'}storm-${i}`;
      const handle = client.create(path);
      if (handle === null) {
        break;
      }
      names.push(path);
      client.write(handle, choice % 5000, length, (source + i * 65_537) % PIECE_COUNT);
      client.close(handle);
    }
    for (const path of names) {
      withOpen(client, path, O_RDONLY, (handle) => client.verifyMost(handle));
      client.unlink(path);
    }
  },

  tinyFiles(client, { directory, source, choice }) {
    const prefix = `${directory}${directory === '' ? '' : '/'}tiny-`;
    const count = 8 + (choice % 32);
    let made = 0;
    for (; made < count; made++) {
      const handle = client.create(prefix + made);
      if (handle === null) {
        break;
      }
      client.write(handle, 0, 1 + (made % 200), (source + made) % PIECE_COUNT);
      client.close(handle);
    }
    client.verifyList(directory);
    for (let i = 0; i < made; i++) {
      withOpen(client, prefix + i, O_RDONLY, (handle) => client.verifyMost(handle));
    }
    // Every second one first, so that the directory is listed with gaps.
    for (const rest of [1, 0]) {
      for (let i = rest; i < made; i += 2) {
        client.unlink(prefix + i);
      }
      client.verifyList(directory);
    }
  },
};

function mappingOf(fd: number, lengthBytes: number): Mapping | null {
  try {
    return Mapping.of(fd, lengthBytes);
  } catch (error) {
    if (codeOf(error) === 'ENODEV' || isUnsupported(error, 'shared mappings')) {
      return null;
    }
    throw error;
  }
}

function punchHole(client: Client, handle: Handle, offset: number, lengthBytes: number): void {
  const { file, fd } = handle;
  try {
    client.change(handle, { m: 'zero', id: file.id, offset, length: lengthBytes }, () => {
      fallocate(fd, FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE, offset, lengthBytes);
      return 0;
    });
  } catch (error) {
    // "not supported" is an honest answer, when nothing has changed.
    if (!(error instanceof Mismatch && ['EOPNOTSUPP', 'ENOSYS'].includes(error.details.actual ?? ''))) {
      throw error;
    }
    unsupported.add(`holes by fallocate (${error.details.actual})`);
  }
  client.verifyRange(handle, Math.max(0, offset - 100), lengthBytes + 200);
}

const allocation = (id: number, bytes: number) => ({ m: 'allocate', id, bytes }) as const;
const lengthening = (id: number, length: number) => ({ m: 'length', id, length }) as const;

/** A length or allocation that the whole drive does not have is refused, and nothing has changed afterwards. */
function refuseMoreThanThereIs(
  client: Client,
  handle: Handle,
  { choice }: Operation,
  { capacityBytes, pageSizeBytes }: Limits,
): void {
  const { file, fd } = handle;
  const bytes = capacityBytes + pageSizeBytes * (1 + (choice % 1000));
  const free = choice % 3 === 1 && process.platform === 'linux';
  const mutation = free ? allocation(file.id, bytes) : lengthening(file.id, bytes);
  const result = client.change(handle, mutation, () => {
    if (free) {
      fallocate(fd, FALLOC_KEEP_SIZE, 0, bytes);
    } else {
      fs.ftruncateSync(fd, bytes);
    }
    return 0;
  });
  if (result !== null) {
    throw new Mismatch(`${bytes} bytes were promised on a drive of ${capacityBytes}`, {
      path: file.path ?? undefined,
      fileId: file.id,
    });
  }
  client.verifyRange(handle, Math.max(0, file.content.lengthBytes - 5000), 10_000);
}
