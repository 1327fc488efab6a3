/**
 * Windows: who may use the control channel's pipe, and what happens to a name that another user has taken. Another user
 * is played by a pipe whose owner is changed: Wine has one user, and it does not keep a second process from listening on
 * a name (FILE_FLAG_FIRST_PIPE_INSTANCE, which Node asks for).
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import koffi from 'koffi';
import { MAX_CONTROL_CONNECTIONS } from '../../src/drive/config/limits.js';
import { ask, findDrives, isAnswering } from '../../src/drive/control/control-client.js';
import { ControlServer } from '../../src/drive/control/control-server.js';
import {
  endpointOf,
  idOfMountPoint,
  readRecords,
  writeRecord,
} from '../../src/drive/control/drive-records.js';
import { searchedDirectories } from '../../src/drive/control/runtime-directory.js';
import { currentUserSid } from '../../src/os/windows-account.js';
import { accessOfPipe, pipeState, restrictPipe } from '../../src/os/windows-pipe.js';
import { check } from './check.js';

const directory = mkdtempSync(join(tmpdir(), 'ramdrive-pipes-'));
const advapi32 = koffi.load('advapi32.dll');
const kernel32 = koffi.load('kernel32.dll');
const open = kernel32.func(
  'uintptr_t CreateFileW(str16 name, uint32_t access, uint32_t share, void *, uint32_t how, uint32_t flags, void *)',
);
const close = kernel32.func('int CloseHandle(uintptr_t)');
const get = advapi32.func('int GetKernelObjectSecurity(uintptr_t, uint32_t, void *, uint32_t, void *)');
const set = advapi32.func('int SetKernelObjectSecurity(uintptr_t, uint32_t, uintptr_t)');
const toText = advapi32.func(
  'int ConvertSecurityDescriptorToStringSecurityDescriptorW(void *, uint32_t, uint32_t, void *, void *)',
);
const fromText = advapi32.func(
  'int ConvertStringSecurityDescriptorToSecurityDescriptorW(str16, uint32_t, void *, void *)',
);
const OWNER = 1;
const DACL = 4;

function withHandle<T>(name: string, access: number, work: (handle: number | bigint) => T): T {
  const handle = open(name, access, 3, null, 3, 0, null);
  assert.notEqual(BigInt(handle), 0xffffffffffffffffn, `${name} can be opened`);
  try {
    return work(handle);
  } finally {
    close(handle);
  }
}

function accessListOf(name: string): string {
  return withHandle(name, 0x20000, (handle) => {
    const descriptor = Buffer.alloc(4096);
    assert.ok(get(handle, DACL, descriptor, descriptor.length, Buffer.alloc(4)));
    const text = new BigUint64Array(1);
    assert.ok(toText(descriptor, 1, DACL, text, null));
    return koffi.decode(text[0]!, 'char16_t', -1) as unknown as string;
  });
}

function giveAway(name: string): void {
  const descriptor = new BigUint64Array(1);
  assert.ok(fromText('O:S-1-5-21-1-2-3-1001', 1, descriptor, null));
  withHandle(name, 0x80000 | 0x20000, (handle) => assert.ok(set(handle, OWNER, descriptor[0]!)));
}

function listen(name: string) {
  const server = createServer(() => {});
  return new Promise<typeof server>((resolve, reject) => {
    server.once('error', reject);
    server.listen(name, () => resolve(server));
  });
}

/** Its pipe is in this process, and opens as many connections as Node has ready before it is back in its loop. */
const accepting = () => sleep(100);

const nameOf = (mountPoint: string) => endpointOf(directory, idOfMountPoint(mountPoint));

