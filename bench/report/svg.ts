/**
 * Charts as plain SVG text: no script, no library, readable by every browser from a file. Each mark has a <title>,
 * which browsers show when the pointer is over it. Colours are told apart by people who see fewer of them as well (the
 * palette of Okabe and Ito).
 */
interface Mark {
  series: string;
  value: number;
  /** The range of the rounds. */
  least?: number;
  most?: number;
  tip: string;
}

export interface Row {
  label: string;
  marks: readonly Mark[];
}

export const COLOURS: Readonly<Record<string, string>> = {
  ramdrive: '#0072b2',
  'c-winfsp': '#d55e00',
  'c-libfuse3': '#e69f00',
  tmpfs: '#009e73',
  'fuse-native': '#cc79a7',
  memfs: '#56b4e9',
  memcpy: '#009e73',
  native: '#cc79a7',
  async: '#e69f00',
};
const OTHER_COLOUR = '#666666';
export const colourOf = (series: string) => COLOURS[series] ?? OTHER_COLOUR;

const WIDTH = 560;
const LEFT = 190;
const RIGHT = 20;
const TOP = 8;
const AXIS = 34;
const MARK_GAP = 11;
const ROW_GAP = 10;
const MAX_TICKS = 7;

/** Values on a logarithmic axis, one row each, with ranges; `reference` draws a line to compare with. */
export function dotPlot(
  rows: readonly Row[],
  { unit, reference }: { unit: string; reference?: number },
): string {
  const values = rows.flatMap(({ marks }) =>
    marks.flatMap(({ value, least, most }) => [value, least ?? value, most ?? value]),
  );
  const scale = logScale([...values, ...(reference === undefined ? [] : [reference])], LEFT, WIDTH - RIGHT);
  const parts: string[] = [];
  let y = TOP;
  for (const { label, marks } of rows) {
    const height = Math.max(1, marks.length) * MARK_GAP;
    parts.push(text(LEFT - 8, y + height / 2 + 4, label, 'end'));
    for (const [index, { series, value, least, most, tip }] of marks.entries()) {
      const at = y + index * MARK_GAP + MARK_GAP / 2;
      const colour = colourOf(series);
      const range =
        least === undefined || most === undefined
          ? ''
          : line(scale.at(least), at, scale.at(most), at, colour, 2);
      parts.push(
        `<g>${title(tip)}${range}<circle cx="${px(scale.at(value))}" cy="${px(at)}" r="4" fill="${colour}"/></g>`,
      );
    }
    y += height + ROW_GAP;
  }
  const grid = scale.ticks.map((tick) => line(scale.at(tick), TOP, scale.at(tick), y, '#dddddd', 1));
  const labels = scale.ticks.map((tick) => text(scale.at(tick), y + 14, short(tick), 'middle'));
  const mark =
    reference === undefined ? '' : line(scale.at(reference), TOP, scale.at(reference), y, '#333333', 1.5);
  return svg(WIDTH, y + AXIS, [
    ...grid,
    mark,
    ...parts,
    ...labels,
    text((LEFT + WIDTH - RIGHT) / 2, y + 29, unit, 'middle'),
  ]);
}

export interface Line {
  series: string;
  points: readonly { x: number; y: number; tip: string }[];
}

