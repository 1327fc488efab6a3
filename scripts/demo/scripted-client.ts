/**
 * A small file-system client without a kernel: sends requests straight to the host of an unmounted volume, as the
 * driver would, and waits for the answers (script front end of the Linux library). Knows just what the demonstration
 * needs. Runs on the main thread; the volume is served by its worker, so a blocking wait here stops nobody.
 *
 * Layouts: FSP_FSCTL_TRANSACT_REQ and _RSP (docs/winfsp.md#dispatching, docs/data/winfsp-abi.json).
 */
import { ntStatusName } from '../../src/ntstatus.js';
import {
  CreateDisposition,
  CreateOption,
  DirInfoLayout as DirInfo,
  FileAttribute,
  FileInfoLayout as FileInfo,
  FileInformationClass,
  getUint64,
  Req,
  Rsp,
  RspCreate,
  setUint64,
  TransactKind,
  type WinFspLibrary,
} from '../../src/winfsp/index.js';

type Submit = (
  volume: number,
  request: Buffer,
  size: number,
  data: Uint8Array | null,
  dataSize: number,
  ticket: BigUint64Array,
) => number;
type Wait = (
  volume: number,
  ticket: bigint,
  timeoutMs: number,
  response: Buffer,
  size: Uint32Array,
) => number;
type Data = (volume: number, ticket: bigint, buffer: Buffer, size: Uint32Array) => number;
type Forget = (volume: number, ticket: bigint) => number;

const ANSWER_GRACE_MS = 30_000;
const TRANSFER_BYTES = 2 ** 20;
const LISTING_BYTES = 2 ** 16;
const FILE_ALL_ACCESS = 0x1f01ff;
const USER_MODE_WITH_TRAVERSE = 3;
const CLEANUP_DELETE = 1;
const RENAME_REPLACE = 1;

export interface OpenedFile {
  context: number;
  sizeBytes: number;
  attributes: number;
}

export class ScriptedClient {
  requests = 0;
  readonly #volume: number;
  readonly #submit: Submit;
  readonly #wait: Wait;
  readonly #data: Data;
  readonly #forget: Forget;
  readonly #request = Buffer.alloc(16 * 1024);
  readonly #response = Buffer.alloc(16 * 1024);
  readonly #transfer = Buffer.alloc(TRANSFER_BYTES);
  readonly #ticket = new BigUint64Array(1);
  readonly #size = new Uint32Array(1);

  /** null when the library has no script front end (real WinFsp). */
  static open(library: WinFspLibrary, volume: number): ScriptedClient | null {
    const volumeAndTicket = ['uintptr_t', 'uint64_t'];
    const submit = library.optional<Submit>('FspLinuxScriptSubmitData', 'int32_t', [
      'uintptr_t',
      'void *',
      'uint32_t',
      'void *',
      'uint32_t',
      'void *',
    ]);
    const wait = library.optional<Wait>('FspLinuxScriptWait', 'int32_t', [
      ...volumeAndTicket,
      'uint32_t',
      'void *',
      'void *',
    ]);
    const data = library.optional<Data>('FspLinuxScriptData', 'int32_t', [
      ...volumeAndTicket,
      'void *',
      'void *',
    ]);
    const forget = library.optional<Forget>('FspLinuxScriptForget', 'int32_t', volumeAndTicket);
    return submit === null || wait === null || data === null || forget === null
      ? null
      : new ScriptedClient(volume, submit, wait, data, forget);
  }

  private constructor(volume: number, submit: Submit, wait: Wait, data: Data, forget: Forget) {
    this.#volume = volume;
    this.#submit = submit;
    this.#wait = wait;
    this.#data = data;
    this.#forget = forget;
  }

  create(path: string, directory: boolean): OpenedFile {
    const kind = directory ? CreateOption.FILE_DIRECTORY_FILE : CreateOption.FILE_NON_DIRECTORY_FILE;
    const attributes = directory ? FileAttribute.DIRECTORY : 0;
    return this.#open(path, CreateDisposition.FILE_CREATE, kind, attributes);
  }

  open(path: string): OpenedFile {
    return this.#open(path, CreateDisposition.FILE_OPEN, CreateOption.FILE_OPEN_REPARSE_POINT, 0);
  }

