/**
 * Runs inside a root that has Node and npm and nothing to build with (bare-root.ts): installs the package as its user
 * would, mounts, writes, reads, unmounts. Exit code 1 with the first thing that went wrong.
 */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const run = (program, ...args) => execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe' });

for (const program of ['cc', 'gcc', 'make']) {
  assert.throws(() => run(program, '--version'), { code: 'ENOENT' });
}
run('npm', 'install', '--global', '--prefix', '/usr', '--prefer-offline', '/package.tgz');
mkdirSync('/mnt');
process.stdout.write(run('ramdrive', 'mount', '/mnt', '--capacity', '64M', '--background'));
const content = Buffer.alloc(1024 * 1024, 'ramdrive');
writeFileSync('/mnt/file', content);
assert.ok(readFileSync('/mnt/file').equals(content));
process.stdout.write(run('ramdrive', 'status', '/mnt'));
run('ramdrive', 'unmount', '/mnt');
assert.throws(() => readFileSync('/mnt/file'), { code: 'ENOENT' });
