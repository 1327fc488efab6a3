/**
 * Chaos itself: that it is quiet on what is right, loud on what is wrong, orderly at its end, and that its page shows
 * what it did.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lookAt } from '../../support/browser.js';
import { hasProgram, PROJECT, whyNoMounts } from '../../support/machine.js';
import { chaos, environment, expectRepeatedWell, keptRuns, leftovers, removeEvidence } from './program.js';

const reason = whyNoMounts();
if (reason !== null) {
  console.log(`skipped: chaos on mounted drives: ${reason}.`);
}

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ramdrive-test-chaos-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
  expect(leftovers()).toEqual([]);
});

describe('chaos on a directory of another file system', () => {
  it('finds nothing wrong with it, under kills and stops, and leaves it empty', async () => {
    const outcome = await chaos(
      `--path ${directory} --operations 1500 --workers 3 --seed 1 --faults kill,stop`,
    );
    expect(outcome.stderr).toBe('');
    expect(outcome.stdout).toContain(' 0 integrity failures');
    expect(outcome.code).toBe(0);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('finds one byte that someone else changes, and says which', async () => {
    const running = chaos(
      `--path ${directory} --duration 60s --workers 2 --seed 1 --faults none --no-shrink`,
    );
    let ended = false;
    void running.finally(() => {
      ended = true;
    });
    while (!ended) {
      await sleep(100);
      await changeOneByte(directory);
    }
    const outcome = await running;
    expect(outcome.code).toBe(1);
    expect(outcome.stdout).toMatch(/FINDING \(worker \d\) .*(wrong byte at \d+|SHA-256|length is)/);
    expect(outcome.stdout).toMatch(/^repeat: npm run chaos -- --duration 60s --workers 2 --seed 1 /m);
    const findings = JSON.parse(readFileSync(join(outcome.evidence!, 'findings.json'), 'utf8'));
    expect(findings.findings.length).toBeGreaterThan(0);
    // The file's history, and the file as it was found.
    expect(findings.findings[0].history.length).toBeGreaterThan(0);
    expect(existsSync(join(outcome.evidence!, 'wrong-file'))).toBe(true);
    removeEvidence(outcome);
  });

  it('ends in order when it is interrupted', async () => {
    const args = ['--path', directory, '--duration', '60s', '--workers', '2', '--faults', 'none'];
    // As a terminal does it: to all processes of the foreground.
    const child = spawn(process.execPath, [join(PROJECT, 'dist/tests/chaos/main.js'), ...args], {
      stdio: 'ignore',
      detached: true,
      env: environment,
    });
    const exit = new Promise((resolve) => child.once('exit', resolve));
    const isAtWork = () =>
      readdirSync(directory).some((root) => existsSync(join(directory, root, 'worker-1', 'd1')));
    await expect.poll(isAtWork, { timeout: 60_000, interval: 50 }).toBe(true);
    process.kill(-child.pid!, 'SIGINT');
    expect(await exit).toBe(0);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('refuses bad input with exit code 2', async () => {
    expect(await chaos('--workers many')).toMatchObject({
      code: 2,
      stderr: 'chaos: --workers: expected a whole number from 1 to 256, got "many".\n',
    });
  });
});

describe.skipIf(reason !== null)('chaos on a drive of its own', () => {
  it('says why when its drive cannot be mounted, and ends', async () => {
    const outcome = await chaos('--operations 10 --workers 2 --seed 1 --faults none -- --page-size 5');
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain('The drive did not mount (exit code 2). ramdrive: --page-size: ');
  });

  it('finds nothing wrong with it under all faults, and shows on its page what happened', async () => {
    const report = join(directory, 'report.html');
    const outcome = await chaos(
      `--duration 10s --workers 6 --seed 1 --capacity 128M --report ${report} -- --page-size 16K`,
    );
    expect(outcome.stderr).toBe('');
    expect(outcome.stdout).toContain(' 0 integrity failures');
    expect(outcome.code).toBe(0);
    await expectPage(report);
  });

  it.each(['--kernel-cache=off', '--direct-io'])(
    'finds nothing wrong with it, mounted with %s',
    async (option) => {
      const outcome = await chaos(`--operations 600 --workers 4 --seed 1 --capacity 64M -- ${option}`);
      expect(outcome.stdout).toContain(' 0 integrity failures');
      expect(outcome.code).toBe(0);
    },
  );

  it('finds nothing wrong with it between snapshots, rollbacks, saves and reloads', async () => {
    const outcome = await chaos('--duration 45s --workers 4 --seed 5 --capacity 128M --moments');
    expect(outcome.stderr).toBe('');
    expect(outcome.stdout).toContain(' 0 integrity failures');
    expect(outcome.stdout).toMatch(/^moments: \d+ × /m);
    expect(outcome.code).toBe(0);
  });

  it('finds nothing wrong with a drive that answers late and out of order', async () => {
    const outcome = await chaos(
      '--operations 250 --workers 4 --seed 1 --capacity 64M --faults kill,stop --late-answers',
    );
    expect(outcome.stderr).toBe('');
    expect(outcome.stdout).toContain(' 0 integrity failures');
    expect(outcome.code).toBe(0);
  });

  it('kills the drive: clients get errors, and the place can be used again', async () => {
    const outcome = await chaos(
      '--duration 8s --workers 4 --seed 1 --capacity 64M --faults none --kill-drive',
    );
    expect(outcome.stderr).toBe('');
    expect(outcome.stdout).toMatch(/ [1-3] faults, .* 0 integrity failures/);
    expect(outcome.code).toBe(0);
  });

  it.each(keptRuns(join(PROJECT, 'tests/chaos/seeds.jsonl')))(
    'repeats a run that has failed once: $why',
    (kept) => expectRepeatedWell(kept),
  );
});

/** Flips a bit in some file of a worker, as a bad disk would. */
async function changeOneByte(path: string): Promise<void> {
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.parentPath.includes('worker-'),
  );
  for (const { parentPath, name } of files.slice(0, 5)) {
    const file = await open(join(parentPath, name), 'r+').catch(() => null);
    if (file !== null) {
      const size = (await file.stat()).size;
      const byte = Buffer.alloc(1);
      if (size > 0) {
        await file.read(byte, 0, 1, Math.floor(size / 2));
        byte[0]! ^= 0x40;
        await file.write(byte, 0, 1, Math.floor(size / 2));
      }
      await file.close();
    }
  }
}

