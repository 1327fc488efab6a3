/**
 * Ctrl+C and its relatives. The first asks for a clean stop; one that comes later asks for a forced one. Nothing may
 * end the process by default: a SIGHUP from a closing terminal would leave a dead mount behind.
 */
const SIGNALS: readonly NodeJS.Signals[] =
  process.platform === 'win32' ? ['SIGINT', 'SIGBREAK', 'SIGHUP'] : ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** `npm start` passes on the SIGINT that the terminal has sent us already: that is one Ctrl+C, not two. */
const SAME_KEYSTROKE_MS = 1000;

/**
 * Ctrl+Z would stop the process that answers for the drive, and every program that uses the drive with it. Returns the
 * function that takes the handler back.
 */
export function refuseToPause(say: (message: string) => void): () => void {
  if (process.platform === 'win32') {
    return () => {};
  }
  const handler = () =>
    say(
      'Ctrl+Z does not stop a drive, since programs that use it would hang. ' +
        'Ctrl+C unmounts it; --background frees the terminal.',
    );
  process.on('SIGTSTP', handler);
  return () => process.off('SIGTSTP', handler);
}

/** Returns the function that takes the handlers back. */
export function onStopSignals({ first, again }: { first: () => void; again: () => void }): () => void {
  let firstAt: number | null = null;
  const handler = () => {
    if (firstAt === null) {
      firstAt = performance.now();
      first();
    } else if (performance.now() - firstAt >= SAME_KEYSTROKE_MS) {
      again();
    }
  };
  for (const signal of SIGNALS) {
    process.on(signal, handler);
  }
  return () => {
    for (const signal of SIGNALS) {
      process.off(signal, handler);
    }
  };
}
