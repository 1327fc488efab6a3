/** What a high-level FileSystem attaches to files: extended attributes, and streams behind reparse points. */
import { afterEach, describe, expect, it } from 'vitest';
import { MemoryFs, type MemoryNode } from '../../../../examples/memory-fs.js';
import { type ExtendedAttribute, eaSizeOf } from '../../../../src/ea-list.js';
import { NtStatus } from '../../../../src/ntstatus.js';
import type {
  CreateRequest,
  FileInfo,
  Opened,
  OverwriteRequest,
  ThroughReparsePoint,
} from '../../../../src/winfsp/host/file-system.js';
import { eaList } from '../../../support/ea-list.js';
import { LocalHost } from '../fixtures/local-host.js';
import { overwriteRequest, queryEaRequest, setEaRequest } from '../fixtures/script-client.js';

const OPEN = 1;
const CREATE = 2;
const FILE_INFO = 24;
const EA_SIZE = 68;
const NEED_EA = 0x80;

class WithAttributes extends MemoryFs {
  readonly attributes = new Map<MemoryNode, readonly ExtendedAttribute[]>();

  override create(fileName: string, request: CreateRequest): Opened<MemoryNode> {
    const opened = super.create(fileName, request);
    this.attributes.set(opened.context, request.extendedAttributes);
    return { ...opened, fileInfo: this.getFileInfo(opened.context) };
  }

  override overwrite(node: MemoryNode, request: OverwriteRequest): FileInfo {
    this.attributes.set(node, request.extendedAttributes);
    return super.overwrite(node, request);
  }

  override getFileInfo(node: MemoryNode): FileInfo {
    return { ...super.getFileInfo(node), eaSize: eaSizeOf(this.attributes?.get(node) ?? []) };
  }

  getEa(node: MemoryNode): Iterable<ExtendedAttribute> {
    return this.attributes.get(node) ?? [];
  }

  setEa(node: MemoryNode, changes: readonly ExtendedAttribute[]): FileInfo {
    const kept = [...this.getEa(node)].filter(({ name }) => !changes.some((change) => change.name === name));
    this.attributes.set(node, [...kept, ...changes.filter(({ value }) => value.length > 0)]);
    return this.getFileInfo(node);
  }
}

let host: LocalHost | undefined;
afterEach(async () => {
  await host?.stop();
  host = undefined;
});

const start = async (fs: MemoryFs): Promise<LocalHost> => {
  host = await LocalHost.start(fs);
  return host;
};

async function listOf(on: LocalHost, context: number): Promise<Buffer> {
  const answer = await on.ask(queryEaRequest(context));
  expect(answer.status).toBe(0);
  const at = 128 + answer.bytes.readUInt16LE(24);
  return answer.bytes.subarray(at, at + answer.bytes.readUInt16LE(26));
}

