/**
 * Tells systemd how a service of `Type=notify` is doing: a datagram to the socket that NOTIFY_SOCKET names
 * (sd_notify(3)). Node.js has no datagram sockets of this family, so the C library is asked. Does nothing where the
 * variable is not set. A failure is silent: systemd sees a service that does not get ready.
 */
import { closeSync } from 'node:fs';
import koffi from 'koffi';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MAX_PATH_BYTES = 108;

export type ServiceNews = 'READY=1' | 'STOPPING=1' | `STATUS=${string}` | `EXTEND_TIMEOUT_USEC=${number}`;

/** Whether this process is the main one of a service of `Type=notify`. */
export function isUnderSystemd(): boolean {
  return process.platform === 'linux' && Boolean(process.env.NOTIFY_SOCKET);
}

export function notifySystemd(news: ServiceNews, socketPath = process.env.NOTIFY_SOCKET): void {
  if (process.platform !== 'linux' || !socketPath) return;
  const path = Buffer.from(socketPath);
  if (path.length >= MAX_PATH_BYTES) return;
  // An "@" stands for the zero byte of an abstract name.
  if (path[0] === 0x40) path[0] = 0;
  const address = Buffer.alloc(2 + path.length);
  address.writeUInt16LE(AF_UNIX);
  path.copy(address, 2);
  const libc = koffi.load(null);
  const socket = libc.func('int socket(int domain, int type, int protocol)');
  const sendto = libc.func(
    'intptr_t sendto(int descriptor, void *data, size_t bytes, int flags, void *address, uint32_t addressBytes)',
  );
  const descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) as number;
  if (descriptor < 0) return;
  const data = Buffer.from(news);
  sendto(descriptor, data, data.length, 0, address, address.length);
  closeSync(descriptor);
}
