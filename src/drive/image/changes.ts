/** How many requests may have changed something: all but those that only look. */
import type { DispatcherStatistics } from '../../winfsp/index.js';

export function changesOf({ kinds }: DispatcherStatistics): number {
  return kinds.reduce((sum, { kind, count }) => (LOOKS.has(kind) ? sum : sum + count), 0);
}

const LOOKS: ReadonlySet<string> = new Set([
  'Read',
  'QueryInformation',
  'QueryVolumeInformation',
  'QueryDirectory',
  'QuerySecurity',
  'FlushBuffers',
  'Close',
]);
