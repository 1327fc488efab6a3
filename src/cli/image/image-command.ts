/** `ramdrive image verify|list FILE`: what an image holds, and whether it is as it was saved. Needs no drive. */
import { Command } from 'commander';
import { formatSize } from '../../drive/config/sizes.js';
import { printable } from '../../drive/printable.js';
import type { Manifest } from '../../image/format.js';
import { verifyImage } from '../../image/image-file.js';
import type { ImageEntry } from '../../image/image-reader.js';
import { countOf } from '../count-of.js';
import { ExitCode } from '../exit-codes.js';

export function imageCommand(setExitCode: (code: number) => void): Command {
  const image = new Command('image').description('Look at a saved image of a drive, without a drive.');
  const actions: [name: string, what: string, run: (path: string) => Promise<number>][] = [
    ['verify', 'Read all of an image and compare it with its own checksum.', verifyImageFile],
    ['list', 'Show what is in an image.', listImageFile],
  ];
  for (const [name, what, run] of actions) {
    image
      .command(name)
      .description(what)
      .argument('<file>')
      .exitOverride()
      .action(async (path: string) => setExitCode(await run(path)));
  }
  return image;
}

/** Throws ImageError for what is not whole. */
async function verifyImageFile(path: string): Promise<number> {
  const manifest = await verifyImage(path, { entry() {} });
  process.stdout.write(`${printable(path)} is whole: ${summaryOf(manifest)}\n`);
  return ExitCode.OK;
}

/** An entry a line, and at last what `verify` says: a list of a damaged image ends where the damage is found. */
async function listImageFile(path: string): Promise<number> {
  const manifest = await verifyImage(path, {
    entry: (entry) => process.stdout.write(`${lineOf(entry)}\n`),
  });
  process.stdout.write(`${summaryOf(manifest)}\n`);
  return ExitCode.OK;
}

function lineOf({ kind, sizeBytes, times, path, link }: ImageEntry): string {
  const size = kind === 'file' ? sizeBytes.toLocaleString('en') : kind;
  const name = kind === 'directory' ? `${path}/` : path;
  const target = link === null ? '' : ` -> ${printable(link)}`;
  return `${size.padStart(17)}  ${dateOf(times.lastWrite)}  ${printable(name)}${target}`;
}

const UNIX_EPOCH_MS = 11_644_473_600_000n;
const UNITS_PER_MS = 10_000n;

/** `2026-11-29 16:00:00` in UTC; a dash for what JavaScript has no date for. */
function dateOf(fileTime: bigint): string {
  const date = new Date(Number(fileTime / UNITS_PER_MS - UNIX_EPOCH_MS));
  const text = Number.isNaN(date.getTime()) ? '-' : date.toISOString().slice(0, 19).replace('T', ' ');
  return text.padEnd(19);
}

function summaryOf({ label, savedAt, files, directories, links, bytes }: Manifest): string {
  const counts = [
    countOf(files, 'file'),
    countOf(directories, 'directory', 'directories'),
    countOf(links, 'link'),
  ];
  return `"${printable(label)}", saved ${printable(savedAt)}, ${counts.join(', ')}, ${formatSize(bytes)}`;
}
