/**
 * Runs a piece of JavaScript in a Node process of its own, for tests that measure a process: its resident memory, its
 * heap. The volume's sources are transpiled for it into .cache, so the test never sees a stale build; koffi is found as
 * usual.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { execaSync } from 'execa';
import ts from 'typescript';

const SOURCES = [
  'src/ntstatus.ts',
  'src/ea-list.ts',
  'src/limits.ts',
  'src/volume',
  'src/os',
  'tests/support/plain-page-memory.ts',
];

/** `script` may import './src/volume/*.js' and what else SOURCES names; it prints one JSON value. */
export function runChild<Result>(script: string, nodeOptions: readonly string[] = []): Result {
  const cache = path.resolve('.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(path.join(cache, 'child-'));
  try {
    for (const file of SOURCES.flatMap(typeScriptIn)) {
      const { outputText } = ts.transpileModule(readFileSync(file, 'utf8'), {
        compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
      });
      const compiled = path.join(folder, file.replace(/\.ts$/, '.js'));
      mkdirSync(path.dirname(compiled), { recursive: true });
      writeFileSync(compiled, outputText);
    }
    writeFileSync(path.join(folder, 'main.js'), script);
    const { stdout } = execaSync('node', [...nodeOptions, path.join(folder, 'main.js')]);
    return JSON.parse(stdout) as Result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function typeScriptIn(source: string): string[] {
  if (source.endsWith('.ts')) return [source];
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' });
  return files.filter((name) => name.endsWith('.ts')).map((name) => path.join(source, name));
}
