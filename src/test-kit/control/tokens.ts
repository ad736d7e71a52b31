import type { AccessToken, Client, Provider } from 'oidc-provider';
import type { Account } from '../../authorization-server/accounts/account.ts';
import { acrOf } from '../../authorization-server/accounts/assurance.ts';
import { claimsOf } from '../../authorization-server/provider/claims.ts';
import { registrationOf } from '../../authorization-server/provider/clients.ts';
import { type DecidedGrant, grantAll } from '../../authorization-server/resources/permissions.ts';
import type { ResourceServer } from '../../authorization-server/resources/resource-server.ts';
import { decideScopes, describeRefusal, type RefusedScope } from '../../authorization-server/resources/scope-policy.ts';
import type { Instance } from '../instance.ts';
import { type IssuedTokens, TokenRequest } from '../protocol.ts';
import { requireAccount } from './accounts.ts';
import { ControlError } from './control-error.ts';
import { parsed, type Route } from './route.ts';

export const tokenRoutes: readonly Route[] = [
  { method: 'POST', path: '/tokens', answer: (instance, { body }) => issue(instance, parsed(TokenRequest, body)) },
];

/** What all tokens of one request have in common. */
interface Issue {
  readonly instance: Instance;
  readonly provider: Provider;
  readonly request: TokenRequest;
  readonly client: Client;
  readonly account: Account | undefined;
  readonly scopes: readonly string[];
  /** That the token is for; `undefined` when it is for OpenID Connect and the default one. */
  readonly audience: ResourceServer | undefined;
}

/** As if the client had gone through a flow, and the account had allowed all of it. */
async function issue(instance: Instance, request: TokenRequest): Promise<IssuedTokens> {
  const { provider } = instance.server;
  const client = await provider.Client.find(request.client);
  if (client === undefined) {
    throw new ControlError(404, `There is no client ${request.client}.`);
  }
  const account = request.account === undefined ? undefined : await requireAccount(instance, request.account);
  if (account?.disabled) {
    throw new ControlError(400, `The account ${account.email} is disabled: no token of it would be good for anything.`);
  }
  const { scopes, audience } = await scopesOf(instance, request, client, account);
  const common: Issue = { instance, provider, request, client, account, scopes, audience };
  return account === undefined ? issueToClient(common) : issueToAccount({ ...common, account });
}

async function scopesOf({ server }: Instance, request: TokenRequest, client: Client, account: Account | undefined) {
  const { directory } = server.stores;
  const resourceServers = await directory.listResourceServers();
  const theDefault = resourceServers.find(({ isDefault }) => isDefault);
  const named = resourceServers.find(({ identifier }) => identifier === request.resource);
  if (request.resource !== undefined && named === undefined) {
    throw new ControlError(400, `There is no resource server ${request.resource}.`);
  }
  const { scope, default_scope } = registrationOf(client);
  const { granted, refused } = decideScopes({
    requested: request.scope,
    client: { scope, default_scope },
    permitted: account && (await directory.permittedScopes(account.roles)),
    resourceScopes: new Set((named ?? theDefault)?.scopes.map(({ name }) => name)),
  });
  if (refused.length > 0 || granted.length === 0) {
    throw new ControlError(400, describeRefusal(refused) + elsewhere(refused, resourceServers));
  }
  // As everywhere: a token with openid is for userinfo, and by the way for the default resource server.
  return { scopes: granted, audience: named ?? (granted.includes('openid') ? undefined : theDefault) };
}

/** A token is for one resource server: whoever names none means the default one, and perhaps there is none. */
function elsewhere(refused: readonly RefusedScope[], resourceServers: readonly ResourceServer[]): string {
  const unknown = new Set(refused.flatMap(({ scope, reason }) => (reason === 'unknown' ? [scope] : [])));
  const theirs = resourceServers.filter(({ scopes }) => scopes.some(({ name }) => unknown.has(name)));
  return theirs.map(({ identifier }) => `; with resource ${identifier} there is such a scope`).join('');
}

