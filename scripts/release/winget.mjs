/**
 * The three manifests of a version in winget's repository (documentation of the manifest schema 1.6.0). The installer
 * is NSIS'; its silent switches are those that winget knows for it.
 */
const IDENTIFIER = 'ramdrive.ramdrive';
const SCHEMA = '1.6.0';

/** File names and texts. `sha256`: of the installer, in hexadecimal digits. */
export function wingetManifests({ version, url, sha256 }) {
  const manifest = (type, lines) =>
    [
      `PackageIdentifier: ${IDENTIFIER}`,
      `PackageVersion: ${version}`,
      ...lines,
      `ManifestType: ${type}`,
      `ManifestVersion: ${SCHEMA}`,
      '',
    ].join('\n');
  return {
    [`${IDENTIFIER}.yaml`]: manifest('version', ['DefaultLocale: en-US']),
    [`${IDENTIFIER}.locale.en-US.yaml`]: manifest('defaultLocale', [
      'PackageLocale: en-US',
      'Publisher: ramdrive',
      'PackageName: ramdrive',
      'License: MIT',
      'ShortDescription: A RAM drive for Windows, served through WinFsp',
    ]),
    [`${IDENTIFIER}.installer.yaml`]: manifest('installer', [
      'InstallerType: nullsoft',
      'Scope: machine',
      'UpgradeBehavior: install',
      'ElevationRequirement: elevatesSelf',
      'Dependencies:',
      '  PackageDependencies:',
      '  - PackageIdentifier: WinFsp.WinFsp',
      '    MinimumVersion: 1.10.0',
      'Installers:',
      '- Architecture: x64',
      `  InstallerUrl: ${url}`,
      `  InstallerSha256: ${sha256.toUpperCase()}`,
    ]),
  };
}
