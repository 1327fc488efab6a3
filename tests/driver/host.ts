/** The file system under test, served on the genuine driver: the drive, or WinFsp's own sample. */
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { type DriveSettings, defaultSettings } from '../../src/drive/config/settings.js';
import { RamDrive } from '../../src/drive/ram-drive.js';
import { Access, Option } from './nt.js';
import {
  counter,
  irps,
  open,
  openNow,
  poolBlocks,
  poolCount,
  showPool,
  startProgram,
  startRig,
  WINFSP,
} from './rig.js';

const MOUNT_POINT = 'R:';
/** Where its files are, for the NT client. */
export const VOLUME = `\\??\\${MOUNT_POINT}`;
export const MIB = 2 ** 20;

export interface Host {
  selfCheck(): Promise<string[]>;
  stop(): Promise<void>;
}

/** A drive on the genuine library and driver; the capacity is 256 MiB unless said otherwise. */
export async function startDrive(settings: Partial<DriveSettings> = {}): Promise<RamDrive> {
  startRig();
  process.env.RAMDRIVE_WINFSP_LIBRARY = WINFSP;
  return RamDrive.start(
    { ...defaultSettings('win32'), mountPoint: MOUNT_POINT, capacityBytes: 256 * MIB, ...settings },
    { onHandlerError: (where, error) => assert.fail(`handler error in ${where}: ${error}`) },
  );
}

export async function startHost(
  name: 'drive' | 'memfs',
  settings: Partial<DriveSettings> = {},
): Promise<Host> {
  if (name === 'drive') {
    const drive = await startDrive(settings);
    return { selfCheck: async () => (await drive.selfCheck()).violations, stop: () => drive.stop() };
  }
  await startMemfs(MOUNT_POINT);
  // It ends with the process.
  return { selfCheck: async () => [], stop: async () => {} };
}

/** WinFsp's own sample at a drive letter, served from this process until it ends. */
export async function startMemfs(mountPoint: string): Promise<void> {
  startRig();
  const command = `memfs -i -t -1 -n 100000 -s ${256 * MIB} -m ${mountPoint}`;
  startProgram(WINFSP.replace('winfsp-x64.dll', 'memfs-x64.exe'), command);
  for (let tries = 0; tries < 200; tries++) {
    const { file } = await open(`\\??\\${mountPoint}\\`, {
      access: Access.READ_ATTRIBUTES,
      options: Option.DIRECTORY | Option.SYNCHRONOUS,
    });
    if (file !== null) {
      await file.close();
      return;
    }
    await setTimeout(50);
  }
  throw new Error('memfs does not come up.');
}

/**
 * What the driver keeps of a process that served until it ends: a record, and one of each transfer buffer that it uses
 * again, at most this many.
 */
const PROCESS_BLOCKS = 1;
const MAX_TRANSFER_BUFFERS = 8;
const LET_GO_MS = 10_000;

/** Pool blocks of volumes that are gone. */
function blocksLeft(): number {
  const transferBuffers = poolCount('FspI', 16);
  assert.ok(transferBuffers <= MAX_TRANSFER_BUFFERS, `${transferBuffers} transfer buffers`);
  return poolBlocks() - PROCESS_BLOCKS - transferBuffers;
}

/** Stops a drive whose files are all closed and expects that nothing is left of it. */
export async function stopClean(drive: RamDrive): Promise<void> {
  assert.deepEqual((await drive.selfCheck()).violations, []);
  await drive.stop();
  await nothingLeft();
}

/** The driver takes a volume down some time after its handle is closed; the lazy writer lets files go. */
export async function nothingLeft(): Promise<void> {
  const until = Date.now() + LET_GO_MS;
  while (Date.now() < until && (irps() !== 0 || blocksLeft() > 0)) {
    await setTimeout(20);
  }
  if (blocksLeft() > 0) {
    showPool();
  }
  assert.deepEqual({ irps: irps(), poolBlocks: blocksLeft() }, { irps: 0, poolBlocks: 0 });
}

export function writeFileNow(path: string, content: string | Buffer): void {
  const { file, status } = openNow(VOLUME + path, {
    disposition: 5,
    access: Access.ALL,
    options: Option.SYNCHRONOUS | Option.NON_DIRECTORY,
  });
  assert.ok(file !== null, `${path} cannot be made: ${status >>> 0}`);
  const data = Buffer.from(content);
  if (data.length > 0) {
    assert.deepEqual(file.writeNow(data, 0), { status: 0, done: data.length });
  }
  file.closeNow();
}
export function readFileNow(path: string): Buffer {
  const { file, status } = openNow(VOLUME + path, { access: Access.READ });
  assert.ok(file !== null, `${path} cannot be opened: ${status >>> 0}`);
  const { data } = file.readNow(MIB, 0);
  file.closeNow();
  return data;
}

export const failedWrites = (): number => counter('failedPageOuts');
