/**
 * Programs that make pipes and sockets where TMPDIR is: each on a directory of tmpfs, as a check of the check, then on
 * the drive.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from './program.js';

const PYTHON = `
import multiprocessing, os, socket, sys
def double(n):
    return 2 * n
if __name__ == '__main__':
    with multiprocessing.Manager() as manager:
        shared = manager.dict(answer=42)
        assert shared['answer'] == 42
    with multiprocessing.get_context('forkserver').Pool(2) as pool:
        assert pool.map(double, range(50)) == list(range(0, 100, 2))
    os.mkfifo('pipe')
    if os.fork() == 0:
        with open('pipe', 'w') as writer:
            writer.write('through a pipe')
        os._exit(0)
    assert open('pipe').read() == 'through a pipe'
`;

const NODE = `
const net = require('node:net');
const server = net.createServer((socket) => socket.pipe(socket)).listen('node.sock', () => {
  const client = net.connect('node.sock', () => client.end('echo'));
  let text = '';
  client.on('data', (piece) => (text += piece));
  client.on('close', () => server.close(() => process.exit(text === 'echo' ? 0 : 1)));
});
`;

const SHELL_SCRIPTS: readonly string[] = [
  `export GNUPGHOME="$TMPDIR/gnupg"; mkdir -m 700 "$GNUPGHOME"
    gpg --batch --quiet --passphrase '' --quick-generate-key 'Real World <real@world>' ed25519 sign never
    echo text | gpg --batch --quiet --sign | gpg --batch --quiet --decrypt | grep -qx text
    gpgconf --kill gpg-agent`,
  `export TMUX_TMPDIR="$TMPDIR"
    tmux -L real -f /dev/null new-session -d 'sleep 60'
    tmux -L real list-sessions | grep -q '1 windows'
    tmux -L real kill-server`,
  `redis-server --port 0 --unixsocket "$TMPDIR/redis.sock" --save '' --daemonize yes \\
      --dir "$TMPDIR" --pidfile "$TMPDIR/redis.pid" >/dev/null
    for try in $(seq 100); do redis-cli -s redis.sock ping 2>/dev/null | grep -q PONG && break; sleep 0.1; done
    redis-cli -s redis.sock set key value | grep -qx OK
    redis-cli -s redis.sock get key | grep -qx value
    redis-cli -s redis.sock shutdown nosave`,
];

export const SPECIAL_FILE_PROGRAMS = ['python3', 'gpg', 'tmux', 'redis-server'] as const;

export async function specialFiles(driveDirectory: string): Promise<string> {
  for (const parent of ['/dev/shm', driveDirectory]) {
    const cwd = mkdtempSync(join(parent, 'special-'));
    const temporary = join(cwd, 'tmp');
    mkdirSync(temporary);
    const env = { ...process.env, TMPDIR: temporary };
    const options = { cwd: temporary, env, limitMs: 120_000 };
    try {
      // A file: forkserver imports the main module once more.
      const script = join(cwd, 'main.py');
      writeFileSync(script, PYTHON);
      await must('python3', [script], options);
      await must(process.execPath, ['-e', NODE], options);
      for (const program of SHELL_SCRIPTS) await must('sh', ['-e', '-c', program], options);
    } finally {
      rmSync(cwd, { recursive: true, force: true });
    }
  }
  return `${SPECIAL_FILE_PROGRAMS.join(', ')}, node: as on tmpfs`;
}
