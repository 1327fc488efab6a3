/**
 * Windows: every offset of docs/data/winfsp-abi.json as the C compiler for Windows sees it (a program that
 * scripts/test-wine.mjs makes from that file), and as koffi lays structures out there.
 *
 * Argument: the compiler's report, lines of "struct field offset size", or "struct field bit first-bit bits".
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import koffi from 'koffi';
import { packageRoot } from '../../src/package-root.js';
import { type AbiFacts, abiDisagreements } from '../support/abi-check.js';
import { check, note } from './check.js';

interface Field {
  offset: number;
  size: number;
  bit?: number;
  width?: number;
}
type Facts = Omit<AbiFacts, 'structs'> & {
  structs: Record<string, { size: number; fields: Record<string, Field> }>;
};

const facts = JSON.parse(
  readFileSync(join(packageRoot(), 'docs', 'data', 'winfsp-abi.json'), 'utf8'),
) as Facts;
const lines = readFileSync(process.argv[2]!, 'utf8').trim().split(/\r?\n/);

await check('the binding and the facts agree', () => {
  assert.deepEqual(abiDisagreements(facts as AbiFacts), []);
});
await check('the Windows C compiler agrees with every fact', () => {
  const wrong: string[] = [];
  let compared = 0;
  for (const line of lines) {
    const [struct, field, ...numbers] = line.split(' ');
    const fact = facts.structs[struct!]!;
    const expected = field === '.' ? `0 ${fact.size}` : wordsOf(fact.fields[field!]!);
    compared += 1;
    if (numbers.join(' ') !== expected) {
      wrong.push(`${struct}.${field}: the compiler says ${numbers.join(' ')}, the facts ${expected}`);
    }
  }
  assert.deepEqual(wrong, []);
  const fields = Object.values(facts.structs).reduce(
    (sum, { fields }) => sum + Object.keys(fields).length,
    0,
  );
  assert.ok(compared > 0.9 * fields, `only ${compared} of ${fields} fields compared`);
  note(`${compared} offsets and sizes compared with the compiler`);
});

function wordsOf({ offset, size, bit, width }: Field): string {
  return bit === undefined ? `${offset} ${size}` : `bit ${offset * 8 + bit} ${width}`;
}

/** Structures without unions and bit fields, which koffi can describe. */
const PLAIN = [
  'FSP_FSCTL_FILE_INFO',
  'FSP_FSCTL_VOLUME_INFO',
  'FSP_FSCTL_OPEN_FILE_INFO',
  'FSP_FSCTL_STREAM_INFO',
  'FSP_FSCTL_NOTIFY_INFO',
];
const BY_SIZE: Readonly<Record<number, string>> = {
  1: 'uint8_t',
  2: 'uint16_t',
  4: 'uint32_t',
  8: 'uint64_t',
};

await check('koffi lays the plain structures out the same way', () => {
  let compared = 0;
  for (const name of PLAIN) {
    const members: Record<string, string> = {};
    for (const [field, { offset, size }] of Object.entries(facts.structs[name]!.fields)) {
      if (!field.includes('.') && size > 0) {
        // Arrays are of WCHARs, or padding.
        members[field] =
          BY_SIZE[size] ?? (offset % 8 === 0 ? `uint64_t[${size / 8}]` : `uint16_t[${size / 2}]`);
      }
    }
    const type = koffi.struct(name, members);
    for (const field of Object.keys(members)) {
      assert.equal(
        koffi.offsetof(type, field),
        facts.structs[name]!.fields[field]!.offset,
        `${name}.${field}`,
      );
      compared += 1;
    }
  }
  assert.ok(compared > 20);
  note(`${compared} fields compared with koffi`);
});
