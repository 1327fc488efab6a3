/**
 * JSON for recorded results, short enough to read and to compare: what fits stands on one line, and so does every
 * element of a list, however long it is.
 */
const MAX_LINE_UNITS = 100;

export function compactJson(value: unknown): string {
  return `${textOf(value, '')}\n`;
}

function textOf(value: unknown, indent: string): string {
  const line = JSON.stringify(value);
  if (line.length <= MAX_LINE_UNITS || typeof value !== 'object' || value === null) {
    return line;
  }
  const inner = `${indent} `;
  const list = (open: string, parts: string[], close: string) =>
    `${open}\n${parts.map((part) => inner + part).join(',\n')}\n${indent}${close}`;
  if (Array.isArray(value)) {
    return list(
      '[',
      value.map((element) => JSON.stringify(element)),
      ']',
    );
  }
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return list(
    '{',
    fields.map(([name, field]) => `${JSON.stringify(name)}: ${textOf(field, inner)}`),
    '}',
  );
}
