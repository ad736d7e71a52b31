import {
  type AccessToken,
  type Client,
  errors,
  type KoaContextWithOIDC,
  type Provider,
  type ResourceServer,
} from 'oidc-provider';
import type { Account } from '../../accounts/account.ts';
import { acrOf } from '../../accounts/assurance.ts';
import type { AuthenticateAlone } from '../../accounts/authenticate-alone.ts';
import { TooBusy } from '../../accounts/too-busy.ts';
import { type DecidedGrant, grantAll } from '../../resources/permissions.ts';
import type { ResourceStore } from '../../resources/resource-server.ts';

export interface PasswordGrantDeps {
  readonly authenticate: AuthenticateAlone;
  /** The scopes to grant. Throws `invalid_scope` when there are none. */
  readonly scopesFor: (ctx: KoaContextWithOIDC, account: Account) => Promise<readonly string[]>;
  /** The resource server that the token is for; `undefined` when it is for OpenID Connect and the default one. */
  readonly audienceFor: (
    ctx: KoaContextWithOIDC,
  ) => Promise<{ readonly identifier: string; readonly resourceServer: ResourceServer } | undefined>;
  readonly listResourceServers: ResourceStore['listResourceServers'];
  readonly claimsOf: (account: Account) => Record<string, unknown>;
  /** What the request proves possession of, for tokens to be bound to. Throws when that is not as it must be. */
  readonly senderOf: (ctx: KoaContextWithOIDC, client: Client) => Promise<Sender>;
}

interface Sender {
  bind(token: object): Promise<void>;
}

/** RFC 8176: nothing else is ever brought here. */
const AMR = ['pwd'];

/** What the request may say; given twice, any of it is refused by the engine. */
export const PASSWORD_PARAMETERS = ['username', 'password', 'scope', 'resource'];

type Audience = Awaited<ReturnType<PasswordGrantDeps['audienceFor']>>;

/** Everything that the tokens of one request have in common. */
interface Issue {
  readonly ctx: KoaContextWithOIDC;
  readonly provider: Provider;
  readonly account: Account;
  /** Everything that is granted. */
  readonly scopes: readonly string[];
  /** The part of it that the access token carries: a token for a resource server has that one's scopes and no others. */
  readonly tokenScopes: readonly string[];
  readonly audience: Audience;
  readonly grantId: string;
  readonly sender: Sender;
}

/**
 * Resource owner password credentials grant (RFC 6749 §4.3): the engine has none.
 *
 * Discouraged by RFC 9700 §2.4, and complete here all the same: a client has it only when its registration says so, and
 * it shares the sign-in page's lockout. Whatever is wrong with the credentials, the answer is the same `invalid_grant`, and so
 * it is for an account with a second factor: nobody is there to be asked for it.
 * The tokens come of a grant of their own, so that revocation and refresh work as everywhere; there is no browser
 * session for them to end with.
 */
export const passwordGrant =
  (deps: PasswordGrantDeps) =>
  async (ctx: KoaContextWithOIDC): Promise<void> => {
    const { provider } = ctx.oidc;
    const sender = await deps.senderOf(ctx, clientOf(ctx.oidc));
    const account = await authenticate(deps, ctx);
    const audience = await deps.audienceFor(ctx);
    const scopes = await deps.scopesFor(ctx, account);
    const tokenScopes = scopesWithin(audience, scopes);
    const grantId = await saveGrant(deps, ctx, { account, scopes, audience });
    const issue: Issue = { ctx, provider, account, scopes, tokenScopes, audience, grantId, sender };
    const { accessToken, told } = await issueAccessToken(issue);
    ctx.body = {
      ...told,
      ...(ctx.oidc.client?.grantTypeAllowed('refresh_token')
        ? { refresh_token: await issueRefreshToken(issue, accessToken) }
        : {}),
      ...(scopes.includes('openid') ? { id_token: await issueIdToken(deps, issue) } : {}),
    };
  };

