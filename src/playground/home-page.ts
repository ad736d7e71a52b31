import type { Flow } from './flow.ts';
import { CATALOGUE } from './flows/catalogue.ts';
import type { Issuer } from './issuers.ts';
import { clientOf } from './perform.ts';

/** A card for each flow. Those whose request needs nothing from a person can be run from here as they are. */
export function homeOf(issuer: Issuer): Record<string, unknown> {
  const cards = CATALOGUE.map(({ title, flows }) => ({
    title,
    cards: flows.map((flow) => ({
      flow,
      client: clientOf(flow, issuer)?.clientId,
      parameters: initialParameters(flow, issuer),
    })),
  }));
  return { groups: cards, isDemo: issuer.isDemo };
}

export const initialParameters = (flow: Flow, issuer: Issuer): Record<string, string> =>
  Object.fromEntries(flow.fields.map(({ name, initial }) => [name, initial(issuer)]));
