/**
 * The drive's side of the control channel: a unix socket in a directory that only its owner can enter, or a named pipe
 * that only its owner may open; and in both cases a token that only the owner can read. Runs on the main thread; never
 * touches the volume.
 *
 * Listening is also the claim on a mount point: it happens before the mount, so the second of two drives that start for
 * the same place at the same time is told so, rather than mounting on top.
 */
import { timingSafeEqual } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { withDirectoryLock } from '../../os/directory-lock.js';
import { pipeState, restrictPipe } from '../../os/windows-pipe.js';
import { CONTROL_GRACE_MS, LOCK_GRACE_MS, MAX_CONTROL_CONNECTIONS } from '../config/limits.js';
import { DriveError, MountPointError, messageOf } from '../errors.js';
import { isAnswering } from './control-client.js';
import {
  type ControlAnswer,
  type ControlErrorCode,
  type ControlRequest,
  encodeLine,
  isErrorCode,
  LineReader,
  monotonicMs,
  parseRequest,
  refusal,
} from './control-protocol.js';
import {
  endpointOf,
  idOfMountPoint,
  newToken,
  recordPath,
  removeRecord,
  renewSalt,
  writeRecord,
} from './drive-records.js';
import { ensureRuntimeDirectory } from './runtime-directory.js';

export type CommandHandler = (request: ControlRequest) => Promise<unknown>;

export class ControlServer {
  readonly directory: string;
  readonly endpoint: string;
  readonly #id: string;
  readonly #token = newToken();
  readonly #sockets = new Set<Socket>();
  /** Answers under way: the program that asked for the unmount must hear of it. */
  readonly #pending = new Set<Promise<void>>();
  readonly #server: Server;
  #handle: CommandHandler | null = null;

  /** Claims the mount point. Throws MountPointError (ALREADY_MOUNTED) when a live drive has it. */
  static async claim(mountPoint: string, directory = ensureRuntimeDirectory()): Promise<ControlServer> {
    let server = new ControlServer(mountPoint, directory);
    if (process.platform === 'win32' && pipeState(server.endpoint) === 'other') {
      // Another user has seen the name and taken it. Drives that run have theirs in their records.
      renewSalt(directory);
      server = new ControlServer(mountPoint, directory);
    }
    // Asked first: a system may let two processes listen on a pipe of one name (Wine does).
    await server.#refuseIfAnswering(mountPoint);
    if (process.platform === 'win32') {
      // A pipe is gone with its process.
      await server.#listen();
      restrictPipe(server.endpoint);
    } else {
      await withDirectoryLock(directory, LOCK_GRACE_MS, () => server.#listenOnSocket(mountPoint));
    }
    try {
      // The place is ours, so the process that wrote it is dead.
      rmSync(recordPath(directory, server.#id), { force: true });
    } catch {
      // Another process reads it (Windows); open() writes over it.
    }
    return server;
  }

  private constructor(mountPoint: string, directory: string) {
    this.directory = directory;
    // `*` names no place yet, so it claims none.
    this.#id = mountPoint === '*' ? idOfMountPoint(newToken()) : idOfMountPoint(mountPoint);
    this.endpoint = endpointOf(directory, this.#id);
    this.#server = createServer((socket) => this.#serve(socket));
    this.#server.maxConnections = MAX_CONTROL_CONNECTIONS;
    // A connection that cannot be taken (EMFILE) must not end the drive. #listen hears of its errors besides.
    this.#server.on('error', () => {});
  }

  /** Makes the drive findable, and answers from now on. */
  open(mountPoint: string, handle: CommandHandler): void {
    this.#handle = handle;
    writeRecord(this.directory, {
      version: 1,
      id: this.#id,
      pid: process.pid,
      mountPoint,
      endpoint: this.endpoint,
      token: this.#token,
      startedAt: new Date().toISOString(),
    });
  }

  /** Answers under way are sent; then nothing is left. */
  async close(): Promise<void> {
    this.#handle = null;
    removeRecord(this.directory, this.#id, this.#token);
    await Promise.all(this.#pending);
    // Takes the socket's name away, and only now: once it is free, it may be another drive's.
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const socket of this.#sockets) {
      socket.end();
      // A peer that does not hang up must not keep the process.
      setTimeout(() => socket.destroy(), 500).unref();
    }
    await closed;
  }

  async #refuseIfAnswering(mountPoint: string): Promise<void> {
    if (await isAnswering(this.endpoint)) {
      throw new MountPointError(
        'ALREADY_MOUNTED',
        mountPoint,
        `Another drive serves ${mountPoint} already.`,
        'Unmount it first (ramdrive unmount), or choose another place.',
      );
    }
  }

  /**
   * Nobody else may be doing the same: what answered to nobody when we asked could be someone's socket when we remove
   * it. Outside of the lock a drive only ever takes its own socket away, and it answers until then.
   */
  async #listenOnSocket(mountPoint: string): Promise<void> {
    try {
      await this.#listen();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') {
        throw error;
      }
      await this.#refuseIfAnswering(mountPoint);
      // Left behind by a process that was killed.
      rmSync(this.endpoint, { force: true });
      await this.#listen();
    }
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.endpoint, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    const reader = new LineReader();
    let answered: Promise<void> = Promise.resolve();
    socket.setEncoding('utf8');
    socket.setTimeout(CONTROL_GRACE_MS * 60, () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    // A peer that goes away is not our trouble.
    socket.on('error', () => {});
    socket.on('data', (text: string) => {
      for (const line of reader.push(text)) {
        answered = answered.then(async () => {
          // A peer that has hung up has given up: what it asked for is withdrawn.
          if (socket.destroyed) {
            return;
          }
          const answer = await this.#answer(line);
          if (socket.writable) {
            socket.write(encodeLine(answer));
          }
        });
        const pending = answered;
        this.#pending.add(pending);
        void pending.finally(() => this.#pending.delete(pending));
      }
      if (reader.overflow) {
        socket.end(encodeLine(refusal('BAD_REQUEST', 'the line is too long')));
      }
    });
  }

  async #answer(line: string): Promise<ControlAnswer> {
    const request = parseRequest(line);
    if ('refused' in request) {
      return refusal('BAD_REQUEST', request.refused);
    }
    if (!sameText(request.token ?? '', this.#token)) {
      return refusal('FORBIDDEN', 'the token is not that of this drive');
    }
    if (request.beginBeforeMs !== undefined && monotonicMs() > request.beginBeforeMs) {
      return refusal('EXPIRED', 'the request came too late: its sender no longer waits');
    }
    if (this.#handle === null) {
      return refusal('NOT_RUNNING', 'the drive is starting or stopping');
    }
    try {
      return { ok: true, result: await this.#handle(request) };
    } catch (error) {
      return refusal(codeOf(error), messageOf(error));
    }
  }
}

function codeOf(error: unknown): ControlErrorCode {
  return error instanceof DriveError && isErrorCode(error.code) ? error.code : 'FAILED';
}

function sameText(given: string, expected: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(expected);
  return a.length === b.length && timingSafeEqual(a, b);
}
