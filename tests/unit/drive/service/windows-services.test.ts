/** `ramdrive service stop` of a service that goes back to RUNNING, since its drive could not be saved. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { windowsServices } from '../../../../src/drive/service/windows-services.js';
import { ServiceState } from '../../../../src/os/windows-service/states.js';

const manager = vi.hoisted(() => ({ states: [] as number[], stops: 0 }));
vi.mock('node:timers/promises', () => ({ setTimeout: async () => {} }));
vi.mock('../../../../src/os/windows-service/event-log.js', () => ({}));
vi.mock('../../../../src/os/windows-service/manager.js', () => ({
  stopService: () => manager.stops++,
  /** The next state each time; the last one stays. */
  queryService: () => ({
    state: manager.states.length > 1 ? manager.states.shift() : manager.states[0],
    pid: 1,
    win32ExitCode: 0,
    serviceSpecificExitCode: 0,
  }),
}));

describe('the stop of a Windows service', () => {
  const { RUNNING, STOP_PENDING, STOPPED } = ServiceState;
  beforeEach(() => {
    manager.stops = 0;
  });

  it('waits until it is STOPPED, also when it still runs for a moment', async () => {
    manager.states = [RUNNING, RUNNING, RUNNING, STOP_PENDING, STOP_PENDING, STOPPED];
    await windowsServices([]).stop('it');
    expect(manager.states).toEqual([STOPPED]);
    expect(manager.stops).toBe(1);
  });

  it('fails when it runs again, and says where the reason is', async () => {
    manager.states = [RUNNING, RUNNING, STOP_PENDING, STOP_PENDING, RUNNING];
    const stopped = windowsServices([]).stop('it');
    await expect(stopped).rejects.toThrow('"it" did not stop: it still runs. The event log says why');
  });
});
