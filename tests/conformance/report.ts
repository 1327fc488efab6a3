/** The table of a conformance run: each duty with the cases that hold it, and what came out, per dispatcher. */
import { DUTIES, type DutyId } from './duties.js';
import type { CaseResult } from './run-cases.js';

export interface ConformanceReport {
  platform: string;
  node: string;
  library: string;
  results: Record<string, CaseResult[]>;
}

const SECTIONS: Readonly<Record<string, string>> = {
  b: 'Dispatching and stopping',
  c: 'Creating and opening',
  d: 'Callbacks',
  e: 'Caching',
  g: 'Volume parameters',
  i: 'Delivery',
};
const SHORT = { passed: 'ok', failed: 'FAILED', 'not for this dispatcher': '-' } as const;

export function failuresIn({ results }: ConformanceReport): number {
  return Object.values(results)
    .flat()
    .filter(({ result }) => result === 'failed').length;
}

export function formatReport(report: ConformanceReport): string {
  const dispatchers = Object.keys(report.results);
  const columns = dispatchers.map((name) => name.padEnd(8)).join('');
  const lines = [
    `WinFsp conformance, ${report.library} on ${report.platform}, Node ${report.node}`,
    `${'duty, and the cases that hold it (docs/winfsp.md)'.padEnd(112)} ${columns}`,
  ];
  for (const [section, title] of Object.entries(SECTIONS)) {
    lines.push('', `(${section}) ${title}`);
    for (const [id, duty] of Object.entries(DUTIES)) {
      if (duty.section === section) {
        lines.push(...linesOfDuty(report, id as DutyId, duty.text, dispatchers));
      }
    }
  }
  for (const [dispatcher, results] of Object.entries(report.results)) {
    for (const { name, error } of results.filter(({ result }) => result === 'failed')) {
      lines.push('', `FAILED (${dispatcher}): ${name}`, error ?? '');
    }
  }
  lines.push('', summaryOf(report));
  return lines.join('\n');
}

function linesOfDuty(report: ConformanceReport, id: DutyId, text: string, dispatchers: string[]): string[] {
  const names = new Set(
    Object.values(report.results)
      .flat()
      .filter(({ duties }) => duties.includes(id))
      .map(({ name }) => name),
  );
  const lines = [`  ${text}`];
  for (const name of names) {
    const results = dispatchers.map((dispatcher) => {
      const found = report.results[dispatcher]!.find((result) => result.name === name);
      return (found === undefined ? '-' : SHORT[found.result]).padEnd(8);
    });
    lines.push(`      ${name.padEnd(106)} ${results.join('')}`.trimEnd());
  }
  return names.size === 0 ? [...lines, '      (not run)'] : lines;
}

function summaryOf({ results }: ConformanceReport): string {
  return Object.entries(results)
    .map(([dispatcher, cases]) => {
      const count = (wanted: CaseResult['result']) => cases.filter(({ result }) => result === wanted).length;
      return `${dispatcher}: ${count('passed')} passed, ${count('failed')} failed, ${count('not for this dispatcher')} do not apply`;
    })
    .join('; ');
}
