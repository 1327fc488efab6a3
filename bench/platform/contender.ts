/** Who can be measured, before it runs: how it is called, how it is started, and why it cannot be. */
export interface Contender {
  name: string;
  /** For people. */
  label: string;
  /** Why it cannot be measured here, or null. */
  unavailable(): string | null;
  /** Compiled while it runs, so the first second or two say nothing about the rest. */
  warmsUp?: boolean;
  /** Does not say `mounted`: what tells is that another file system is there. */
  silent?: boolean;
  /** Where its directory is made, if not in the system's temporary directory. */
  parent?: string;
  /** null: nothing has to be mounted, the system's own file system is there already. */
  mount: ((place: string) => Command) | null;
  /** Makes the server end, where a signal would kill it. */
  unmount?: (place: string) => Command;
}

export interface Command {
  program: string;
  args: string[];
}

/** Of the drives: for the largest directory and the largest file together. */
export const CAPACITY_MIB = 6144;
