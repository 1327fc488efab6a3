/** What the command tells a layer. */
export const LAYERS = ['core', 'read-path', 'host', 'end-to-end'] as const;
export type Layer = (typeof LAYERS)[number];

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
