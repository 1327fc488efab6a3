/**
 * Lints .github/workflows with actionlint: the one on PATH, or else built once with Go into .cache/actionlint. Skipped
 * with the reason where there is neither (exit code 0).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasProgram } from '../build-native.mjs';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const VERSION = 'v1.7.7';
const CACHE = join(ROOT, '.cache', 'actionlint');
const MODULE = `github.com/rhysd/actionlint/cmd/actionlint@${VERSION}`;

function findActionlint() {
  if (hasProgram('actionlint')) {
    return 'actionlint';
  }
  const built = join(CACHE, VERSION, 'actionlint');
  if (existsSync(built)) {
    return built;
  }
  const go = hasProgram('go') ? 'go' : '/usr/local/go/bin/go';
  if (go !== 'go' && !existsSync(go)) {
    return null;
  }
  mkdirSync(dirname(built), { recursive: true });
  const env = { ...process.env, GOBIN: dirname(built) };
  const { status } = spawnSync(go, ['install', MODULE], { env, stdio: ['ignore', 2, 2] });
  return status === 0 ? built : null;
}

const program = findActionlint();
if (program === null) {
  console.log('workflows: not linted: there is no actionlint here, and no Go that could build it.');
} else {
  const { status } = spawnSync(program, ['-color'], { cwd: ROOT, stdio: 'inherit' });
  process.exitCode = status ?? 1;
  if (status === 0) {
    console.log(`workflows: actionlint ${VERSION} has no complaint`);
  }
}
