/**
 * The whole host chain without a kernel: volume, file system, interface table, dispatcher, on one thread. The driver's
 * place is taken by a function that copies the next prepared request into the dispatcher's buffer, so that what is
 * measured is what happens between the bytes of a request and the bytes of its answer. Two native copies stand for the
 * one native call that the driver would be.
 */
import { RamFileSystem } from '../../src/drive/ram-file-system.js';
import { NtStatus } from '../../src/ntstatus.js';
import { NativePageMemory } from '../../src/os/native-page-memory.js';
import type { Inode } from '../../src/volume/inode.js';
import { RamVolume } from '../../src/volume/ram-volume.js';
import {
  copyMemory,
  FspFileSystem,
  InlineDispatcher,
  loadWinFsp,
  NativeBlock,
  Req,
  Rsp,
  RspCreate,
  type WinFspLibrary,
} from '../../src/winfsp/index.js';
import { type RequestBlock, SLOT_BYTES } from './requests.js';

const PAGE_BYTES = 4096;

export class Chain {
  readonly volume: RamVolume;
  readonly fs: FspFileSystem;
  /** Bytes that transfers go to and come from: what the driver's buffer would be. */
  readonly buffer: NativePageMemory;
  readonly #memory: NativePageMemory;
  readonly #slotSize = new NativeBlock(8);
  readonly #lastAnswer = new NativeBlock(Rsp.SIZE);
  #requests: RequestBlock | null = null;
  #next = 0;

  constructor(capacityBytes: number, bufferBytes: number) {
    this.#memory = new NativePageMemory({ pageSizeBytes: PAGE_BYTES, pageCount: capacityBytes / PAGE_BYTES });
    this.buffer = new NativePageMemory({ pageSizeBytes: PAGE_BYTES, pageCount: bufferBytes / PAGE_BYTES });
    this.buffer.zero(this.buffer.baseAddress, bufferBytes);
    this.#slotSize.view.setUint32(0, SLOT_BYTES, true);
    this.volume = new RamVolume({ memory: this.#memory, caseSensitive: true, label: 'bench' });
    const library = loadWinFsp();
    this.fs = FspFileSystem.create({
      fileSystem: new RamFileSystem(this.volume),
      volumeParams: { CaseSensitiveSearch: true, PersistentAcls: true, FileInfoTimeout: 0xffffffff },
      library: Object.create(library, { fspFsctlTransact: { value: this.#transact } }) as WinFspLibrary,
      onError: (where, error) => {
        throw new Error(`${where}: ${error}`);
      },
    });
  }

  /** A file that stays open, filled to its length. */
  file(name: string, lengthBytes: number): Inode {
    const inode = this.volume.create(name, 0, false, null, 0);
    if (typeof inode === 'number') throw new Error(`${name}: 0x${(inode >>> 0).toString(16)}`);
    const step = Math.min(lengthBytes, 2 ** 20);
    for (let at = 0; at < lengthBytes; at += step) {
      if (this.volume.write(inode, at, step, this.buffer.baseAddress, false, false) !== step)
        throw new Error(`${name} does not fit`);
    }
    return inode;
  }

  /** Serves all of `requests`, in order. Throws unless the last one succeeded. */
  serve(requests: RequestBlock): void {
    this.#requests = requests;
    this.#next = 0;
    const dispatcher = new InlineDispatcher(this.fs, { completionThreads: 'none', completionsNest: false });
    // Without completion threads it has started when the call returns; nobody here can await.
    void dispatcher.start();
    dispatcher.run();
    void dispatcher.finish();
    const status = this.#lastAnswer.view.getInt32(Rsp['IoStatus.Status'], true);
    if (status !== NtStatus.SUCCESS)
      throw new Error(`a request was answered with 0x${(status >>> 0).toString(16)}`);
  }

  dispose(): void {
    this.fs.dispose();
    this.#memory.dispose();
    this.buffer.dispose();
    this.#slotSize.free();
    this.#lastAnswer.free();
  }

  readonly #transact = (
    _volume: number,
    answer: number,
    _answerBytes: number,
    request: number,
    requestSize: number,
  ): number => {
    const requests = this.#requests;
    // Transact0: the dispatcher is ready.
    if (request === 0) return NtStatus.SUCCESS;
    if (requests === null || this.#next === requests.count) {
      if (answer !== 0) copyMemory(this.#lastAnswer.address, answer, Rsp.SIZE);
      return NtStatus.CANCELLED;
    }
    const previous = this.#next - 1;
    const followers = previous < 0 ? 0 : requests.followers[previous]!;
    for (let i = 1; i <= followers; i++) {
      copyMemory(requests.addressOf(previous + i) + Req.Req, answer + RspCreate['Opened.UserContext'], 8);
    }
    copyMemory(request, requests.addressOf(this.#next++), SLOT_BYTES);
    copyMemory(requestSize, this.#slotSize.address, 8);
    return NtStatus.SUCCESS;
  };
}
