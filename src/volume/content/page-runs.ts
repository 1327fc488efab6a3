/** Lists of pages, as the pool hands them out and gives them to the OS: by runs of adjacent ones where possible. */

/** How many entries from `at` on are pages that follow one another. */
export function runAt(pages: Int32Array, at: number, end: number): number {
  let next = at + 1;
  while (next < end && pages[next] === (pages[next - 1] as number) + 1) next++;
  return next - at;
}

/**
 * Ascending order makes neighbours adjacent: one copy, one call to the OS. Most ranges already are, or are reversed.
 */
export function sortPages(pages: Int32Array, from: number, to: number): void {
  let ascending = true;
  let descending = true;
  for (let i = from + 1; i < to && (ascending || descending); i++) {
    if ((pages[i] as number) < (pages[i - 1] as number)) ascending = false;
    else descending = false;
  }
  if (ascending) return;
  const part = pages.subarray(from, to);
  if (descending) part.reverse();
  else part.sort();
}
