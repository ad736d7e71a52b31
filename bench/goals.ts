import { type Bound, INTENTIONS, type Unit } from './intentions.ts';
import type { Report } from './report.ts';

/** What the product promises itself, and what came out. */
export interface Goal {
  readonly name: string;
  readonly must: string;
  readonly aim: string;
  readonly value: number | undefined;
  readonly unit: Unit;
  /** `undefined` when it was not measured; `open` when only an aim is set and that is not reached. */
  readonly reached: 'aim' | 'must' | 'open' | 'missed' | undefined;
}

export function judge(report: Report): readonly Goal[] {
  return INTENTIONS.map(({ name, unit, must, aim, value }) => {
    const found = value(report);
    return { name, unit, must: words(must), aim: words(aim), value: found, reached: verdict(found, must, aim) };
  });
}

function verdict(value: number | undefined, must: Bound | undefined, aim: Bound | undefined): Goal['reached'] {
  if (value === undefined || Number.isNaN(value)) {
    return undefined;
  }
  if (aim !== undefined && within(value, aim)) {
    return 'aim';
  }
  if (must === undefined) {
    return 'open';
  }
  return within(value, must) ? 'must' : 'missed';
}

function within(value: number, { most = Number.POSITIVE_INFINITY, least = Number.NEGATIVE_INFINITY }: Bound): boolean {
  return value <= most && value >= least;
}

function words(bound: Bound | undefined): string {
  if (bound === undefined) {
    return '';
  }
  return bound.most === undefined ? `≥ ${bound.least}` : `≤ ${bound.most}`;
}
