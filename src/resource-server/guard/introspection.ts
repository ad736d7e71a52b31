import { z } from 'zod';
import { CannotVerify, type Question, type Verify } from './access-token.ts';
import { circuitBreaker } from './circuit-breaker.ts';
import { type Connections, keepConnections, requestJson } from './request-json.ts';
import type { Credentials, StrategyDependencies } from './strategy.ts';
import { TokenClaims, verifiedTokenOf } from './token-claims.ts';

/** RFC 7662 §2.2. `active` is a boolean: "true" in quotes is an answer that nobody may rely on. */
const IntrospectionResponse = z.discriminatedUnion('active', [
  TokenClaims.extend({ active: z.literal(true) }),
  z.object({ active: z.literal(false) }),
]);

type IntrospectionDependencies = Pick<
  StrategyDependencies,
  'issuer' | 'audience' | 'discovery' | 'timeoutMs' | 'logger'
> & {
  readonly client: Credentials;
};

/** A storm of unknown tokens is to reach the authorization server as a stream of questions. */
const MOST_CONNECTIONS = 64;

/** RFC 7009 §2.2.1, which oidc-provider 9.13 answers about every JWT: an ID token, for example. */
const UnsupportedTokenType = z.object({ error: z.literal('unsupported_token_type') });

/** RFC 6749 §5.2. Its description is not for the log: nobody knows whether it repeats what was sent. */
const Reason = z.object({ error: z.string().regex(/^[a-z_]{1,40}$/) });

/**
 * RFC 7662: asks the authorization server. Its word is final as to expiry (§4): two clocks never argue. It is told which scopes
 * the request takes, in a parameter that others ignore (§2.1), so that people can see which of an app's scopes are ever used.
 */
export function introspection({
  issuer,
  audience,
  discovery,
  timeoutMs,
  logger,
  client,
}: IntrospectionDependencies): Verify {
  const authorization = basicAuth(client.clientId, client.clientSecret);
  const connections = keepConnections(MOST_CONNECTIONS);
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
        connections,
      });
    } catch (err) {
      discovery.forget();
      logger.warn({ err }, `cannot introspect at ${issuer}`);
      throw err;
    }
  };

  const read = (answer: unknown) => {
    try {
      return IntrospectionResponse.parse(answer);
    } catch (err) {
      logger.warn({ err }, `cannot understand what ${issuer} says about a token`);
      throw err;
    }
  };

  return async (token, question) => {
    try {
      // Outside of the circuit: an answer that nobody understands is about one token, whose holder could close it for all others.
      const response = read(await guarded(() => ask(token, question)));
      return response.active ? verifiedTokenOf(response, { audience, issuer }) : undefined;
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
  readonly connections: Connections;
}

/** What was said, whatever that is. */
async function introspect(endpoint: string, { authorization, parameters, ...limits }: Request): Promise<unknown> {
  const form = new URLSearchParams(parameters);
  const { status, json } = await requestJson(endpoint, { headers: { authorization }, form, ...limits });
  if (status === 400 && UnsupportedTokenType.safeParse(json).success) {
    return { active: false };
  }
  if (status !== 200) {
    const { data: reason } = Reason.safeParse(json);
    throw new Error(`the introspection endpoint answered ${status}${reason ? ` ${reason.error}` : ''}`);
  }
  if (json === undefined) {
    throw new Error('the introspection endpoint answered something else than JSON');
  }
  return json;
}

/** RFC 6749 §2.3.1: both parts are form-encoded before base64. */
export function basicAuth(clientId: string, clientSecret: string): string {
  const [id, secret] = [clientId, clientSecret].map((part) => new URLSearchParams([['', part]]).toString().slice(1));
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
}
