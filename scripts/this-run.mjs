/** When and where a script that writes results runs, for those results. Plain Node. */
import { availableParallelism, cpus, release } from 'node:os';

export function thisRun() {
  const processor = cpus()[0]?.model.trim() ?? 'unknown processor';
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${processor} (${availableParallelism()} threads), ${process.platform} ${release()}`,
  };
}
