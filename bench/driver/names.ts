/** What the driver layer measures, by name: for those who look at its figures without the driver. */
export const GROUP = "WinFsp's driver";

export const WORKLOAD_NAMES = [
  'read 4 KiB, uncached',
  'read 1 MiB, uncached',
  'write 4 KiB, uncached',
  'write 1 MiB, uncached',
  'read 4 KiB, cached',
  'read 1 MiB, cached',
  'write 4 KiB, cached',
  'write 1 MiB, cached',
  'open, close',
  'create, write 4 KiB, close, open, delete, close',
  'list 1,000 entries',
  'list 1,000 entries after a change',
] as const;
export type WorkloadName = (typeof WORKLOAD_NAMES)[number];