describe('extended attributes', () => {
  it('come with a create, are added, replaced, removed, listed and counted, and go with an overwrite', async () => {
    const fs = new WithAttributes();
    const on = await start(fs);
    const given = eaList({ A: 'one', B: 'two' }, NEED_EA);
    const file = await on.create('\\f', CREATE, 0, { extendedAttributes: given });
    expect(file.status).toBe(0);
    expect(file.bytes.readUInt32LE(48 + EA_SIZE)).toBe(5 + 4 + 5 + 4);
    expect(await listOf(on, file.context)).toEqual(Buffer.from(given));
    const answer = await on.ask(setEaRequest(file.context, eaList({ A: '', B: 'other' })));
    expect([answer.status, answer.bytes.readUInt32LE(FILE_INFO + EA_SIZE)]).toEqual([0, 5 + 6]);
    expect(await listOf(on, file.context)).toEqual(Buffer.from(eaList({ B: 'other' })));
    const emptied = await on.ask(overwriteRequest(file.context, 0, false, 0, eaList({ C: '3' })));
    expect([emptied.status, emptied.bytes.readUInt32LE(FILE_INFO + EA_SIZE)]).toEqual([0, 5 + 2]);
    expect((await on.ask(overwriteRequest(file.context))).bytes.readUInt32LE(FILE_INFO + EA_SIZE)).toBe(0);
    expect((await listOf(on, file.context)).length).toBe(0);
    await on.close(file.context, '\\f');
    await on.stopClean();
  });

  it('that are malformed do not reach the file system', async () => {
    const fs = new WithAttributes();
    const on = await start(fs);
    const broken = eaList({ A: 'one' }).subarray(0, 10);
    const none = await on.create('\\f', CREATE, 0, { extendedAttributes: broken });
    expect(none.status).toBe(NtStatus.EA_LIST_INCONSISTENT);
    expect((await on.create('\\f', OPEN)).status).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    const file = await on.create('\\f', CREATE, 0, { extendedAttributes: eaList({ A: 'one' }) });
    const refused = await on.ask(setEaRequest(file.context, broken));
    expect(refused.status).toBe(NtStatus.EA_LIST_INCONSISTENT);
    expect(await listOf(on, file.context)).toEqual(Buffer.from(eaList({ A: 'one' })));
    await on.close(file.context, '\\f');
    await on.stopClean();
  });

  it('are an error of the file system where they cannot be told', async () => {
    const fs = new WithAttributes();
    const on = await start(fs);
    const file = await on.create('\\f', CREATE);
    const value = new Uint8Array(1);
    const wrong: [Partial<ExtendedAttribute>, number][] = [
      [{ name: '', value }, NtStatus.INTERNAL_ERROR],
      [{ name: 'x'.repeat(256), value }, NtStatus.INTERNAL_ERROR],
      [{ name: 'Ω', value }, NtStatus.INTERNAL_ERROR],
      [{ name: 'a\0b', value }, NtStatus.INTERNAL_ERROR],
      [{ name: 'A', value: 'text' as never }, NtStatus.INTERNAL_ERROR],
      [{ name: 'A', value: new Uint8Array(16_300) }, NtStatus.EA_TOO_LARGE],
    ];
    for (const [one, status] of wrong) {
      const node = [...fs.attributes.keys()][0]!;
      fs.attributes.set(node, [{ flags: 0, ...one } as ExtendedAttribute]);
      expect((await on.ask(queryEaRequest(file.context))).status, String(one.name)).toBe(status);
    }
    fs.attributes.clear();
    await on.close(file.context, '\\f');
    await on.stop();
    expect(on.errors.map(([where]) => where)).toEqual(new Array(5).fill('GetEa'));
  });

  it('are refused where the file system has none, and are not handed to its create', async () => {
    const seen: unknown[] = [];
    class Plain extends MemoryFs {
      override create(fileName: string, request: CreateRequest): Opened<MemoryNode> {
        seen.push(request.extendedAttributes);
        return super.create(fileName, request);
      }
    }
    const on = await start(new Plain());
    const file = await on.create('\\f', CREATE, 0, { extendedAttributes: eaList({ A: 'one' }) });
    expect([file.status, seen]).toEqual([0, [[]]]);
    expect((await on.ask(queryEaRequest(file.context))).status).toBe(NtStatus.INVALID_DEVICE_REQUEST);
    await on.close(file.context, '\\f');
    await on.stopClean();
  });
});

describe('a reparse point that a create brings', () => {
  it('is handed to create, in the place of attributes; null where none comes', async () => {
    const seen: unknown[] = [];
    class Special extends WithAttributes {
      override create(fileName: string, request: CreateRequest): Opened<MemoryNode> {
        seen.push([request.reparsePoint && [...request.reparsePoint], request.extendedAttributes.length]);
        return super.create(fileName, request);
      }
    }
    const on = await start(new Special());
    const point = Uint8Array.of(0x24, 0, 0, 0x80, 0, 0, 0, 0);
    const fifo = await on.create('\\fifo', CREATE, 0, { reparsePoint: point });
    const file = await on.create('\\f', CREATE, 0, { extendedAttributes: eaList({ A: 'one' }) });
    expect(seen).toEqual([
      [[...point], 0],
      [null, 1],
    ]);
    await on.close(fifo.context, '\\fifo');
    await on.close(file.context, '\\f');
    await on.stopClean();
  });
});

describe('an open that meets a reparse point on the way to the file of a stream', () => {
  it('says so to the library, and opens nothing', async () => {
    class Linked extends MemoryFs {
      override open(fileName: string): Opened<MemoryNode> & ThroughReparsePoint {
        if (fileName === '\\link\\f') return { reparsePointIndex: 1 } as never;
        return super.open(fileName) as never;
      }
    }
    const fs = new Linked();
    const { table } = (await start(fs)).volume.adapter;
    const view = new DataView(new ArrayBuffer(128));
    const result = { context: 0, view, fileInfoOffset: 0, normalizedName: null };
    expect(table.open!('\\link\\f', 0, 0, result)).toBe(NtStatus.REPARSE);
    expect([result.context, fs.openCount]).toEqual([0, 0]);
    expect(table.open!('\\none', 0, 0, result)).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    await host!.stopClean();
  });
});
