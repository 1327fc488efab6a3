/**
 * The scripts of the Windows job, with stand-ins for the programs that only a Windows runner has: what is checked
 * before something is installed, and how results of the foreign test suite are judged.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../../src/package-root.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

const scripts = join(packageRoot(), 'scripts', 'ci');

interface Answers {
  signature?: string;
  version?: string;
  exitCode?: string;
  files?: Record<string, string>;
  releases?: string;
  /** Of the stable channel. */
  checksums?: { installer: string | null; tests: string | null };
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const RIGHT = { installer: sha256('installer'), tests: sha256('archive') };
const pins = JSON.parse(readFileSync(join(scripts, 'winfsp.json'), 'utf8'));

function pinsWith({ installer, tests }: typeof RIGHT | NonNullable<Answers['checksums']>) {
  const { stable, beta } = pins.channels;
  return {
    ...pins,
    channels: {
      stable: {
        ...stable,
        installer: { pattern: 'winfsp-2.1.*.msi', sha256: installer },
        tests: { ...stable.tests, sha256: tests },
      },
      beta,
    },
  };
}

/** A machine with the given answers; returns a function that runs a script there. */
function machine({
  signature = 'Valid|CN=Navimatics LLC, O=Navimatics LLC',
  version = '2.1.25156',
  exitCode = '0',
  files = { 'winfsp-2.1.25156.msi': 'installer', 'winfsp-tests-2.1.25156.zip': 'archive' },
  releases = '[{"tagName":"v9.9"}]',
  checksums = RIGHT,
}: Answers = {}) {
  const folder = temporaryFolder('ci');
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const program = (name: string, source: string) => {
    writeFileSync(
      join(bin, name),
      `#!/usr/bin/env bash\necho "${name} $*" >> "${folder}/calls"\n${source}\n`,
    );
    chmodSync(join(bin, name), 0o755);
  };
  const downloads = Object.entries(files)
    .map(([name, content]) => `[[ "${name}" == $pattern ]] && printf '%s' '${content}' > "$dir/${name}"`)
    .join('\n');
  program(
    'gh',
    `if [ "$2" = list ]; then echo '${releases}'; exit 0; fi
while [ $# -gt 0 ]; do case $1 in --pattern) pattern=$2;; --dir) dir=$2;; esac; shift; done
${downloads}
exit 0`,
  );
  program(
    'powershell',
    `case "$*" in
*Authenticode*) echo '${signature}';;
*msiexec*) echo '${exitCode}';;
*ProductVersion*) echo '${version}';;
esac`,
  );
  program('reg', 'exit 0');
  // "Unpacks" a suite with four tests: one passes, one fails, two are excluded.
  program(
    'tar',
    `cat > "$4/winfsp-tests-x64.exe" <<'END'
#!/usr/bin/env bash
case "$*" in
--list) printf 'create_test\\nrdwr_test\\nea_create_test\\nstream_open_test\\n';;
*create_test) [ "\${*: -1}" = create_test ];;
*rdwr_test) echo 'assertion failed'; exit 3;;
*stream_open_test) [ -n "$STREAMS" ];;
esac
END
chmod +x "$4/winfsp-tests-x64.exe"`,
  );
  // The scripts as they are, with the checksums of the files that are downloaded here.
  const own = join(folder, 'scripts', 'ci');
  cpSync(scripts, own, { recursive: true });
  cpSync(join(scripts, '..', 'sha256.mjs'), join(folder, 'scripts', 'sha256.mjs'));
  writeFileSync(join(own, 'winfsp.json'), JSON.stringify(pinsWith(checksums)));
  return (script: string, args: string[], env: Record<string, string> = {}) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(own, script), ...args], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, PATH: `${bin}:${process.env.PATH}`, ...env },
    });
    const read = (name: string) => readFileSync(join(folder, name), 'utf8');
    return { status, output: stdout + stderr, read, folder };
  };
}

const install = (answers: Answers = {}, channel = 'stable') =>
  machine(answers)('install-winfsp.mjs', ['--channel', channel]);