async function authenticate(deps: PasswordGrantDeps, ctx: KoaContextWithOIDC): Promise<Account> {
  const { username, password } = ctx.oidc.params ?? {};
  if (typeof username !== 'string' || typeof password !== 'string') {
    throw new errors.InvalidRequest('username and password must be sent in the body of the request');
  }
  const { clientId } = clientOf(ctx.oidc);
  const account = await deps.authenticate({ email: username, password }, clientId).catch((error: unknown) => {
    throw error instanceof TooBusy ? comeBackLater(ctx, error) : error;
  });
  if (account === undefined) {
    throw Object.assign(new errors.InvalidGrant('password grant refused'), {
      error_description: 'the username or password is wrong',
    });
  }
  return account;
}

/** The engine knows `temporarily_unavailable` as a 400, for redirects; here there is a status to say it with. */
function comeBackLater(ctx: KoaContextWithOIDC, { retryAfterSeconds }: TooBusy): Error {
  ctx.set('Retry-After', String(retryAfterSeconds));
  return Object.assign(
    new errors.TemporarilyUnavailable('many people are signing in right now; send the request again in a moment'),
    { status: 503, statusCode: 503 },
  );
}

function scopesWithin(audience: Audience, scopes: readonly string[]): readonly string[] {
  if (audience === undefined) {
    return scopes;
  }
  const offered = new Set(audience.resourceServer.scope.split(' '));
  const within = scopes.filter((scope) => offered.has(scope));
  if (within.length === 0) {
    throw new errors.InvalidScope(`none of these is a scope of the resource: ${scopes.join(' ')}`, scopes.join(' '));
  }
  return within;
}

async function saveGrant(
  { listResourceServers }: PasswordGrantDeps,
  { oidc }: KoaContextWithOIDC,
  { account, scopes, audience }: Pick<Issue, 'account' | 'scopes' | 'audience'>,
): Promise<string> {
  const grant = new oidc.provider.Grant({ accountId: account.accountId, clientId: clientOf(oidc).clientId });
  const asked = { scope: scopes.join(' '), resource: audience?.identifier };
  grantAll(grant as DecidedGrant, asked, await listResourceServers());
  return grant.save();
}

async function issueAccessToken({ ctx, provider, account, tokenScopes, audience, grantId, sender }: Issue) {
  const token = new provider.AccessToken({
    accountId: account.accountId,
    client: clientOf(ctx.oidc),
    grantId,
    gty: 'password',
    scope: tokenScopes.join(' '),
  });
  if (audience !== undefined) {
    token.resourceServer = new provider.ResourceServer(audience.identifier, audience.resourceServer);
  }
  await sender.bind(token);
  const access_token = await token.save();
  const { expiration: expires_in, tokenType: token_type, scope } = token;
  return { accessToken: token, told: { access_token, expires_in, token_type, scope } };
}

async function issueRefreshToken(
  { ctx, provider, account, scopes, audience, grantId }: Issue,
  accessToken: AccessToken,
): Promise<string> {
  const token = new provider.RefreshToken({
    accountId: account.accountId,
    client: clientOf(ctx.oidc),
    grantId,
    gty: 'password',
    scope: scopes.join(' '),
    rotations: 0,
    authTime: now(),
    acr: acrOf(AMR),
    amr: AMR,
    ...(audience === undefined ? {} : { resource: audience.identifier }),
  });
  if (clientOf(ctx.oidc).tokenEndpointAuthMethod === 'none') {
    // RFC 9449 §5 and RFC 8705 §4: nothing else shows later that it is the same client.
    const { jkt, 'x5t#S256': certificate } = accessToken;
    Object.assign(token, { jkt, 'x5t#S256': certificate });
  }
  return token.save();
}

async function issueIdToken(deps: PasswordGrantDeps, { ctx, provider, account }: Issue): Promise<string> {
  // As with a code: the ID token names the account, and userinfo tells the rest (OpenID Connect Core §5.4).
  const token = Object.assign(new provider.IdToken(deps.claimsOf(account), { ctx }), { scope: 'openid' });
  token.set('auth_time', now());
  token.set('acr', acrOf(AMR));
  token.set('amr', AMR);
  return token.issue({ use: 'idtoken' });
}

function clientOf({ client }: KoaContextWithOIDC['oidc']) {
  if (client === undefined) {
    throw new TypeError('the engine authenticates the client before it calls a grant');
  }
  return client;
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}
