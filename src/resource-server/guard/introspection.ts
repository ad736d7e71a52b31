import { z } from 'zod';
import { type AccessToken, CannotVerify, type VerifyAccessToken } from './access-token.ts';
import { circuitBreaker } from './circuit-breaker.ts';
import { discovery } from './discovery.ts';
import { requestJson } from './request-json.ts';

export interface IntrospectionOptions {
  readonly issuer: string;
  /** The resource server's own client: who may see what about a token is decided by it. */
  readonly clientId: string;
  readonly clientSecret: string;
  readonly timeoutMs: number;
}

/** OpenID Connect Core §2 limits `sub`, RFC 6749 appendix A.1 `client_id`, to printable ASCII. */
const Identifier = z.string().regex(/^[\x20-\x7e]{1,255}$/);

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
  cnf: z.unknown().optional(),
  exp: z.int().min(0).max(8_640_000_000_000).optional(), // what a Date can hold
});
type Active = z.infer<typeof Active>;

/** RFC 7662 §2.2. `active` is a boolean: "true" in quotes is an answer that nobody may rely on. */
const IntrospectionResponse = z.discriminatedUnion('active', [Active, z.object({ active: z.literal(false) })]);

/** RFC 7009 §2.2.1, which oidc-provider 9.13 answers about every JWT: an ID token, for example. */
const UnsupportedTokenType = z.object({ error: z.literal('unsupported_token_type') });

/**
 * RFC 7662: asks the authorization server about every token, every time, so a revocation counts from that moment on.
 * Its word is final as to expiry (§4): two clocks never argue. It is told which scope the request takes, in a parameter that
 * others ignore (§2.1), so that people can see which of an app's scopes are ever used.
 */
export function introspection({ issuer, timeoutMs, ...client }: IntrospectionOptions): VerifyAccessToken {
  const authorization = basicAuth(client.clientId, client.clientSecret);
  const { introspectionEndpoint, forget } = discovery(issuer, timeoutMs);
  const guarded = circuitBreaker({ failures: 5, restMs: 1000, now: () => performance.now() });

  return async (token, scope) => {
    try {
      return await guarded(async () => {
        const parameters = { token, token_type_hint: 'access_token', ...(scope !== undefined && { scope }) };
        return introspect(await introspectionEndpoint(), { authorization, parameters, timeoutMs });
      });
    } catch (cause) {
      forget();
      throw new CannotVerify(`cannot introspect at ${issuer}`, { cause });
    }
  };
}

interface Question {
  readonly authorization: string;
  readonly parameters: Record<string, string>;
  readonly timeoutMs: number;
}

async function introspect(
  endpoint: string,
  { authorization, parameters, timeoutMs }: Question,
): Promise<AccessToken | undefined> {
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
  return response.active ? accessTokenOf(response) : undefined;
}

function accessTokenOf({ sub, client_id, aud, iss, exp, ...response }: Active): AccessToken {
  return {
    subject: sub,
    clientId: client_id,
    username: response.username,
    name: response.name,
    email: response.email,
    roles: response.roles,
    scopes: new Set(response.scope.split(' ').filter((scope) => scope !== '')),
    audience: typeof aud === 'string' ? [aud] : aud,
    issuer: iss,
    tokenType: response.token_type,
    senderConstrained: response.cnf !== undefined,
    expiresAt: exp === undefined ? undefined : new Date(exp * 1000),
  };
}

/** RFC 6749 §2.3.1: both parts are form-encoded before base64. */
function basicAuth(clientId: string, clientSecret: string): string {
  const [id, secret] = [clientId, clientSecret].map((part) => new URLSearchParams([['', part]]).toString().slice(1));
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
}
