/**
 * Extended attributes of one file as a packed list (ea-list.ts), ordered by name. A list never changes: a change makes
 * another one, so that snapshots share it.
 */
import { type ExtendedAttribute, eaSizeOf, packEaList, parseEaList } from '../ea-list.js';

/** A Linux mount's: the value is one byte that stands for none, because a value of no size removes. */
export const EMPTY_VALUE_FLAG = 0x01;
export interface ExtendedAttributes {
  readonly list: Uint8Array;
  /** FILE_INFO's EaSize. */
  readonly sizeBytes: number;
}

/**
 * `there` with the changes of a list: an entry is added or takes the place of the one of its name, an empty value
 * removes it. Null when none are left. EA_LIST_INCONSISTENT, INVALID_EA_NAME, EA_TOO_LARGE.
 */
export function changedAttributes(
  there: ExtendedAttributes | null,
  changes: Uint8Array,
  caseSensitive: boolean,
): ExtendedAttributes | null | number {
  const given = parseEaList(changes);
  if (typeof given === 'number') return given;
  const keyOf = (name: string) => (caseSensitive ? name : lowerCase(name));
  const byKey = new Map<string, ExtendedAttribute>();
  for (const one of there === null ? [] : attributesOf(there)) byKey.set(keyOf(one.name), one);
  for (const one of given) {
    if (one.value.length === 0) byKey.delete(keyOf(one.name));
    else byKey.set(keyOf(one.name), one);
  }
  if (byKey.size === 0) return null;
  const keys = [...byKey.keys()].sort();
  const all = keys.map((key) => byKey.get(key) as ExtendedAttribute);
  const list = packEaList(all);
  return typeof list === 'number' ? list : { list, sizeBytes: eaSizeOf(all) };
}

/** In the order of the list. */
export function attributesOf({ list }: ExtendedAttributes): ExtendedAttribute[] {
  return parseEaList(list) as ExtendedAttribute[];
}

/** Of ASCII alone: what lies beyond depends on a code page. */
function lowerCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}