/** Both axes logarithmic: a straight flat line means that size costs nothing. */
export function linePlot(lines: readonly Line[], { xUnit, yUnit }: { xUnit: string; yUnit: string }): string {
  const height = 240;
  const left = 60;
  const bottom = height - AXIS - 6;
  const points = lines.flatMap((one) => one.points);
  const x = logScale(
    points.map((point) => point.x),
    left,
    WIDTH - RIGHT - 10,
  );
  const y = logScale(
    points.map((point) => point.y),
    bottom,
    TOP + 4,
  );
  const parts = [
    ...y.ticks.flatMap((tick) => [
      line(left, y.at(tick), WIDTH - RIGHT, y.at(tick), '#dddddd', 1),
      text(left - 6, y.at(tick) + 4, short(tick), 'end'),
    ]),
    ...[...new Set(points.map((point) => point.x))].map((tick) =>
      text(x.at(tick), bottom + 16, tick.toLocaleString('en'), 'middle'),
    ),
    ...lines.map(({ series, points: own }) => {
      const path = own.map((point) => `${px(x.at(point.x))},${px(y.at(point.y))}`).join(' ');
      const dots = own.map(
        (point) =>
          `<g>${title(point.tip)}<circle cx="${px(x.at(point.x))}" cy="${px(y.at(point.y))}" r="4" fill="${colourOf(series)}"/></g>`,
      );
      return `<polyline points="${path}" fill="none" stroke="${colourOf(series)}" stroke-width="2"/>${dots.join('')}`;
    }),
    text((left + WIDTH - RIGHT) / 2, height - 4, xUnit, 'middle'),
    text(4, TOP + 4, yUnit, 'start'),
  ];
  return svg(WIDTH, height, parts);
}

/** Lengths from 0, for amounts that are to be compared as a whole. */
export function barPlot(
  rows: readonly { label: string; value: number; colour: string; shown: string }[],
): string {
  const most = Math.max(...rows.map(({ value }) => value), 0) || 1;
  const width = WIDTH - LEFT - RIGHT - 90;
  const parts = rows.flatMap(({ label, value, colour, shown }, index) => {
    const y = TOP + index * 26;
    const length = Math.max(1, (Math.max(0, value) / most) * width);
    return [
      text(LEFT - 8, y + 14, label, 'end'),
      `<rect x="${LEFT}" y="${y}" width="${px(length)}" height="18" fill="${colour}">${title(`${label}: ${shown}`)}</rect>`,
      text(LEFT + length + 6, y + 14, shown, 'start'),
    ];
  });
  return svg(WIDTH, TOP + rows.length * 26, parts);
}

export function escapeHtml(words: string): string {
  return words
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** A logarithmic scale with ticks at 1, 2, 5 and their tens, thinned until they fit. */
function logScale(values: readonly number[], from: number, to: number) {
  const positive = values.filter((value) => value > 0 && Number.isFinite(value));
  const least = Math.min(...positive, Number.MAX_VALUE) * 0.9;
  const most = Math.max(...positive, Number.MIN_VALUE) * 1.1;
  const [low, high] = positive.length === 0 ? [1, 10] : [least, most];
  const at = (value: number) =>
    from +
    ((Math.log(Math.max(value, low)) - Math.log(low)) / (Math.log(high) - Math.log(low))) * (to - from);
  for (const steps of [[1, 2, 5], [1, 3], [1]]) {
    const ticks: number[] = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
      ticks.push(...steps.map((step) => step * 10 ** power).filter((tick) => tick >= low && tick <= high));
    }
    if (ticks.length <= MAX_TICKS || steps.length === 1) return { at, ticks };
  }
  return { at, ticks: [] as number[] };
}

function svg(width: number, height: number, parts: readonly string[]): string {
  return `<svg viewBox="0 0 ${width} ${px(height)}" width="${width}" height="${px(height)}" role="img" xmlns="http://www.w3.org/2000/svg">${parts.join('')}</svg>`;
}

function line(x1: number, y1: number, x2: number, y2: number, colour: string, width: number): string {
  return `<line x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}" stroke="${colour}" stroke-width="${width}"/>`;
}

function text(x: number, y: number, words: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${px(x)}" y="${px(y)}" text-anchor="${anchor}">${escapeHtml(words)}</text>`;
}

const title = (words: string) => `<title>${escapeHtml(words)}</title>`;
const px = (value: number) => String(Math.round(value * 10) / 10);
const short = (value: number) =>
  value >= 1000 ? value.toLocaleString('en') : String(Number(value.toPrecision(3)));