interface Drawn {
  charts: { id: string; lines: number; widest: number; highest: number }[];
  title: string;
  limits: number;
}

/** The charts are drawn, inside their frames, and nothing was fetched. */
async function expectPage(report: string): Promise<void> {
  expect((await stat(report)).size).toBeLessThan(2_000_000);
  if (!hasProgram('chromium')) {
    console.log('skipped: the page in a browser: chromium is not installed (Debian package chromium).');
    return;
  }
  const { value, requests, problems } = await lookAt<Drawn>(
    report,
    `({
      title: document.querySelector('h1').textContent,
      limits: document.querySelectorAll('#limits li').length,
      charts: [...document.querySelectorAll('figure')].map((figure) => {
        const frame = figure.querySelector('svg').getBoundingClientRect();
        const boxes = [...figure.querySelectorAll('.line')].map((line) => line.getBoundingClientRect());
        const inside = boxes.filter((box) => box.left >= frame.left && box.right <= frame.right && box.top >= frame.top &&
          box.bottom <= frame.bottom);
        return { id: figure.id, lines: inside.length, widest: Math.max(...boxes.map((box) => box.width)) / frame.width,
          highest: Math.max(...boxes.map((box) => box.height)) / frame.height };
      }),
    })`,
    process.env.RAMDRIVE_TEST_PICTURE ?? null,
  );
  expect(problems).toEqual([]);
  expect(requests).toEqual([]);
  expect(value.title).toContain('0 integrity failures');
  expect(value.limits).toBeGreaterThan(2);
  expect(value.charts.map(({ id }) => id)).toEqual(['throughput', 'latency', 'data', 'memory', 'ledger']);
  for (const { lines, widest } of value.charts) {
    expect(lines).toBeGreaterThan(0);
    // From the first second to the last.
    expect(widest).toBeGreaterThan(0.6);
  }
  // What moves is not flat.
  expect(value.charts[0]!.highest).toBeGreaterThan(0.05);
}
