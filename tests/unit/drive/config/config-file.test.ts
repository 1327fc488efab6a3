import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig, readConfigFile } from '../../../../src/drive/config/config-file.js';
import { ConfigError } from '../../../../src/drive/errors.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

function problemsOf(text: string): string[] {
  try {
    parseConfig(text, 'drive.jsonc');
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message.split('\n');
  }
  return [];
}

describe('parseConfig', () => {
  it('reads comments, trailing commas, a byte order mark and every setting', () => {
    const text = `\uFEFF{
      // where
      "mountPoint": "/mnt/ram",
      "capacity": "1.5G", /* half as much again */
      "pageSize": 65536,
      "preallocate": true,
      "label": "Scratch ß",
      "kernelCache": false,
      "fileInfoTimeout": 0,
      "caseSensitive": false,
      "initialDirectories": ["\\\\Temp", "/a/b/",],
      "directIo": false,
      "allowOther": true,
    }`;
    expect(parseConfig(text, 'x').values).toEqual({
      mountPoint: '/mnt/ram',
      capacity: 1610612736,
      pageSize: 65536,
      preallocate: true,
      label: 'Scratch ß',
      kernelCache: false,
      fileInfoTimeout: 0,
      caseSensitive: false,
      initialDirectories: ['\\Temp', '\\a\\b'],
      directIo: false,
      allowOther: true,
    });
  });

  it.each([
    ['{ "capacity": "2 Gb x" }', 'drive.jsonc:1:15: capacity: expected a size such as', 'got "2 Gb x".'],
    ['{\n  "capacity": -1\n}', 'drive.jsonc:2:15: capacity: expected a size', 'got -1.'],
    ['{ "capacity": 1.5 }', 'capacity: expected', 'got 1.5.'],
    ['{ "capacity": 0 }', 'from one page to 1 TiB', 'got 0.'],
    ['{ "capacity": "2T" }', 'from one page to 1 TiB', 'got "2T".'],
    ['{ "capacity": null }', 'capacity: expected a size', 'got null.'],
    ['{ "capacity": ["1G"] }', 'capacity: expected a size', 'got ["1G"].'],
    ['{ "pageSize": "5K" }', 'pageSize: expected a power of two from 4 KiB to 1 MiB', 'got "5K".'],
    ['{ "pageSize": 2048 }', 'pageSize: expected a power of two', 'got 2048.'],
    ['{ "pageSize": "2M" }', 'pageSize: expected a power of two', 'got "2M".'],
    ['{ "preallocate": "yes" }', 'preallocate: expected true or false', 'got "yes".'],
    ['{ "preallocate": 1 }', 'preallocate: expected true or false', 'got 1.'],
    ['{ "label": 7 }', 'label: expected a text of at most 32 characters', 'got 7.'],
    [`{ "label": "${'x'.repeat(33)}" }`, 'label: expected a text of at most 32', 'got "xxx'],
    ['{ "label": "a\\nb" }', 'label: expected a text', 'got "a\\nb".'],
    ['{ "mountPoint": "" }', 'mountPoint: expected a mount point', 'got "".'],
    ['{ "fileInfoTimeout": 1.5 }', 'fileInfoTimeout: expected a whole number of milliseconds', 'got 1.5.'],
    ['{ "fileInfoTimeout": 4294967295 }', 'from 0 to 4294967294', 'got 4294967295.'],
    ['{ "initialDirectories": "/Temp" }', 'initialDirectories: expected a list', 'got "/Temp".'],
    [
      '{ "initialDirectories": ["/ok", "Temp"] }',
      'drive.jsonc:1:33: initialDirectories: expected an absolute path',
      '',
    ],
    ['{ "initialDirectories": ["/a/../b"] }', 'initialDirectories: expected an absolute path', ''],
    ['{ "initialDirectories": ["/a/./b"] }', 'initialDirectories: expected an absolute path', ''],
    ['{ "initialDirectories": ["a/b"] }', 'initialDirectories: expected an absolute path', ''],
    ['{ "initialDirectories": ["/"] }', 'initialDirectories: expected an absolute path', ''],
    [`{ "initialDirectories": ["/${'n'.repeat(256)}"] }`, 'names of at most 255 characters', ''],
    ['{ "capcity": "1G" }', 'drive.jsonc:1:3: unknown setting "capcity". Did you mean "capacity"?', ''],
    ['{ "zzz": 1 }', 'unknown setting "zzz". Settings are mountPoint, capacity', ''],
    ['{ "label": "a", "label": "b" }', 'drive.jsonc:1:17: label: given a second time.', ''],
    ['{ "capacity": "1G" ', 'drive.jsonc:1:20: not valid JSON with comments: close brace expected.', ''],
    ['{ "capacity" "1G" }', 'not valid JSON with comments: colon expected.', ''],
    ['[]', 'drive.jsonc:1:1: expected an object with settings', ''],
    ['', 'drive.jsonc:1:1: not valid JSON with comments', ''],
    ['"text"', 'expected an object with settings', ''],
  ])('%s is refused', (text, first, last) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(first);
    expect(problems[0]).toContain(last);
  });

  it('takes names of 255 characters, and leaves "$schema" to editors', () => {
    const name = 'n'.repeat(255);
    expect(parseConfig(`{ "$schema": "x.json", "initialDirectories": ["/${name}"] }`, 'x').values).toEqual({
      initialDirectories: [`\\${name}`],
    });
  });

  it('shows a long value in one line, cut', () => {
    expect(problemsOf(`{ "capacity": ["${'x'.repeat(100)}",\n  "y"] }`)[0]).toMatch(/got \["x{75}\.\.\.\.$/);
    expect(problemsOf('{ "capacity": [1,\n    2] }')[0]).toMatch(/got \[1, 2\]\.$/);
  });

  it('tells all problems of a file at once, each with its place', () => {
    const problems = problemsOf('{\n  "capacity": "x",\n  "lable": "y",\n  "preallocate": 0\n}');
    expect(problems.map((problem) => problem.split(' ')[0])).toEqual([
      'drive.jsonc:2:15:',
      'drive.jsonc:3:3:',
      'drive.jsonc:4:18:',
    ]);
  });
});

describe('readConfigFile', () => {
  const folder = temporaryFolder('config');

  it('says which file cannot be read', () => {
    expect(() => readConfigFile(join(folder, 'absent.jsonc'))).toThrow(
      /absent\.jsonc cannot be read: ENOENT/,
    );
    expect(() => readConfigFile(folder)).toThrow(/cannot be read/);
  });

  it('refuses a file that is no page of text', () => {
    const path = join(folder, 'large.jsonc');
    writeFileSync(path, ' '.repeat(2 ** 20 + 1));
    expect(() => readConfigFile(path)).toThrow(/has 1048577 bytes/);
  });
});
