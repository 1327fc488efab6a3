/** How often a save tells how far it has come. */
const PROGRESS_MS = 250;

/** Passes on the first number, and then one now and then. */
export function nowAndThen(tell: (doneBytes: number) => void): (doneBytes: number) => void {
  let toldAt = Number.NEGATIVE_INFINITY;
  return (doneBytes) => {
    if (performance.now() - toldAt < PROGRESS_MS) return;
    toldAt = performance.now();
    tell(doneBytes);
  };
}
