import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { describeDeath } from '../../../src/cli/mount/mount-in-background.js';
import { Progress } from '../../../src/cli/progress.js';

const GIB = 2 ** 30;

describe('the progress of pre-allocation', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => vi.useRealTimers());

  function progressOn(isTTY: boolean) {
    let text = '';
    const write = (part: string) => {
      text += part;
      return true;
    };
    return { progress: new Progress({ isTTY, write: write as never }, 'taking memory'), text: () => text };
  }

  it('is one live line on a terminal, which goes', () => {
    const { progress, text } = progressOn(true);
    progress.update(GIB, 4 * GIB);
    progress.end();
    expect(text()).toBe('\r\x1b[2Ktaking memory: 1 GiB of 4 GiB (25 %)\r\x1b[2K');
  });

  it('is a line now and then elsewhere', () => {
    const { progress, text } = progressOn(false);
    progress.update(GIB, 4 * GIB);
    vi.advanceTimersByTime(5_000);
    progress.update(2 * GIB, 4 * GIB);
    progress.update(3 * GIB, 4 * GIB);
    progress.end();
    expect(text()).toBe('ramdrive: taking memory: 2 GiB of 4 GiB (50 %)\n');
  });
});

describe('the death of a process in the background', () => {
  it.each([
    ['SIGKILL', /out of memory/],
    ['SIGSEGV', /crashed/],
    ['SIGTERM', /Another program/],
  ] as const)('%s', (signal, expected) => {
    expect(describeDeath(signal)).toContain(signal);
    expect(describeDeath(signal)).toMatch(expected);
  });
});
