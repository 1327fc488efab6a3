/** The table at the end of the demonstration, and the exception that says what differed. */

const DIFFERENCES_SHOWN = 20;

export class DemoFailure extends Error {
  override readonly name = 'DemoFailure';
}

/** Throws when there is anything in the list. */
export function demandNone(what: string, differences: readonly string[]): void {
  if (differences.length > 0) {
    const shown = differences.slice(0, DIFFERENCES_SHOWN).map((text) => `  ${text}`);
    const more = differences.length - shown.length;
    throw new DemoFailure(
      [`${what} (${differences.length}):`, ...shown, ...(more > 0 ? [`  … and ${more} more`] : [])].join(
        '\n',
      ),
    );
  }
}

export function printSummary(rows: readonly (readonly [string, string])[]): void {
  const width = Math.max(...rows.map(([name]) => name.length));
  process.stdout.write('\nSummary\n');
  for (const [name, value] of rows) {
    process.stdout.write(`  ${name.padEnd(width)}  ${value}\n`);
  }
}
