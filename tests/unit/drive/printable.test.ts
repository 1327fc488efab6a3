import { describe, expect, it } from 'vitest';
import { printable, printableJson, printableLines } from '../../../src/drive/printable.js';

describe('text for a terminal', () => {
  it.each([
    ['plain, ümlaut, 語, 🙂', 'plain, ümlaut, 語, 🙂'],
    ['\x1b[2J\x1b]0;title\x07', '\\x1b[2J\\x1b]0;title\\x07'],
    ['line\nforged\r', 'line\\x0aforged\\x0d'],
    // The one-character forms of escape sequences.
    ['\x9b2J\x7f', '\\x9b2J\\x7f'],
    ['exe.\u202etxt', 'exe.\\u202etxt'],
  ])('%j', (text, expected) => {
    expect(printable(text)).toBe(expected);
  });

  it('keeps the lines that we made', () => {
    expect(printableLines('one\ntwo\x1b')).toBe('one\ntwo\\x1b');
  });

  it('is still JSON of the same value', () => {
    const value = { name: 'a\x1b\x9b\u202e\n' };
    const text = printableJson(value);
    expect(text).toMatch(/^[\x20-\x7e\n]*$/);
    expect(JSON.parse(text)).toEqual(value);
  });
});
