/** Whether benchmark.js and tinybench say the same about the same functions. */
export const AGREEMENT = 'tinybench against benchmark.js';
const MAX_DIFFERENCE = 0.15;

export interface ToolFigures {
  name: string;
  benchmark: number;
  tinybench: number;
}

export function agreementOf(figures: readonly ToolFigures[]): string[] {
  const apart = figures.filter(
    ({ benchmark, tinybench }) => Math.abs(tinybench / benchmark - 1) > MAX_DIFFERENCE,
  );
  return [
    `${figures.length} cases measured with benchmark.js and tinybench: ${figures.length - apart.length} agree within ${MAX_DIFFERENCE * 100} %`,
    ...apart.map(
      ({ name, benchmark, tinybench }) =>
        `  apart: ${name}: tinybench ${(tinybench / benchmark).toFixed(2)} × benchmark.js`,
    ),
  ];
}
