/** Colours for terminals that show them and users who want them (NO_COLOR, https://no-color.org). */
import type { WriteStream } from 'node:tty';

type Paint = (text: string) => string;
export interface Colours {
  dim: Paint;
  bold: Paint;
  red: Paint;
  green: Paint;
  yellow: Paint;
}

const plain: Paint = (text) => text;
const ansi =
  (open: number, close: number): Paint =>
  (text) =>
    `\x1b[${open}m${text}\x1b[${close}m`;

const NONE: Colours = { dim: plain, bold: plain, red: plain, green: plain, yellow: plain };
const ANSI: Colours = {
  dim: ansi(2, 22),
  bold: ansi(1, 22),
  red: ansi(31, 39),
  green: ansi(32, 39),
  yellow: ansi(33, 39),
};

export function colour(stream: Pick<WriteStream, 'isTTY'>, env: NodeJS.ProcessEnv = process.env): Colours {
  const wanted = stream.isTTY && !env.NO_COLOR && env.TERM !== 'dumb';
  return wanted ? ANSI : NONE;
}