async function issueToClient(issue: Issue): Promise<IssuedTokens> {
  const { provider, client, scopes, instance } = issue;
  const token = new provider.ClientCredentials({ client, scope: scopes.join(' ') } as never);
  return saveAccess(issue, token as never, instance.config.lifetimes.clientCredentials);
}

async function issueToAccount(issue: Issue & { readonly account: Account }): Promise<IssuedTokens> {
  const { instance, provider, client, account, scopes, audience } = issue;
  const grant = new provider.Grant({ accountId: account.accountId, clientId: client.clientId });
  const asked = { scope: scopes.join(' '), resource: audience?.identifier };
  grantAll(grant as DecidedGrant, asked, await instance.server.stores.directory.listResourceServers());
  const grantId = await grant.save();
  const offered = audience && new Set(audience.scopes.map(({ name }) => name));
  const ofToken = {
    accountId: account.accountId,
    client,
    grantId,
    gty: 'authorization_code',
    extra: toldSignIn(issue.request),
    scope: scopes.filter((scope) => offered === undefined || offered.has(scope)).join(' '),
  };
  const token = new provider.AccessToken(ofToken as never);
  const access = await saveAccess(issue, token, instance.config.lifetimes.accessToken);
  return {
    ...access,
    ...(client.grantTypeAllowed('refresh_token') ? { refresh_token: await issueRefresh(issue, grantId) } : {}),
    ...(scopes.includes('openid') ? { id_token: await issueIdToken(issue) } : {}),
  };
}

async function saveAccess(
  { provider, request, client, audience }: Issue,
  token: AccessToken,
  usual: number,
): Promise<IssuedTokens> {
  const format =
    request.format ?? (client.subjectType === 'pairwise' ? 'opaque' : audience?.accessTokenFormat) ?? 'opaque';
  if (audience !== undefined) {
    token.resourceServer = new provider.ResourceServer(audience.identifier, {
      audience: audience.identifier,
      scope: audience.scopes.map(({ name }) => name).join(' '),
      accessTokenFormat: format,
      jwt: { sign: { alg: 'ES256' } },
    });
  } else if (format === 'jwt') {
    throw new ControlError(
      400,
      'A JWT is for one resource server: name it as resource, or leave openid out of the scope.',
    );
  }
  const expires_in = request.lifetime ?? audience?.accessTokenTtl ?? usual;
  Object.assign(token, { exp: now() + expires_in });
  const access_token = await token.save();
  return { access_token, token_type: token.tokenType, expires_in, scope: token.scope ?? '' };
}

async function issueRefresh(issue: Issue & { readonly account: Account }, grantId: string): Promise<string> {
  const { instance, provider, client, account, scopes, audience, request } = issue;
  const token = new provider.RefreshToken({
    accountId: account.accountId,
    client,
    grantId,
    gty: 'authorization_code',
    scope: scopes.join(' '),
    rotations: 0,
    exp: now() + instance.config.lifetimes.refreshToken,
    ...signInOf(request),
    ...(audience === undefined ? {} : { resource: audience.identifier }),
    ...(request.nonce === undefined ? {} : { nonce: request.nonce }),
  } as never);
  return token.save();
}

async function issueIdToken({ provider, client, account, request }: Issue & { readonly account: Account }) {
  const token = new provider.IdToken(claimsOf(account), { client } as never);
  for (const [claim, value] of Object.entries({ ...toldSignIn(request), nonce: request.nonce })) {
    if (value !== undefined) {
      token.set(claim, value);
    }
  }
  return Object.assign(token, { scope: 'openid' }).issue({ use: 'idtoken' });
}

/** RFC 9470 §6.2: the access token tells it as well. */
function toldSignIn(request: TokenRequest) {
  const { authTime: auth_time, acr, amr } = signInOf(request);
  return { auth_time, acr, amr };
}

function signInOf({ amr = ['pwd'], acr = acrOf(amr) }: TokenRequest) {
  return { authTime: now(), acr, amr };
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}
