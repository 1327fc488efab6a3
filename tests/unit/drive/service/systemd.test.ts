import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkServiceName, readServiceConfig } from '../../../../src/drive/service/service-definition.js';
import { reportOf, systemdServices } from '../../../../src/drive/service/systemd-services.js';
import { systemdUnit } from '../../../../src/drive/service/systemd-unit.js';

const UNIT = {
  mountPoint: '/mnt/100% "ram"',
  command: ['/usr/bin/node', '/opt/ram drive/main.js', 'mount', '--config', '/etc/a$b.jsonc'],
  stopTimeoutSeconds: 180,
};
const analyze = '/usr/bin/systemd-analyze';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ramdrive-unit-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the systemd unit', () => {
  it('quotes what systemd would take apart', () => {
    const text = systemdUnit({ ...UNIT, scope: 'system' });
    expect(text).toContain(
      'ExecStart="/usr/bin/node" "/opt/ram drive/main.js" "mount" "--config" "/etc/a$$b.jsonc"',
    );
    expect(text).toContain('Description=RAM drive at /mnt/100%% "ram"');
  });

  it('keeps the mount visible: no option that makes a mount namespace', () => {
    for (const scope of ['system', 'user'] as const) {
      expect(systemdUnit({ ...UNIT, scope })).not.toMatch(
        /^(Protect|Private|ReadOnly|ReadWrite|Inaccessible)/m,
      );
    }
    // fusermount3 is setuid.
    expect(systemdUnit({ ...UNIT, scope: 'user' })).not.toMatch(/NoNewPrivileges|RestrictSUIDSGID/);
  });

  // Reason for the skip: the machine has no systemd-analyze (Debian: apt-get install systemd).
  it.skipIf(!existsSync(analyze)).each(['system', 'user'] as const)(
    'of the %s is one that systemd understands',
    (scope) => {
      const path = join(folder, 'ramdrive.service');
      writeFileSync(path, systemdUnit({ ...UNIT, scope, command: [process.execPath, '--version'] }));
      const said = execFileSync(analyze, ['verify', '--man=no', `--${scope}`, path], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, XDG_RUNTIME_DIR: folder },
      });
      expect(said).toBe('');
    },
  );
});

describe('systemd services', () => {
  const config = () => {
    const path = join(folder, 'drive.jsonc');
    writeFileSync(path, `{ "mountPoint": ${JSON.stringify(join(folder, 'ram'))}, "capacity": "64M" }`);
    return readServiceConfig(path);
  };
  const services = () =>
    systemdServices(['/usr/bin/node', '/main.js'], { scope: 'user', unitDirectory: join(folder, 'units') });

  it('installs, reports and uninstalls a unit', async () => {
    const unit = join(folder, 'units', 'scratch.service');
    await services().install('scratch', config());
    expect(readFileSync(unit, 'utf8')).toContain(`"--config" "${join(folder, 'drive.jsonc')}"`);
    expect(statSync(unit).mode & 0o777).toBe(0o644);
    await services().install('scratch', config());
    await services().uninstall('scratch');
    expect(existsSync(unit)).toBe(false);
    expect(await services().report('scratch')).toEqual({ state: 'absent', pid: null, exitCode: null });
    await expect(services().uninstall('scratch')).rejects.toThrow(/no service "scratch"/);
  });

  it('leaves units of others alone', async () => {
    await services().install('scratch', config());
    const unit = join(folder, 'units', 'sshd.service');
    writeFileSync(unit, '[Unit]\n');
    await expect(services().install('sshd', config())).rejects.toThrow(/not made by ramdrive/);
    await expect(services().uninstall('sshd')).rejects.toThrow(/left alone/);
    expect(readFileSync(unit, 'utf8')).toBe('[Unit]\n');
  });

  it('understands what systemctl shows', () => {
    expect(reportOf('ActiveState=active\nMainPID=42\nExecMainStatus=0\n')).toEqual({
      state: 'running',
      pid: 42,
      exitCode: null,
    });
    expect(reportOf('ActiveState=failed\nMainPID=0\nExecMainStatus=2\n')).toEqual({
      state: 'failed',
      pid: null,
      exitCode: 2,
    });
    expect(reportOf('ActiveState=inactive\nMainPID=0\nExecMainStatus=0\n').state).toBe('stopped');
  });
});

describe('what a service is given', () => {
  it.each(['', '-x', 'a b', 'a/b', 'a\\b', '../x', 'x'.repeat(81)])('refuses the name %j', (name) => {
    expect(() => checkServiceName(name)).toThrow(/--name: expected/);
  });

  it('finds what is wrong with the configuration at installation', () => {
    const path = join(folder, 'drive.jsonc');
    writeFileSync(path, '{ "mountPoint": "/x", "capacity": "much" }');
    expect(() => readServiceConfig(path)).toThrow(/drive\.jsonc:1:35: capacity/);
    expect(() => readServiceConfig(join(folder, 'absent'))).toThrow(/cannot be read/);
  });
});
