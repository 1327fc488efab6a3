import { describe, expect, it } from 'vitest';
import { accountOf, currentAccount, sidText } from '../../../src/os/windows-account.js';

describe('accounts', () => {
  it.each([
    ['S-1-5-18', 'local-system'],
    ['S-1-5-19', 'service'],
    ['S-1-5-20', 'service'],
    ['S-1-5-80-1234-5678', 'service'],
    ['S-1-5-82-1', 'service'],
    ['S-1-5-21-1-2-3-1001', 'user'],
    ['S-1-5-180', 'user'],
    ['S-1-12-1-2-3', 'user'],
  ] as const)('%s is %s', (sid, account) => {
    expect(accountOf(sid)).toBe(account);
  });

  it('reads a SID from its bytes, as big-endian authority and little-endian parts', () => {
    expect(sidText(Uint8Array.from([1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]))).toBe('S-1-5-18');
    const builtin = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0, 0xff];
    expect(sidText(Uint8Array.from(builtin))).toBe('S-1-5-32-544');
  });

  it.runIf(process.platform !== 'win32')('elsewhere everybody is a user', () => {
    expect(currentAccount()).toBe('user');
  });
});
