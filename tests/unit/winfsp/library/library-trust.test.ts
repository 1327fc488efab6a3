import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { whyNotTrusted } from '../../../../src/winfsp/library/library-trust.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

describe.runIf(process.platform === 'linux')('a library that a variable names', () => {
  const folder = temporaryFolder('library');
  const library = join(folder, 'inner', 'lib.so');
  mkdirSync(join(folder, 'inner'));
  writeFileSync(library, '');

  it('is trusted where only its owner and root can write, in a sticky directory too', () => {
    expect(whyNotTrusted(library, folder)).toBeNull();
  });

  it('is not when everybody can write it, or exchange it, also behind a link', () => {
    const link = join(folder, 'link.so');
    symlinkSync(library, link);
    chmodSync(library, 0o666);
    expect(whyNotTrusted(library, folder)).toBe(`everybody can write ${library}`);
    expect(whyNotTrusted(link, folder)).toBe(`everybody can write ${link}`);
    chmodSync(library, 0o644);
    chmodSync(join(folder, 'inner'), 0o777);
    expect(whyNotTrusted(library, folder)).toBe(`everybody can write ${join(folder, 'inner')}`);
    expect(whyNotTrusted(link, folder)).toBe(`everybody can write ${join(folder, 'inner')}`);
    chmodSync(join(folder, 'inner'), 0o755);
    expect(whyNotTrusted(link, folder)).toBeNull();
  });

  it.runIf(process.getuid?.() === 0)('is not when it is another user’s, unless the program is, too', () => {
    chownSync(library, 12345, 12345);
    expect(whyNotTrusted(library, folder)).toBe(`${library} belongs to user 12345`);
    chownSync(folder, 12345, 12345);
    chownSync(join(folder, 'inner'), 12345, 12345);
    expect(whyNotTrusted(library, folder)).toBeNull();
    chownSync(folder, 0, 0);
  });
});
