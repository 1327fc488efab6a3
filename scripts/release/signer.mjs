/**
 * Whose Authenticode signature a file has, checked on Linux by osslsigncode: the signature against the file, the signer's
 * chain and the time stamp against the root certificates that Node carries. Revocation lists are not fetched.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { hasProgram, installAsRoot } from '../build-native.mjs';
import { isOrganization, signerIn } from './signature-report.mjs';

const INSTALL_STEPS = ['apt-get update', 'apt-get install -y --no-install-recommends osslsigncode'];

/** Throws when the file has no valid signature of this organization. */
export function checkSigner(path, organization, log) {
  if (!hasProgram('osslsigncode') && hasProgram('apt-get')) installAsRoot(INSTALL_STEPS, log);
  if (!hasProgram('osslsigncode')) {
    throw new Error(`missing: osslsigncode. Install: sudo ${INSTALL_STEPS.join(' && sudo ')}`);
  }
  const folder = mkdtempSync(join(tmpdir(), 'ramdrive-signer-'));
  try {
    const roots = join(folder, 'roots.pem');
    writeFileSync(roots, rootCertificates.join('\n'));
    const args = ['verify', '-ignore-crl', '-CAfile', roots, '-TSA-CAfile', roots, '-in', path];
    const { status, stdout, stderr } = spawnSync('osslsigncode', args, { encoding: 'utf8' });
    const subject = signerIn(stdout);
    if (status !== 0 || subject === null) {
      throw new Error(`${path} has no valid signature: ${`${stdout}${stderr}`.trim().split('\n').at(-1)}`);
    }
    if (!isOrganization(subject, organization)) {
      throw new Error(`${path} is signed by ${subject}; expected ${organization}.`);
    }
    log(`signature of ${path}: valid, by ${subject}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
