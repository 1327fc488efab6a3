/**
 * Windows: the benchmark's client does all of its work on the temporary directory, alone and as several processes, and
 * notices wrong data; the CPUs that this process is given are those of the processes that it starts.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allCpus, lastCpuOf, ownCpus, setCpus } from '../../bench/platform/affinity.js';
import { WINDOWS } from '../../bench/platform/windows.js';
import { check, note } from './check.js';

const SHOW_CPUS = '--show-cpus';

if (process.argv.includes(SHOW_CPUS)) {
  writeSync(1, String(ownCpus()));
} else {
  await checkAll();
}

async function checkAll(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ramdrive-bench-'));
  const client = (processes: number, words: string) => {
    const [program, ...args] = WINDOWS.client;
    return spawnSync(program!, [...args, folder, '0', String(processes), '30', ...words.split(' ')], {
      encoding: 'utf8',
      timeout: 60_000,
    });
  };
  try {
    for (const words of [
      'io seq read direct 65536 1048576',
      'io rand write direct 4096 1048576',
      'io seq read buffered 4096 1048576',
      'io rand write buffered 4096 1048576',
      'cycle',
      'step create',
      'step stat',
      'step open',
      'step unlink',
      'list 200',
      'scale create 200',
      'scale absent 200',
    ]) {
      await check(`client: ${words}`, () => {
        const { status, stdout, stderr } = client(1, words);
        assert.deepEqual([status, stderr], [0, '']);
        const { operations, nsP50 } = JSON.parse(stdout) as Record<string, number>;
        assert.ok(operations! > 0 && nsP50! > 0, stdout);
      });
    }
    await check('two clients at a time', () => {
      const { status, stdout, stderr } = client(2, 'cycle');
      assert.deepEqual([status, stderr], [0, '']);
      note(`two clients under Wine: ${stdout.trim()}`);
    });
    await check('wrong data is noticed, read without the cache', () => {
      const file = join(folder, 'io-0-1048576');
      const bytes = readFileSync(file);
      bytes[4096] = 1;
      writeFileSync(file, bytes);
      const { status, stderr } = client(1, 'io seq read direct 4096 1048576');
      assert.equal(status, 1);
      assert.match(stderr, /wrong data at offset 4096/);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  await check('processes inherit the CPU that this one is given', () => {
    const shown = () =>
      spawnSync(process.execPath, [fileURLToPath(import.meta.url), SHOW_CPUS], { encoding: 'utf8' }).stdout;
    const all = allCpus();
    assert.equal(shown(), String(all));
    WINDOWS.pinned([], true);
    assert.equal(ownCpus(), lastCpuOf(all));
    assert.equal(shown(), String(lastCpuOf(all)));
    setCpus(all);
    assert.equal(ownCpus(), all);
  });
}
