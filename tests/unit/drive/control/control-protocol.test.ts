import { describe, expect, it } from 'vitest';
import {
  encodeLine,
  LineReader,
  parseAnswer,
  parseRequest,
  refusal,
} from '../../../../src/drive/control/control-protocol.js';

describe('parseRequest', () => {
  it.each(['status', 'selfCheck', 'unmount'] as const)('knows %s', (command) => {
    expect(parseRequest(encodeLine({ command, token: 't' }))).toEqual({ command, token: 't' });
  });

  it.each([
    '',
    '{',
    'null',
    '[]',
    '"status"',
    '{}',
    '{"command":"format"}',
    '{"command":1}',
    '{"command":"status","token":1}',
  ])('refuses %j', (line) => {
    expect(parseRequest(line)).toHaveProperty('refused');
  });
});

describe('parseAnswer', () => {
  it('reads back what was encoded', () => {
    const answers = [{ ok: true as const, result: { a: [1] } }, refusal('FORBIDDEN', 'no')];
    for (const answer of answers) {
      expect(parseAnswer(encodeLine(answer))).toEqual(answer);
    }
  });

  it.each(['', 'x', '{"ok":"yes"}', '{"ok":false}', '{"ok":false,"error":{"code":"?","message":""}}'])(
    'is null for %j',
    (line) => {
      expect(parseAnswer(line)).toBeNull();
    },
  );
});

describe('LineReader', () => {
  it('joins pieces and skips empty lines', () => {
    const reader = new LineReader();
    expect(reader.push('{"a"')).toEqual([]);
    expect(reader.push(':1}\n\n{"b":2}\n{"c')).toEqual(['{"a":1}', '{"b":2}']);
    expect(reader.push('":3}\n')).toEqual(['{"c":3}']);
  });

  it('gives up on a line without end', () => {
    const reader = new LineReader(10);
    expect(reader.push('0123456789')).toEqual([]);
    expect(reader.overflow).toBe(false);
    reader.push('0');
    expect(reader.overflow).toBe(true);
    expect(new LineReader(10)).toMatchObject({ overflow: false });
  });
});
