import type { Client as EngineClient, KoaContextWithOIDC } from 'oidc-provider';
import type { AccountStore } from '../accounts/account.ts';
import { TOKEN_EXCHANGE } from '../clients/token-exchange.ts';
import type { Slice } from '../flows/slice.ts';
import type { Exchange, IssuedToken, PresentedToken } from '../flows/token-exchange/token-exchange.ts';
import { type HandledToken, type Handles, handlesOf } from '../resources/handles.ts';
import type { ResourceStore } from '../resources/resource-server.ts';
import { type AuthenticationClaims, authenticationClaims, onlyAuthentication } from './authentication-claims.ts';
import { senderOf, subjectFor } from './engine-tokens.ts';
import type { Exchanged, StateOf } from './token-state.ts';

/** A token of the engine, with what it has of ours. */
interface ModelledToken extends HandledToken {
  readonly kind: 'AccessToken' | 'ClientCredentials';
  readonly clientId?: string;
  readonly accountId?: string;
  readonly grantId?: string;
  readonly sessionUid?: string;
  readonly sid?: string;
  readonly expiresWithSession?: boolean;
  readonly aud?: string;
  readonly scope?: string;
  readonly exp: number;
  readonly isExpired: boolean;
  readonly jkt?: string;
  readonly 'x5t#S256'?: string;
  readonly exchanged?: Exchanged;
  readonly extra?: Pick<PresentedToken, 'act' | 'may_act'> & AuthenticationClaims;
}

export interface LiveToken extends PresentedToken {
  readonly model: ModelledToken;
}

/** Finds a token that somebody presents, and says what it is worth now: the checks of the engine's introspection, and ours. */
export const findLiveToken =
  (stateOf: StateOf) =>
  async (ctx: KoaContextWithOIDC, value: string): Promise<LiveToken | undefined> => {
    const { client, provider } = ctx.oidc;
    const found = (await provider.AccessToken.find(value)) ?? (await provider.ClientCredentials.find(value));
    const model = found as unknown as ModelledToken | undefined;
    if (client === undefined || model?.clientId === undefined || model.isExpired) {
      return undefined;
    }
    const grant = model.grantId === undefined ? undefined : await provider.Grant.find(model.grantId);
    const isGranted = grant?.clientId === model.clientId && grant.accountId === model.accountId && !grant.isExpired;
    const state = model.kind === 'AccessToken' && !isGranted ? undefined : await stateOf(ctx, model, grant);
    const sender = await senderOf(ctx, client);
    return (
      state && {
        ...state,
        model,
        kind: model.kind,
        clientId: model.clientId,
        accountId: model.accountId,
        // The grant may have been cut short since the token was issued.
        exp: Math.min(model.exp, grant?.exp ?? model.exp),
        act: model.extra?.act,
        may_act: model.extra?.may_act,
        isOfAnotherSender: !sender.mayUse(model),
      }
    );
  };

/** A machine is known by its client id, a person as the client that acts for them knows them. */
export async function subjectOf(ctx: KoaContextWithOIDC, token: LiveToken, client: EngineClient): Promise<string> {
  return token.accountId === undefined ? token.clientId : subjectFor(ctx, token.accountId, client);
}

export async function issueExchanged(
  ctx: KoaContextWithOIDC,
  { model, accountId, clientId, audience, exp }: LiveToken,
  { client, target, resourceServer, scopes, act }: Exchange,
): Promise<IssuedToken> {
  const { provider } = ctx.oidc;
  const consentedAt = model.exchanged?.consentedAt ?? [audience].flat()[0];
  const members = {
    client: await provider.Client.find(clientId),
    scope: scopes.join(' '),
    exchanged: { by: client.clientId, consentedAt },
    extra: {
      ...onlyAuthentication(model.extra),
      ...(act && { act }),
      ...(accountId === undefined && clientId !== client.clientId && { sub: clientId }),
    },
  };
  const { grantId, sessionUid, sid, expiresWithSession } = model;
  const token =
    model.kind === 'AccessToken'
      ? new provider.AccessToken({
          ...members,
          ...{ accountId, grantId, sessionUid, sid, expiresWithSession, gty: TOKEN_EXCHANGE },
        } as never)
      : new provider.ClientCredentials(members as never);
  token.resourceServer = new provider.ResourceServer(target, resourceServer);
  await (await senderOf(ctx, client)).bind(token);
  const now = Math.floor(Date.now() / 1000);
  token.exp = Math.min(now + token.expiration, exp);
  return { value: await token.save(), expiresIn: token.exp - now, type: token.tokenType };
}

export interface TokenContentDeps {
  readonly handles: Handles;
  readonly accounts: AccountStore;
  readonly resources: Pick<ResourceStore, 'listResourceServers'>;
}

/** What goes into the token itself, and stays in it. */
export const exchangedTokenSettings = ({ handles, ...deps }: TokenContentDeps): Slice => ({
  extraTokenClaims: (ctx, token) => extraOf(ctx, token as unknown as ModelledToken) as never,
  formats: {
    customizers: {
      async jwt(ctx, token, { payload }) {
        const { exchanged, accountId } = token as unknown as ModelledToken;
        const { client } = ctx?.oidc ?? {};
        if (exchanged !== undefined && client !== undefined) {
          payload.granted_to = payload.client_id;
          payload.client_id = exchanged.by;
          payload.sub = accountId === undefined ? payload.sub : await subjectFor(ctx, accountId, client);
        }
        // Of the token's own handle the `jti` is enough: whoever has that can make it.
        const { jti: _own, ...others } = handlesOf(token as unknown as ModelledToken, handles);
        Object.assign(payload, others, await rolesFor(deps, token as unknown as ModelledToken));
      },
    },
  },
});

/** An opaque token remembers it for introspection (RFC 9470 §6.2), a JWT says it itself. No request: no sign-in to tell of. */
function extraOf(ctx: KoaContextWithOIDC | undefined, { kind, extra }: ModelledToken): object | undefined {
  return kind === 'AccessToken' && ctx !== undefined ? { ...authenticationClaims(ctx), ...extra } : extra;
}

/**
 * RFC 9068 §2.2.3.1, where the resource server is told roles. Not what else it is told of an account: the client can read a JWT,
 * and may have been granted none of that.
 */
async function rolesFor({ accounts, resources }: Omit<TokenContentDeps, 'handles'>, { accountId, aud }: ModelledToken) {
  const meant = (await resources.listResourceServers()).find(({ identifier }) => identifier === aud);
  if (accountId === undefined || !meant?.claims.includes('roles')) {
    return undefined;
  }
  return { roles: (await accounts.findAccount(accountId))?.roles };
}
