/**
 * Reads a JSONC configuration file (comments and trailing commas allowed) into settings that remember where they stand.
 * Finds all problems of the file, not only the first; throws one ConfigError with all of them. Reads that one file and
 * nothing else.
 */
import { readFileSync, statSync } from 'node:fs';
import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import * as v from 'valibot';
import { ConfigError, type ConfigProblem, messageOf, type ValueSource } from '../errors.js';
import { MAX_CONFIG_FILE_BYTES } from './limits.js';
import { nearestName } from './nearest-name.js';
import { SETTING_NAMES, SETTING_SCHEMAS, type SettingName, type SettingValues } from './settings.js';

export interface SourcedSettings {
  values: SettingValues;
  sources: Partial<Record<SettingName, ValueSource>>;
}

const WRITABLE_BY_ALL = 0o002;

/** Reads and checks the file. Throws ConfigError. */
export function readConfigFile(path: string): SourcedSettings {
  let text: string;
  try {
    const { size, mode } = statSync(path);
    // It says where a drive is mounted and who may enter, for root and for services, too.
    if (process.platform === 'linux' && (mode & WRITABLE_BY_ALL) !== 0) {
      throw new Error('everybody can write it; take that right away: chmod o-w');
    }
    if (size > MAX_CONFIG_FILE_BYTES) {
      throw new Error(`it has ${size} bytes, a configuration file has at most ${MAX_CONFIG_FILE_BYTES}`);
    }
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const message = `The configuration file ${path} cannot be read: ${messageOf(error)}.`;
    throw new ConfigError([{ source: null, key: null, value: null, message }]);
  }
  return parseConfig(text, path);
}

/** Checks the text of a configuration file. `path` is for messages only. */
export function parseConfig(text: string, path: string): SourcedSettings {
  const content = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const placeOf = placesIn(content, path);
  const problems: ConfigProblem[] = [];
  const syntaxErrors: ParseError[] = [];
  const root = parseTree(content, syntaxErrors, { allowTrailingComma: true, disallowComments: false });
  const firstError = syntaxErrors[0];
  if (firstError !== undefined) {
    // What follows the first syntax error is guesswork of the parser.
    const message = `not valid JSON with comments: ${wordsOf(printParseErrorCode(firstError.error))}.`;
    throw new ConfigError([{ source: placeOf(firstError.offset), key: null, value: null, message }]);
  }
  if (root?.type !== 'object') {
    const message = 'expected an object with settings, such as { "capacity": "2G" }.';
    throw new ConfigError([{ source: placeOf(root?.offset ?? 0), key: null, value: null, message }]);
  }
  const settings: SourcedSettings = { values: {}, sources: {} };
  for (const property of root.children ?? []) {
    readProperty(property, content, placeOf, settings, problems);
  }
  if (problems.length > 0) {
    throw new ConfigError(problems);
  }
  return settings;
}

function readProperty(
  property: Node,
  content: string,
  placeOf: (offset: number) => ValueSource,
  { values, sources }: SourcedSettings,
  problems: ConfigProblem[],
): void {
  const [keyNode, valueNode] = property.children!;
  const key = keyNode!.value as string;
  if (key === '$schema') {
    return;
  }
  const value = content.slice(valueNode!.offset, valueNode!.offset + valueNode!.length);
  if (!(SETTING_NAMES as string[]).includes(key)) {
    problems.push({ source: placeOf(keyNode!.offset), key: null, value, message: unknownSetting(key) });
    return;
  }
  const name = key as SettingName;
  const source = placeOf(valueNode!.offset);
  if (sources[name] !== undefined) {
    problems.push({ source: placeOf(keyNode!.offset), key, value, message: 'given a second time.' });
    return;
  }
  sources[name] = source;
  const checked = checkSetting(name, plainValueOf(valueNode!));
  if ('expected' in checked) {
    const message = `expected ${checked.expected}, got ${shorten(value)}.`;
    problems.push({ source: placeOfIssue(checked.path, valueNode!, placeOf) ?? source, key, value, message });
    return;
  }
  Object.assign(values, { [name]: checked.value });
}

function unknownSetting(key: string): string {
  const near = nearestName(key, SETTING_NAMES);
  const hint = near === null ? `Settings are ${SETTING_NAMES.join(', ')}.` : `Did you mean "${near}"?`;
  return `unknown setting "${key}". ${hint}`;
}

/** One value against the schema of its setting: the value as the drive uses it, or what was expected. */
export function checkSetting(
  name: SettingName,
  given: unknown,
): { value: unknown } | { expected: string; path: (string | number)[] } {
  const result = v.safeParse(SETTING_SCHEMAS[name] as v.GenericSchema, given, { abortEarly: true });
  if (result.success) {
    return { value: result.output };
  }
  const issue = result.issues[0];
  return {
    expected: issue.message,
    path: (issue.path ?? []).map((item) => item.key as string | number),
  };
}

/** Quotes a given value in a message without drowning it. */
export function shorten(text: string): string {
  const oneLine = text.replaceAll(/\s+/g, ' ');
  return oneLine.length <= 80 ? oneLine : `${oneLine.slice(0, 77)}...`;
}

/** The place of the list entry that is wrong, rather than that of the list. */
function placeOfIssue(
  path: (string | number)[],
  node: Node,
  placeOf: (offset: number) => ValueSource,
): ValueSource | null {
  const [index] = path;
  const child = typeof index === 'number' ? node.children?.[index] : undefined;
  return child === undefined ? null : placeOf(child.offset);
}

function plainValueOf(node: Node): unknown {
  if (node.type === 'array') {
    return (node.children ?? []).map(plainValueOf);
  }
  // An object is never a valid value; a bare one is enough to say so.
  return node.type === 'object' ? {} : node.value;
}

function placesIn(content: string, path: string): (offset: number) => ValueSource {
  return (offset) => {
    const before = content.slice(0, offset);
    const line = before.split('\n').length;
    const column = offset - (before.lastIndexOf('\n') + 1) + 1;
    return { kind: 'file', path, line, column };
  };
}

/** `CommaExpected` → `comma expected` */
function wordsOf(code: string): string {
  return code.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
}
