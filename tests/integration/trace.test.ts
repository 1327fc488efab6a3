/**
 * `ramdrive mount --trace`: what a busy drive records is what the specification allows, and nothing else is
 * (spec/trace/judge.ts).
 */
import { readFileSync } from 'node:fs';
import {
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  statfs,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { judgeTrace } from '../../spec/trace/judge.js';
import type { TraceEvent } from '../../src/drive/trace.js';
import { cli, describeMount, mount, newDirectory } from '../support/mount.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const OPERATIONS = 1500;
const WORKERS = 4;

/** Random operations on few names of a drive that is nearly always full; what fails, fails. */
async function beBusy(root: string, seed: number): Promise<void> {
  let state = seed;
  const below = (count: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) % count;
  };
  const directories = ['', 'd', 'e'];
  const path = (): string => join(root, directories[below(3)] as string, `f${below(6)}`);
  for (let i = 0; i < OPERATIONS; i++) {
    const name = path();
    try {
      switch (below(10)) {
        case 0:
          await unlink(name);
          break;
        case 1:
          await rename(name, path());
          break;
        case 2:
          await truncate(name, below(200_000));
          break;
        case 3:
          await readFile(name);
          break;
        case 4:
          await readdir(join(root, directories[below(3)] as string));
          break;
        case 5:
          await statfs(root);
          break;
        case 6:
          await writeFile(name, Buffer.alloc(below(30_000), i), { flag: 'a' });
          break;
        case 7: {
          const file = await open(name, 'r+');
          try {
            await file.write(Buffer.alloc(below(20_000), i), 0, undefined, below(100_000));
            // Its content lives on while it is open.
            if (below(4) === 0) await unlink(name);
            await file.write(Buffer.alloc(below(5000), i), 0, undefined, below(100_000));
          } finally {
            await file.close();
          }
          break;
        }
        default:
          await writeFile(name, Buffer.alloc(below(60_000), i));
      }
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toMatch(/ENOENT|ENOSPC/);
    }
  }
}

describeMount('a traced drive', () => {
  it('whose trace cannot be written says so, and ends in order', async () => {
    const drive = await mount({ args: ['--trace', '/dev/full'], broken: true });
    await writeFile(drive.path('f'), 'content');
    expect(await readFile(drive.path('f'), 'utf8')).toBe('content');
    expect(await drive.unmount()).toEqual({ code: 0, signal: null });
    expect(drive.errors).toContain('trace, which ends here');
    expect(drive.errors).not.toContain('died');
  });

  it('whose mount is tried a second time keeps its trace', async () => {
    const trace = join(temporaryFolder('trace'), 'trace');
    const drive = await mount({ args: ['--trace', trace] });
    await writeFile(drive.path('f'), 'content');
    const before = readFileSync(trace, 'utf8');
    const elsewhere = newDirectory();
    for (const place of [drive.dir, elsewhere, join(elsewhere, 'missing')]) {
      const { code } = await cli('mount', place, '--trace', trace);
      expect(code).toBe(2);
      expect(readFileSync(trace, 'utf8').startsWith(before)).toBe(true);
    }
    await drive.unmount();
    const whole = readFileSync(trace, 'utf8');
    expect(whole).toContain('"create"');
    // Nor does a mount that fails erase what an earlier one has left.
    expect((await cli('mount', join(elsewhere, 'missing'), '--trace', trace)).code).toBe(2);
    expect(readFileSync(trace, 'utf8')).toBe(whole);
  });

  it('records only what the specification allows, to the end', async () => {
    const trace = join(temporaryFolder('trace'), 'trace');
    const drive = await mount({ capacity: '512K', args: ['--trace', trace] });
    await mkdir(drive.path('d'));
    await mkdir(drive.path('e'));
    await Promise.all(Array.from({ length: WORKERS }, (_, worker) => beBusy(drive.dir, worker + 1)));
    await drive.expectQuiet();
    await drive.unmount();

    const lines = readFileSync(trace, 'utf8').trimEnd().split('\n');
    await rm(trace);
    const verdict = judgeTrace(lines);
    console.log(`${verdict.accepted} events of a busy drive: ${JSON.stringify(verdict.counts)}`);
    expect(verdict.refused).toBeNull();
    expect(verdict.isComplete).toBe(true);
    for (const op of ['create', 'open', 'close', 'read', 'write', 'rename', 'list', 'freeBytes']) {
      expect(verdict.counts[op]?.succeeded, op).toBeGreaterThan(50);
    }
    // Room ran out, or the trace says nothing about refusals.
    const { setFileSize, write } = verdict.counts;
    expect((setFileSize?.failed ?? 0) + (write?.failed ?? 0)).toBeGreaterThan(10);

    // One step that took room is missing, and the trace cannot go on as it does. A write of the same inode could take
    // it, too.
    const events = lines.map((line) => JSON.parse(line) as TraceEvent);
    const missing = events.findIndex(({ op, inode, ledger }, i) => {
      const [before, after] = [events[i - 1]?.ledger, events[i + 1]];
      const isOther = after?.ledger !== undefined && after.inode !== inode;
      return op === 'setFileSize' && before !== undefined && ledger![0] > before[0] && isOther;
    });
    expect(missing).toBeGreaterThan(0);
    expect(judgeTrace(lines.toSpliced(missing, 1)).refused?.event).toBe(missing + 1);
  });
});
