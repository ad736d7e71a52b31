import { browserStep } from '../exchange.ts';
import type { Issuer } from '../issuers.ts';
import { openidClientOf } from '../samples/openid-client.ts';
import { TITLES } from './explain-exchange.ts';
import { MESSAGE_KINDS } from './message-kind.ts';
import { CLAIMS, MEMBERS, PARAMETERS } from './words.ts';

/** For the clients that are scripts: the same words, to explain by themselves what this server never sees. */
export function wordsForScripts(issuer: Issuer): Record<string, unknown> {
  const client = issuer.clients.spa ?? { clientId: 'your-client', scope: 'openid' };
  const exchange = browserStep(
    new URL('?response_type=code&scope=openid&redirect_uri=https://your.app/callback', issuer.issuer),
  );
  const kinds = MESSAGE_KINDS.map((kind) => {
    const [title, text] = TITLES[kind];
    return [kind, { title, text, sample: openidClientOf(kind, { issuer, client, exchange }).trim() }];
  });
  return { kinds: Object.fromEntries(kinds), parameters: PARAMETERS, members: MEMBERS, claims: CLAIMS };
}
