/**
 * The server of the host's tests: `node serve.mjs MANNER SEED DIRECTORY` mounts the in-memory example file system,
 * whose `read`, `write` and `readDirectory` answer in one of three manners: `synchronous`, `resolved` (a promise that
 * is resolved already) or `delayed` (after a random time each, so that later requests overtake earlier ones). Uses
 * nothing but the public interface.
 *
 * Its parent may ask for a `report` and for `unmount`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  FileSystemHost,
  linuxExtensions,
  liveBlocks,
  loadWinFsp,
  registeredCallbacks,
} from 'ramdrive/winfsp';
import { MemoryFs } from '../../../dist/examples/memory-fs.js';

const MAX_DELAY_MS = 6;
const [manner, seed, directory] = process.argv.slice(2);

/** xorshift32: the same seed gives the same delays. */
let state = Number(seed) >>> 0 || 1;
function random() {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) / 2 ** 32;
}

const seen = { read: 0, write: 0, readDirectory: 0, promises: 0, most: 0, overtakings: 0 };
const pending = new Set();

/** The first time that two are pending, the older one waits for the younger: that answers overtake is no luck. */
let isOvertakingDue = manner === 'delayed';

async function later(body) {
  let done;
  const ticket = { waitsFor: null, ended: new Promise((resolve) => (done = resolve)) };
  const oldest = pending.values().next().value;
  if (isOvertakingDue && oldest !== undefined) {
    isOvertakingDue = false;
    oldest.waitsFor = ticket;
  }
  pending.add(ticket);
  seen.most = Math.max(seen.most, pending.size);
  try {
    if (manner === 'delayed') {
      await sleep(random() * MAX_DELAY_MS);
      await ticket.waitsFor?.ended;
    }
    return body();
  } finally {
    if (pending.values().next().value !== ticket) {
      seen.overtakings += 1;
    }
    pending.delete(ticket);
    done();
  }
}

function answer(kind, body) {
  seen[kind] += 1;
  if (manner === 'synchronous') {
    return body();
  }
  seen.promises += 1;
  return later(body);
}

class TestFs extends MemoryFs {
  read(...args) {
    return answer('read', () => super.read(...args));
  }
  write(...args) {
    return answer('write', () => super.write(...args));
  }
  readDirectory(...args) {
    return answer('readDirectory', () => super.readDirectory(...args));
  }
}

const fileSystem = new TestFs({ caseSensitive: true, capacityBytes: 256 * 2 ** 20 });
const host = new FileSystemHost(fileSystem, {
  volumeParams: {
    SectorSize: 4096,
    CaseSensitiveSearch: true,
    SupportsPosixUnlinkRename: true,
    VolumeInfoTimeout: 0,
  },
});
const errors = [];
host.on('error', (error, where) => errors.push(`${where}: ${error.stack}`));
const ends = [];
host.on('stopped', ({ reason }) => ends.push(reason));

function report() {
  const extensions = linuxExtensions(loadWinFsp());
  return {
    ...seen,
    contexts: fileSystem.openCount,
    freeBytes: fileSystem.getVolumeInfo().freeSize,
    violations: extensions.violations(0),
    errors,
    ends,
    callbacks: registeredCallbacks(),
    blocks: liveBlocks(),
    pending: pending.size,
  };
}

process.on('message', async (question) => {
  if (question === 'unmount') {
    await host.unmount();
  }
  process.send(report());
  if (question === 'unmount') {
    process.disconnect();
  }
});

await host.mount(directory);
console.log(`mounted ${directory}`);
