import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runServiceProcess } from '../../../../src/drive/service/service-process.js';
import {
  ServiceControl,
  type ServiceManagerLink,
  ServiceState,
  type ServiceStatus,
} from '../../../../src/os/windows-service/states.js';

/** The service manager: starts the service at once, and lets go of the process when it hears STOPPED. */
class FakeManager implements ServiceManagerLink {
  readonly told: ServiceStatus[] = [];
  control: (control: number) => void = () => {};
  #letGo: () => void = () => {};

  connect(onStart: () => void, onControl: (control: number) => void): Promise<void> {
    this.control = onControl;
    onStart();
    return new Promise((resolve) => {
      this.#letGo = resolve;
    });
  }

  setStatus(status: ServiceStatus): void {
    this.told.push(status);
    if (status.state === ServiceState.STOPPED) this.#letGo();
  }

  get states(): number[] {
    return this.told.map(({ state }) => state);
  }
}

/** A drive whose mount and stop take as long as the test says. */
function work(
  options: {
    mounting?: Promise<void>;
    stopping?: Promise<void>;
    startFails?: string;
    stopFails?: string;
    /** The save that each stop begins with, until one is asked for that works. */
    notSaved?: boolean;
  } = {},
) {
  let end: (code: number) => void = () => {};
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  const log: unknown[] = [];
  return {
    log,
    options,
    end: (code: number) => end(code),
    async start() {
      await options.mounting;
      if (options.startFails !== undefined) throw new Error(options.startFails);
      return { ended };
    },
    async stop(mustEnd: () => boolean) {
      await options.stopping;
      if (options.stopFails !== undefined) throw new Error(options.stopFails);
      if (options.notSaved === true && !mustEnd()) return false;
      end(options.notSaved === true ? 1 : 0);
      return true;
    },
    failed(error: unknown) {
      log.push(error);
      return 2;
    },
  };
}

