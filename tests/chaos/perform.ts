/** The fourteen everyday operations, each done on the drive and compared with the model. */
import fs from 'node:fs';
import { type Client, O_APPEND, O_RDONLY, O_RDWR } from './client.js';
import { Mismatch } from './mismatch.js';
import { PIECE_COUNT } from './noise.js';
import type { Operation, OperationKind } from './operations.js';

export interface Limits {
  /** The longest file of ordinary operations. */
  fileMostBytes: number;
  capacityBytes: number;
  pageSizeBytes: number;
}

export type Performer = (client: Client, operation: Operation, limits: Limits) => void;

export const EVERYDAY: Partial<Record<OperationKind, Performer>> = {
  create(client, { path, lengthBytes, source, choice }, limits) {
    const handle = client.create(path);
    if (handle === null) {
      return;
    }
    try {
      client.verifyLength(handle);
      if (choice % 4 !== 0) {
        client.write(handle, 0, Math.min(lengthBytes, limits.fileMostBytes), source);
      }
    } finally {
      client.close(handle);
    }
  },

  write(client, { path, position, lengthBytes, source, choice }, limits) {
    const handle = client.open(path, O_RDWR);
    if (handle === null) {
      return;
    }
    try {
      const length = Math.min(lengthBytes, limits.fileMostBytes);
      // Half of them inside, the others anywhere up to the longest file: that leaves holes.
      const range = choice % 2 === 0 ? handle.file.content.lengthBytes : limits.fileMostBytes - length;
      const offset = Math.floor(position * range);
      client.write(handle, offset, length, source);
      if (choice % 8 < 3) {
        client.verifyRange(handle, Math.max(0, offset - 5000), length + 10_000);
      }
    } finally {
      client.close(handle);
    }
  },

  append(client, { path, lengthBytes, source, choice }, limits) {
    const handle = client.open(path, O_RDWR | O_APPEND);
    if (handle === null) {
      return;
    }
    try {
      if (handle.file.content.lengthBytes >= limits.fileMostBytes) {
        client.setLength(handle, Math.floor(handle.file.content.lengthBytes / 3));
      }
      for (let part = 0; part <= choice % 3; part++) {
        client.append(handle, Math.ceil(lengthBytes / (part + 1)), (source + part * 4099) % PIECE_COUNT);
      }
    } finally {
      client.close(handle);
    }
  },

  read(client, { path, position, lengthBytes, choice }) {
    const handle = client.open(path, O_RDONLY);
    if (handle === null) {
      return;
    }
    try {
      client.verifyLength(handle);
      if (choice % 3 === 0) {
        client.verifyMost(handle);
      } else if (choice % 30 === 1) {
        client.verifyAll(handle);
      } else {
        client.verifyRange(handle, Math.floor(position * handle.file.content.lengthBytes), lengthBytes);
      }
    } finally {
      client.close(handle);
    }
  },

  truncate(client, { path, position, choice }) {
    const handle = client.open(path, O_RDWR);
    if (handle === null) {
      return;
    }
    try {
      const before = handle.file.content.lengthBytes;
      client.setLength(handle, Math.floor(position * before));
      if (choice % 2 === 0) {
        // Old bytes must not come back with the length.
        client.setLength(handle, Math.min(before, handle.file.content.lengthBytes + (choice % 9000)));
        client.verifyRange(handle, Math.max(0, handle.file.content.lengthBytes - 9000), 10_000);
      }
    } finally {
      client.close(handle);
    }
  },

  extend(client, { path, position, choice }, limits) {
    const handle = client.open(path, O_RDWR);
    if (handle === null) {
      return;
    }
    try {
      const before = handle.file.content.lengthBytes;
      const room = Math.max(0, limits.fileMostBytes - before);
      client.setLength(
        handle,
        before + Math.floor(position * (choice % 2 === 0 ? room : Math.min(room, 10_000))),
      );
      client.verifyRange(handle, Math.max(0, before - 100), 8192);
    } finally {
      client.close(handle);
    }
  },

  overwrite(client, { path, lengthBytes, source, choice }, limits) {
    const handle = client.openEmptied(path);
    if (handle === null) {
      return;
    }
    try {
      client.verifyLength(handle);
      const length = Math.min(lengthBytes, limits.fileMostBytes);
      const count = client.write(handle, 0, length, source);
      if (choice % 2 === 0) {
        client.verifyRange(handle, 0, count + 1);
      }
    } finally {
      client.close(handle);
    }
  },

  delete(client, { path }) {
    client.unlink(path);
  },

  rename(client, { path, otherPath }) {
    client.rename(path, otherPath);
  },

  attributes(client, { path, choice }) {
    const file = client.model.files.get(path);
    if (file === undefined) {
      client.open(path, O_RDONLY);
      return;
    }
    client.setMode(file, [0o644, 0o600, 0o755, 0o664][choice % 4]!);
    const seconds = 1_000_000_000 + (choice % 500_000_000) + 0.5;
    fs.utimesSync(client.absolute(path), seconds, seconds);
    const { mode, mtimeMs, size } = fs.statSync(client.absolute(path));
    if (process.platform !== 'win32' && (mode & 0o7777) !== file.mode) {
      throw new Mismatch(`${path}: mode ${(mode & 0o7777).toString(8)}, set to ${file.mode.toString(8)}`, {
        path,
      });
    }
    if (mtimeMs !== seconds * 1000) {
      throw new Mismatch(`${path}: write time ${mtimeMs}, set to ${seconds * 1000}`, { path });
    }
    if (size !== file.content.lengthBytes) {
      throw new Mismatch(`${path}: stat says ${size} bytes, not ${file.content.lengthBytes}`, { path });
    }
    client.verified(3);
  },

  flush(client, { path, position, lengthBytes, source, choice }) {
    const handle = client.open(path, O_RDWR);
    if (handle === null) {
      return;
    }
    try {
      const offset = Math.floor(position * handle.file.content.lengthBytes);
      client.write(handle, offset, Math.min(lengthBytes, 20_000), source);
      if (choice % 2 === 0) {
        fs.fsyncSync(handle.fd);
      } else {
        fs.fdatasyncSync(handle.fd);
      }
      // A flush that tells the kernel a wrong length shows here.
      client.verifyLength(handle);
      client.verifyRange(handle, offset, 20_000);
    } finally {
      client.close(handle);
    }
  },

  makeDirectory(client, { directory, otherDirectory, choice }) {
    client.makeDirectory(directory === '' ? `${otherDirectory}/s${1 + (choice % 2)}` : directory);
  },

  removeDirectory(client, { directory, otherDirectory, choice }) {
    client.removeDirectory(directory === '' ? `${otherDirectory}/s${1 + (choice % 2)}` : directory);
  },

  list(client, { directory }) {
    client.verifyList(directory);
  },
};
