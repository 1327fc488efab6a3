/**
 * The report: one page that needs nothing but itself. Made from result files alone, so it can be made again at any
 * time.
 */
import { GROUP as DRIVER_GROUP } from '../driver/names.js';
import { ratiosOf, SUBJECT } from '../ratios.js';
import type { BenchFigure, ResultFile } from '../results.js';
import { busy } from './summary.js';
import { barPlot, COLOURS, colourOf, dotPlot, escapeHtml, type Line, linePlot, type Row } from './svg.js';
import { judgeTargets } from './targets.js';

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; color: #1c1c1c; background: #ffffff; margin: 2rem auto; max-width: 1180px; padding: 0 1rem; }
h1 { font-size: 1.7rem; } h2 { margin-top: 2.6rem; border-bottom: 1px solid #cccccc; } h3 { font-size: 1rem; margin: 0.4rem 0; }
table { border-collapse: collapse; } th, td { text-align: left; padding: 0.2rem 0.9rem 0.2rem 0; border-bottom: 1px solid #e5e5e5; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; } .yes { color: #00684a; } .no { color: #a32a00; font-weight: 600; }
.grid { display: flex; flex-wrap: wrap; gap: 1.2rem; } figure { margin: 0; } svg { max-width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; fill: #1c1c1c; }
.legend span { display: inline-block; margin-right: 1.2rem; } .legend i { display: inline-block; width: 0.8em; height: 0.8em; border-radius: 50%; margin-right: 0.4em; }
.note { color: #555555; max-width: 60rem; }`;

export function pageOf(files: readonly ResultFile[]): string {
  const figures = files.flatMap((file) => file.figures);
  const body = [
    '<h1>ramdrive: how fast, and what it costs</h1>',
    sourcesOf(files),
    section('What it has to reach', '', targetsOf(figures)),
    section(
      'Ratio to each peer',
      'Pinned to one CPU, interleaved rounds: the dot is the median of the rounds’ ratios, the line their range. Right of the dark line the RAM drive is faster.',
      legendOf(figures, false) + ratioCharts(figures),
    ),
    section(
      'Latency',
      'Each line: p50, p99 and p99.9 of single calls (medians of the rounds).',
      legendOf(figures, true) + latencyCharts(figures),
    ),
    section(
      'Scaling',
      'What one operation costs beside so many files in one directory, and what several clients get together.',
      legendOf(figures, true) + scalingCharts(figures),
    ),
    section(
      'Memory',
      'Of the serving process, and what the ledger reserves for a real tree.',
      memoryCharts(figures),
    ),
    section(
      'Without a kernel',
      'Bytes of a request in, bytes of the answer out, on one thread; and what the dispatchers cost when another thread asks.',
      withoutKernel(figures),
    ),
    section(
      'Not pinned: no ranking',
      'Here the scheduler places client and server. Two placements differ by a factor of three, for C servers as well, and which one a contender gets is luck: these figures show what a user may see, not who is faster.',
      unpinnedTable(figures),
    ),
    section('Core', 'The volume alone, timed by tinybench.', coreTable(files)),
    section('Skipped', '', skippedOf(files)),
  ];
  return `<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n<title>ramdrive benchmarks</title>\n<style>${STYLE}</style>\n</head>\n<body>\n${body.join('\n')}\n</body>\n</html>\n`;
}

function section(heading: string, note: string, content: string): string {
  if (content === '') return '';
  return `<h2>${escapeHtml(heading)}</h2>\n${note === '' ? '' : `<p class="note">${escapeHtml(note)}</p>\n`}${content}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[]) =>
    row.map((cell) => (cell.startsWith('<td') ? cell : `<td>${cell}</td>`)).join('');
  return `<table><tr>${head.map((cell) => `<th>${escapeHtml(cell)}</th>`).join('')}</tr>\n${rows.map((row) => `<tr>${cells(row)}</tr>`).join('\n')}</table>`;
}

const number = (words: string) => `<td class="number">${escapeHtml(words)}</td>`;

function sourcesOf(files: readonly ResultFile[]): string {
  const rows = files.flatMap((file) => [
    { ...file, what: file.layer },
    ...(file.supplements ?? []).map((part) => ({ ...part, what: `${file.layer}, ${part.figures} figures` })),
  ]);
  return table(
    ['layer', 'when', 'commit', 'command', 'machine'],
    rows.map(({ what, date, commit, uncommittedChanges, command, machine }) => [
      escapeHtml(what),
      escapeHtml(date.slice(0, 16).replace('T', ' ')),
      escapeHtml(commit + (uncommittedChanges ? ' + changes' : '')),
      `<code>${escapeHtml(command)}</code>`,
      escapeHtml(
        `${machine.cpus} × ${machine.cpu}, ${Math.round(machine.memoryBytes / 2 ** 30)} GiB, ${machine.system}, Node.js ${machine.node}${busy(machine)}`,
      ),
    ]),
  );
}

function targetsOf(figures: readonly BenchFigure[]): string {
  return table(
    ['what', 'wanted', 'measured (range of rounds)', 'by CPU time', 'met'],
    judgeTargets(figures).map(({ what, wanted, value, byCpu, met }) => [
      escapeHtml(what),
      escapeHtml(wanted),
      escapeHtml(value),
      escapeHtml(byCpu),
      met === null ? '<td>–</td>' : `<td class="${met ? 'yes' : 'no'}">${met ? 'yes' : 'no'}</td>`,
    ]),
  );
}

function legendOf(figures: readonly BenchFigure[], withSubject: boolean): string {
  const used = new Set(figures.map(({ contender }) => contender));
  const names = Object.keys(COLOURS).filter(
    (name) =>
      used.has(name) &&
      (withSubject || name !== SUBJECT) &&
      name !== 'memcpy' &&
      name !== 'native' &&
      name !== 'async',
  );
  return `<p class="legend">${names.map((name) => `<span><i style="background:${colourOf(name)}"></i>${escapeHtml(name)}</span>`).join('')}</p>`;
}

function charts(list: readonly { heading: string; svg: string }[]): string {
  if (list.length === 0) return '';
  return `<div class="grid">${list.map(({ heading, svg }) => `<figure><h3>${escapeHtml(heading)}</h3>${svg}</figure>`).join('\n')}</div>`;
}

const isData = ({ group }: { group: string }) => /^(sequential|random) /.test(group);
const groupsOf = (figures: readonly { group: string }[]) => [...new Set(figures.map(({ group }) => group))];
const namesOf = (figures: readonly { name: string }[]) => [...new Set(figures.map(({ name }) => name))];

function ratioCharts(figures: readonly BenchFigure[]): string {
  const ratios = ratiosOf(figures).filter(
    ({ group }) => isData({ group }) || group === 'names' || group === 'programs' || group === DRIVER_GROUP,
  );
  return charts(
    groupsOf(ratios).map((group) => {
      const own = ratios.filter((ratio) => ratio.group === group);
      const rows = namesOf(own).map(
        (name): Row => ({
          label: shorten(name),
          marks: own
            .filter((ratio) => ratio.name === name)
            .map(({ peer, median, least, most }) => ({
              series: peer,
              value: median,
              least,
              most,
              tip: `${name}, against ${peer}: ${median.toFixed(2)} × (${least.toFixed(2)} … ${most.toFixed(2)})`,
            })),
        }),
      );
      return { heading: group, svg: dotPlot(rows, { unit: 'times as fast as the peer', reference: 1 }) };
    }),
  );
}

function latencyCharts(figures: readonly BenchFigure[]): string {
  const shown = figures.filter(
    ({ pinned, nsP999, name, group }) =>
      pinned === true &&
      nsP999 !== undefined &&
      (!isData({ group }) || name === '4 KiB' || name === '1 MiB') &&
      !group.startsWith('large'),
  );
  return charts(
    groupsOf(shown).map((group) => {
      const own = shown.filter((figure) => figure.group === group);
      const rows = namesOf(own).map(
        (name): Row => ({
          label: shorten(name),
          marks: own
            .filter((figure) => figure.name === name)
            .map(({ contender, nsP50, nsP99, nsP999 }) => ({
              series: contender!,
              value: nsP99! / 1000,
              least: nsP50! / 1000,
              most: nsP999! / 1000,
              tip: `${name}, ${contender}: p50 ${micro(nsP50!)}, p99 ${micro(nsP99!)}, p99.9 ${micro(nsP999!)}`,
            })),
        }),
      );
      return { heading: group, svg: dotPlot(rows, { unit: 'µs: p50 — p99 (dot) — p99.9' }) };
    }),
  );
}

function scalingCharts(figures: readonly BenchFigure[]): string {
  const large = figures.filter(({ group }) => group.startsWith('large directory'));
  const parallel = figures.filter(
    ({ group, pinned }) => group.startsWith('parallel clients') && pinned !== false,
  );
  return charts([
    ...groupsOf(large).map((group) => ({
      heading: group,
      svg: linePlot(
        linesOf(
          large.filter((one) => one.group === group),
          (value) => 1e6 / value,
          'µs',
        ),
        { xUnit: 'files in the directory', yUnit: 'µs an operation' },
      ),
    })),
    ...groupsOf(parallel).map((group) => {
      // One client is the same workload in its own group.
      const alone = figures.filter(
        ({ group: other, name, pinned }) =>
          pinned === true &&
          (group.includes('random read')
            ? other === 'random read, direct' && name === '4 KiB'
            : other === 'names' && group.endsWith(name)),
      );
      const all = [
        ...alone.map((one) => ({ ...one, name: '1 clients' })),
        ...parallel.filter((one) => one.group === group),
      ];
      return {
        heading: group,
        svg: linePlot(
          linesOf(all, (value) => value, 'op/s'),
          { xUnit: 'clients on one CPU', yUnit: 'op/s of all' },
        ),
      };
    }),
  ]);
}

/** The number in a figure's name is its x. */
function linesOf(figures: readonly BenchFigure[], toY: (value: number) => number, unit: string): Line[] {
  return [...new Set(figures.map(({ contender }) => contender!))].map((series) => ({
    series,
    points: figures
      .filter(({ contender }) => contender === series)
      .map(({ name, value }) => {
        const x = Number.parseInt(name.replaceAll(',', ''), 10);
        return { x, y: toY(value), tip: `${series}, ${name}: ${toY(value).toPrecision(3)} ${unit}` };
      })
      .sort((a, b) => a.x - b.x),
  }));
}

function memoryCharts(figures: readonly BenchFigure[]): string {
  const memory = figures.filter(({ group }) => group === 'memory');
  if (memory.length === 0) return '';
  const bars = (unit: string, divisor: number, shownUnit: string) =>
    barPlot(
      memory
        .filter((figure) => figure.unit === unit)
        .map(({ name, value }) => ({
          label: shorten(name.replace('node_modules: ', '')),
          value,
          colour: colourOf(SUBJECT),
          shown: `${(value / divisor).toFixed(1)} ${shownUnit}`,
        })),
    );
  return (
    charts([
      { heading: 'a node_modules tree: reserved against stored', svg: bars('bytes', 2 ** 20, 'MiB') },
      { heading: 'resident memory of the process', svg: bars('MiB resident', 1, 'MiB') },
    ]) +
    table(
      ['figure', 'value', ''],
      memory.map(({ name, value, unit }) => [
        escapeHtml(name),
        number(value.toLocaleString('en', { maximumFractionDigits: 3 })),
        escapeHtml(unit),
      ]),
    )
  );
}

function withoutKernel(figures: readonly BenchFigure[]): string {
  const chain = ratiosOf(figures).filter(({ peer }) => peer === 'memcpy');
  const dispatchers = figures.filter(({ group }) => group.startsWith('read through a dispatcher'));
  const chainRows = groupsOf(chain).map((group) => ({
    heading: `${group}, against a bare memcpy`,
    svg: dotPlot(
      chain
        .filter((ratio) => ratio.group === group)
        .map(({ name, median, least, most }) => ({
          label: name,
          marks: [
            { series: SUBJECT, value: median, least, most, tip: `${name}: ${median.toFixed(2)} × memcpy` },
          ],
        })),
      { unit: 'times as fast as memcpy', reference: 1 },
    ),
  }));
  const priceRows = namesOf(dispatchers).map(
    (name): Row => ({
      label: name,
      marks: dispatchers
        .filter((figure) => figure.name === name)
        .map(({ contender, value }) => ({
          series: contender!,
          value: 1e6 / value,
          tip: `${name}, ${contender === SUBJECT ? 'inline' : contender}: ${(1e6 / value).toFixed(1)} µs`,
        })),
    }),
  );
  const price =
    dispatchers.length === 0
      ? []
      : [
          {
            heading: 'a read by dispatcher: inline (blue), async (orange), native (purple)',
            svg: dotPlot(priceRows, { unit: 'µs a request' }),
          },
        ];
  return charts([...chainRows, ...price]);
}

function unpinnedTable(figures: readonly BenchFigure[]): string {
  const unpinned = figures.filter(({ pinned }) => pinned === false);
  if (unpinned.length === 0) return '';
  return table(
    ['workload', 'contender', 'median', 'range of rounds', 'p50', 'p99'],
    unpinned.map(({ group, name, contender, value, unit, rounds, nsP50, nsP99 }) => [
      escapeHtml(`${group}: ${name}`),
      escapeHtml(contender ?? ''),
      number(rate(value, unit)),
      number(
        rounds === undefined ? '' : `${rate(Math.min(...rounds), unit)} … ${rate(Math.max(...rounds), unit)}`,
      ),
      number(nsP50 === undefined ? '' : micro(nsP50)),
      number(nsP99 === undefined ? '' : micro(nsP99)),
    ]),
  );
}

function coreTable(files: readonly ResultFile[]): string {
  const core = files.find(({ layer }) => layer === 'core');
  if (core === undefined) return '';
  return table(
    ['what', '', 'value', '', 'MB/s'],
    core.figures.map(({ group, name, value, unit, megabytesPerSecond }) => [
      escapeHtml(group),
      escapeHtml(name),
      number(value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 3 : 0 })),
      escapeHtml(unit),
      number(megabytesPerSecond === undefined ? '' : megabytesPerSecond.toFixed(0)),
    ]),
  );
}

function skippedOf(files: readonly ResultFile[]): string {
  const skipped = files.flatMap((file) => file.skipped ?? []);
  return skipped.length === 0
    ? ''
    : `<ul>${skipped.map(({ what, reason }) => `<li>${escapeHtml(what)}: ${escapeHtml(reason)}</li>`).join('')}</ul>`;
}

const micro = (ns: number) => `${(ns / 1000).toFixed(1)} µs`;
const rate = (value: number, unit: string) =>
  unit === 'bytes/s'
    ? `${(value / 1e6).toFixed(0)} MB/s`
    : `${value.toFixed(value < 100 ? 2 : 0)} ${unit === 'operations/s' ? 'op/s' : unit}`;
const shorten = (label: string) => (label.length > 30 ? `${label.slice(0, 29)}…` : label);
