/** The report of a run as one HTML page that needs nothing but itself. */
import { formatSize } from '../../../src/drive/config/sizes.js';
import { percentileUs } from '../../../src/winfsp/memory/statistics.js';
import { type ChaosOptions, commandOf } from '../options.js';
import { faultCount, type RunResult } from '../run.js';
import { drawChart, escapeHtml } from './chart.js';
import { CLAIMS, limitsOf } from './claims.js';
import type { Machine } from './machine.js';

const STYLE = `
:root { color-scheme: light dark; --text: #1c1c1e; --soft: #5f6368; --ground: #ffffff; --rule: #d9dce1;
  --c1: #2a6fb8; --c2: #c4571b; --c3: #35834a; --c4: #8450a8; --bad: #b3261e; --good: #2e7d32; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e6e8; --soft: #a0a4ab; --ground: #17181a; --rule: #3a3d42;
  --c1: #7ab0ea; --c2: #ef9a63; --c3: #7cc88f; --c4: #c39be0; --bad: #f2867f; --good: #85cf8a; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--ground); max-width: 900px;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; border-top: 1px solid var(--rule); padding-top: 1rem; }
.good { color: var(--good); } .bad { color: var(--bad); } .soft, figcaption { color: var(--soft); font-size: 0.9rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; } td, th { text-align: left; padding: 0.2rem 0.6rem 0.2rem 0;
  border-bottom: 1px solid var(--rule); vertical-align: top; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
figure { margin: 1.2rem 0; } svg { width: 100%; height: auto; display: block; } .grid { stroke: var(--rule); }
.tick { fill: var(--soft); font-size: 12px; } .line { fill: none; stroke-width: 1.6; } .area { opacity: 0.15; stroke: none; }
.mark { stroke: var(--bad); stroke-width: 1.2; } .key { margin-left: 0.8rem; } .key::before { content: ""; display: inline-block;
  width: 0.8rem; height: 0.2rem; vertical-align: middle; margin-right: 0.3rem; background: currentColor; }
.key.c1 { color: var(--c1); } .key.c2 { color: var(--c2); } .key.c3 { color: var(--c3); } .key.c4 { color: var(--c4); }
.line.c1 { stroke: var(--c1); } .line.c2 { stroke: var(--c2); } .line.c3 { stroke: var(--c3); } .line.c4 { stroke: var(--c4); }
.area.c1 { fill: var(--c1); } .area.c2 { fill: var(--c2); } .area.c3 { fill: var(--c3); } .area.c4 { fill: var(--c4); }
pre { white-space: pre-wrap; font-size: 0.85rem; border-left: 3px solid var(--rule); padding-left: 0.8rem; }
`;

const number = (value: number) => Math.round(value).toLocaleString('en');

export function reportPage(options: ChaosOptions, result: RunResult, machine: Machine): string {
  const { findings, totals, seconds } = result;
  const verdict =
    findings.length === 0
      ? '<span class="good">0 integrity failures</span>'
      : `<span class="bad">${findings.length} integrity failure${findings.length === 1 ? '' : 's'}</span>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Chaos: seed ${options.seed}</title><style>${STYLE}</style></head><body>
<h1>Chaos on ${escapeHtml(result.target)}: ${verdict}</h1>
<p>${number(totals.operations)} operations of ${options.workers} processes in ${number(seconds)} s
(${number(totals.operations / seconds)} a second), ${number(totals.verified)} comparisons with the oracle,
${result.quiescences.count} quiescent points, ${faultCount(result)} faults, ${number(result.refusals)} refusals for want of room.</p>
<p class="soft">${escapeHtml(machine.date)} · ${escapeHtml(machine.description)}<br>Repeat: <code>${escapeHtml(commandOf(options))}</code></p>
<h2>What was claimed</h2><ul>${CLAIMS.map((claim) => `<li>${escapeHtml(claim)}</li>`).join('')}</ul>
<h2>Findings</h2>${findingsOf(result)}
<h2>Over time</h2>${chartsOf(result)}
<h2>Workload</h2>${workloadOf(result)}
<h2>Faults</h2>${faultsOf(result)}
<h2>Quiescent points</h2>${quiescencesOf(result)}
<h2>What this run could not show</h2><ul id="limits">${limitsOf(options, result)
    .map((limit) => `<li>${escapeHtml(limit)}</li>`)
    .join('')}</ul>
</body></html>
`;
}

function findingsOf({ findings }: RunResult): string {
  if (findings.length === 0) {
    return '<p>None.</p>';
  }
  return findings
    .map(({ worker, message, details, operation, history, atSeconds }) => {
      const who = worker === null ? '' : `worker ${worker}, `;
      const more = JSON.stringify({ ...details, operation }, null, 2);
      return `<h3 class="bad">${escapeHtml(message)}</h3><p>${who}at ${(atSeconds ?? 0).toFixed(1)} s</p><pre>${escapeHtml(
        `${more}\n${history.join('\n')}`,
      )}</pre>`;
    })
    .join('');
}

