/** States, controls and status of a Windows service, as advapi32 counts them. */

export const ServiceState = { STOPPED: 1, START_PENDING: 2, STOP_PENDING: 3, RUNNING: 4 } as const;

export const ServiceControl = { STOP: 1, INTERROGATE: 4, SHUTDOWN: 5, PRESHUTDOWN: 15 } as const;

/** What SetServiceStatus is told. */
export interface ServiceStatus {
  state: number;
  controlsAccepted: number;
  win32ExitCode: number;
  serviceSpecificExitCode: number;
  checkpoint: number;
  waitHintMs: number;
}

export interface ServiceManagerLink {
  /**
   * Connects the process with the service manager. `onStart` comes once, `onControl` for each control; both on this
   * thread. Settles when the manager has let go of the process, after STOPPED. Rejects when the process was not started
   * by the service manager.
   */
  connect(onStart: () => void, onControl: (control: number) => void): Promise<void>;
  setStatus(status: ServiceStatus): void;
}
