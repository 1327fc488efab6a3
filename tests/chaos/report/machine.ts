/** On what and when a run was made, in words for a report. */
import { cpus, release, totalmem, type } from 'node:os';
import { formatSize } from '../../../src/drive/config/sizes.js';

export interface Machine {
  date: string;
  description: string;
}

export function thisMachine(): Machine {
  const processors = cpus();
  return {
    date: `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    description: [
      `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown processor'}`,
      formatSize(totalmem()),
      `${type()} ${release()}`,
      `Node.js ${process.versions.node}`,
    ].join(', '),
  };
}
