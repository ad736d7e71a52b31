import {
  type Client as EngineClient,
  errors,
  type KoaContextWithOIDC,
  type Provider,
  type ResourceServer,
} from 'oidc-provider';
import type { Account, AccountStore } from '../../accounts/account.ts';
import type { TrustedIssuer } from '../../clients/trusted-issuer.ts';

export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

export const JWT_BEARER_PARAMETERS = ['assertion', 'scope', 'resource'];

/** Seconds: a grant does not end before its token, whichever of them is made a moment earlier. */
const MARGIN = 60;

type AccessToken = InstanceType<Provider['AccessToken']>;

/** What an assertion that was verified says. */
export interface Assertion {
  readonly sub: string;
  readonly email?: unknown;
  readonly email_verified?: unknown;
}

export interface JwtBearerDeps {
  /** Throws `invalid_grant` unless a trusted issuer signed it, for this server, for this client and this moment. */
  readonly verify: (
    ctx: KoaContextWithOIDC,
    assertion: string,
    client: EngineClient,
  ) => Promise<{ readonly issuer: TrustedIssuer; readonly claims: Assertion; readonly useUp: () => Promise<void> }>;
  readonly findAccount: AccountStore['findAccount'];
  readonly findAccountId: (email: string) => Promise<string | undefined>;
  /** The resource server that the token is for: the one that is named, or the default one. */
  readonly audienceFor: (
    ctx: KoaContextWithOIDC,
    client: EngineClient,
  ) => Promise<{ readonly identifier: string; readonly resourceServer: ResourceServer }>;
  /** The scopes to grant of those asked for; an account is absent where the client acts for itself. Throws `invalid_scope`. */
  readonly scopesFor: (
    ctx: KoaContextWithOIDC,
    account: Account | undefined,
    issuer: TrustedIssuer,
  ) => Promise<readonly string[]>;
  /** What the request proves possession of, for the token to be bound to. */
  readonly senderOf: (ctx: KoaContextWithOIDC, client: EngineClient) => Promise<{ bind(token: object): Promise<void> }>;
}

/**
 * JWT bearer grant (RFC 7523 §2.1): somebody whom the operator trusts vouches by a signature for the account that a client
 * is to act for, or for the client itself.
 *
 * The issuer's word reaches as far as the directory says: to these clients, to these scopes. What the account may not do
 * by its roles, and the client not by its registration, no issuer can grant. An assertion is good once, and for one access
 * token: there is no refresh token, the client asks its issuer for the next assertion.
 */
export const jwtBearer =
  (deps: JwtBearerDeps) =>
  async (ctx: KoaContextWithOIDC): Promise<void> => {
    const { client, params = {} } = ctx.oidc;
    if (client === undefined) {
      throw new TypeError('the engine authenticates the client before it calls a grant');
    }
    if (typeof params.assertion !== 'string') {
      throw new errors.InvalidRequest('assertion is missing');
    }
    const sender = await deps.senderOf(ctx, client);
    const { issuer, claims, useUp } = await deps.verify(ctx, params.assertion, client);
    const account = issuer.subject === 'client' ? undefined : await accountOf(deps, issuer, claims);
    if (account === undefined && client.tokenEndpointAuthMethod === 'none') {
      throw new errors.UnauthorizedClient('a client acts for itself only with credentials of its own');
    }
    const audience = await deps.audienceFor(ctx, client);
    const scopes = await deps.scopesFor(ctx, account, issuer);
    const token = newToken(ctx, client, { account, scopes });
    token.resourceServer = new ctx.oidc.provider.ResourceServer(audience.identifier, audience.resourceServer);
    await sender.bind(token);
    await useUp();
    if (token instanceof ctx.oidc.provider.AccessToken) {
      token.grantId = await saveGrant(ctx, token, audience.identifier);
    }
    ctx.body = {
      access_token: await token.save(),
      expires_in: token.expiration,
      token_type: token.tokenType,
      scope: scopes.join(' '),
    };
  };

/** One answer to every account that there is not, or that is disabled: the issuer's clients need not know which. */
async function accountOf(deps: JwtBearerDeps, { subject }: TrustedIssuer, claims: Assertion): Promise<Account> {
  const accountId = await accountIdOf(deps, subject, claims);
  const account = accountId === undefined ? undefined : await deps.findAccount(accountId);
  if (account === undefined || account.disabled) {
    throw Object.assign(new errors.InvalidGrant('the subject of the assertion has no account'), {
      error_description: 'the assertion names no account that can be used here',
    });
  }
  return account;
}

async function accountIdOf(
  { findAccountId }: JwtBearerDeps,
  subject: TrustedIssuer['subject'],
  { sub, email, email_verified }: Assertion,
): Promise<string | undefined> {
  if (subject === 'sub-account-id') {
    return sub.includes('\0') ? undefined : sub;
  }
  const address = subject === 'sub-email' ? sub : email;
  // What its issuer has not verified, anybody may have typed in there.
  return typeof address !== 'string' || (subject === 'email' && email_verified === false)
    ? undefined
    : findAccountId(address);
}

interface Vouched {
  readonly account: Account | undefined;
  readonly scopes: readonly string[];
}

function newToken({ oidc: { provider } }: KoaContextWithOIDC, client: EngineClient, { account, scopes }: Vouched) {
  const scope = scopes.join(' ');
  return account === undefined
    ? new provider.ClientCredentials({ client, scope })
    : new provider.AccessToken({ accountId: account.accountId, client, gty: JWT_BEARER, scope } as never);
}

/** Of its own, by which the token ends like every other; nothing else ever hangs on it, so it is kept no longer. */
async function saveGrant(
  { oidc: { provider } }: KoaContextWithOIDC,
  { accountId, clientId, scope, expiration }: AccessToken,
  resource: string,
): Promise<string> {
  const grant = new provider.Grant({ accountId, clientId, expiresIn: expiration + MARGIN } as never);
  grant.addResourceScope(resource, scope ?? '');
  return grant.save();
}
