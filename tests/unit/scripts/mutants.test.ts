/** The planted faults fit the sources as they are: anyone who changes one of those places changes the fault with it. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MOMENT_MUTANTS, MUTANTS } from '../../integration/chaos/mutants.js';
import { applyPatch } from '../../support/mutate.js';

interface Mutant {
  name: string;
  what: string;
  fault?: number;
  file: string;
  find: string;
  replace: string;
}

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
/** Members that a planted fault uses and its file has not: it would fail without being noticed for what it is. */
function unknownMembers(source: string, replacement: string): string[] {
  const used = replacement.matchAll(/\bthis\.(#?\w+)/g);
  return [...used].map(([, name]) => name!).filter((name) => !new RegExp(`(^|\\W)${name}\\b`).test(source));
}
const mutants = JSON.parse(read('tests/mutants/mutants.json')) as Mutant[];

describe('tests/mutants/mutants.json', () => {
  it.each(mutants.map((one) => [one.name, one] as const))('%s: its text is there once', (_, mutant) => {
    const { file, find, replace } = mutant;
    expect(read(file).split(find).length - 1, `"${find}" in ${file}`).toBe(1);
    expect(replace).not.toBe(find);
    expect(file).toMatch(/^(src|native)\//);
    expect(unknownMembers(read(file), replace)).toEqual([]);
  });

  it('has every historic fault, and names that are unique', () => {
    const faults = new Set(mutants.map(({ fault }) => fault));
    for (let fault = 1; fault <= 11; fault++) expect(faults).toContain(fault);
    expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
  });
});

describe('tests/integration/chaos/mutants.ts', () => {
  it.each([...MUTANTS, ...MOMENT_MUTANTS].map((one) => [one.name, one] as const))(
    '%s: its patches fit',
    (name, { patches }) => {
      const sources = new Map<string, string>();
      for (const patch of patches) {
        const source = sources.get(patch.file) ?? read(patch.file);
        expect(unknownMembers(read(patch.file), patch.replace)).toEqual([]);
        sources.set(patch.file, applyPatch(name, source, patch));
      }
      expect(sources.size).toBeGreaterThan(0);
    },
  );
});
