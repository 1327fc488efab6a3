/** Notifications against a library that is played: what would lock up on Windows must not happen here. */
import { describe, expect, it } from 'vitest';
import { NtStatus } from '../../../../src/ntstatus.js';
import { Notifier, NotifyAction, NotifyFilter } from '../../../../src/winfsp/host/notifier.js';
import type { VolumeReference } from '../../../../src/winfsp/library/volume-reference.js';
import { copyMemory, liveBlocks, NativeBlock } from '../../../../src/winfsp/memory/native-memory.js';

const change = (fileName: string) => ({ fileName, filter: NotifyFilter.SIZE, action: NotifyAction.MODIFIED });

/** Counts what is under way at the same time, and keeps the buffers. */
class Played {
  readonly calls: string[] = [];
  readonly sent: Buffer[] = [];
  busy = 0;
  mostBusy = 0;
  begins: number[] = [];
  notifyStatus: number = NtStatus.SUCCESS;
  /** Answers of the next calls, before `notifyStatus`. */
  notifyStatuses: number[] = [];
  readonly library: { version: number };

  constructor(version: number) {
    this.library = { version };
  }

  async notifyBegin(): Promise<number> {
    this.calls.push('begin');
    return this.begins.shift() ?? NtStatus.SUCCESS;
  }

  async notify(address: number, sizeBytes: number): Promise<number> {
    this.calls.push('notify');
    this.busy += 1;
    this.mostBusy = Math.max(this.mostBusy, this.busy);
    await new Promise((resolve) => setTimeout(resolve, 1));
    const block = new NativeBlock((sizeBytes + 7) & ~7);
    copyMemory(block.address, address, sizeBytes);
    this.sent.push(Buffer.from(block.bytes.subarray(0, sizeBytes)));
    block.free();
    this.busy -= 1;
    return this.notifyStatuses.shift() ?? this.notifyStatus;
  }

  get reference(): VolumeReference {
    return this as unknown as VolumeReference;
  }
}

/** Names in a buffer of records, and whether an end mark follows them. */
function namesIn(bytes: Buffer): { names: string[]; ended: boolean } {
  const names: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.readUInt16LE(at);
    if (size < 12) {
      return { names, ended: true };
    }
    expect([bytes.readUInt32LE(at + 4), bytes.readUInt32LE(at + 8)]).toEqual([0x8, 3]);
    names.push(bytes.subarray(at + 12, at + size).toString('utf16le'));
    at += (size + 7) & ~7;
  }
  return { names, ended: false };
}

