/**
 * `npm run installer`: the installer for Windows and a portable zip of the same files, made on Linux or Windows with
 * NSIS (makensis), into .cache/installer.
 *
 *   npm run installer [-- --winfsp winfsp-2.1.msi] [--fast]
 *
 * `--winfsp` bundles WinFsp's own installer, which runs where WinFsp is missing: only the one whose checksum is recorded
 * (scripts/ci/winfsp.json). `--fast` compresses less.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { zipSync } from 'fflate';
import { hasProgram } from './build-native.mjs';
import { INSTALLER_FOLDER, makePayload, VERSION } from './installer/payload.mjs';
import { sha256Of } from './sha256.mjs';

const SCRIPT = new URL('installer/ramdrive.nsi', import.meta.url);
const PINNED = new URL('ci/winfsp.json', import.meta.url);

function makeInstaller(payload, { winfsp, fast }) {
  const output = join(INSTALLER_FOLDER, `ramdrive-${VERSION}-setup-x64.exe`);
  const defines = {
    VERSION,
    VERSION4: `${VERSION.replace(/[^\d.].*$/, '')}.0`,
    PAYLOAD: payload,
    OUTPUT: output,
    COMPRESSOR: fast ? 'zlib' : 'lzma',
    ...(winfsp === undefined ? {} : { WINFSP_MSI: resolve(winfsp) }),
  };
  const options = Object.entries(defines).map(([name, value]) => `-D${name}=${value}`);
  const args = ['-V2', '-INPUTCHARSET', 'UTF8', ...options, '-'];
  const { status, stdout, stderr } = spawnSync('makensis', args, {
    input: readFileSync(SCRIPT),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`makensis failed (${status}):\n${stdout}${stderr}`);
  return output;
}

function makeZip(payload, level) {
  const files = {};
  const visit = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) visit(path);
      else files[`ramdrive/${relative(payload, path).split(sep).join('/')}`] = readFileSync(path);
    }
  };
  visit(payload);
  const output = join(INSTALLER_FOLDER, `ramdrive-${VERSION}-portable-x64.zip`);
  writeFileSync(output, zipSync(files, { level }));
  return output;
}

/** What is wrong with the file to bundle, or null: it will run with the rights of an administrator. */
function whyNotBundled(path) {
  if (!existsSync(path)) return `--winfsp is "${path}", which is not there; expected WinFsp's MSI.`;
  const { pattern, sha256: expected } = JSON.parse(readFileSync(PINNED, 'utf8')).channels.stable.installer;
  const found = sha256Of(path);
  return found === expected
    ? null
    : `--winfsp is "${path}" with the SHA-256 ${found}; expected ${pattern}, which has ${expected}.`;
}

function report(path) {
  console.log(`${sha256Of(path)}  ${path} (${(statSync(path).size / 2 ** 20).toFixed(1)} MiB)`);
}

const { values } = parseArgs({ options: { winfsp: { type: 'string' }, fast: { type: 'boolean' } } });
const problem = values.winfsp === undefined ? null : whyNotBundled(values.winfsp);
if (problem !== null) {
  console.error(problem);
  process.exitCode = 2;
} else if (!hasProgram('makensis') && !hasProgram('makensis.exe')) {
  console.error('makensis is missing. Install NSIS: sudo apt-get install nsis, or winget install NSIS.NSIS');
  process.exitCode = 1;
} else {
  const payload = makePayload((message) => process.stderr.write(`installer: ${message}\n`));
  report(makeInstaller(payload, values));
  report(makeZip(payload, values.fast ? 1 : 9));
}
