/** A drive as systemd runs it: it is told when the drive can be used and when it ends, as a unit of Type=notify. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { verifyImage } from '../../src/image/image-file.js';
import { describeMount, mount, newDirectory } from '../support/mount.js';
import { temporaryFolder } from '../support/temporary-folder.js';

// Node.js has no datagram sockets of this family; Python plays systemd, and notes whether the drive was mounted.
const SYSTEMD = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
s.settimeout(120)
for _ in range(2):
    print(s.recv(4096).decode(), os.path.isdir(sys.argv[2]), flush=True)
`;

describeMount('a drive under systemd', () => {
  it('says READY when it is mounted, and STOPPING before it unmounts', async () => {
    const folder = temporaryFolder('systemd');
    const socket = join(folder, 'notify');
    const place = newDirectory();
    const systemd = spawn('python3', ['-c', SYSTEMD, socket, join(place, 'Temp')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    const closed = new Promise((resolve) => systemd.once('close', resolve));
    systemd.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await expect.poll(() => said, { timeout: 60_000 }).toBe('bound\n');
    const drive = await mount({
      dir: place,
      args: ['--initial-directory', '/Temp'],
      env: { NOTIFY_SOCKET: socket },
    });
    await expect.poll(() => said, { timeout: 60_000 }).toBe('bound\nREADY=1 True\n');
    drive.signal('SIGTERM');
    expect(await drive.exited).toEqual({ code: 0, signal: null });
    await closed;
    expect(said).toMatch(/^bound\nREADY=1 True\nSTOPPING=1 (True|False)\n$/);
    expect(existsSync(join(place, 'Temp'))).toBe(false);
  });

  it('tries again to save when a stop could not, and ends by itself then', async () => {
    const directory = join(temporaryFolder('systemd-image'), 'images');
    mkdirSync(directory);
    const image = join(directory, 'drive.tar');
    const drive = await mount({
      args: ['--image', image],
      env: { NOTIFY_SOCKET: join(directory, 'nobody-listens') },
    });
    await writeFile(drive.path('a'), 'a');
    renameSync(directory, `${directory}.away`);
    drive.signal('SIGTERM');
    await expect.poll(() => drive.errors, { timeout: 20_000 }).toContain('the drive stays mounted for');
    expect(drive.errors).toContain('is not saved: ENOENT');
    await writeFile(drive.path('b'), 'b');
    renameSync(`${directory}.away`, directory);
    expect(await drive.exited).toEqual({ code: 0, signal: null });
    expect((await verifyImage(image, { entry() {} })).files).toBe(2);
  });
});
