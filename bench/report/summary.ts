/**
 * The parts of the README and of docs/performance.md that the command writes: between two markers, from the recorded
 * results, so that no figure is typed by hand.
 */
import type { ResultFile } from '../results.js';
import { judgeTargets } from './targets.js';

/** The rows for the README. */
export function headlinesOf(files: readonly ResultFile[]): string {
  const judged = judgeTargets(files.flatMap((file) => file.figures));
  const rows = judged
    .filter(({ headline }) => headline !== undefined)
    .map(
      ({ headline, wanted, value, met }) =>
        `| ${headline} | ${value} | ${wanted}${met ? '' : ', **missed**'} |`,
    );
  return ['| what | speed (range of rounds) | goal |', '|---|---|---|', ...rows].join('\n');
}

/** Every target, and where its figures come from. */
export function summaryOf(files: readonly ResultFile[]): string {
  const figures = files.flatMap((file) => file.figures);
  const rows = judgeTargets(figures).map(
    ({ what, wanted, value, byCpu, met }) =>
      `| ${what} | ${wanted} | ${value} | ${byCpu} | ${met === null ? '–' : met ? 'yes' : '**no**'} |`,
  );
  const runs = files.flatMap((file) => [
    file,
    ...(file.supplements ?? []).map((part) => ({ ...part, layer: `${file.layer}, ${part.figures} figures` })),
  ]);
  const sources = runs.map(
    ({ layer, date, commit, uncommittedChanges, machine, command }) =>
      `${layer}: \`${command}\` on ${date.slice(0, 10)}, commit ${commit}${uncommittedChanges ? ' with changes' : ''}, ${machine.cpus} × ${machine.cpu}, ${machine.system}, Node.js ${machine.node}${busy(machine)}`,
  );
  return [
    '| what | wanted | measured (range of rounds) | by CPU time | met |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    ...sources.map((source) => `- ${source}`),
  ].join('\n');
}

/** A pinned run keeps one CPU busy; what is beyond two disturbed it. */
export function busy({ loadAverage }: ResultFile['machine']): string {
  return loadAverage !== undefined && loadAverage > 2
    ? `, busy with other work (load ${loadAverage.toFixed(0)})`
    : '';
}

/**
 * Returns the text with the part between the markers of that name replaced. Throws when they are not there, each once
 * and in order.
 */
export function insertSummary(text: string, summary: string, name = 'bench'): string {
  const begin = `<!-- ${name}: written by npm run bench, do not edit -->`;
  const end = `<!-- ${name}: end -->`;
  const [before, rest, ...more] = text.split(begin);
  const [, after, ...others] = (rest ?? '').split(end);
  if (rest === undefined || after === undefined || more.length + others.length > 0) {
    throw new Error(`expected the markers "${begin}" and "${end}", each once and in this order`);
  }
  return `${before}${begin}\n\n${summary}\n\n${end}${after}`;
}