  write({ context }: OpenedFile, offset: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; done += TRANSFER_BYTES) {
      const part = bytes.subarray(done, done + TRANSFER_BYTES);
      this.#exchange('Write', context, null, part, (request) => {
        setUint64(request, 40, offset + done);
        request.setUint32(48, part.length, true);
      });
    }
  }

  /** The whole file, piece by piece. */
  *read({ context, sizeBytes }: OpenedFile): Generator<Uint8Array> {
    for (let offset = 0; offset < sizeBytes; offset += TRANSFER_BYTES) {
      const length = Math.min(TRANSFER_BYTES, sizeBytes - offset);
      const count = this.#exchange(
        'Read',
        context,
        null,
        null,
        (request) => {
          setUint64(request, 40, offset);
          request.setUint32(48, length, true);
        },
        (answer) => answer.getUint32(Rsp['IoStatus.Information'], true),
      );
      if (count !== length) {
        throw new Error(`Read at ${offset} gave ${count} bytes instead of ${length}.`);
      }
      yield this.#transfer.subarray(0, count);
    }
  }

  /** All names of a directory, without `.` and `..`. */
  list({ context }: OpenedFile): string[] {
    const names: string[] = [];
    let marker: string | null = null;
    for (;;) {
      const before = names.length;
      const sizeBytes: number = this.#exchange(
        'QueryDirectory',
        context,
        marker,
        null,
        (request, at) => {
          request.setUint32(40, LISTING_BYTES, true);
          if (marker !== null) {
            request.setUint16(48, at, true);
            request.setUint16(50, marker.length * 2 + 2, true);
          }
        },
        (answer) => answer.getUint32(Rsp['IoStatus.Information'], true),
      );
      const { last, complete } = this.#readListing(sizeBytes, names);
      if (complete || last === null || names.length === before) {
        return names.filter((name) => name !== '.' && name !== '..');
      }
      marker = last;
    }
  }

  rename({ context }: OpenedFile, path: string, newPath: string): void {
    this.#exchange('SetInformation', context, path, null, (request) => {
      const offset = (path.length * 2 + 2 + 7) & ~7;
      writeName(this.#request, Req.Buffer + offset, newPath);
      request.setUint32(32, FileInformationClass.RenameEx, true);
      request.setUint16(40, offset, true);
      request.setUint16(42, newPath.length * 2 + 2, true);
      request.setUint32(56, RENAME_REPLACE, true);
      request.setUint16(Req.Size, Req.SIZE + offset + newPath.length * 2 + 2, true);
    });
  }

  remove(path: string): void {
    const file = this.open(path);
    this.#exchange('SetInformation', file.context, path, null, (request) => {
      request.setUint32(32, FileInformationClass.Disposition, true);
      request.setUint32(40, 1, true);
    });
    this.#exchange('Cleanup', file.context, path, null, (request) =>
      request.setUint32(32, CLEANUP_DELETE, true),
    );
    this.#close(file);
  }

  close(file: OpenedFile): void {
    this.#exchange('Cleanup', file.context, null, null, () => {});
    this.#close(file);
  }

  #close({ context }: OpenedFile): void {
    this.#exchange('Close', context, null, null, () => {});
  }

  #open(path: string, disposition: number, options: number, attributes: number): OpenedFile {
    return this.#exchange(
      'Create',
      null,
      path,
      null,
      (request) => {
        request.setUint32(16, (disposition << 24) | options, true);
        request.setUint32(20, attributes, true);
        request.setUint32(48, FILE_ALL_ACCESS, true);
        request.setUint32(56, 7, true);
        request.setUint32(64, USER_MODE_WITH_TRAVERSE, true);
      },
      (answer) => ({
        context: getUint64(answer, RspCreate['Opened.UserContext']),
        attributes: answer.getUint32(RspCreate['Opened.FileInfo'] + FileInfo.FileAttributes, true),
        sizeBytes: getUint64(answer, RspCreate['Opened.FileInfo'] + FileInfo.FileSize),
      }),
    );
  }

  /**
   * One request and its answer. `name` goes behind the request as FileName (or, for a listing, where `fill` points to
   * it).
   */
  #exchange<T = void>(
    kind: keyof typeof TransactKind,
    context: number | null,
    name: string | null,
    data: Uint8Array | null,
    fill: (request: DataView, nameOffset: number) => void,
    take: (answer: DataView) => T = () => undefined as T,
  ): T {
    const request = new DataView(this.#request.buffer, this.#request.byteOffset, this.#request.length);
    this.#request.fill(0, 0, Req.SIZE);
    const nameBytes = name === null ? 0 : name.length * 2 + 2;
    request.setUint16(Req.Size, Req.SIZE + nameBytes, true);
    request.setUint32(Req.Kind, TransactKind[kind], true);
    if (name !== null) {
      writeName(this.#request, Req.Buffer, name);
      if (kind !== 'QueryDirectory') {
        request.setUint16(Req.FileName, 0, true);
        request.setUint16(Req.FileName + 2, nameBytes, true);
      }
    }
    if (context !== null) {
      setUint64(request, 16, context);
    }
    fill(request, 0);
    this.requests += 1;
    const size = request.getUint16(Req.Size, true);
    check(kind, this.#submit(this.#volume, this.#request, size, data, data?.length ?? 0, this.#ticket));
    const ticket = this.#ticket[0]!;
    try {
      this.#size[0] = this.#response.length;
      check(kind, this.#wait(this.#volume, ticket, ANSWER_GRACE_MS, this.#response, this.#size));
      const answer = new DataView(this.#response.buffer, this.#response.byteOffset, this.#response.length);
      if (kind !== 'Close') {
        check(`${kind} ${name ?? ''}`, answer.getInt32(Rsp['IoStatus.Status'], true));
      }
      if (kind === 'Read' || kind === 'QueryDirectory') {
        this.#size[0] = this.#transfer.length;
        check(kind, this.#data(this.#volume, ticket, this.#transfer, this.#size));
      }
      return take(answer);
    } finally {
      this.#forget(this.#volume, ticket);
    }
  }

  #readListing(sizeBytes: number, names: string[]): { last: string | null; complete: boolean } {
    let last: string | null = null;
    for (let at = 0; at + 2 <= sizeBytes; ) {
      const recordBytes = this.#transfer.readUInt16LE(at);
      if (recordBytes < DirInfo.SIZE) {
        return { last, complete: true };
      }
      last = this.#transfer.toString('utf16le', at + DirInfo.FileNameBuf, at + recordBytes);
      names.push(last);
      at += (recordBytes + 7) & ~7;
    }
    return { last, complete: sizeBytes === 0 };
  }
}

function writeName(buffer: Buffer, offset: number, name: string): void {
  buffer.write(`${name}\0`, offset, 'utf16le');
}

function check(what: string, status: number): void {
  if (status < 0) {
    throw new Error(`${what}: ${ntStatusName(status)}`);
  }
}
