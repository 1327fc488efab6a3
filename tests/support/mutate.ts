/**
 * A copy of the program with a defect in it: how a test shows that what looks for such defects can find them. The
 * shipped code has no switch for that; a defect is a change of its source, applied to a compiled copy in the system's
 * temporary directory.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { PROJECT } from './machine.js';

interface Patch {
  /** A TypeScript source, relative to the project. */
  file: string;
  /** Occurs exactly once: a source that has moved on makes the mutant fail, instead of testing nothing. */
  find: string;
  replace: string;
}

export interface Mutant {
  name: string;
  patches: Patch[];
}

export interface MutantProgram {
  /** A package root like the project's own, with `dist/`. */
  root: string;
  remove(): void;
}

export function buildMutant({ name, patches }: Mutant): MutantProgram {
  const root = mkdtempSync(join(tmpdir(), 'ramdrive-test-mutant-'));
  cpSync(join(PROJECT, 'dist'), join(root, 'dist'), { recursive: true });
  // Copies, not links: what they import must be the copy's own, too.
  for (const own of ['package.json', 'tests/support/fault-injection.mjs']) {
    cpSync(join(PROJECT, own), join(root, own));
  }
  for (const shared of ['node_modules', 'native', 'docs']) {
    symlinkSync(join(PROJECT, shared), join(root, shared));
  }
  const sources = new Map<string, string>();
  for (const patch of patches) {
    const source = sources.get(patch.file) ?? readFileSync(join(PROJECT, patch.file), 'utf8');
    sources.set(patch.file, applyPatch(name, source, patch));
  }
  for (const [file, source] of sources) {
    writeFileSync(join(root, 'dist', file.replace(/\.ts$/, '.js')), compile(source));
  }
  return { root, remove: () => rmSync(root, { recursive: true, force: true }) };
}

export function applyPatch(name: string, source: string, { file, find, replace }: Patch): string {
  const parts = source.split(find);
  if (parts.length !== 2) {
    throw new Error(
      `Mutant "${name}": ${file} must contain this exactly once, and does ${parts.length - 1} times:\n${find}`,
    );
  }
  return parts.join(replace);
}

function compile(source: string): string {
  const { target, module } = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext };
  return ts.transpileModule(source, { compilerOptions: { target, module, verbatimModuleSyntax: true } })
    .outputText;
}
