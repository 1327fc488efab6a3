/**
 * Which CPUs this process may run on, on Windows: one bit each, of up to 64 (the processor group of this process).
 * Child processes inherit it. Throws with the system's error code. Loads kernel32.dll at the first call, so that other
 * systems can import this.
 */
import koffi from 'koffi';

type Handle = number | bigint;

let calls: ReturnType<typeof load> | null = null;

function load() {
  const kernel32 = koffi.load('kernel32.dll');
  return {
    getCurrentProcess: kernel32.func('GetCurrentProcess', 'uintptr_t', []) as () => Handle,
    getMasks: kernel32.func('GetProcessAffinityMask', 'int', ['uintptr_t', 'void *', 'void *']) as (
      process: Handle,
      own: BigUint64Array,
      system: BigUint64Array,
    ) => number,
    setMask: kernel32.func('SetProcessAffinityMask', 'int', ['uintptr_t', 'uintptr_t']) as (
      process: Handle,
      mask: bigint,
    ) => number,
    getLastError: kernel32.func('GetLastError', 'uint32_t', []) as () => number,
  };
}

/** All CPUs that there are for this process. */
export function allCpus(): bigint {
  return masks().system;
}

/** Those that this process may use now. */
export function ownCpus(): bigint {
  return masks().own;
}

export function setCpus(mask: bigint): void {
  calls ??= load();
  if (calls.setMask(calls.getCurrentProcess(), mask) === 0) {
    throw new Error(`SetProcessAffinityMask: error ${calls.getLastError()}`);
  }
}

/** The last one: interrupts and everybody else prefer the first. */
export function lastCpuOf(mask: bigint): bigint {
  return 1n << BigInt(mask.toString(2).length - 1);
}

function masks(): { own: bigint; system: bigint } {
  calls ??= load();
  const [own, system] = [new BigUint64Array(1), new BigUint64Array(1)];
  if (calls.getMasks(calls.getCurrentProcess(), own, system) === 0) {
    throw new Error(`GetProcessAffinityMask: error ${calls.getLastError()}`);
  }
  return { own: own[0]!, system: system[0]! };
}
