import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { notifySystemd } from '../../../src/os/sd-notify.js';

// Node.js has no datagram sockets of this family; Python plays systemd.
const RECEIVER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1].replace('@', '\\0', 1))
print('bound', flush=True)
s.settimeout(20)
print(s.recv(4096).decode(), flush=True)
`;

async function received(address: string, send: () => void): Promise<string> {
  const child = spawn('python3', ['-c', RECEIVER, address], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  for await (const chunk of child.stdout) {
    if (output === '') send();
    output += String(chunk);
  }
  return output;
}

// Reason for the skip: NOTIFY_SOCKET is systemd's, which is Linux only.
describe.skipIf(process.platform !== 'linux')('notifySystemd', () => {
  it('reaches a socket in the file system and one with an abstract name', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ramdrive-notify-'));
    try {
      for (const address of [join(folder, 'notify'), `@ramdrive-notify-${process.pid}`]) {
        const output = await received(address, () => notifySystemd('READY=1', address));
        expect(output).toBe('bound\nREADY=1\n');
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('does nothing without a socket, and survives one that is not there', () => {
    expect(() => notifySystemd('READY=1', undefined)).not.toThrow();
    expect(() => notifySystemd('READY=1', '/absent/notify')).not.toThrow();
    expect(() => notifySystemd('READY=1', `/${'x'.repeat(200)}`)).not.toThrow();
  });
});
