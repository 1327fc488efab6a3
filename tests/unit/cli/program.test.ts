import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runProgram } from '../../../src/cli/program.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

/** Runs a command line that must not get as far as starting a drive. */
let output = '';
let errors = '';
beforeEach(() => {
  output = '';
  errors = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    errors += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

const folder = temporaryFolder('cli');

it('prints its version', async () => {
  expect(await runProgram(['--version'])).toBe(0);
  expect(output).toBe(`${JSON.parse(readFileSync('package.json', 'utf8')).version}\n`);
});

describe('bad input is exit code 2 and one message', () => {
  mkdirSync(join(folder, 'empty'));
  writeFileSync(join(folder, 'bad.jsonc'), '{ "capcity": "1G" }');

  it.each([
    [
      ['mount', join(folder, 'empty'), '--capacity', 'lots'],
      /^ramdrive: --capacity: expected a size .* got "lots"\.\n$/,
    ],
    ...['snapshot', 'rollback'].flatMap((command) =>
      ['', 'x'.repeat(65), 'a\tb'].map((name): [string[], RegExp] => [
        [command, join(folder, 'empty'), name],
        /^ramdrive: <name>: expected a name of 1 to 64 characters, without control characters, got ".*"\.\n$/,
      ]),
    ),
    [
      ['snapshot', join(folder, 'empty'), '--delete'],
      /^ramdrive: <name>: --delete needs the name of a snapshot\.\n$/,
    ],
    [['mount', join(folder, 'empty'), '--page-size=5K'], /--page-size: expected a power of two/],
    [['mount', join(folder, 'empty'), '--kernel-cache=maybe'], /Allowed choices are on, off/],
    [
      ['mount', join(folder, 'empty'), '--file-info-timeout', 'soon'],
      /--file-info-timeout: expected a whole number/,
    ],
    [
      ['mount', join(folder, 'empty'), '--kernel-cache=on', '--direct-io'],
      /--direct-io: works only without the kernel cache/,
    ],
    [
      ['mount', join(folder, 'empty'), '--initial-directory', 'Temp'],
      /--initial-directory: expected an absolute path/,
    ],
    [
      ['mount', join(folder, 'empty'), '--config', join(folder, 'bad.jsonc')],
      /bad\.jsonc:1:3: unknown setting "capcity"\. Did you mean "capacity"\?/,
    ],
    [
      ['mount', join(folder, 'empty'), '--config', join(folder, 'absent.jsonc')],
      /absent\.jsonc cannot be read/,
    ],
    [
      ['mount', join(folder, 'empty'), '--capcity', '1G'],
      /unknown option '--capcity'\n\(Did you mean --capacity\?\)/,
    ],
    [['mount', join(folder, 'empty'), 'second'], /too many arguments/],
    [['unmount'], /missing required argument 'mountpoint'/],
    [['munt'], /unknown command 'munt'\n\(Did you mean mount\?\)/],
  ])('%j', async (args, message) => {
    expect(await runProgram(args)).toBe(2);
    expect(errors).toMatch(message);
    expect(output).toBe('');
  });

  it.runIf(process.platform === 'linux')('no mount point', async () => {
    expect(await runProgram(['mount'])).toBe(2);
    expect(errors).toMatch(/^ramdrive: No mount point/);
  });
});

describe('what is not there is exit code 1', () => {
  it('status and unmount of a place without a drive', async () => {
    expect(await runProgram(['status', join(folder, 'nowhere')])).toBe(1);
    expect(errors).toMatch(/no drive of yours is mounted at/);
    expect(await runProgram(['unmount', join(folder, 'nowhere')])).toBe(1);
  });
});

describe('help is no error', () => {
  it.each([[['--help']], [['mount', '--help']], [['help', 'status']]])('%j', async (args) => {
    expect(await runProgram(args)).toBe(0);
    expect(output).toMatch(/Usage: ramdrive/);
    expect(errors).toBe('');
  });
});
