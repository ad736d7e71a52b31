/**
 * Which tokens a client may exchange, and for what (RFC 8693). An operator says so in the directory; no client can register it
 * by itself, and one of which nothing is said exchanges nothing.
 */
import { z } from 'zod';
import type { Metadata } from './metadata.ts';

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

const names = z.array(z.string().min(1).max(255)).min(1).max(100);

export const TokenExchangePolicy = z.strictObject({
  /** Whose access tokens it may present. For its own, too, it has to be named. */
  subject_clients: names,
  /** The resource servers that it may get tokens for. */
  audiences: names,
  /** Does it act in the place of the subject (`none`), or in its own name for it, as the new token then says in `act`? */
  delegation: z.enum(['none', 'optional', 'required']).default('none'),
});
export type TokenExchangePolicy = z.output<typeof TokenExchangePolicy>;

/** What does not go together, as a problem and its fix. */
export function tokenExchangeProblem(
  policy: TokenExchangePolicy | undefined,
  { grant_types, token_endpoint_auth_method }: Pick<Metadata, 'grant_types' | 'token_endpoint_auth_method'>,
): { readonly problem: string; readonly fix: string } | undefined {
  const granted = grant_types.includes(TOKEN_EXCHANGE);
  if (granted && token_endpoint_auth_method === 'none') {
    return {
      problem: 'is for a public client',
      fix: 'give the client credentials: who holds a token could exchange it',
    };
  }
  if (granted !== (policy !== undefined)) {
    return granted
      ? { problem: 'is missing', fix: 'say which tokens it may exchange: subject_clients and audiences' }
      : { problem: 'needs a grant type that the client lacks', fix: `add ${TOKEN_EXCHANGE} to grant_types` };
  }
  return undefined;
}
