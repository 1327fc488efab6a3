/** What counts as a result of a handler. */
import { describe, expect, it } from 'vitest';
import { NtStatus } from '../../../../src/ntstatus.js';
import { finalStatusOf, statusOf, statusOrCountOf } from '../../../../src/winfsp/abi/status-of.js';

const NO_RESULTS = [undefined, null, Number.NaN, 1.5, '0', 2 ** 32, 2 ** 31 + 0.5, {}, Promise.resolve(0)];

it.each(NO_RESULTS)('%s is no result', (value) => {
  expect(() => statusOf(value)).toThrow(TypeError);
  expect(() => statusOrCountOf(value)).toThrow(TypeError);
});

describe('counts of bytes', () => {
  it.each([0, 1, 2 ** 31 - 1, 2 ** 31, 3 * 2 ** 30, 2 ** 32 - 1])('%d', (count) => {
    expect(statusOrCountOf(count)).toBe(count);
  });

  it('a status stays one', () => {
    expect(statusOrCountOf(NtStatus.DISK_FULL)).toBe(NtStatus.DISK_FULL);
  });

  it('a status without its sign is not a status', () => {
    expect(() => statusOf(NtStatus.DISK_FULL >>> 0)).toThrow(TypeError);
  });
});

it('PENDING is nothing to end with', () => {
  expect(() => finalStatusOf(NtStatus.PENDING)).toThrow(TypeError);
});
