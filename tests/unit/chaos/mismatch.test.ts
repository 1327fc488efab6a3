import { beforeEach, describe, expect, it, vi } from 'vitest';

const readSync = vi.hoisted(() => vi.fn());
vi.mock('node:fs', async (original) => ({ ...(await original<typeof import('node:fs')>()), readSync }));

const { codeOf, DriveGone, expectDriveThere } = await import('../../chaos/mismatch.js');
const failure = (code: string) => Object.assign(new Error(code), { code });

beforeEach(() => {
  readSync.mockReset();
});

describe('after a read that gave too little', () => {
  it.each(['ENOTCONN', 'ECONNABORTED'])(
    'a drive that answers %s to the rest has gone: no finding',
    (code) => {
      readSync.mockImplementation(() => {
        throw failure(code);
      });
      expect(() => expectDriveThere(3, 262144)).toThrow(DriveGone);
      expect(readSync).toHaveBeenCalledWith(3, expect.any(Buffer), 0, 1, 262144);
    },
  );

  it('a drive that answers, or refuses, is there: the finding stands', () => {
    readSync.mockReturnValueOnce(0).mockReturnValueOnce(1);
    expectDriveThere(3, 0);
    expectDriveThere(3, 0);
    readSync.mockImplementation(() => {
      throw failure('EIO');
    });
    expectDriveThere(3, 0);
  });
});

it('an error that is not of the system is a bug of the test', () => {
  expect(() => codeOf(failure('ERR_OUT_OF_RANGE'))).toThrow('ERR_OUT_OF_RANGE');
  expect(codeOf(failure('ENOSPC'))).toBe('ENOSPC');
});
