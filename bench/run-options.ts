/** What the command tells a layer. */
export const LAYERS = ['core', 'read-path', 'host', 'end-to-end', 'driver'] as const;
export type Layer = (typeof LAYERS)[number];
/** Measured only when it is named: it installs Wine and gets WinFsp's binaries. */
export const NAMED_ONLY: Layer = 'driver';

export interface RunOptions {
  /** Roughly and in seconds instead of carefully and in minutes. */
  quick: boolean;
  /** Only what contains every word. */
  words: readonly string[];
  /** Whether the results become the recorded ones. */
  recorded: boolean;
  /** What was typed after `npm run bench --`. */
  command: string;
}