await check('a pipe of ours is for its user and LocalSystem', async () => {
  const server = await ControlServer.claim('R:', directory);
  server.open('R:', async () => 'hello');
  const list = accessListOf(server.endpoint);
  assert.match(list, /^D:P?/);
  assert.deepEqual(
    [...list.matchAll(/\(([^)]*)\)/g)].map(([, entry]) => entry!.split(';').at(-1)).sort(),
    ['SY', currentUserSid()].sort(),
  );
  assert.equal(pipeState(server.endpoint), 'own');
  const [drive] = await findDrives([directory]);
  assert.equal(await ask(drive!, 'status'), 'hello');
  await server.close();
});

await check('a pipe of a service is for LocalSystem and administrators; they find its drive', async () => {
  assert.equal(accessOfPipe('S-1-5-18'), 'O:S-1-5-18D:P(A;;FA;;;SY)(A;;FA;;;BA)');
  const [, services] = searchedDirectories();
  assert.match(services!, /\\config\\systemprofile\\AppData\\Local\\ramdrive$/i);
  mkdirSync(services!, { recursive: true });
  const server = await ControlServer.claim('Q:', services);
  server.open('Q:', async () => 'of a service');
  try {
    const drive = (await findDrives()).find(({ mountPoint }) => mountPoint === 'Q:');
    assert.equal(await ask(drive!, 'status'), 'of a service');
  } finally {
    await server.close();
    rmSync(services!, { recursive: true });
  }
});

await check('no pipe is no pipe', async () => {
  assert.equal(pipeState(nameOf('N:')), 'none');
  assert.equal(await isAnswering(nameOf('N:')), false);
  assert.throws(() => restrictPipe(nameOf('N:')), /CreateFileW failed with 2/);
});

await check('what another user listens on is not asked, and its record goes', async () => {
  const name = nameOf('S:');
  const impostor = await listen(name);
  let connections = 0;
  let bytes = 0;
  impostor.on('connection', (socket) => {
    connections++;
    socket.on('error', () => {}).on('data', (data) => (bytes += data.length));
  });
  giveAway(name);
  assert.equal(pipeState(name), 'other');
  assert.equal(await isAnswering(name), false);
  const record = { version: 1 as const, id: idOfMountPoint('S:'), pid: process.pid, mountPoint: 'S:' };
  writeRecord(directory, { ...record, endpoint: name, token: 'secret', startedAt: new Date().toISOString() });
  const [found] = readRecords([directory]);
  await accepting();
  await assert.rejects(ask(found!.record, 'status'), /another user’s/);
  await accepting();
  assert.deepEqual(await findDrives([directory]), []);
  assert.deepEqual(readRecords([directory]), []);
  assert.ok(connections > 0);
  assert.equal(bytes, 0, 'nothing was said to it');
  impostor.close();
});

await check('a name that another user has taken keeps no drive from starting', async () => {
  const running = await ControlServer.claim('R:', directory);
  running.open('R:', async () => 'still there');
  const salt = readFileSync(join(directory, 'salt'), 'utf8');
  const name = nameOf('T:');
  const impostor = await listen(name);
  giveAway(name);
  const server = await ControlServer.claim('T:', directory);
  assert.notEqual(server.endpoint, name);
  assert.notEqual(readFileSync(join(directory, 'salt'), 'utf8'), salt);
  const [drive] = await findDrives([directory]);
  assert.equal(await ask(drive!, 'status'), 'still there');
  await Promise.all([server.close(), running.close()]);
  impostor.close();
});

await check('connections are bounded', async () => {
  const server = await ControlServer.claim('U:', directory);
  server.open('U:', async () => null);
  const sockets = Array.from({ length: MAX_CONTROL_CONNECTIONS + 10 }, () =>
    connect(server.endpoint).on('error', () => {}),
  );
  let closed = 0;
  for (const socket of sockets) socket.on('close', () => closed++);
  for (let tries = 0; closed < 10 && tries < 100; tries++) {
    await sleep(100);
  }
  assert.equal(closed, 10);
  for (const socket of sockets) socket.destroy();
  await server.close();
});

// A server that a failed check has left open would keep the process.
process.exit();
