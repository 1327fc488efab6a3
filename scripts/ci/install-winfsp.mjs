/**
 * Windows CI: installs WinFsp, after the installer has shown the recorded checksum (if there is one), a valid
 * Authenticode signature of the recorded signer, and the version that the channel stands for.
 *
 *   node scripts/ci/install-winfsp.mjs --channel stable|beta
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { channelOf, download, run } from './winfsp-release.mjs';

const POWERSHELL = ['-NoProfile', '-NonInteractive', '-Command'];

function powershell(script, path) {
  return run('powershell', [...POWERSHELL, script], { env: { ...process.env, INSTALLER: path } }).trim();
}

function checkSignature(path, signer) {
  const answer = powershell(
    '$s = Get-AuthenticodeSignature -LiteralPath $env:INSTALLER; "$($s.Status)|$($s.SignerCertificate.Subject)"',
    path,
  );
  const [status, subject = ''] = answer.split('|');
  if (status !== 'Valid' || !subject.toLowerCase().includes(signer.toLowerCase())) {
    throw new Error(
      `The signature of ${path} is ${status}, by "${subject}"; expected a valid one by ${signer}.`,
    );
  }
  console.log(`signature: ${status}, ${subject}`);
}

function install(path) {
  // 3010: done, and a restart would be nice.
  const script =
    '(Start-Process msiexec -Wait -PassThru -ArgumentList @("/i", "`"$env:INSTALLER`"", "/qn", "/norestart", "INSTALLLEVEL=1000")).ExitCode';
  const code = powershell(script, path);
  if (code !== '0' && code !== '3010') {
    throw new Error(`msiexec ended with ${code}.`);
  }
}

function installedVersion() {
  const key = 'HKLM:\\SOFTWARE\\WOW6432Node\\WinFsp';
  return powershell(
    `(Get-Item (Join-Path (Get-ItemProperty "${key}").InstallDir "bin\\winfsp-x64.dll")).VersionInfo.ProductVersion`,
    '',
  );
}

const { values } = parseArgs({ options: { channel: { type: 'string', default: 'stable' } } });
try {
  const channel = channelOf(values.channel);
  const path = download(channel, channel.installer, join('.cache', 'winfsp'));
  checkSignature(path, channel.signer);
  install(path);
  const version = installedVersion();
  if (channel.version !== null && !version.startsWith(channel.version)) {
    throw new Error(`WinFsp ${version} was installed, expected ${channel.version}.`);
  }
  console.log(`installed: WinFsp ${version} (${channel.tag})`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
