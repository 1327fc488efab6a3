/**
 * The summary of a run for a Markdown document: what stands between the two markers is replaced, the rest is left
 * alone.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { formatSize } from '../../../src/drive/config/sizes.js';
import { percentileUs } from '../../../src/winfsp/memory/statistics.js';
import { type ChaosOptions, commandOf } from '../options.js';
import type { RunResult } from '../run.js';
import { growthText } from './growth.js';
import type { Machine } from './machine.js';

const BEGIN = '<!-- chaos summary: written by "npm run chaos -- --summary", not by hand -->';
const END = '<!-- end of chaos summary -->';

export function writeSummary(path: string, text: string): void {
  const document = readFileSync(path, 'utf8');
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) {
    throw new Error(`--summary: ${path} has no place for it, which is between "${BEGIN}" and "${END}".`);
  }
  writeFileSync(path, `${document.slice(0, begin + BEGIN.length)}\n\n${text}\n${document.slice(end)}`);
}

export function summaryText(options: ChaosOptions, result: RunResult, machine: Machine): string {
  const { totals, seconds, samples, quiescences } = result;
  const number = (value: number) => Math.round(value).toLocaleString('en');
  const most = (of: (sample: (typeof samples)[number]) => number) => Math.max(0, ...samples.map(of));
  const fullest = most(({ ledger }) => (ledger === null ? 0 : ledger.reservedBytes / ledger.capacityBytes));
  const rows: [string, string][] = [
    ['integrity failures', `**${result.findings.length}**`],
    ['command', `\`${commandOf(options)}\``],
    ['date', machine.date],
    ['machine', machine.description],
    ['target', result.target],
    [
      'operations',
      `${number(totals.operations)} in ${number(seconds)} s: ${number(totals.operations / seconds)} a second, quiescent points included`,
    ],
    ['comparisons with the oracle', number(totals.verified)],
    ['data', `${formatSize(totals.bytesWritten)} written, ${formatSize(totals.bytesRead)} read and compared`],
    [
      'latency of an operation',
      `median ${number(percentileUs(totals.histogram, 0.5))} µs, 99 % below ${number(percentileUs(totals.histogram, 0.99))} µs`,
    ],
    [
      'quiescent points',
      `${quiescences.count}, the last with ${number(quiescences.last?.entries ?? 0)} entries, all hashed`,
    ],
    [
      'faults',
      Object.entries(result.faults)
        .map(([kind, count]) => `${kind} ${count}`)
        .join(', ') || 'none',
    ],
    ['refusals for want of room', number(result.refusals)],
    ['fullest', `${(100 * fullest).toFixed(1)} % of ${formatSize(result.capacityBytes)} reserved`],
    [
      'memory at most',
      `drive ${formatSize(most(({ driveBytes }) => driveBytes ?? 0))}, all clients ${formatSize(most(({ workersBytes }) => workersBytes))}, driver ${formatSize(most(({ driverBytes }) => driverBytes))}`,
    ],
    ['memory over time', growthText(samples)],
  ];
  return `| | |\n|---|---|\n${rows.map(([name, value]) => `| ${name} | ${value} |`).join('\n')}\n`;
}
