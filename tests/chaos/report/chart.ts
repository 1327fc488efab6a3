/**
 * Line charts as inline SVG: no script, no network, readable on paper and in the dark. Pure functions from figures to
 * text.
 */

interface Series {
  name: string;
  /** One of the page's colours, 1 to 4. */
  colour: 1 | 2 | 3 | 4;
  /** null: nothing is known of that moment, and the line has a gap. */
  values: readonly (number | null)[];
  /** Filled down to the axis. */
  area?: boolean;
}

export interface Chart {
  id: string;
  title: string;
  /** Seconds since the beginning, in order; one for each value. */
  seconds: readonly number[];
  series: readonly Series[];
  format: (value: number) => string;
  logarithmic?: boolean;
  /** Values are bytes: the axis is divided at powers of two. */
  bytes?: boolean;
  /** Moments to be marked on the axis, with what they were. */
  marks?: readonly { atSeconds: number; text: string }[];
}

const WIDTH = 860;
const HEIGHT = 240;
const LEFT = 84;
const RIGHT = 16;
const TOP = 12;
const BOTTOM = 34;
const TICKS = 4;
/** A longer list of them would hide the axis. */
const MAX_MARKS = 400;

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

export function drawChart(chart: Chart): string {
  const { id, title, seconds, series, format } = chart;
  const legend = series
    .map(({ name, colour }) => `<span class="key c${colour}">${escapeHtml(name)}</span>`)
    .join(' ');
  if (seconds.length < 2) {
    return `<figure id="${id}"><figcaption>${escapeHtml(title)}</figcaption><p>The run was too short for a chart.</p></figure>`;
  }
  const scale = scaleOf(chart);
  const x = (second: number) => LEFT + ((WIDTH - LEFT - RIGHT) * second) / scale.lastSecond;
  const grid = scale.ticks
    .map((value) => {
      const y = scale.y(value).toFixed(1);
      return (
        `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}"/>` +
        `<text class="tick" x="${LEFT - 8}" y="${y}" dy="0.32em" text-anchor="end">${escapeHtml(format(value))}</text>`
      );
    })
    .join('');
  const times = Array.from({ length: 6 }, (_, i) => (scale.lastSecond * i) / 5)
    .map(
      (second) =>
        `<text class="tick" x="${x(second).toFixed(1)}" y="${HEIGHT - 12}" text-anchor="middle">${timeText(second)}</text>`,
    )
    .join('');
  const lines = series.map((one) => drawSeries(one, seconds, x, scale.y)).join('');
  const marks = (chart.marks ?? [])
    .slice(0, MAX_MARKS)
    .map(({ atSeconds, text }) => {
      const at = x(Math.min(atSeconds, scale.lastSecond)).toFixed(1);
      return `<line class="mark" x1="${at}" x2="${at}" y1="${HEIGHT - BOTTOM}" y2="${HEIGHT - BOTTOM + 6}"><title>${escapeHtml(text)}</title></line>`;
    })
    .join('');
  return (
    `<figure id="${id}"><figcaption>${escapeHtml(title)} ${legend}</figcaption>` +
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)}">${grid}${times}${lines}${marks}</svg></figure>`
  );
}

function scaleOf({ seconds, series, logarithmic, bytes }: Chart) {
  const known = series.flatMap(({ values }) => values.filter((value) => value !== null));
  const most = Math.max(1e-9, ...known);
  const height = HEIGHT - TOP - BOTTOM;
  const lastSecond = Math.max(1, seconds.at(-1)!);
  if (logarithmic) {
    const least = Math.max(1e-3, Math.min(...known.filter((value) => value > 0), most));
    const [low, high] = [
      Math.floor(Math.log10(least)),
      Math.max(Math.ceil(Math.log10(most)), Math.floor(Math.log10(least)) + 1),
    ];
    return {
      lastSecond,
      ticks: Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)),
      y: (value: number) =>
        TOP + height * (1 - (Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)),
    };
  }
  const step = bytes ? 2 ** Math.ceil(Math.log2(most / TICKS)) : niceStep(most / TICKS);
  const top = step * Math.ceil(most / step);
  return {
    lastSecond,
    ticks: Array.from({ length: Math.round(top / step) + 1 }, (_, i) => step * i),
    y: (value: number) => TOP + height * (1 - value / top),
  };
}

/** 1, 2 or 5 times a power of ten. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5, 10].find((factor) => power * factor >= least) ?? 10);
}

function drawSeries(
  { values, colour, area, name }: Series,
  seconds: readonly number[],
  x: (second: number) => number,
  y: (value: number) => number,
): string {
  const runs: string[][] = [[]];
  values.forEach((value, i) => {
    if (value === null) {
      runs.push([]);
    } else {
      runs.at(-1)!.push(`${x(seconds[i]!).toFixed(1)},${y(value).toFixed(1)}`);
    }
  });
  return runs
    .filter((points) => points.length > 0)
    .map((points) => {
      const bottom = HEIGHT - BOTTOM;
      const [first, last] = [points[0]!.split(',')[0], points.at(-1)!.split(',')[0]];
      const fill = area
        ? `<polygon class="area c${colour}" points="${first},${bottom} ${points.join(' ')} ${last},${bottom}"/>`
        : '';
      return `${fill}<polyline class="line c${colour}" data-series="${escapeHtml(name)}" points="${points.join(' ')}"/>`;
    })
    .join('');
}

function timeText(second: number): string {
  const minutes = Math.floor(second / 60);
  const rest = Math.round(second % 60);
  return minutes === 0 ? `${rest} s` : `${minutes}:${String(rest).padStart(2, '0')}`;
}
