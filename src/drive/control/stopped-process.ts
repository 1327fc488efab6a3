/**
 * Whether a process is stopped: by SIGSTOP, by Ctrl+Z in a shell, or in a debugger. Such a process keeps its sockets
 * and answers nothing.
 */
import { readFileSync } from 'node:fs';

/** False where that cannot be known: on Windows, and for a process that is gone. */
export function isStopped(pid: number): boolean {
  try {
    // pid (name) state …; a name may contain anything, so its end is the last bracket.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return /^[Tt]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}
