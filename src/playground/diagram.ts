import type { Arrow, Flow } from './flow.ts';
import { PARTIES, PARTY_TITLES, type Party } from './parties.ts';
import type { Run } from './run.ts';
import type { StepView } from './step-view.ts';
import { announced } from './story.ts';

/** A row of the sequence diagram: an arrow, and its answer below. Where it runs is a class of the style sheet. */
export interface Row {
  readonly when: 'done' | 'next' | 'later';
  readonly id?: number;
  readonly from: Party;
  readonly to: Party;
  /** Columns 1 to 4, left one first. */
  readonly span: string;
  readonly direction: 'right' | 'left' | 'self';
  readonly label: string;
  readonly answer?: string | undefined;
  /** For who does not see arrows. */
  readonly words: string;
  readonly tone: 'plain' | 'error' | 'refused' | 'broken';
  readonly isChosen: boolean;
}

interface Drawn {
  readonly flow: Flow;
  readonly run: Run | undefined;
  readonly steps: readonly StepView[];
  readonly chosen: number | undefined;
  /** What the story has yet to bring. */
  readonly next: readonly Arrow[];
}

export function diagramOf({ flow, run, steps, chosen, next }: Drawn): Row[] {
  const upcoming = run ? next : announced(flow);
  return [
    ...steps.map((step) => rowOf(step, step.id === chosen)),
    ...upcoming.map((arrow, index) => ({
      when: index === 0 && run ? ('next' as const) : ('later' as const),
      ...placed(arrow),
      label: arrow.label,
      words: `${between(arrow)}: ${arrow.label}`,
      tone: 'plain' as const,
      isChosen: false,
    })),
  ];
}

function rowOf({ id, from, explanation, verdict, attack, exchange }: StepView, isChosen: boolean): Row {
  const { to, label, answer } = explanation;
  return {
    when: 'done',
    id,
    ...placed({ from, to }),
    label: attack ? `⚡ ${label}` : label,
    answer,
    words: `${attack ? 'Attack. ' : ''}${between({ from, to })}: ${explanation.title}${answer ? `. Answer: ${answer}` : ''}`,
    tone: toneOf(verdict, exchange?.status),
    isChosen,
  };
}

function toneOf(verdict: StepView['verdict'], status: number | undefined): Row['tone'] {
  if (verdict) {
    return verdict.refused ? 'refused' : 'broken';
  }
  return status !== undefined && status >= 400 ? 'error' : 'plain';
}

function placed({ from, to }: Pick<Arrow, 'from' | 'to'>): Pick<Row, 'from' | 'to' | 'span' | 'direction'> {
  const [a, b] = [PARTIES.indexOf(from) + 1, PARTIES.indexOf(to) + 1];
  const direction = a === b ? 'self' : a < b ? 'right' : 'left';
  return { from, to, span: `${Math.min(a, b)}-${Math.max(a, b)}`, direction };
}

function between({ from, to }: Pick<Arrow, 'from' | 'to'>): string {
  const [one, other] = [PARTY_TITLES[from].title, PARTY_TITLES[to].title];
  return from === to ? `Inside the ${one.toLowerCase()}` : `${one} to ${other.toLowerCase()}`;
}
