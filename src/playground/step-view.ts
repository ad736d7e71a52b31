import type { ServerMetadata } from 'openid-client';
import type { Exchange } from './exchange.ts';
import { type Explanation, explainExchange } from './explain/explain-exchange.ts';
import { kindOf, type MessageKind } from './explain/message-kind.ts';
import type { Client, Issuer } from './issuers.ts';
import type { Party } from './parties.ts';
import type { Step, Verdict } from './run.ts';
import { curlOf } from './samples/curl.ts';
import { openidClientOf } from './samples/openid-client.ts';

/** A step with what it means: enough for its row in the diagram. */
export interface StepView {
  readonly id: number;
  readonly from: Party;
  readonly kind: MessageKind | undefined;
  readonly exchange: Exchange | undefined;
  readonly explanation: Explanation;
  readonly attack: string | undefined;
  readonly verdict: Verdict | undefined;
}

export function readSteps(steps: readonly Step[], metadata: ServerMetadata, ownUrl: string): StepView[] {
  return steps.map((step) => {
    const common = { id: step.id, attack: step.attack, verdict: step.verdict };
    if ('exchange' in step) {
      const kind = kindOf(step.exchange, metadata, ownUrl);
      const explanation = explainExchange(step.exchange, kind);
      return { ...common, from: step.exchange.from, kind, exchange: step.exchange, explanation };
    }
    const { at, label, text, facts } = step.local;
    const explanation = { title: label, text, to: at, label, answer: undefined, sent: facts, received: [], jwts: [] };
    return { ...common, from: at, kind: undefined, exchange: undefined, explanation };
  });
}

/** The step that is looked at, with the same call in two other languages. */
export function describeStep(step: StepView, issuer: Issuer, client: Client) {
  const { kind, exchange } = step;
  return {
    ...step,
    title: step.explanation.title.charAt(0).toUpperCase() + step.explanation.title.slice(1),
    samples:
      kind && exchange
        ? [
            { name: 'curl', label: 'curl', code: curlOf(exchange) },
            {
              name: 'openid-client',
              label: 'openid-client',
              code: openidClientOf(kind, { issuer, client, exchange }).trim(),
            },
          ]
        : [],
  };
}
