/** What a release says of itself; .ci/run makes the files of one. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { packageRoot, packageVersion } from '../../../../src/package-root.js';
import { hasProgram } from '../../../support/machine.js';

/** Plain scripts, which have no declarations. */
const script = (name: string) => import(new URL(`../../../../scripts/release/${name}`, import.meta.url).href);
const { notesOf } = (await script('notes.mjs')) as {
  notesOf(changelog: string, version: string): string | null;
};
const { wingetManifests } = (await script('winget.mjs')) as {
  wingetManifests(release: { version: string; url: string; sha256: string }): Record<string, string>;
};

const { checkSigner } = (await script('signer.mjs')) as {
  checkSigner(path: string, organization: string, log: (line: string) => void): void;
};
const { isOrganization, signerIn } = (await script('signature-report.mjs')) as {
  isOrganization(subject: string, organization: string): boolean;
  signerIn(report: string): string | null;
};

describe('release notes', () => {
  const changelog =
    '# Changes\n\n## Unreleased\n\n- new\n\n## 1.10.0 (today)\n\n- ten\n\n## 1.1.0\n\n## 1.0.0\n\n- old\n';

  it('are the section of the version', () => {
    expect(notesOf(changelog, '1.10.0')).toBe('- ten\n');
    expect(notesOf(changelog, '1.0.0')).toBe('- old\n');
  });

  it('are missing where the section is missing or empty', () => {
    expect(notesOf(changelog, '1.1.0')).toBeNull();
    expect(notesOf(changelog, '1.1')).toBeNull();
    expect(notesOf(changelog, '2.0.0')).toBeNull();
  });
});

describe('the signer of WinFsp’s setup', () => {
  const leaf = '/C=US/L=SOMEWHERE/O=NAVIMATICS LLC/CN=NAVIMATICS LLC';
  const report = [
    'Timestamp verified using:',
    '\tSigner #0:\n\t\tSubject: /O=Time Authority/CN=Timestamp',
    'Signing certificate chain verified using:',
    '\tSigner #1:\n\t\tSubject: /O=Root Authority/CN=Root',
    `\tSigner #0:\n\t\tSubject: ${leaf}\n\t\tIssuer : /O=Root Authority`,
  ].join('\n');

  it('is the one at the end of the chain, by its organization', () => {
    expect(signerIn(report)).toBe(leaf);
    expect(signerIn('Failed')).toBeNull();
    expect(isOrganization(leaf, 'Navimatics')).toBe(true);
    expect(isOrganization('/O=Others/CN=NAVIMATICS LLC', 'Navimatics')).toBe(false);
    expect(isOrganization('/O=Navimaticsx', 'Navimatics')).toBe(false);
    expect(isOrganization('/CN=Navimatics', 'Navimatics')).toBe(false);
  });

  const missing = !hasProgram('osslsigncode');
  it.skipIf(missing)(
    `a file without a signature is refused${missing ? ' (skipped: there is no osslsigncode here)' : ''}`,
    () => {
      const path = join(packageRoot(), 'package.json');
      expect(() => checkSigner(path, 'Navimatics', () => {})).toThrow(/package\.json has no valid signature/);
    },
  );
});

it('the manifests for winget name installer, checksum and WinFsp', () => {
  const manifests = wingetManifests({
    version: '1.2.3',
    url: 'https://example.org/setup.exe',
    sha256: 'ab12',
  });
  expect(Object.keys(manifests)).toHaveLength(3);
  for (const text of Object.values(manifests)) {
    expect(parse(text)).toMatchObject({ PackageIdentifier: 'ramdrive.ramdrive', PackageVersion: '1.2.3' });
  }
  expect(parse(manifests['ramdrive.ramdrive.installer.yaml']!)).toMatchObject({
    InstallerType: 'nullsoft',
    Installers: [{ InstallerUrl: 'https://example.org/setup.exe', InstallerSha256: 'AB12' }],
    Dependencies: { PackageDependencies: [{ PackageIdentifier: 'WinFsp.WinFsp' }] },
  });
});

describe('node scripts/release.mjs', () => {
  const tag = `v${packageVersion()}`;
  it.each([
    ['another tag', ['--tag', 'v9.9.9', '--url', 'https://example.org'], /--tag is "v9.9.9"; expected v/],
    ['no tag', ['--url', 'https://example.org'], /--tag is "undefined"/],
    ['no address', ['--tag', tag], /--url is "undefined"/],
  ])('refuses %s', (_what, args, expected) => {
    const program = join(packageRoot(), 'scripts', 'release.mjs');
    const { status, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
    expect(stderr).toMatch(expected);
    expect(status).toBe(2);
  });
});
