import { describe, expect, it } from 'vitest';
import { nearestName } from '../../../../src/drive/config/nearest-name.js';
import { SETTING_NAMES } from '../../../../src/drive/config/settings.js';

describe('nearestName', () => {
  // Two slips in five letters are too many; a transposition is one, and only of two letters that stand together.
  it.each(['lxbyl', 'lbxel', 'lxael', 'albex'])('does not take %s for "label"', (given) => {
    expect(nearestName(given, ['label'])).toBeNull();
  });

  it.each([
    ['capcity', 'capacity'],
    ['page-size', 'pageSize'],
    ['PageSize', 'pageSize'],
    ['lable', 'label'],
    ['mountpoint', 'mountPoint'],
    ['initialDirs', 'initialDirectories'],
    ['kernalCache', 'kernelCache'],
    ['kernlcahe', 'kernelCache'],
    ['labe', 'label'],
  ])('%s means %s', (given, meant) => {
    const near = nearestName(given, SETTING_NAMES);
    // "initialDirs" is too far away: silence is right there.
    expect(near).toBe(given === 'initialDirs' ? null : meant);
  });

  it.each(['', 'zzz', 'compression', 'x'])('has nothing to say about %j', (given) => {
    expect(nearestName(given, SETTING_NAMES)).toBeNull();
  });
});
