/**
 * Text that others chose (names of files, mount points, labels) for a terminal: control characters, and those that turn
 * the direction of writing, become visible escapes, so that no name can move the cursor, change colours or forge a
 * line.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get through.
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, escaped);
}

/** The same for a text of several lines that we have made. */
export function printableLines(text: string): string {
  return text.replaceAll(UNPRINTABLE, (character) => (character === '\n' ? character : escaped(character)));
}

/** JSON for a terminal: JSON.stringify leaves some of them as they are. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replaceAll(UNPRINTABLE, (character) =>
    character === '\n' ? character : `\\u${codeOf(character).padStart(4, '0')}`,
  );
}

function escaped(character: string): string {
  const code = codeOf(character);
  return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`;
}

function codeOf(character: string): string {
  return character.charCodeAt(0).toString(16);
}
