/**
 * Everything that a release consists of, made from a tag, into .cache/release: npm tarball, installer (with WinFsp's
 * own in it, after its checksum and its signer were checked), portable zip, winget manifests, SBOM, checksums, notes. The release workflow runs it and uploads what is
 * there.
 *
 *   node scripts/release.mjs --tag v0.1.0 --url <where the files will be> [--fast]
 *
 * Exit code 2 when the tag is not the version of package.json or CHANGELOG.md has no section for it.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { provideInstaller } from './driver/provision.mjs';
import { notesOf } from './release/notes.mjs';
import { checkSigner } from './release/signer.mjs';
import { wingetManifests } from './release/winget.mjs';
import { sha256Of } from './sha256.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const OUT = join(ROOT, '.cache', 'release');
const { signer: WINFSP_SIGNER } = JSON.parse(readFileSync(join(ROOT, 'scripts/ci/winfsp.json'), 'utf8'));
const { name, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

function run(program, args) {
  const { status, stdout } = spawnSync(program, args, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 27,
  });
  if (status !== 0) throw new Error(`"${program} ${args.join(' ')}" failed (${status}).`);
  return stdout;
}

const write = (file, text) => writeFileSync(join(OUT, file), text);
const sha256 = (file) => sha256Of(join(OUT, file));

function make({ url, fast }) {
  rmSync(OUT, { recursive: true, force: true });
  mkdirSync(OUT, { recursive: true });
  run(process.execPath, ['scripts/prebuild-native.mjs', '--all']);
  run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', OUT]);
  const winfsp = provideInstaller(console.error);
  checkSigner(winfsp, WINFSP_SIGNER, console.error);
  run(process.execPath, ['scripts/installer.mjs', '--winfsp', winfsp, ...(fast ? ['--fast'] : [])]);
  const setup = `${name}-${version}-setup-x64.exe`;
  for (const file of [setup, `${name}-${version}-portable-x64.zip`]) {
    copyFileSync(join(ROOT, '.cache', 'installer', file), join(OUT, file));
  }
  write(
    `${name}-${version}-sbom.cdx.json`,
    run('npm', ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev']),
  );
  const manifests = wingetManifests({ version, url: `${url}/${setup}`, sha256: sha256(setup) });
  for (const [file, text] of Object.entries(manifests)) write(file, text);
  const files = readdirSync(OUT).sort();
  write('SHA256SUMS', files.map((file) => `${sha256(file)}  ${file}\n`).join(''));
}

const { values } = parseArgs({
  options: { tag: { type: 'string' }, url: { type: 'string' }, fast: { type: 'boolean' } },
});
const notes = notesOf(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8'), version);
if (values.tag !== `v${version}`) {
  console.error(`--tag is "${values.tag}"; expected v${version}, the version of package.json.`);
  process.exitCode = 2;
} else if (!values.url?.startsWith('https://')) {
  console.error(`--url is "${values.url}"; expected where the files will be, beginning with https://.`);
  process.exitCode = 2;
} else if (notes === null) {
  console.error(`CHANGELOG.md has no section "## ${version}" with text.`);
  process.exitCode = 2;
} else {
  make(values);
  // Beside the files of the release, not among them.
  writeFileSync(join(ROOT, '.cache', 'release-notes.md'), notes);
  console.log(readFileSync(join(OUT, 'SHA256SUMS'), 'utf8').trimEnd());
}
