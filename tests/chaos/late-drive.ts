/**
 * A drive whose reads, writes and listings are answered late and out of order: the RAM volume behind the async
 * dispatcher, each answer delayed by a random time before the volume is asked, after it, or both. `node late-drive.js
 * mount <directory> [--capacity <size>] [--page-size <size>]`; it prints `mounted …`, answers on the control channel
 * like any drive, and ends by `unmount` or SIGTERM.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { resolveSettings } from '../../src/drive/config/config.js';
import type { DriveSettings } from '../../src/drive/config/settings.js';
import { ControlServer } from '../../src/drive/control/control-server.js';
import { volumeParamsOf } from '../../src/drive/mount/drive-volume-params.js';
import { StrictReport, setLinuxOptions } from '../../src/drive/mount/linux-options.js';
import { RamFileSystem } from '../../src/drive/ram-file-system.js';
import { type DriveStatus, driveStatus, type SelfCheckResult } from '../../src/drive/status.js';
import { NativePageMemory } from '../../src/os/native-page-memory.js';
import { RamVolume } from '../../src/volume/ram-volume.js';
import {
  AsyncDispatcher,
  type AsyncOperations,
  FspFileSystem,
  readStatistics,
  VolumeReference,
} from '../../src/winfsp/index.js';
import { Random } from './random.js';

/** Requests of one client follow each other, so this bounds what it can do in a second. */
const MAX_DELAY_MS = 3;

const random = new Random(process.pid);

async function main(): Promise<void> {
  const settings = settingsOf(process.argv.slice(2));
  const drive = new LateDrive(settings);
  await drive.start();
  const ended = drive.ended;
  process.once('SIGTERM', () => void drive.stop());
  process.stdout.write(`mounted ${settings.mountPoint}\n`);
  await ended;
}

function settingsOf(args: readonly string[]): DriveSettings {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      capacity: { type: 'string', default: '512M' },
      'page-size': { type: 'string', default: '4K' },
    },
  });
  return resolveSettings({
    options: [
      { setting: 'mountPoint', option: '<mountpoint>', value: positionals[1] },
      { setting: 'capacity', option: '--capacity', value: values.capacity },
      { setting: 'pageSize', option: '--page-size', value: values['page-size'] },
    ],
  });
}

class LateDrive {
  readonly ended: Promise<void>;
  readonly #settings: DriveSettings;
  readonly #volume: RamVolume;
  readonly #fs: FspFileSystem;
  readonly #dispatcher: AsyncDispatcher;
  readonly #strict: StrictReport;
  readonly #startedAt = new Date();
  #control: ControlServer | null = null;
  #lastError: string | null = null;
  #lastCheck: SelfCheckResult | null = null;
  #onEnded!: () => void;
  #stopping: Promise<void> | null = null;

  constructor(settings: DriveSettings) {
    this.#settings = settings;
    this.ended = new Promise((resolve) => {
      this.#onEnded = resolve;
    });
    const { pageSizeBytes, capacityBytes, caseSensitive, label } = settings;
    const memory = new NativePageMemory({ pageSizeBytes, pageCount: capacityBytes / pageSizeBytes });
    this.#volume = new RamVolume({ memory, caseSensitive, label });
    // As the options of the mount have it: on Linux the numbers of names are told.
    const fileSystem = new RamFileSystem(this.#volume, null, null, () => {}, process.platform !== 'win32');
    this.#fs = FspFileSystem.create({
      fileSystem,
      volumeParams: volumeParamsOf(settings, undefined),
      onError: (where, error) => {
        this.#lastError = `${where}: ${String(error)}`;
      },
    });
    setLinuxOptions(this.#fs, settings);
    this.#strict = new StrictReport(this.#fs.library);
    this.#dispatcher = new AsyncDispatcher(this.#fs, lateOperations(fileSystem));
  }

  async start(): Promise<void> {
    const { mountPoint } = this.#settings;
    this.#control = await ControlServer.claim(mountPoint);
    await this.#dispatcher.start();
    const reference = new VolumeReference(this.#fs.library, this.#fs.referenceData);
    const status = await reference.setMountPoint(mountPoint);
    if (status < 0) {
      throw new Error(`mounting at ${mountPoint} failed with 0x${(status >>> 0).toString(16)}`);
    }
    this.#control.open(mountPoint, async ({ command }) => {
      switch (command) {
        case 'status':
          return this.#status();
        case 'selfCheck':
          return this.#selfCheck();
        case 'unmount':
          await this.stop();
          return { files: 0, bytes: 0 };
        default:
          throw new Error(`a drive that answers late does not know "${command}"`);
      }
    });
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    await new VolumeReference(this.#fs.library, this.#fs.referenceData).removeMountPoint();
    await this.#dispatcher.stop();
    if (await this.#fs.dispose()) {
      this.#volume.dispose();
    }
    // Anyone who asked for it gets the answer before the channel closes.
    setImmediate(() => void this.#control?.close().then(this.#onEnded));
  }

  #selfCheck(): SelfCheckResult {
    const begunMs = performance.now();
    const violations = this.#volume.selfCheck();
    this.#lastCheck = {
      at: new Date().toISOString(),
      violations,
      violationCount: violations.length,
      milliseconds: performance.now() - begunMs,
    };
    return this.#lastCheck;
  }

  #status(): DriveStatus {
    const { pool, inodeCount, openCount, label } = this.#volume;
    const { reservedPages, allocatedPages, committedPages, capacityPages } = pool;
    return driveStatus({
      settings: this.#settings,
      mountPoint: this.#settings.mountPoint,
      label,
      startedAt: this.#startedAt,
      ledger: {
        capacityPages,
        reservedPages,
        allocatedPages,
        committedPages,
        inodes: inodeCount,
        openHandles: openCount,
        savingPages: 0,
      },
      snapshots: [],
      snapshotBytes: 0,
      requests: readStatistics(this.#dispatcher.statistics),
      lastError: this.#lastError,
      strict: this.#strict,
      selfCheck: this.#lastCheck,
      saving: null,
    });
  }
}

/**
 * The volume is asked in one uninterrupted step, but when that is, and when its answer goes out, is anyone's guess.
 */
function lateOperations(fileSystem: RamFileSystem): AsyncOperations {
  const late = async (ask: () => number): Promise<number> => {
    const way = random.below(4);
    if (way === 0 || way === 2) {
      await sleep(random.below(MAX_DELAY_MS + 1));
    }
    const result = ask();
    if (way === 1 || way === 2) {
      await sleep(random.below(MAX_DELAY_MS + 1));
    }
    return result;
  };
  return {
    read: (...args) => late(() => fileSystem.read(...args)),
    write: (...args) => late(() => fileSystem.write(...args)),
    readDirectory: (...args) => late(() => fileSystem.readDirectory(...args)),
  };
}

await main();
