import { z } from 'zod';
import {
  CannotVerify,
  type Confirmation,
  handlesOf,
  type Question,
  type VerifiedToken,
  type Verify,
} from './access-token.ts';
import { circuitBreaker } from './circuit-breaker.ts';
import { requestJson } from './request-json.ts';
import type { StrategyDependencies } from './strategy.ts';

/** OpenID Connect Core §2 limits `sub`, RFC 6749 appendix A.1 `client_id`, to printable ASCII. */
const Identifier = z.string().regex(/^[\x20-\x7e]{1,255}$/);

const Seconds = z.int().min(0).max(8_640_000_000_000); // what a Date can hold

const Active = z.object({
  active: z.literal(true),
  sub: Identifier.optional(),
  client_id: Identifier,
  username: z.string().optional(),
  name: z.string().optional(),
  email: z.string().optional(),
  roles: z.array(z.string()).default([]),
  scope: z.string().default(''),
  aud: z.union([z.string(), z.array(z.string())]).default([]),
  iss: z.string().optional(),
  token_type: z.string().optional(),
  cnf: z.object({ jkt: z.string().optional(), 'x5t#S256': z.string().optional() }).optional(),
  exp: Seconds.optional(),
  acr: z.string().optional(),
  auth_time: Seconds.optional(),
  // What events about revocations name it by.
  jti: z.string().optional(),
  grant_id: z.string().optional(),
  sid: z.string().optional(),
});
type Active = z.infer<typeof Active>;

/** RFC 7662 §2.2. `active` is a boolean: "true" in quotes is an answer that nobody may rely on. */
const IntrospectionResponse = z.discriminatedUnion('active', [Active, z.object({ active: z.literal(false) })]);

/** RFC 7009 §2.2.1, which oidc-provider 9.13 answers about every JWT: an ID token, for example. */
const UnsupportedTokenType = z.object({ error: z.literal('unsupported_token_type') });

/**
 * RFC 7662: asks the authorization server. Its word is final as to expiry (§4): two clocks never argue. It is told which scopes
 * the request takes, in a parameter that others ignore (§2.1), so that people can see which of an app's scopes are ever used.
 */
export function introspection({ issuer, discovery, timeoutMs, logger, ...client }: StrategyDependencies): Verify {
  const authorization = basicAuth(client.clientId, client.clientSecret);
  const guarded = circuitBreaker({ failures: 5, restMs: 1000, now: () => performance.now() });

  const ask = async (token: string, question: Question) => {
    try {
      const { introspection_endpoint } = await discovery.metadata();
      if (introspection_endpoint === undefined) {
        throw new Error(`${issuer} has no introspection endpoint`);
      }
      return await introspect(introspection_endpoint, {
        authorization,
        parameters: parametersOf(token, question),
        timeoutMs,
      });
    } catch (err) {
      discovery.forget();
      logger.warn({ err }, `cannot introspect at ${issuer}`);
      throw err;
    }
  };

  return async (token, question) => {
    try {
      return await guarded(() => ask(token, question));
    } catch (cause) {
      throw new CannotVerify(`cannot introspect at ${issuer}`, { cause });
    }
  };
}

function parametersOf(token: string, { scopes }: Question): Record<string, string> {
  return { token, token_type_hint: 'access_token', ...(scopes && { scope: scopes.join(' ') }) };
}

interface Request {
  readonly authorization: string;
  readonly parameters: Record<string, string>;
  readonly timeoutMs: number;
}

async function introspect(
  endpoint: string,
  { authorization, parameters, timeoutMs }: Request,
): Promise<VerifiedToken | undefined> {
  const { status, json } = await requestJson(endpoint, {
    method: 'POST',
    headers: { authorization },
    body: new URLSearchParams(parameters),
    timeoutMs,
  });
  if (status === 400 && UnsupportedTokenType.safeParse(json).success) {
    return undefined;
  }
  if (status !== 200) {
    throw new Error(`the introspection endpoint answered ${status}`);
  }
  const response = IntrospectionResponse.parse(json);
  return response.active ? verifiedTokenOf(response) : undefined;
}

function verifiedTokenOf(response: Active): VerifiedToken {
  const { sub, client_id, aud, iss, exp, acr, auth_time, cnf } = response;
  const accessToken = {
    subject: sub,
    clientId: client_id,
    username: response.username,
    name: response.name,
    email: response.email,
    roles: response.roles,
    scopes: new Set(response.scope.split(' ').filter((scope) => scope !== '')),
    audience: typeof aud === 'string' ? [aud] : aud,
    issuer: iss,
    expiresAt: dateOf(exp),
    confirmation: cnf && confirmationOf(cnf),
    acr,
    authTime: dateOf(auth_time),
  };
  const { jti: token, grant_id: grant, sid: session } = response;
  return {
    accessToken,
    tokenType: response.token_type?.toLowerCase(),
    handles: handlesOf({ token, grant, session, account: sub, client: client_id }),
  };
}

function confirmationOf({ jkt, 'x5t#S256': x5tS256 }: NonNullable<Active['cnf']>): Confirmation {
  return { ...(jkt !== undefined && { jkt }), ...(x5tS256 !== undefined && { x5tS256 }) };
}

function dateOf(seconds: number | undefined): Date | undefined {
  return seconds === undefined ? undefined : new Date(seconds * 1000);
}

/** RFC 6749 §2.3.1: both parts are form-encoded before base64. */
function basicAuth(clientId: string, clientSecret: string): string {
  const [id, secret] = [clientId, clientSecret].map((part) => new URLSearchParams([['', part]]).toString().slice(1));
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
}
