/**
 * The TypeScript in the documentation, so that tests can run it as a reader would: what is printed there has to work.
 */
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { PROJECT } from './machine.js';

/** The ```ts blocks of a document, in order. */
export function typescriptSnippets(document: string): string[] {
  const text = readFileSync(PROJECT + document, 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!);
}

/** As the JavaScript that Node.js 20 runs. */
export function toJavaScript(snippet: string): string {
  const { outputText, diagnostics } = ts.transpileModule(snippet, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
    reportDiagnostics: true,
  });
  if (diagnostics !== undefined && diagnostics.length > 0) {
    throw new Error(diagnostics.map(({ messageText }) => JSON.stringify(messageText)).join('\n'));
  }
  return outputText;
}

/** What the compiler says against snippets whose files are put at `paths`, next to which the package can be found. */
export function typeErrors(paths: string[]): string[] {
  const program = ts.createProgram(paths, {
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
    typeRoots: [`${PROJECT}node_modules/@types`],
  });
  return ts
    .getPreEmitDiagnostics(program)
    .map(
      ({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
    );
}
