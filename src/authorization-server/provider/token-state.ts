import { type Client as EngineClient, errors, type Grant, type KoaContextWithOIDC } from 'oidc-provider';
import type { Account, AccountStore } from '../accounts/account.ts';
import type { ResourceServer, ResourceStore } from '../resources/resource-server.ts';
import { OPENID_SCOPES } from '../resources/scope-policy.ts';
import { registrationOf } from './clients.ts';

/** A token that the engine has found. */
export interface FoundToken {
  readonly kind: string;
  /** For whom the account gave its consent. */
  readonly clientId?: string | undefined;
  readonly accountId?: string | undefined;
  readonly grantId?: string | undefined;
  /** Of a refresh token: what its access tokens can be for. */
  readonly resource?: string | string[] | undefined;
  readonly aud?: string | string[] | undefined;
  readonly scope?: string | undefined;
  readonly exchanged?: Exchanged | undefined;
}

/**
 * What a token that came of an exchange (RFC 8693) remembers. It hangs on the grant, and through it on the client and the
 * session, that the first token in the line came of, and ends with them; but it was issued to another client, maybe for
 * another audience.
 */
export interface Exchanged {
  readonly by: string;
  /** The resource server at which the scopes were consented to. */
  readonly consentedAt: string | undefined;
}

/** The member of a token's payload in which it stands: engine-tokens.ts, `keepWith`. */
export const EXCHANGED = 'exchanged';

/** What a token is worth at this moment, whatever it said when it was issued. */
export interface TokenState {
  /** The client that presents it, or should. */
  readonly issuedTo: string;
  readonly audience: string | string[] | undefined;
  /** `undefined` for a token of a client that acts for itself. */
  readonly account: Account | undefined;
  readonly scopes: readonly string[];
}

export interface TokenStateDeps {
  readonly accounts: AccountStore;
  readonly resources: ResourceStore;
}

/** `undefined` when the account or a client is gone or disabled. The engine has checked expiry, session and grant. */
export type StateOf = (
  ctx: KoaContextWithOIDC,
  token: FoundToken,
  grant: Grant | undefined,
) => Promise<TokenState | undefined>;

export function createTokenState({ accounts, resources }: TokenStateDeps): StateOf {
  const openidScopes = new Set(OPENID_SCOPES);
  return async (ctx, token, grant) => {
    const issuedTo = token.exchanged?.by ?? token.clientId;
    const clients = await Promise.all([token.clientId, issuedTo].map((clientId) => findClient(ctx, clientId)));
    const audience = audienceOf(token, await resources.listResourceServers());
    const held = clients.reduce<readonly string[]>(
      (scopes, client) => within(scopes, client && scopesOf(registrationOf(client).scope)),
      [...scopesOf(token.scope)],
    );
    if (issuedTo === undefined || clients.includes(undefined)) {
      return undefined;
    }
    if (token.accountId === undefined) {
      return { issuedTo, audience, account: undefined, scopes: held };
    }
    const account = await accounts.findAccount(token.accountId);
    if (account === undefined || account.disabled) {
      return undefined;
    }
    const permitted = await resources.permittedScopes(account.roles);
    const granted = grantedScopes(grant, token.exchanged?.consentedAt ?? audience);
    const scopes = held.filter((scope) =>
      openidScopes.has(scope) ? granted.openid.has(scope) : granted.api.has(scope) && permitted.has(scope),
    );
    return { issuedTo, audience, account, scopes };
  };
}

/**
 * A token without an audience was issued for OpenID Connect, and where it holds scopes of the default resource server
 * it is meant for that one too: one token for userinfo and the API.
 */
export function audienceOf(token: FoundToken, resourceServers: readonly ResourceServer[]): FoundToken['aud'] {
  if (token.aud !== undefined || token.resource !== undefined) {
    return token.aud ?? token.resource;
  }
  const theDefault = resourceServers.find(({ isDefault }) => isDefault);
  const scopes = scopesOf(token.scope);
  return theDefault?.scopes.some(({ name }) => scopes.has(name)) ? theDefault.identifier : undefined;
}

/** The engine would look the token's client up later, and fail over a deleted one. */
async function findClient(ctx: KoaContextWithOIDC, clientId: string | undefined): Promise<EngineClient | undefined> {
  return clientId === undefined
    ? undefined
    : ctx.oidc.provider.Client.find(clientId).catch((error: unknown) => {
        // A registration that does not hold any more is its own client's problem, and not the caller's.
        if (error instanceof errors.InvalidClientMetadata) {
          return undefined;
        }
        throw error;
      });
}

function scopesOf(scope: string | undefined): ReadonlySet<string> {
  return new Set(scope?.split(' ').filter((one) => one !== ''));
}

function within(scopes: readonly string[], allowed: ReadonlySet<string> | undefined): readonly string[] {
  return scopes.filter((scope) => allowed?.has(scope));
}

/** A scope of a resource server counts as granted only there: another one may have a scope of the same name. */
function grantedScopes(grant: Grant | undefined, audience: FoundToken['aud']) {
  const api = [audience ?? []].flat().flatMap((resource) => [...scopesOf(grant?.getResourceScope(resource))]);
  return { openid: scopesOf(grant?.getOIDCScope()), api: new Set(api) };
}
