/** What a report of "osslsigncode verify" says of the signer. */

/** The subject of the signer's own certificate in a report of "osslsigncode verify"; null when there is none. */
export function signerIn(report) {
  const chain = report.split('Signing certificate chain verified using:')[1] ?? '';
  return /Signer #0:\s+Subject: (.*)/.exec(chain)?.[1].trim() ?? null;
}

/** Whether the subject of a certificate names this organization. */
export function isOrganization(subject, organization) {
  const [, found = ''] = /\/O=([^/]*)/.exec(subject) ?? [];
  return found.toLowerCase().split(/[^a-z0-9]+/)[0] === organization.toLowerCase();
}
