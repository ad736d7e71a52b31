import type { X509Certificate } from 'node:crypto';
import type { ClientMetadata, Client as EngineClient, KoaContextWithOIDC, Provider } from 'oidc-provider';
import instance from 'oidc-provider/lib/helpers/weak_cache.js';

/**
 * The one door to what oidc-provider does not offer publicly. Checked against 9.13.3, the exact version that
 * package.json pins; each function throws when the engine no longer has what it reaches for, so that an upgrade fails
 * at start-up and not at a request.
 */
export function allowResponseType(provider: Provider, responseType: string): void {
  const responseTypes = instance(provider).configuration?.responseTypes;
  expectEngine(Array.isArray(responseTypes), 'a list of response types');
  responseTypes.push(responseType);
}

/**
 * Lets `check` look at the parameters of every request as soon as the engine has picked those out that its endpoint knows,
 * whichever endpoint that is; it refuses the request by throwing. They are there already, for an answer that needs them.
 */
export function checkParameters(
  provider: Provider,
  check: (ctx: KoaContextWithOIDC, parameters: Readonly<Record<string, unknown>>) => void,
): void {
  const { OIDCContext } = provider as unknown as {
    readonly OIDCContext?: { readonly prototype: OIDCContextPrototype };
  };
  expectEngine(OIDCContext && !('params' in OIDCContext.prototype), 'a context without parameters');
  Object.defineProperty(OIDCContext.prototype, 'params', {
    get(this: OIDCContextPrototype) {
      return this[PARAMETERS];
    },
    set(this: OIDCContextPrototype, parameters: Record<string, unknown>) {
      this[PARAMETERS] = parameters;
      check(this.ctx, parameters);
    },
  });
}

const PARAMETERS = Symbol('params');

interface OIDCContextPrototype {
  readonly ctx: KoaContextWithOIDC;
  [PARAMETERS]?: Record<string, unknown>;
}

/** What `acr` an authorization that goes on from a sign-in is said to have. */
export function tellAcr(provider: Provider, acrOf: (oidc: KoaContextWithOIDC['oidc']) => string | undefined): void {
  const { OIDCContext } = provider as unknown as { readonly OIDCContext?: { readonly prototype: object } };
  expectEngine(OIDCContext && 'acr' in OIDCContext.prototype, 'a context with an acr');
  Object.defineProperty(OIDCContext.prototype, 'acr', {
    get(this: KoaContextWithOIDC['oidc']) {
      return acrOf(this);
    },
  });
}

/** Lets `edit` change what is about to be sent to a client by its redirect URI, in whichever response mode. */
export function onAuthorizationResponse(provider: Provider, edit: (response: Record<string, unknown>) => void): void {
  const modes = instance(provider).responseModes;
  expectEngine(modes && modes.size > 0, 'response modes');
  for (const [mode, send] of modes) {
    modes.set(mode, (ctx, redirectUri, response) => {
      edit(response);
      return send(ctx, redirectUri, response);
    });
  }
}

/** Takes grant types away from everyone, and out of what is advertised. */
export function keepGrantTypes(provider: Provider, isKept: (grantType: string) => boolean): void {
  const grantTypes = instance(provider).configuration?.grantTypes;
  expectEngine(grantTypes instanceof Set, 'a set of grant types');
  for (const grantType of grantTypes) {
    if (!isKept(grantType)) {
      grantTypes.delete(grantType);
    }
  }
}

export type AuthorizationDetailsTypes = Record<
  string,
  { validate(ctx: KoaContextWithOIDC, detail: unknown): Promise<void> }
>;

/** The types of authorization details that the engine knows: what is added here, or taken away, counts at once. */
export function authorizationDetailsTypesOf(provider: Provider): AuthorizationDetailsTypes {
  const types = instance(provider).features?.richAuthorizationRequests?.types;
  expectEngine(types, 'types of authorization details');
  return types;
}

/**
 * Takes these for scopes from now on, where a request names no resource: others the engine leaves out in silence, also
 * one that a resource server has since this process started. Which of them a request gets is not decided here.
 */
export function supportScopes(provider: Provider, names: Iterable<string>): void {
  const scopes = instance(provider).configuration?.scopes;
  expectEngine(scopes instanceof Set, 'a set of scopes');
  for (const name of names) {
    scopes.add(name);
  }
}

/** What the client showed to the proxy in front of us, where there is mutual TLS; the proof that its key is at hand lies there. */
export function certificateOf(ctx: KoaContextWithOIDC): X509Certificate | string | undefined {
  const features = instance(ctx.oidc.provider).configuration?.features;
  expectEngine(features?.mTLS, 'settings of mutual TLS');
  return features.mTLS.enabled ? features.mTLS.getCertificate?.(ctx) : undefined;
}

/**
 * The id of the session to which the engine gives another one in this request. It ends the one and saves the other, and
 * only this tells that from a sign-out.
 */
export function replacedSessionId(ctx: KoaContextWithOIDC): string | undefined {
  const session = ctx.oidc?.session as { readonly oldId?: string } | undefined;
  return session?.oldId;
}