describe('the process of a Windows service', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());
  const turn = () => vi.advanceTimersByTimeAsync(0);

  it('is RUNNING only when mounted, and tells rising checkpoints until then', async () => {
    const manager = new FakeManager();
    let mounted = () => {};
    const drive = work({ mounting: new Promise((resolve) => (mounted = resolve)) });
    const code = runServiceProcess(manager, drive);
    await vi.advanceTimersByTimeAsync(3500);
    expect(manager.states).toEqual(new Array(4).fill(ServiceState.START_PENDING));
    expect(manager.told.map(({ checkpoint }) => checkpoint)).toEqual([1, 2, 3, 4]);
    expect(manager.told.every(({ controlsAccepted }) => controlsAccepted === 0)).toBe(true);
    mounted();
    await turn();
    // STOP, SHUTDOWN and PRESHUTDOWN.
    expect(manager.told.at(-1)).toMatchObject({ state: ServiceState.RUNNING, controlsAccepted: 0x105 });
    const before = manager.told.length;
    await vi.advanceTimersByTimeAsync(5000);
    expect(manager.told.length).toBe(before);
    manager.control(ServiceControl.STOP);
    expect(await code).toBe(0);
  });

  it.each(['STOP', 'SHUTDOWN', 'PRESHUTDOWN'] as const)(
    'is STOPPED after %s only when everything is saved',
    async (control) => {
      const manager = new FakeManager();
      let saved = () => {};
      const drive = work({ stopping: new Promise((resolve) => (saved = resolve)) });
      const code = runServiceProcess(manager, drive);
      await turn();
      manager.control(ServiceControl[control]);
      await vi.advanceTimersByTimeAsync(60_000);
      expect(manager.states.at(-1)).toBe(ServiceState.STOP_PENDING);
      expect(manager.told.at(-1)!.checkpoint).toBeGreaterThan(50);
      saved();
      expect(await code).toBe(0);
      expect(manager.told.at(-1)).toMatchObject({ state: ServiceState.STOPPED, win32ExitCode: 0 });
    },
  );

  it('stops once, however often it is asked', async () => {
    const manager = new FakeManager();
    const drive = work();
    const stop = vi.spyOn(drive, 'stop');
    const code = runServiceProcess(manager, drive);
    await turn();
    manager.control(ServiceControl.PRESHUTDOWN);
    manager.control(ServiceControl.SHUTDOWN);
    manager.control(ServiceControl.STOP);
    await code;
    expect(stop).toHaveBeenCalledTimes(1);
    expect(manager.states.filter((state) => state === ServiceState.STOPPED)).toHaveLength(1);
  });

  it('does not stop for a question or for what it does not know', async () => {
    const manager = new FakeManager();
    const drive = work();
    const stop = vi.spyOn(drive, 'stop');
    const code = runServiceProcess(manager, drive);
    await turn();
    manager.control(ServiceControl.INTERROGATE);
    manager.control(200);
    await turn();
    expect(stop).not.toHaveBeenCalled();
    manager.control(ServiceControl.STOP);
    await code;
  });

  it('a start that fails ends as STOPPED with a code of its own, and says why', async () => {
    const manager = new FakeManager();
    const drive = work({ startFails: 'the letter is taken' });
    expect(await runServiceProcess(manager, drive)).toBe(2);
    expect(manager.states).not.toContain(ServiceState.RUNNING);
    expect(manager.told.at(-1)).toMatchObject({
      state: ServiceState.STOPPED,
      win32ExitCode: 1066,
      serviceSpecificExitCode: 2,
    });
    expect(drive.log).toHaveLength(1);
  });

  it('a stop that fails ends as STOPPED with a code of its own, once', async () => {
    const manager = new FakeManager();
    const drive = work({ stopFails: 'no room for the image' });
    const code = runServiceProcess(manager, drive);
    await turn();
    manager.control(ServiceControl.STOP);
    expect(await code).toBe(2);
    drive.end(0);
    await turn();
    expect(manager.states.filter((state) => state === ServiceState.STOPPED)).toHaveLength(1);
  });

  it('a stop whose save fails leads back to RUNNING, and the next stop ends it', async () => {
    const manager = new FakeManager();
    const drive = work({ notSaved: true });
    const code = runServiceProcess(manager, drive);
    await turn();
    manager.control(ServiceControl.STOP);
    await turn();
    const { RUNNING, START_PENDING, STOP_PENDING } = ServiceState;
    expect(manager.states).toEqual([START_PENDING, RUNNING, STOP_PENDING, RUNNING]);
    expect(manager.told.at(-1)).toMatchObject({ controlsAccepted: 0x105, win32ExitCode: 0, checkpoint: 0 });
    await vi.advanceTimersByTimeAsync(5000);
    expect(manager.states).toHaveLength(4);
    drive.options.notSaved = false;
    manager.control(ServiceControl.STOP);
    expect(await code).toBe(0);
    expect(manager.told.at(-1)).toMatchObject({ state: ServiceState.STOPPED, win32ExitCode: 0 });
  });

  it.each(['SHUTDOWN', 'PRESHUTDOWN'] as const)('at %s it ends although the save fails', async (control) => {
    const manager = new FakeManager();
    const code = runServiceProcess(manager, work({ notSaved: true }));
    await turn();
    manager.control(ServiceControl[control]);
    expect(await code).toBe(1);
    expect(manager.states.filter((state) => state === ServiceState.RUNNING)).toHaveLength(1);
    expect(manager.told.at(-1)).toMatchObject({ state: ServiceState.STOPPED, serviceSpecificExitCode: 1 });
  });

  it('ends too when the system shuts down while a stop is under way', async () => {
    const manager = new FakeManager();
    let failed = () => {};
    const drive = work({ notSaved: true, stopping: new Promise((resolve) => (failed = resolve)) });
    const code = runServiceProcess(manager, drive);
    await turn();
    manager.control(ServiceControl.STOP);
    await turn();
    manager.control(ServiceControl.PRESHUTDOWN);
    failed();
    expect(await code).toBe(1);
  });

  it('a drive that ends by itself stops the service with its code', async () => {
    const manager = new FakeManager();
    const drive = work();
    const code = runServiceProcess(manager, drive);
    await turn();
    drive.end(1);
    expect(await code).toBe(1);
    expect(manager.told.at(-1)).toMatchObject({ state: ServiceState.STOPPED, serviceSpecificExitCode: 1 });
  });

  it('asked to stop while it mounts, it never says RUNNING', async () => {
    const manager = new FakeManager();
    let mounted = () => {};
    const drive = work({ mounting: new Promise((resolve) => (mounted = resolve)) });
    const code = runServiceProcess(manager, drive);
    manager.control(ServiceControl.PRESHUTDOWN);
    await turn();
    mounted();
    expect(await code).toBe(0);
    expect(manager.states).not.toContain(ServiceState.RUNNING);
  });

  it('a start that is broken off by the stop ends in order', async () => {
    const manager = new FakeManager();
    let mounted = () => {};
    const mounting = new Promise<void>((resolve) => (mounted = resolve));
    const drive = work({ mounting, startFails: 'stopped before it was mounted' });
    const code = runServiceProcess(manager, drive);
    manager.control(ServiceControl.STOP);
    mounted();
    expect(await code).toBe(0);
    expect(drive.log).toEqual([]);
  });
});
