/**
 * The systemd unit that mounts a drive at boot (or at logon, for a user). `Type=notify`: the unit counts as started
 * when the drive can be used.
 *
 * Hardening stops where it would cut off the mount: options that give the process a mount namespace of its own
 * (ProtectSystem, PrivateTmp and others) would keep the drive from everyone else, and a user's unit mounts through
 * fusermount3, which is setuid. V8 compiles at run time, so MemoryDenyWriteExecute cannot be had.
 */

export interface SystemdUnit {
  mountPoint: string;
  /** Program and arguments, the program's path absolute. */
  command: readonly string[];
  scope: 'system' | 'user';
  /** How long saving and unmounting may take. */
  stopTimeoutSeconds: number;
}

const HARDENING = [
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'LockPersonality=yes',
  'RestrictNamespaces=yes',
  'SystemCallArchitectures=native',
  'RestrictAddressFamilies=AF_UNIX',
];

export function systemdUnit({ mountPoint, command, scope, stopTimeoutSeconds }: SystemdUnit): string {
  return [
    '[Unit]',
    `Description=RAM drive at ${escapedSpecifiers(mountPoint)}`,
    ...(scope === 'system' ? ['After=local-fs.target'] : []),
    '',
    '[Service]',
    'Type=notify',
    `ExecStart=${command.map(quoted).join(' ')}`,
    'Restart=on-failure',
    'RestartSec=2',
    `TimeoutStopSec=${stopTimeoutSeconds}`,
    'KillMode=mixed',
    // What is on the drive is in this process: it goes last when memory is short.
    ...(scope === 'system' ? ['OOMScoreAdjust=-500', 'NoNewPrivileges=yes', ...HARDENING] : []),
    '',
    '[Install]',
    `WantedBy=${scope === 'system' ? 'multi-user.target' : 'default.target'}`,
    '',
  ].join('\n');
}

/** As systemd.syntax(7) and systemd.service(5) ask: quotes, and `%` and `$` doubled. */
function quoted(argument: string): string {
  const escaped = escapedSpecifiers(argument)
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('$', '$$$$');
  return `"${escaped}"`;
}

function escapedSpecifiers(text: string): string {
  return text.replaceAll('%', '%%');
}