/** Runs `guard` before the engine's own handler of a grant: the client is known and authenticated, nothing is issued. */
export function guardGrant(
  provider: Provider,
  grantType: string,
  guard: (ctx: KoaContextWithOIDC) => Promise<void>,
): void {
  wrapGrant(provider, grantType, async (ctx, handle) => {
    await guard(ctx);
    await handle(ctx);
  });
}

/** Lets `explain` give better words to the error of the engine's own handler of a grant. */
export function explainGrant(provider: Provider, grantType: string, explain: (error: unknown) => void): void {
  wrapGrant(provider, grantType, async (ctx, handle) => {
    try {
      await handle(ctx);
    } catch (error) {
      explain(error);
      throw error;
    }
  });
}

export type GrantHandler = (ctx: KoaContextWithOIDC) => Promise<void>;

/** Runs `wrapper` in place of the engine's own handler of a grant, which it is given. */
export function wrapGrant(
  provider: Provider,
  grantType: string,
  wrapper: (ctx: KoaContextWithOIDC, handle: GrantHandler) => Promise<void>,
): void {
  const handlers = instance(provider).grantTypeHandlers;
  const handler = handlers?.get(grantType);
  expectEngine(handlers && typeof handler === 'function', `a handler of the grant type ${grantType}`);
  handlers.set(grantType, (ctx) => wrapper(ctx, handler));
}

export interface ClientHooks {
  /** Does the presented secret match what is registered, which is a hash here? */
  readonly compareClientSecret: (registered: string | undefined, presented: string) => boolean;
  /** Answers for the engine's `grantTypeAllowed` and `responseTypeAllowed`; may throw a better error than the engine's. */
  readonly grantTypeAllowed: (allowed: boolean, grantType: string, client: EngineClient) => boolean;
  readonly responseTypeAllowed: (allowed: boolean, responseType: string, client: EngineClient) => boolean;
  /** Is this complaint about a client's metadata to be passed over? */
  readonly toleratesMetadata: (metadata: ClientMetadata, code: string | undefined) => boolean;
}

interface ClientPrototype {
  readonly clientSecret?: string;
  compareClientSecret(presented: string): boolean;
  grantTypeAllowed(grantType: string): boolean;
  responseTypeAllowed(responseType: string): boolean;
}

/**
 * Keeps what the engine makes of a registration as long as `registration` gives the same object for a client. By itself it
 * keeps a hundred, and hashes the whole registration at every request to know which. One that it can make nothing of
 * is an error, unless `isAbsent` says that for this request there is no such client.
 */
export function keepClients(
  provider: Provider,
  registration: (clientId: string) => Promise<object | undefined>,
  isAbsent: (error: unknown) => boolean,
): void {
  const Client = provider.Client as unknown as { find(clientId: unknown): Promise<object | undefined> };
  const { find } = Client;
  expectEngine(typeof find === 'function', 'Client.find');
  const made = new WeakMap<object, object>();
  Client.find = async function findKept(clientId) {
    const registered = typeof clientId === 'string' && clientId !== '' ? await registration(clientId) : undefined;
    const known = registered && made.get(registered);
    if (known !== undefined) {
      return known;
    }
    const client = await find
      .call(Client, clientId)
      .catch((error: unknown) => (isAbsent(error) ? undefined : Promise.reject(error)));
    if (registered !== undefined && client !== undefined) {
      made.set(registered, client);
    }
    return client;
  };
}

interface ClientSchemaPrototype {
  invalidate(this: ClientMetadata, message: string, code?: string): void;
}

export function hookClients(provider: Provider, hooks: ClientHooks): void {
  const Client = provider.Client as unknown as {
    readonly prototype: ClientPrototype;
    readonly Schema?: { readonly prototype?: ClientSchemaPrototype };
  };
  const { prototype } = Client;
  const { grantTypeAllowed, responseTypeAllowed } = prototype;
  const schema = Client.Schema?.prototype;
  expectEngine(typeof prototype.compareClientSecret === 'function', 'Client.compareClientSecret');
  expectEngine(typeof grantTypeAllowed === 'function', 'Client.grantTypeAllowed');
  expectEngine(typeof responseTypeAllowed === 'function', 'Client.responseTypeAllowed');
  expectEngine(schema && typeof schema.invalidate === 'function', 'Client.Schema.invalidate');
  const { invalidate } = schema;

  prototype.compareClientSecret = function compare(presented) {
    return hooks.compareClientSecret(this.clientSecret, presented);
  };
  prototype.grantTypeAllowed = function allowed(grantType) {
    return hooks.grantTypeAllowed(grantTypeAllowed.call(this, grantType), grantType, this as never);
  };
  prototype.responseTypeAllowed = function allowed(responseType) {
    return hooks.responseTypeAllowed(responseTypeAllowed.call(this, responseType), responseType, this as never);
  };
  schema.invalidate = function tolerate(message, code) {
    if (!hooks.toleratesMetadata(this, code)) {
      invalidate.call(this, message, code);
    }
  };
}

export function expectEngine(found: unknown, what: string): asserts found {
  if (!found) {
    throw new Error(`oidc-provider no longer has ${what}: provider/engine.ts was written for 9.13.3`);
  }
}
