import { type Client as EngineClient, errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import type { Account, AccountStore } from '../accounts/account.ts';
import { TOKEN_EXCHANGE, TokenExchangePolicy } from '../clients/token-exchange.ts';
import type { TrustedIssuer } from '../clients/trusted-issuer.ts';
import { JWT_BEARER, JWT_BEARER_PARAMETERS, jwtBearer } from '../flows/jwt-bearer/jwt-bearer.ts';
import { TOKEN_EXCHANGE_PARAMETERS, tokenExchange } from '../flows/token-exchange/token-exchange.ts';
import type { ResourceStore } from '../resources/resource-server.ts';
import { decideScopes, describeRefusal, type RefusedScope } from '../resources/scope-policy.ts';
import { type AssertionsDeps, createAssertions } from './assertions.ts';
import { registrationOf } from './clients.ts';
import { keepWith, senderOf } from './engine-tokens.ts';
import { findLiveToken, issueExchanged, subjectOf } from './exchanged-tokens.ts';
import type { RequestedScope } from './requested-scope.ts';
import type { Audience } from './resource-servers.ts';
import { EXCHANGED, type StateOf } from './token-state.ts';

export interface TokenGrantsDeps extends AssertionsDeps {
  readonly accounts: AccountStore;
  readonly findAccountId: (email: string) => Promise<string | undefined>;
  readonly stateOf: StateOf;
  readonly requestedScope: RequestedScope;
  readonly audience: Audience;
  readonly resources: ResourceStore;
}

/** The grants in which somebody presents a token or an assertion for a token, which the engine does not have. */
export function registerTokenGrants(provider: Provider, deps: TokenGrantsDeps): void {
  const { stateOf, audience, resources } = deps;
  keepWith(provider, ['AccessToken', 'ClientCredentials'], EXCHANGED);
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
  provider.registerGrantType(
    JWT_BEARER,
    jwtBearer({
      verify: createAssertions(deps),
      findAccount: (accountId) => deps.accounts.findAccount(accountId),
      findAccountId: deps.findAccountId,
      audienceFor: (ctx, client) => namedAudience(ctx, client, deps),
      scopesFor: (ctx, account, issuer) => vouchedScopes(ctx, { account, issuer, requestedScope: deps.requestedScope }),
      senderOf,
    }),
    JWT_BEARER_PARAMETERS,
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
  const { granted, beyond } = apart(decision.granted, presented, 'beyond_presented_token');
  const refused = [...decision.refused, ...beyond];
  if (granted.length === 0 || (asked !== undefined && refused.length > 0)) {
    const words = refused.length === 0 ? 'the presented token holds no scope any more' : describeRefusal(refused);
    throw new errors.InvalidScope(words, refused.map(({ scope }) => scope).join(' '));
  }
  return granted;
}

interface Vouching {
  readonly account: Account | undefined;
  readonly issuer: TrustedIssuer;
  readonly requestedScope: RequestedScope;
}

/** For an account what is left, as with a password; for the client itself everything it asks for, or nothing. */
async function vouchedScopes(ctx: KoaContextWithOIDC, { account, issuer, requestedScope }: Vouching) {
  const requested = account ? await requestedScope.forAccount(ctx, account) : await requestedScope.forClient(ctx);
  const { granted, beyond } = apart(requested, issuer.scopes, 'not_allowed_to_issuer');
  if (granted.length === 0 || (account === undefined && beyond.length > 0)) {
    throw new errors.InvalidScope(describeRefusal(beyond), beyond.map(({ scope }) => scope).join(' '));
  }
  return granted;
}

function apart(scopes: readonly string[], allowed: readonly string[], reason: RefusedScope['reason']) {
  const beyond = scopes.filter((scope) => !allowed.includes(scope));
  return {
    granted: scopes.filter((scope) => allowed.includes(scope)),
    beyond: beyond.map((scope): RefusedScope => ({ scope, reason })),
  };
}

/** The resource server that a request names, or the default one: never OpenID Connect, whatever the scope says. */
async function namedAudience(ctx: KoaContextWithOIDC, client: EngineClient, { audience, resources }: TokenGrantsDeps) {
  const { resource } = ctx.oidc.params ?? {};
  const theDefault = (await resources.listResourceServers()).find(({ isDefault }) => isDefault)?.identifier;
  const identifier = typeof resource === 'string' ? resource : theDefault;
  if (identifier === undefined) {
    throw new errors.InvalidTarget('say by the parameter resource for which resource server the token shall be');
  }
  return { identifier, resourceServer: await audience.describe(ctx, identifier, client) };
}
