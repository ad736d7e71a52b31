import type { Middleware, ParameterizedContext } from 'koa';
import { errors } from 'oidc-provider';
import { networkOf } from '../../http/network-of-address.ts';
import { readJson } from './read-json.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What is done at the endpoint; each throws the standard's error. */
export interface Registrar {
  register(described: Fields, token: string | undefined): Promise<Fields>;
  read(clientId: string, token: string | undefined): Promise<Fields>;
  update(clientId: string, token: string | undefined, described: Fields): Promise<Fields>;
  remove(clientId: string, token: string | undefined): Promise<void>;
}

export interface RegistrationEndpointDeps {
  readonly registrar: Registrar;
  /** False when this network has registered too often; it may try again after so many seconds. */
  readonly admits: (network: string) => Promise<boolean>;
  readonly retryAfter: number;
  /** Its URL, unless it is closed. */
  readonly advertised: string | undefined;
  readonly issuer: string;
}

export const REGISTRATION_PATH = '/register';

/**
 * The client registration endpoint (RFC 7591 §3), and with `?client_id=` the client configuration endpoint (RFC 7592 §2) of
 * that client. Pages of any origin may use it: no cookie counts here, only the token that they show.
 */
export function registrationEndpoint(deps: RegistrationEndpointDeps) {
  return async (ctx: ParameterizedContext): Promise<void> => {
    ctx.set('Access-Control-Allow-Origin', '*');
    ctx.set('Access-Control-Expose-Headers', 'WWW-Authenticate');
    if (ctx.method === 'OPTIONS') {
      ctx.set('Access-Control-Allow-Methods', 'POST, GET, PUT, DELETE');
      ctx.set('Access-Control-Allow-Headers', 'Authorization, Content-Type');
      ctx.set('Access-Control-Max-Age', '3600');
      ctx.status = 204;
      return;
    }
    ctx.set('Cache-Control', 'no-store');
    ctx.set('Pragma', 'no-cache');
    try {
      await answer(ctx, deps);
    } catch (error) {
      refuse(ctx, error, deps.issuer);
    }
  };
}

/** In front of the engine, at the one path that is not the engine's. */
export function withRegistration(engine: Middleware, deps: RegistrationEndpointDeps): Middleware {
  const endpoint = registrationEndpoint(deps);
  return (ctx, next) => (ctx.path === REGISTRATION_PATH ? endpoint(ctx) : engine(ctx, next));
}

async function answer(ctx: ParameterizedContext, deps: RegistrationEndpointDeps): Promise<void> {
  const { registrar, admits, retryAfter, advertised } = deps;
  const token = bearerToken(ctx);
  if (ctx.method === 'POST') {
    if (advertised !== undefined && !(await admits(networkOf(ctx.ip)))) {
      ctx.set('Retry-After', String(retryAfter));
      const refusal = new errors.TemporarilyUnavailable('too many registrations from this address');
      throw Object.assign(refusal, { statusCode: 429 });
    }
    ctx.body = await registrar.register(await readJson(ctx), token);
    ctx.status = 201;
    return;
  }
  const clientId = clientIdOf(ctx);
  if (ctx.method === 'PUT') {
    ctx.body = await registrar.update(clientId, token, await readJson(ctx));
  } else if (ctx.method === 'DELETE') {
    await registrar.remove(clientId, token);
    ctx.status = 204;
  } else {
    ctx.body = await registrar.read(clientId, token);
  }
}

/** RFC 6750 §2.1. */
function bearerToken(ctx: ParameterizedContext): string | undefined {
  return /^Bearer +([\w.~+/-]{1,500}=*)$/i.exec(ctx.get('authorization'))?.[1];
}

function clientIdOf(ctx: ParameterizedContext): string {
  const { client_id: clientId } = ctx.query;
  if (typeof clientId !== 'string' || clientId === '') {
    throw new errors.InvalidRequest('client_id is missing: use the registration_client_uri as it was told');
  }
  return clientId;
}

/** Always in JSON, whatever the program accepts. */
function refuse(ctx: ParameterizedContext, error: unknown, issuer: string): void {
  const known = isForTheClient(error) ? error : OUR_FAULT;
  if (known === OUR_FAULT) {
    ctx.app.emit('error', error, ctx);
  }
  ctx.status = known.statusCode;
  ctx.body = { error: known.error, error_description: known.error_description };
  if (ctx.status === 401) {
    // RFC 6750 §3.1: who showed nothing is told of no error.
    const problem = ctx.get('authorization') === '' ? '' : `, error="${known.error}"`;
    ctx.set('WWW-Authenticate', `Bearer realm="${issuer}"${problem}`);
  }
}

interface Refusal {
  readonly statusCode: number;
  readonly error: string;
  readonly error_description?: string | undefined;
}

const OUR_FAULT: Refusal = { statusCode: 500, error: 'server_error', error_description: 'something failed here' };

/** The standard's errors, and that the database is away. */
function isForTheClient(error: unknown): error is Refusal {
  return error instanceof Error && 'error_description' in error && 'statusCode' in error;
}
