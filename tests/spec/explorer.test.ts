/** The explorer on worlds small enough to count by hand. */
import { describe, expect, test } from 'vitest';
import { EncodingTable, put, putAll, putText, takeText } from '../../spec/explorer/encoder.js';
import { explore, type Model, type Step } from '../../spec/explorer/explorer.js';
import { graphOf, walkEverywhere } from '../../spec/explorer/state-graph.js';

interface Pair {
  a: number;
  b: number;
}

/** Two counters from 0 to 2 that go up one at a time, and are set back to 0 together. */
function counters(more: Partial<Model<Pair>> = {}, canReset = true): Model<Pair> {
  const steps: Step<Pair>[] = [
    { action: 'Up', args: ['a'], apply: (s) => (s.a < 2 ? { ...s, a: s.a + 1 } : null) },
    { action: 'Up', args: ['b'], apply: (s) => (s.b < 2 ? { ...s, b: s.b + 1 } : null) },
    { action: 'Reset', args: [], apply: (s) => (canReset && s.a === 2 && s.b === 2 ? { a: 0, b: 0 } : null) },
  ];
  return {
    initial: { a: 0, b: 0 },
    steps,
    encode: ({ a, b }) => {
      put(a);
      put(b);
    },
    invariants: {},
    reached: new Set(),
    ...more,
  };
}

describe('explore', () => {
  test('counts states, transitions and depth', () => {
    const { distinctStates, transitions, depth, actions, violation } = explore(counters());
    expect({ distinctStates, transitions, depth, violation }).toEqual({
      distinctStates: 9,
      transitions: 13,
      depth: 5,
      violation: null,
    });
    expect(actions).toEqual({ Up: { taken: 12, found: 8 }, Reset: { taken: 1, found: 0 } });
  });

  test('finds a violated invariant by a shortest way', () => {
    const model = counters({ invariants: { Small: ({ a, b }) => a + b < 3 } });
    const { name, trace } = explore(model).violation!;
    expect([name, trace.length]).toEqual(['Small', 3]);
    expect(explore(model, { only: [] }).violation).toBeNull();
  });

  test('finds a deadlock, unless the state is final', () => {
    expect(explore(counters({}, false)).violation).toEqual({
      name: 'Deadlock',
      trace: ['Up(a)', 'Up(a)', 'Up(b)', 'Up(b)'],
    });
    const isFinal = ({ a, b }: Pair) => a === 2 && b === 2;
    expect(explore(counters({ isFinal }, false)).violation).toBeNull();
  });

  test('finds a step that a property does not allow, and says which', () => {
    const never = { NeverBack: (before: Pair, after: Pair) => after.a >= before.a };
    expect(explore(counters({ actionProperties: never })).violation).toEqual({
      name: 'NeverBack',
      trace: ['Up(a)', 'Up(a)', 'Up(b)', 'Up(b)', 'Reset()'],
    });
  });

  test('with symmetry: fewer states, which stand for all of them', () => {
    const model = counters({ symmetries: ({ a, b }) => [{ a: b, b: a }] });
    const { distinctStates, representedStates } = explore(model, { symmetry: true });
    expect([distinctStates, representedStates]).toEqual([6, 9]);
  });

  test('stops at a goal', () => {
    let seen = 0;
    const model = counters({ encode: ({ a, b }) => putAll([++seen && a, b]) });
    explore(model, { goal: () => seen >= 3 });
    expect(seen).toBeLessThan(6);
  });
});

describe('encodings', () => {
  test('each is numbered once, also when there are many and of different lengths', () => {
    const table = new EncodingTable();
    const enter = (values: number[]): number => {
      putAll(values);
      return table.numberOf();
    };
    const all: number[][] = [[], [-1], [0], [254]];
    for (let i = 0; i < 50_000; i++)
      all.push([i % 251, Math.floor(i / 251)], [0, i % 251, Math.floor(i / 251)]);
    for (let round = 0; round < 2; round++) {
      all.forEach((values, number) => {
        if (enter(values) !== number) throw new Error(`[${values}] is not number ${number}`);
      });
    }
    expect(table.size).toBe(all.length);
  });

  test('what has no encoding is refused', () => {
    expect(() => put(255)).toThrow(RangeError);
    expect(() => put(-2)).toThrow(RangeError);
    expect(() => put(Number.NaN)).toThrow(RangeError);
    expect(() => putAll(new Array(1025).fill(0))).toThrow(RangeError);
    takeText();
    putAll([3, -1, 254]);
    putText(takeText());
    expect(takeText()).toBe('\u0004\u0000\u00ff');
  });
});

test('a step that may not apply is not asked, and its neighbours are', () => {
  const [upA, upB, reset] = counters().steps as [Step<Pair>, Step<Pair>, Step<Pair>];
  const never = () => false;
  const steps = [{ ...upA, mayApply: never }, upB, reset];
  expect(explore(counters({ steps, isFinal: () => true })).distinctStates).toBe(3);
  expect(
    explore(counters({ steps: [upA, { ...upB, mayApply: never }], isFinal: () => true })).distinctStates,
  ).toBe(3);
});

test('a walk takes every transition, and only such as there are', () => {
  const graph = graphOf(counters());
  const taken = new Set<string>();
  let at: Pair | null = null;
  const count = walkEverywhere(graph, {
    restart: () => {
      at = { a: 0, b: 0 };
    },
    take: (step, before, after, isNew) => {
      expect(before).toEqual(at);
      const transition = `${step} ${JSON.stringify(before)}`;
      expect(isNew).toBe(!taken.has(transition));
      taken.add(transition);
      at = after;
    },
  });
  expect(taken.size).toBe(13);
  expect(count).toBeGreaterThanOrEqual(13);
});
