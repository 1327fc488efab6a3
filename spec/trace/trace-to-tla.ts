/**
 * A short trace of the real volume as the sequence constant that tla/ledger-trace/LedgerTrace.tla follows: files, units and pages instead of paths
 * and bytes. Only files in the root, and only lengths that are whole units; anything else throws.
 */
import type { TraceEvent } from '../../src/drive/trace.js';

export interface LedgerEvent {
  op: string;
  file: number;
  from: number;
  /** Units, or pages for `allocate` and `overwrite`. */
  count: number;
  value: number;
  answer: 'ok' | 'full';
  length: number;
  reserve: number;
  reserved: number;
  allocated: number;
}

const CLEANUP_DELETE = 1;
const CLEANUP_TRIM = 2;

export function ledgerEvents(
  events: readonly TraceEvent[],
  unitBytes: number,
  pageBytes: number,
): LedgerEvent[] {
  const units = (bytes: unknown): number => {
    const count = (bytes as number) / unitBytes;
    if (!Number.isInteger(count)) throw new Error(`${bytes} bytes are not whole units of ${unitBytes}`);
    return count;
  };
  const pages = (bytes: unknown): number => Math.ceil((bytes as number) / pageBytes);
  const files = new Map<
    number,
    { number: number; opens: number; named: boolean; length: number; reserve: number }
  >();
  const sequence: LedgerEvent[] = [];

  for (const event of events) {
    const { op, inode, result = 0, ledger } = event;
    if (inode === undefined || ledger === undefined) continue;
    if (op === 'create' && result >= 0) {
      const used = new Set([...files.values()].map(({ number }) => number));
      let number = 1;
      while (used.has(number)) number++;
      files.set(inode, { number, opens: 0, named: true, length: 0, reserve: 0 });
    }
    const file = files.get(inode);
    if (file === undefined) throw new Error(`'${op}' is about an inode that was not created in this trace`);
    const add = (name: string, from = 0, count = 0): void => {
      file.length = units(event.lengthBytes);
      file.reserve = event.reservedPages as number;
      sequence.push({
        op: name,
        file: file.number,
        from,
        count,
        value: 1 + (sequence.length % 2),
        answer: result < 0 ? 'full' : 'ok',
        length: file.length,
        reserve: file.reserve,
        reserved: ledger[0],
        allocated: ledger[1],
      });
    };
    const allocate = (count: number): void =>
      add(result >= 0 && count === file.reserve ? 'nothing' : 'allocate', 0, count);
    const resize = (count: number): void => add(count === file.length ? 'nothing' : 'resize', 0, count);
    switch (op) {
      case 'create':
      case 'open':
        file.opens++;
        add(op);
        if (event.named === false) {
          file.named = false;
          add('delete');
        }
        break;
      case 'cleanup': {
        const flags = event.flags as number;
        if ((flags & CLEANUP_DELETE) !== 0 && file.named) {
          file.named = false;
          add('delete');
        } else if ((flags & CLEANUP_TRIM) !== 0) {
          allocate(pages(event.lengthBytes));
        }
        break;
      }
      case 'close':
        file.opens--;
        add('close');
        if (file.opens === 0 && !file.named) files.delete(inode);
        break;
      case 'write': {
        const name =
          event.writeToEndOfFile === true ? 'append' : event.constrainedIo === true ? 'constrained' : 'write';
        add(result === 0 ? 'nothing' : name, units(event.offset), units(event.length));
        break;
      }
      case 'setFileSize':
        resize(units(event.bytes));
        break;
      case 'setAllocationSize':
        if ((event.bytes as number) < file.length * unitBytes) resize(units(event.bytes));
        else allocate(pages(event.bytes));
        break;
      case 'overwrite':
        if (file.length === 0) allocate(pages(event.allocationSize));
        else add('overwrite', 0, pages(event.allocationSize));
        break;
      default:
        throw new Error(`'${op}' is no step of the ledger`);
    }
  }
  return sequence;
}

export function tlaModule(events: readonly LedgerEvent[]): string {
  const records = events.map((event) => {
    const fields = Object.entries(event).map(([name, value]) => `${name} |-> ${JSON.stringify(value)}`);
    return `    [${fields.join(', ')}]`;
  });
  return [
    '---------------------------- MODULE LedgerTraceData ----------------------------',
    '\\* Recorded from the real volume by tests/spec/ledger-trace.test.ts; npx vitest run --project spec -u writes it anew.',
    'Trace == <<',
    records.join(',\n'),
    '>>',
    '=============================================================================',
    '',
  ].join('\n');
}
