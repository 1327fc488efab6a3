import { describe, expect, it } from 'vitest';
import { nearestName } from '../../../../src/drive/config/nearest-name.js';
import { SETTING_NAMES } from '../../../../src/drive/config/settings.js';

describe('nearestName', () => {
  it.each([
    ['capcity', 'capacity'],
    ['page-size', 'pageSize'],
    ['PageSize', 'pageSize'],
    ['lable', 'label'],
    ['mountpoint', 'mountPoint'],
    ['initialDirs', 'initialDirectories'],
    ['kernalCache', 'kernelCache'],
  ])('%s means %s', (given, meant) => {
    const near = nearestName(given, SETTING_NAMES);
    // "initialDirs" is too far away: silence is right there.
    expect(near).toBe(given === 'initialDirs' ? null : meant);
  });

  it.each(['', 'zzz', 'compression', 'x'])('has nothing to say about %j', (given) => {
    expect(nearestName(given, SETTING_NAMES)).toBeNull();
  });
});
