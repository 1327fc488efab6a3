/** The section of one version in CHANGELOG.md, without its heading; null when there is none, or an empty one. */
export function notesOf(changelog, version) {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((text) => text.split('\n', 1)[0].split(' ')[0] === version);
  const text = section?.slice(section.indexOf('\n')).trim() ?? '';
  return text === '' ? null : `${text}\n`;
}