describe('notify', () => {
  it('before 2.2 there is no Begin, which could lock the volume, and no end mark', async () => {
    const played = new Played(0x00020001);
    await new Notifier(played.reference).notify([change('\\a'), change('\\d\\bc')], 1000);
    expect(played.calls).toEqual(['notify']);
    expect(namesIn(played.sent[0]!)).toEqual({ names: ['\\a', '\\d\\bc'], ended: false });
  });

  it('from 2.2 on Begin is tried without waiting until the renames leave a gap; the end mark goes along', async () => {
    const played = new Played(0x00020002);
    played.begins = [NtStatus.CANT_WAIT, NtStatus.CANT_WAIT];
    await new Notifier(played.reference).notify([change('\\a')], 1000);
    expect(played.calls).toEqual(['begin', 'begin', 'begin', 'notify']);
    expect(namesIn(played.sent[0]!)).toEqual({ names: ['\\a'], ended: true });
  });

  it('gives up after the time-out, and the next call is served', async () => {
    const played = new Played(0x00020002);
    const notifier = new Notifier(played.reference);
    played.begins = Array(1000).fill(NtStatus.CANT_WAIT);
    await expect(notifier.notify([change('\\a')], 30)).rejects.toMatchObject({
      ntStatus: NtStatus.CANT_WAIT,
    });
    expect(played.sent).toEqual([]);
    played.begins = [];
    await notifier.notify([change('\\b')], 30);
    expect(played.sent).toHaveLength(1);
  });

  it('one call at a time, in order; many changes go in pieces; no memory is kept', async () => {
    const before = liveBlocks();
    const played = new Played(0x00020001);
    const notifier = new Notifier(played.reference);
    const names = Array.from({ length: 3000 }, (_, i) => `\\directory\\file ${i}`);
    await Promise.all([
      notifier.notify(names.map(change), 1000),
      notifier.notify([change('\\last')], 1000),
      notifier.notify([], 1000),
    ]);
    expect(played.mostBusy).toBe(1);
    expect(played.sent.length).toBeGreaterThan(3);
    expect(Math.max(...played.sent.map(({ length }) => length))).toBeLessThanOrEqual(32 * 1024);
    expect(played.sent.flatMap((bytes) => namesIn(bytes).names)).toEqual([...names, '\\last']);
    expect(liveBlocks()).toBe(before);
  });

  it('a Notify that fails after Begin is followed by the end mark alone, or renames would wait forever', async () => {
    const played = new Played(0x00020002);
    played.notifyStatuses = [NtStatus.INSUFFICIENT_RESOURCES];
    await expect(new Notifier(played.reference).notify([change('\\a')], 1000)).rejects.toMatchObject({
      ntStatus: NtStatus.INSUFFICIENT_RESOURCES,
    });
    expect(played.calls).toEqual(['begin', 'notify', 'notify']);
    expect(namesIn(played.sent[1]!)).toEqual({ names: [], ended: true });
  });

  it('the two records of a rename travel in one piece, wherever it ends', async () => {
    const played = new Played(0x00020001);
    const filter = NotifyFilter.SIZE;
    const changes = Array.from({ length: 12_000 }, (_, i) => ({
      fileName: `\\${'n'.repeat(i % 7)}${i}`,
      filter,
      action: i % 3 === 0 ? 3 : i % 3 === 1 ? NotifyAction.RENAMED_OLD_NAME : NotifyAction.RENAMED_NEW_NAME,
    }));
    await new Notifier(played.reference).notify(changes, 1000);
    expect(played.sent.length).toBeGreaterThan(9);
    for (const bytes of played.sent) {
      const actions: number[] = [];
      for (let at = 0; at < bytes.length; at += (bytes.readUInt16LE(at) + 7) & ~7)
        actions.push(bytes.readUInt32LE(at + 8));
      expect(actions[0]).not.toBe(NotifyAction.RENAMED_NEW_NAME);
      expect(actions.at(-1)).not.toBe(NotifyAction.RENAMED_OLD_NAME);
    }
  });

  it('close() waits for the call under way, and refuses what waits behind it or comes later', async () => {
    const played = new Played(0x00020001);
    const notifier = new Notifier(played.reference);
    const first = notifier.notify([change('\\a')], 1000);
    const second = notifier.notify([change('\\b')], 1000);
    second.catch(() => {});
    await Promise.resolve();
    await Promise.resolve();
    const closed = notifier.close();
    expect(played.busy).toBe(1);
    await closed;
    expect(played.busy).toBe(0);
    await first;
    const dismounted = { ntStatus: NtStatus.VOLUME_DISMOUNTED };
    await expect(second).rejects.toMatchObject(dismounted);
    await expect(notifier.notify([change('\\c')], 1000)).rejects.toMatchObject(dismounted);
    expect(played.sent.map((bytes) => namesIn(bytes).names)).toEqual([['\\a']]);
  });

  it('close() does not wait for renames to leave a gap', async () => {
    const played = new Played(0x00020002);
    played.begins = Array(1000).fill(NtStatus.CANT_WAIT);
    const notifier = new Notifier(played.reference);
    const waiting = notifier.notify([change('\\a')], 1_000_000);
    waiting.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 1));
    await notifier.close();
    await expect(waiting).rejects.toMatchObject({ ntStatus: NtStatus.VOLUME_DISMOUNTED });
  });

  it('a failure is told, and names that are no paths are refused', async () => {
    const played = new Played(0x00020001);
    const notifier = new Notifier(played.reference);
    played.notifyStatus = NtStatus.VOLUME_DISMOUNTED;
    await expect(notifier.notify([change('\\a')], 10)).rejects.toMatchObject({
      ntStatus: NtStatus.VOLUME_DISMOUNTED,
    });
    for (const name of ['a', '', 'C:\\a', '\\a\0b', `\\${'x'.repeat(9000)}`]) {
      await expect(notifier.notify([change(name)], 10)).rejects.toThrow(TypeError);
    }
  });
});
