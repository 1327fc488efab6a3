/**
 * The demonstration without a kernel mount: the same tree goes in, comes out and is compared, through scripted requests
 * to the host of an unmounted volume. What needs a kernel (git, other programs, links) is left out, and the summary
 * says so.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultSettings } from '../../src/drive/config/settings.js';
import { formatSize } from '../../src/drive/config/sizes.js';
import { VolumeThread } from '../../src/drive/volume-thread.js';
import { DEVICE_DISK, loadWinFsp } from '../../src/winfsp/index.js';
import { useTestLibrary } from '../../tests/support/test-library.js';
import { MAX_SOURCE_BYTES } from './on-mount.js';
import { Progress } from './progress.js';
import { ScriptedClient } from './scripted-client.js';
import { DemoFailure, demandNone, printSummary } from './summary.js';
import { type Entry, firstFolders, scanTree, sha256Of } from './tree.js';

export async function runScripted(source: string): Promise<void> {
  // Before the library is loaded: it checks every answer against the rules of WinFsp.
  process.env.WINFSP_LINUX_STRICT = '1';
  useTestLibrary();
  const progress = new Progress();
  progress.begin('reading the source tree');
  const all = firstFolders(await scanTree(source), MAX_SOURCE_BYTES);
  const entries = all.filter(({ kind }) => kind !== 'link');
  const files = entries.filter(({ kind }) => kind === 'file');
  const storedBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  progress.end(`${files.length} files, ${formatSize(storedBytes)}`);

  const settings = { ...defaultSettings(process.platform), mountPoint: '', caseSensitive: true };
  const pages = Math.ceil((4 * storedBytes + 2 ** 28) / settings.pageSizeBytes);
  const drive = await VolumeThread.start(
    { ...settings, capacityBytes: pages * settings.pageSizeBytes },
    { device: DEVICE_DISK, volumePrefix: undefined },
  );
  try {
    const client = ScriptedClient.open(loadWinFsp(), drive.reference.data.volumeHandle);
    if (client === null) {
      throw new DemoFailure(
        'This WinFsp library takes no scripted requests. "ramdrive doctor" says what a mount needs.',
      );
    }
    await work(drive, client, progress, source, entries, files, storedBytes);
  } finally {
    await drive.stop();
  }
}

async function work(
  drive: VolumeThread,
  client: ScriptedClient,
  progress: Progress,
  source: string,
  entries: readonly Entry[],
  files: readonly Entry[],
  storedBytes: number,
): Promise<void> {
  const fresh = drive.status('');
  progress.begin('copying in');
  for (const entry of entries) {
    const file = client.create(toVolumePath(entry.path), entry.kind === 'directory');
    if (entry.kind === 'file') {
      client.write(file, 0, await readFile(join(source, entry.path)));
    }
    client.close(file);
    progress.update(() => entry.path);
  }
  const full = drive.status('');
  const copySeconds = progress.end(formatSize(storedBytes));

  progress.begin('verifying SHA-256 and listings against the source');
  demandNone('Contents differ', await compare(client, files, source, (entry) => entry.path, progress));
  demandNone('Listings differ', compareListings(client, entries));
  const verifySeconds = progress.end(`${files.length} files equal`);

  progress.begin('renaming and deleting half');
  const renamedTo = (entry: Entry) => `${entry.path}~renamed`;
  const kept = files.filter((_, index) => index % 2 === 0);
  files.forEach((entry, index) => {
    const path = toVolumePath(entry.path);
    if (index % 2 !== 0) {
      client.remove(path);
      return;
    }
    const file = client.open(path);
    client.rename(file, path, toVolumePath(renamedTo(entry)));
    client.close(file);
  });
  demandNone('Contents differ after renames', await compare(client, kept, source, renamedTo, progress));
  const half = drive.status('');
  progress.end(`${files.length - kept.length} deleted, ${kept.length} renamed and verified again`);

  progress.begin('self-check, then deleting everything');
  demandNone('The self-check found violations', (await drive.selfCheck()).violations);
  for (const entry of kept) {
    client.remove(toVolumePath(renamedTo(entry)));
  }
  for (const { path } of entries.filter(({ kind }) => kind === 'directory').reverse()) {
    client.remove(toVolumePath(path));
  }
  demandNone('The self-check found violations', (await drive.selfCheck()).violations);
  const empty = drive.status('');
  demandNone('The library saw broken rules of WinFsp', empty.strictViolations?.texts ?? []);
  if (empty.reservedBytes !== fresh.reservedBytes || empty.files !== fresh.files) {
    throw new DemoFailure(
      `After deleting everything ${empty.reservedBytes} bytes and ${empty.files} files are left.`,
    );
  }
  progress.end(`${formatSize(empty.freeBytes)} free again`);
  const { latency } = empty.requests;
  printSummary([
    ['files, bytes', `${files.length}, ${formatSize(storedBytes)}`],
    ['copy in', `${(storedBytes / copySeconds / 1e6).toFixed(0)} MB/s`],
    ['read back and hash, both sides', `${((2 * storedBytes) / verifySeconds / 1e6).toFixed(0)} MB/s`],
    ['requests served', empty.requests.requests.toLocaleString('en')],
    [
      'latency in the drive',
      `p50 ${latency.latencyUsP50.toFixed(1)} µs, p99 ${latency.latencyUsP99.toFixed(1)} µs`,
    ],
    ['reserved ÷ stored', ((full.reservedBytes - fresh.reservedBytes) / storedBytes).toFixed(3)],
    [
      'resident memory (drive and client)',
      `${formatSize(full.residentBytes)} full, ${formatSize(half.residentBytes)} after half, ${formatSize(empty.residentBytes)} after all`,
    ],
    ['left out', 'mount, git, links: they need a kernel mount'],
  ]);
}

async function compare(
  client: ScriptedClient,
  files: readonly Entry[],
  source: string,
  placeOf: (entry: Entry) => string,
  progress: Progress,
): Promise<string[]> {
  const differences: string[] = [];
  for (const entry of files) {
    const expected = await sha256Of(join(source, entry.path), entry.sizeBytes);
    const file = client.open(toVolumePath(placeOf(entry)));
    const hash = createHash('sha256');
    for (const part of client.read(file)) {
      hash.update(part);
    }
    client.close(file);
    const found = hash.digest('hex');
    if (found !== expected || file.sizeBytes !== entry.sizeBytes) {
      differences.push(
        `${placeOf(entry)}: ${file.sizeBytes} bytes, SHA-256 ${found}; expected ${entry.sizeBytes}, ${expected}`,
      );
    }
    progress.update(() => entry.path);
  }
  return differences;
}

function compareListings(client: ScriptedClient, entries: readonly Entry[]): string[] {
  const expected = new Map<string, string[]>([['', []]]);
  for (const { path, kind } of entries) {
    const cut = path.lastIndexOf('/');
    expected.get(cut < 0 ? '' : path.slice(0, cut))!.push(path.slice(cut + 1));
    if (kind === 'directory') {
      expected.set(path, []);
    }
  }
  const differences: string[] = [];
  for (const [path, names] of expected) {
    const directory = client.open(toVolumePath(path));
    const found = client.list(directory);
    client.close(directory);
    if (found.slice().sort().join('\0') !== names.sort().join('\0')) {
      differences.push(`${path}: lists ${found.length} names, expected ${names.length}`);
    }
  }
  return differences;
}

function toVolumePath(path: string): string {
  return `\\${path.replaceAll('/', '\\')}`;
}
