/** `ramdrive image`: what people see of an image, whole or not. */
import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { runProgram } from '../../../src/cli/program.js';
import { ImageFile } from '../../../src/image/image-file.js';
import { viewOf } from '../../../src/image/volume-view.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { contentOf } from '../image/content-of.js';
import { fullVolume } from '../image/volumes.js';

const path = join(temporaryFolder('image-command'), 'drive.tar');
let names = 0;
let output = '';
let errors = '';

beforeEach(async () => {
  output = errors = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    errors += String(text);
    return true;
  });
  const rig = fullVolume();
  const { volume, scratch, make } = rig;
  make('\\red \u001b[31m');
  // The root is not counted.
  names = Object.keys(contentOf(rig)).length - 1;
  rmSync(path, { force: true });
  await new ImageFile(path).save(viewOf(volume), scratch);
});
afterEach(() => vi.restoreAllMocks());

it('verify says what is in a good image', async () => {
  expect(await runProgram(['image', 'verify', path])).toBe(0);
  const counts =
    /drive\.tar is whole: "Label", saved 20\S+, (\d+) files, (\d+) directories, (\d+) links, /.exec(output);
  const [, files, directories, links] = counts!.map(Number) as [number, number, number, number];
  expect(files + directories + links).toBe(names);
});

it('list shows each entry on a line, and nothing that could drive a terminal', async () => {
  expect(await runProgram(['image', 'list', path])).toBe(0);
  expect(output).toContain(' dir/one byte\n');
  expect(output).toContain(' link -> dir/one byte\n');
  expect(output).toContain('\\x1b[31m');
  expect(output).not.toContain('\u001b');
});

it('a damaged, a missing and a foreign file are said, with exit code 1', async () => {
  appendFileSync(path, 'more');
  expect(await runProgram(['image', 'verify', path])).toBe(1);
  expect(errors).toMatch(
    /drive\.tar is not good: the image has something behind its manifest \(at byte [\d,]+\)\.\n$/,
  );
  expect(await runProgram(['image', 'list', `${path}.none`])).toBe(1);
  expect(errors).toContain('There is no image');
  writeFileSync(path, 'text');
  expect(await runProgram(['image', 'verify', path])).toBe(1);
  expect(errors).toContain('it is no image of a RAM drive');
});
