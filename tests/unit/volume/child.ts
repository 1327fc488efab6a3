/**
 * Runs a piece of JavaScript in a Node process of its own, for tests that measure a process: its resident memory, its heap.
 * The volume's sources are transpiled for it into .cache, so the test never sees a stale build; koffi is found as usual.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { execaSync } from 'execa';
import ts from 'typescript';

const SOURCES = ['ntstatus.ts', 'volume/'];

/** `script` may import './ntstatus.js' and './volume/*.js'; it prints one JSON value. */
export function runChild<Result>(script: string, nodeOptions: readonly string[] = []): Result {
  const cache = path.resolve('.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(path.join(cache, 'child-'));
  try {
    mkdirSync(path.join(folder, 'volume'));
    for (const source of SOURCES) {
      const files = source.endsWith('/')
        ? readdirSync(path.join('src', source))
            .filter((name) => name.endsWith('.ts'))
            .map((name) => source + name)
        : [source];
      for (const file of files) {
        const { outputText } = ts.transpileModule(readFileSync(path.join('src', file), 'utf8'), {
          compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
        });
        writeFileSync(path.join(folder, file.replace(/\.ts$/, '.js')), outputText);
      }
    }
    writeFileSync(path.join(folder, 'main.js'), script);
    const { stdout } = execaSync('node', [...nodeOptions, path.join(folder, 'main.js')]);
    return JSON.parse(stdout) as Result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
