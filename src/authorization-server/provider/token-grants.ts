import { errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import { TOKEN_EXCHANGE, TokenExchangePolicy } from '../clients/token-exchange.ts';
import { TOKEN_EXCHANGE_PARAMETERS, tokenExchange } from '../flows/token-exchange/token-exchange.ts';
import type { ResourceStore } from '../resources/resource-server.ts';
import { decideScopes, describeRefusal, type RefusedScope } from '../resources/scope-policy.ts';
import { registrationOf } from './clients.ts';
import { keepWithTokens } from './engine-tokens.ts';
import { findLiveToken, issueExchanged, subjectOf } from './exchanged-tokens.ts';
import type { Audience } from './resource-servers.ts';
import { EXCHANGED, type StateOf } from './token-state.ts';

export interface TokenGrantsDeps {
  readonly stateOf: StateOf;
  readonly audience: Audience;
  readonly resources: ResourceStore;
}

/** The grants in which somebody presents a token for another, which the engine does not have. */
export function registerTokenGrants(provider: Provider, { stateOf, audience, resources }: TokenGrantsDeps): void {
  keepWithTokens(provider, EXCHANGED);
  provider.registerGrantType(
    TOKEN_EXCHANGE,
    tokenExchange({
      policyOf: (client) => TokenExchangePolicy.safeParse(client.token_exchange).data,
      resourceServerOf: (client) => registrationOf(client).resource_server,
      presented: findLiveToken(stateOf),
      describe: audience.describe,
      scopesFor: (ctx, target, presented) => narrowedScopes(ctx, { target, presented, resources }),
      subjectOf,
      issue: issueExchanged,
    }),
    TOKEN_EXCHANGE_PARAMETERS,
    ['resource', 'audience'],
  );
}

interface Narrowing {
  readonly target: string;
  readonly presented: readonly string[];
  readonly resources: ResourceStore;
}

/**
 * As with client credentials, what cannot be granted is refused by name and not left out: nobody would notice. Who asks for
 * nothing gets everything of the presented token that the client and the resource server know.
 */
async function narrowedScopes(ctx: KoaContextWithOIDC, { target, presented, resources }: Narrowing) {
  const { client, params = {} } = ctx.oidc;
  const resourceServer = (await resources.listResourceServers()).find(({ identifier }) => identifier === target);
  const asked = typeof params.scope === 'string' && params.scope !== '' ? params.scope : undefined;
  const decision = decideScopes({
    requested: asked ?? presented.join(' '),
    client: { scope: client && registrationOf(client).scope },
    permitted: undefined,
    resourceScopes: new Set(resourceServer?.scopes.map(({ name }) => name)),
  });
  const granted = decision.granted.filter((scope) => presented.includes(scope));
  const beyond = decision.granted.filter((scope) => !presented.includes(scope));
  const refused: readonly RefusedScope[] = [
    ...decision.refused,
    ...beyond.map((scope) => ({ scope, reason: 'beyond_presented_token' }) as const),
  ];
  if (granted.length === 0 || (asked !== undefined && refused.length > 0)) {
    const words = refused.length === 0 ? 'the presented token holds no scope any more' : describeRefusal(refused);
    throw new errors.InvalidScope(words, refused.map(({ scope }) => scope).join(' '));
  }
  return granted;
}
