import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { windowsCommandLine } from '../../../../src/drive/service/windows-command-line.js';

/** CommandLineToArgvW's rules, told once more: backslashes before a quote count half, others are themselves. */
function argumentsOf(line: string): string[] {
  const args: string[] = [];
  let current: string | null = null;
  let inQuotes = false;
  for (let i = 0; i < line.length; ) {
    let slashes = 0;
    while (line[i + slashes] === '\\') slashes++;
    if (slashes > 0) {
      const beforeQuote = line[i + slashes] === '"';
      current = (current ?? '') + '\\'.repeat(beforeQuote ? Math.floor(slashes / 2) : slashes);
      i += slashes;
      if (beforeQuote && slashes % 2 === 1) {
        current += '"';
        i++;
      }
      continue;
    }
    if (line[i] === '"') {
      inQuotes = !inQuotes;
      current ??= '';
    } else if (line[i] === ' ' && !inQuotes) {
      if (current !== null) args.push(current);
      current = null;
    } else {
      current = (current ?? '') + line[i];
    }
    i++;
  }
  if (current !== null) args.push(current);
  return args;
}

describe('windowsCommandLine', () => {
  it('quotes paths with spaces', () => {
    expect(windowsCommandLine(['C:\\Program Files\\RAM\\node.exe', 'service', 'run'])).toBe(
      '"C:\\Program Files\\RAM\\node.exe" "service" "run"',
    );
  });

  it('is taken apart into the same arguments', () => {
    const argument = fc.string({ unit: fc.constantFrom('a', ' ', '"', '\\', 'ä'), maxLength: 12 });
    fc.assert(
      fc.property(fc.array(argument, { minLength: 1, maxLength: 5 }), (args) => {
        expect(argumentsOf(windowsCommandLine(args))).toEqual(args);
      }),
    );
  });
});