describe.runIf(process.platform === 'linux')('install-winfsp.mjs', () => {
  it('has the checksum of the stable installer', () => {
    expect(pins.channels.stable.installer).toEqual({
      pattern: 'winfsp-2.1.25156.msi',
      sha256: '073a70e00f77423e34bed98b86e600def93393ba5822204fac57a29324db9f7a',
    });
  });

  it('refuses a file with another checksum before anything is installed, and before its signature is asked for', () => {
    const { status, output, read } = install({ checksums: { ...RIGHT, installer: sha256('other') } });
    expect(status).toBe(1);
    expect(output).toMatch(/has the SHA-256 [0-9a-f]{64}, expected/);
    expect(read('calls')).not.toContain('powershell');
  });

  it('installs what is signed, and writes down a checksum that is not recorded', () => {
    const { status, output, read } = install({ checksums: { ...RIGHT, installer: null } });
    expect(output).toContain('installed: WinFsp 2.1.25156 (v2.1)');
    expect(status).toBe(0);
    expect(JSON.parse(read('winfsp-checksums.json'))).toEqual({
      // sha256 of "installer"
      'winfsp-2.1.25156.msi': expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(output).toContain('not recorded yet');
    expect(read('calls')).toContain('gh release download v2.1');
  });

  it.each([
    ['NotSigned|', /signature .* is NotSigned/],
    ['Valid|CN=Someone Else', /expected a valid one by Navimatics/],
    ['HashMismatch|CN=Navimatics LLC', /HashMismatch/],
  ])('refuses a signature "%s" before anything is installed', (signature, expected) => {
    const { status, output, read } = install({ signature });
    expect(status).toBe(1);
    expect(output).toMatch(expected);
    expect(read('calls')).not.toContain('msiexec');
  });

  it('refuses an installer that fails, another version, an unknown channel, an ambiguous file', () => {
    expect(install({ exitCode: '1603' }).output).toContain('msiexec ended with 1603');
    expect(install({ version: '2.0.23075' }).output).toContain('expected 2.1');
    expect(install({}, 'nightly').output).toContain('expected one of stable, beta');
    const two = { 'winfsp-2.1.1.msi': 'a', 'winfsp-2.1.2.msi': 'b' };
    expect(install({ files: two }).output).toContain('matches 2 files');
    expect(install({ files: {} }).output).toContain('matches 0 files');
  });

  it('takes the newest release as beta, of any version', () => {
    const { status, read } = install(
      { version: '2.2.1', files: { 'winfsp-2.2.1.msi': 'installer' } },
      'beta',
    );
    expect(status).toBe(0);
    expect(read('calls')).toContain('gh release download v9.9');
  });
});

describe.runIf(process.platform === 'linux')('winfsp-tests.mjs', () => {
  const runSuite = (env: Record<string, string> = {}) => {
    const drive = temporaryFolder('ci-drive');
    return machine()('winfsp-tests.mjs', ['--channel', 'stable', '--drive', drive], env);
  };

  it('runs each test by itself; failures count, excluded failures do not', () => {
    const { status, output, read } = runSuite();
    expect(output).toMatch(/passed +create_test/);
    expect(output).toMatch(/FAILED \(3\) +rdwr_test/);
    expect(output).toMatch(/excluded +ea_create_test/);
    expect(output).toContain('4 tests, 1 not as expected');
    expect(status).toBe(1);
    expect(read('winfsp-tests.txt')).toContain('    assertion failed');
  });

  it('does not run an archive that nothing vouches for', () => {
    const drive = temporaryFolder('ci-drive');
    const run = machine({ checksums: { ...RIGHT, tests: null } });
    const { status, output, read } = run('winfsp-tests.mjs', ['--channel', 'stable', '--drive', drive]);
    expect(status).toBe(0);
    expect(output).toContain('NOT RUN: no checksum of the archive is recorded');
    expect(read('winfsp-tests.txt')).toContain('NOT RUN');
    expect(read('calls')).not.toContain('tar ');
    expect(JSON.parse(read('winfsp-checksums.json'))).toEqual({ 'winfsp-tests-2.1.25156.zip': RIGHT.tests });
  });

  it('an excluded test that passes is a failure', () => {
    const { output } = runSuite({ STREAMS: '1' });
    expect(output).toMatch(/PASSED, though excluded +stream_open_test/);
    expect(output).toContain('4 tests, 2 not as expected');
  });

  it('says what it needs', () => {
    const { status, output } = machine()('winfsp-tests.mjs', ['--drive', '/absent']);
    expect(status).toBe(1);
    expect(output).toContain('expected the path of a mounted drive');
  });

  it('every exclusion has a reason', () => {
    const list = JSON.parse(readFileSync(join(scripts, 'winfsp-tests-excluded.json'), 'utf8')) as {
      test: string;
      reason: string;
    }[];
    for (const { test, reason } of list) {
      expect(test).toMatch(/^\w+\*?$/);
      expect(reason.length).toBeGreaterThan(20);
    }
  });
});

describe.runIf(process.platform === 'linux')('keep-dumps.mjs', () => {
  it('asks for full dumps of both programs', () => {
    const { status, read } = machine()('keep-dumps.mjs', []);
    expect(status).toBe(0);
    const calls = read('calls');
    expect(calls).toContain('LocalDumps\\node.exe /v DumpFolder /t REG_EXPAND_SZ /d C:\\dumps');
    expect(calls).toContain('winfsp-tests-x64.exe /v DumpType');
  });
});

it('the driver suite and a release take the same installer of WinFsp', () => {
  const file = join(packageRoot(), 'scripts', 'driver', 'winfsp-binaries.json');
  const { msi } = JSON.parse(readFileSync(file, 'utf8'));
  const { pattern, sha256 } = pins.channels.stable.installer;
  expect([msi.name, msi.sha256]).toEqual([pattern, sha256]);
});
