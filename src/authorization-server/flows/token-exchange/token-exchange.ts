import { type Client as EngineClient, errors, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider';
import type { TokenExchangePolicy } from '../../clients/token-exchange.ts';
import { type Actor, decideActor } from './actor.ts';

/** RFC 8693 §3. */
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

export const TOKEN_EXCHANGE_PARAMETERS = [
  'subject_token',
  'subject_token_type',
  'actor_token',
  'actor_token_type',
  'requested_token_type',
  'resource',
  'audience',
  'scope',
];

/** An access token of this server that holds at this moment. */
export interface PresentedToken {
  readonly kind: string;
  /** For whom the account gave its consent, and the client that the token was issued to. */
  readonly clientId: string;
  readonly issuedTo: string;
  readonly accountId?: string | undefined;
  readonly audience: string | string[] | undefined;
  readonly scopes: readonly string[];
  /** Seconds since 1970. */
  readonly exp: number;
  readonly act: Actor | undefined;
  readonly may_act: Readonly<Record<string, unknown>> | undefined;
  /** Bound to a key, of which this request has no proof. */
  readonly isOfAnotherSender: boolean;
}

export interface TokenExchangeDeps<Presented extends PresentedToken> {
  readonly policyOf: (client: EngineClient) => TokenExchangePolicy | undefined;
  /** The resource server that receives tokens in the name of this client. */
  readonly resourceServerOf: (client: EngineClient) => string | undefined;
  readonly presented: (ctx: KoaContextWithOIDC, value: string) => Promise<Presented | undefined>;
  /** Throws `invalid_target` for an unknown resource server. */
  readonly describe: (ctx: KoaContextWithOIDC, identifier: string, client: EngineClient) => Promise<ResourceServer>;
  /** The scopes to grant of those asked for, or of all that there are. Throws `invalid_scope` when one of them cannot be. */
  readonly scopesFor: (
    ctx: KoaContextWithOIDC,
    target: string,
    presented: readonly string[],
  ) => Promise<readonly string[]>;
  /** By which the client, and whoever it calls, knows the account. */
  readonly subjectOf: (ctx: KoaContextWithOIDC, token: Presented, client: EngineClient) => Promise<string>;
  readonly issue: (ctx: KoaContextWithOIDC, subject: Presented, exchange: Exchange) => Promise<IssuedToken>;
}

/** What the new token is like. */
export interface Exchange {
  readonly client: EngineClient;
  readonly target: string;
  readonly resourceServer: ResourceServer;
  readonly scopes: readonly string[];
  readonly act: Actor | undefined;
}

export interface IssuedToken {
  readonly value: string;
  readonly expiresIn: number;
  readonly type: string;
}

/**
 * Token exchange (RFC 8693): an access token for a narrower one, for another audience, or in the name of somebody who acts.
 *
 * What comes out is never worth more than what went in: its scopes are among those that the token holds at this moment, it
 * expires no later, and it hangs on the same grant, so that it ends with it. A client may do this only as far as its
 * policy in the directory says, with tokens that were issued to it or are meant for the resource server that it is: a
 * token that merely fell into its hands is worth nothing to it.
 */
export const tokenExchange =
  <Presented extends PresentedToken>(deps: TokenExchangeDeps<Presented>) =>
  async (ctx: KoaContextWithOIDC): Promise<void> => {
    const { client } = ctx.oidc;
    const policy = client && deps.policyOf(client);
    if (client === undefined || policy === undefined || client.tokenEndpointAuthMethod === 'none') {
      throw new errors.UnauthorizedClient('nothing says which tokens this client may exchange');
    }
    requireTypes(ctx);
    const subject = await presentedAs('subject_token', deps, ctx);
    requirePermission(deps, policy, client, subject);
    const target = targetOf(ctx, subject);
    if (!policy.audiences.includes(target)) {
      throw new errors.InvalidTarget('this client may not get tokens for that resource server by an exchange');
    }
    const resourceServer = await deps.describe(ctx, target, client);
    const act = decideActor({
      delegation: policy.delegation,
      actor: await actorOf(deps, ctx, client),
      client: { sub: client.clientId, client_id: client.clientId },
      subject,
    });
    const scopes = await deps.scopesFor(ctx, target, subject.scopes);
    const issued = await deps.issue(ctx, subject, { client, target, resourceServer, scopes, act });
    ctx.body = {
      access_token: issued.value,
      issued_token_type: ACCESS_TOKEN,
      token_type: issued.type,
      expires_in: issued.expiresIn,
      scope: scopes.join(' '),
    };
  };

/** What a request says of the types of its tokens (§2.1). */
function requireTypes({ oidc: { params = {} } }: KoaContextWithOIDC): void {
  for (const name of ['subject_token', 'actor_token']) {
    const type = params[`${name}_type`];
    if (params[name] !== undefined && type !== ACCESS_TOKEN) {
      throw new errors.InvalidRequest(`${name}_type must be ${ACCESS_TOKEN}`);
    }
    if (params[name] === undefined && (type !== undefined || name === 'subject_token')) {
      throw new errors.InvalidRequest(`${name} is missing`);
    }
  }
  if (params.requested_token_type !== undefined && params.requested_token_type !== ACCESS_TOKEN) {
    throw new errors.InvalidRequest(`requested_token_type can only be ${ACCESS_TOKEN}`);
  }
}

async function presentedAs<Presented extends PresentedToken>(
  name: 'subject_token' | 'actor_token',
  deps: TokenExchangeDeps<Presented>,
  ctx: KoaContextWithOIDC,
): Promise<Presented> {
  const token = await deps.presented(ctx, String(ctx.oidc.params?.[name]));
  if (token === undefined) {
    throw new errors.InvalidRequest(`${name} is not known here, has expired, or was revoked`);
  }
  if (token.isOfAnotherSender) {
    throw new errors.InvalidRequest(`${name} is bound to a key, and the request does not prove that it has it`);
  }
  return token;
}

function requirePermission<Presented extends PresentedToken>(
  { resourceServerOf }: TokenExchangeDeps<Presented>,
  { subject_clients }: TokenExchangePolicy,
  client: EngineClient,
  { issuedTo, audience }: PresentedToken,
): void {
  if (!subject_clients.includes(issuedTo)) {
    throw new errors.InvalidRequest('subject_token was issued to a client whose tokens this one may not exchange');
  }
  const received = audience !== undefined && audience === resourceServerOf(client);
  if (issuedTo !== client.clientId && !received) {
    throw new errors.InvalidRequest(
      'subject_token was neither issued to this client nor meant for its resource server',
    );
  }
}

/** `audience` and `resource` name the same thing here: a resource server. Without them it stays what it was. */
function targetOf({ oidc: { params = {} } }: KoaContextWithOIDC, { audience }: PresentedToken): string {
  const named = new Set([params.resource ?? [], params.audience ?? []].flat());
  const [target] = named.size > 0 ? named : [audience].flat();
  if (named.size > 1) {
    throw new errors.InvalidTarget('a token is for one resource server');
  }
  if (typeof target !== 'string') {
    throw new errors.InvalidTarget('say for which resource server the token shall be: subject_token is for none');
  }
  return target;
}

/** Only a token that was issued to the client itself speaks for who acts: itself, or a person who signed in there. */
async function actorOf<Presented extends PresentedToken>(
  deps: TokenExchangeDeps<Presented>,
  ctx: KoaContextWithOIDC,
  client: EngineClient,
): Promise<Actor | undefined> {
  if (ctx.oidc.params?.actor_token === undefined) {
    return undefined;
  }
  const token = await presentedAs('actor_token', deps, ctx);
  if (token.issuedTo !== client.clientId) {
    throw new errors.InvalidRequest('actor_token was issued to another client');
  }
  return { sub: await deps.subjectOf(ctx, token, client), client_id: client.clientId };
}
