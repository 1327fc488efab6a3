import { describe, expect, it } from 'vitest';
import { OpenFiles } from '../../../../src/winfsp/threads/open-files.js';

describe('open files', () => {
  it('one lock file opened and closed a million times among 10,000 open files stays cheap and small', () => {
    const files = new OpenFiles();
    for (let context = 1; context <= 10_000; context++) {
      files.opened(context);
    }
    for (let round = 0; round < 1_000_000; round++) {
      files.opened(20_000);
      files.closed(20_000);
    }
    expect(files.size).toBe(10_001);
  });

  it('files that come and go are forgotten', () => {
    const files = new OpenFiles();
    for (let context = 1; context <= 100_000; context++) {
      files.opened(context);
      files.noteWholePageRead(context);
      files.closed(context);
    }
    expect(files.size).toBeLessThan(3000);
    expect(files.mayBeMapped(100_000)).toBe(true);
  });

  it('closing what is not open changes nothing', () => {
    const files = new OpenFiles();
    files.closed(1);
    files.noteWholePageRead(1);
    files.opened(1);
    expect(files.mayBeMapped(1)).toBe(false);
    files.closed(1);
    files.closed(1);
    files.opened(1);
    expect(files.mayBeMapped(1)).toBe(false);
  });
});