function chartsOf({ samples, faultEvents }: RunResult): string {
  const seconds = samples.map(({ atSeconds }) => atSeconds);
  const marks = faultEvents.map(({ atSeconds, kind, detail }) => ({ atSeconds, text: `${kind} ${detail}` }));
  const ledger = samples.some((sample) => sample.ledger !== null);
  return [
    drawChart({
      id: 'throughput',
      title: 'Operations a second (marks: faults)',
      seconds,
      marks,
      format: number,
      series: [
        {
          name: 'operations',
          colour: 1,
          values: samples.map((sample) => sample.operationsPerSecond),
          area: true,
        },
      ],
    }),
    drawChart({
      id: 'latency',
      title: 'Latency of an operation, as its client sees it',
      seconds,
      logarithmic: true,
      format: (us) => (us < 1000 ? `${Number(us.toPrecision(2))} µs` : `${us / 1000} ms`),
      series: [
        { name: 'median', colour: 1, values: samples.map((sample) => sample.latencyUsP50 || null) },
        { name: '99 of 100', colour: 2, values: samples.map((sample) => sample.latencyUsP99 || null) },
      ],
    }),
    drawChart({
      id: 'data',
      title: 'Data a second',
      seconds,
      bytes: true,
      format: formatSize,
      series: [
        { name: 'read', colour: 1, values: samples.map((sample) => sample.readBytesPerSecond) },
        { name: 'written', colour: 2, values: samples.map((sample) => sample.writtenBytesPerSecond) },
      ],
    }),
    drawChart({
      id: 'memory',
      title: 'Physical memory',
      seconds,
      bytes: true,
      format: formatSize,
      series: [
        { name: 'drive', colour: 1, values: samples.map((sample) => sample.driveBytes) },
        { name: 'all clients', colour: 2, values: samples.map((sample) => sample.workersBytes) },
        { name: 'driver', colour: 3, values: samples.map((sample) => sample.driverBytes) },
      ],
    }),
    ledger
      ? drawChart({
          id: 'ledger',
          title: "The drive's ledger",
          seconds,
          bytes: true,
          format: formatSize,
          series: [
            {
              name: 'capacity',
              colour: 4,
              values: samples.map((sample) => sample.ledger?.capacityBytes ?? null),
            },
            {
              name: 'committed',
              colour: 3,
              values: samples.map((sample) => sample.ledger?.committedBytes ?? null),
            },
            {
              name: 'reserved',
              colour: 1,
              values: samples.map((sample) => sample.ledger?.reservedBytes ?? null),
            },
            {
              name: 'held',
              colour: 2,
              values: samples.map((sample) => sample.ledger?.allocatedBytes ?? null),
              area: true,
            },
          ],
        })
      : '<p>No drive of this project was behind the path, so there is no ledger to show.</p>',
  ].join('\n');
}

function workloadOf({ totals }: RunResult): string {
  const rows = Object.entries(totals.byKind)
    .sort(([, a], [, b]) => b.done - a.done)
    .map(
      ([kind, { done, refused }]) =>
        `<tr><td>${kind}</td><td class="n">${number(done)}</td><td class="n">${number(refused)}</td></tr>`,
    );
  const [p50, p99, p999] = [0.5, 0.99, 0.999].map((fraction) =>
    number(percentileUs(totals.histogram, fraction)),
  );
  return `<p>${formatSize(totals.bytesWritten)} written, ${formatSize(totals.bytesRead)} read and compared.
Latency of an operation: median ${p50} µs, 99 % below ${p99} µs, 99.9 % below ${p999} µs.</p>
<table><tr><th>operation</th><th class="n">done</th><th class="n">of them refused for want of room</th></tr>${rows.join('')}</table>`;
}

function faultsOf({ faults, impossible, driveKills }: RunResult): string {
  const rows = Object.entries(faults).map(
    ([kind, count]) => `<tr><td>${kind}</td><td class="n">${count}</td></tr>`,
  );
  const kills = driveKills.map(
    ({ atSeconds, remountMs }) =>
      `<li>at ${atSeconds.toFixed(1)} s; mounted again within ${number(remountMs)} ms</li>`,
  );
  return `<table><tr><th>fault</th><th class="n">times</th></tr>${rows.join('')}</table>
${impossible.length === 0 ? '' : `<p>Not tried: ${impossible.map(escapeHtml).join('; ')}.</p>`}
${
  kills.length === 0
    ? ''
    : `<p>The drive was killed. A volatile volume promises nothing of its contents then; it promises that clients get errors
instead of hanging, that the dead mount is cleared by the next one, and that this one is empty:</p><ul>${kills.join('')}</ul>`
}`;
}

function quiescencesOf({ quiescences, isDrive }: RunResult): string {
  const { count, milliseconds, entries, hashedBytes, last } = quiescences;
  if (last === null) {
    return '<p>None: the run ended before the first.</p>';
  }
  return `<p>${count} times everything came to rest, for ${number(milliseconds / count)} ms
on average. Each time the whole tree was listed and compared, name by name and length by length: ${number(entries)} entries in all,
${formatSize(hashedBytes)} hashed by a process of its own; at the end ${number(last.entries)} entries and
${formatSize(last.hashedBytes)}, all of it.${
    isDrive
      ? ` Each time the drive checked its own invariants, and its ledger, <code>df</code> and <code>status</code> agreed with what the oracle
says that files reserve.`
      : ''
  }</p>`;
}
