import type { JsonWebKey } from 'node:crypto';
import { type Client as EngineClient, errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import introspection from 'oidc-provider/lib/actions/introspection.js';
import revocation from 'oidc-provider/lib/actions/revocation.js';
import certificateThumbprint from 'oidc-provider/lib/helpers/certificate_thumbprint.js';
import * as grants from 'oidc-provider/lib/helpers/grants.js';
import KeyStore from 'oidc-provider/lib/helpers/keystore.js';
import instance from 'oidc-provider/lib/helpers/weak_cache.js';
import rejectStructuredTokens from 'oidc-provider/lib/shared/reject_structured_tokens.js';
import { expectEngine } from './engine.ts';

/** The second leaf of the door that engine.ts is: what oidc-provider 9.13.3 does with tokens, and does not offer publicly. */
interface StoredToken {
  readonly value: string;
  readonly payload?: { readonly iat?: number; readonly exp?: number };
}

interface TokenPrototype {
  readonly format?: string;
  readonly remainingTTL: number;
  iat?: number | undefined;
  exp?: number | undefined;
  generateTokenId(): string;
  getValueAndPayload(): Promise<StoredToken>;
}

/** Lets `createId` draw the ids of tokens of these kinds, and the `jti` of JWTs; it is told how many seconds the token lives. */
export function nameTokens<Kind extends 'AccessToken' | 'AuthorizationCode' | 'ClientCredentials' | 'RefreshToken'>(
  provider: Provider,
  kinds: readonly Kind[],
  createId: (kind: Kind, lifetime: number) => string,
): void {
  for (const kind of kinds) {
    const { prototype } = provider[kind] as unknown as { readonly prototype: TokenPrototype };
    const { generateTokenId } = prototype;
    expectEngine(typeof generateTokenId === 'function', `${kind}.generateTokenId`);
    prototype.generateTokenId = function name() {
      generateTokenId.call(this); // Decides the format of an access token, too.
      return createId(kind, this.remainingTTL);
    };
  }
}

/** Stores JWT access tokens like opaque ones, their payload marked with this format; the engine would store none. */
export function storeStructuredTokens(provider: Provider, format: string): void {
  for (const kind of ['AccessToken', 'ClientCredentials'] as const) {
    const { prototype } = provider[kind] as unknown as { readonly prototype: TokenPrototype };
    const { getValueAndPayload } = prototype;
    const opaque = (Object.getPrototypeOf(prototype) as TokenPrototype).getValueAndPayload;
    expectEngine(typeof opaque === 'function' && opaque !== getValueAndPayload, `formats of ${kind}`);
    prototype.getValueAndPayload = async function store() {
      if (this.format !== 'jwt') {
        return getValueAndPayload.call(this);
      }
      const { payload } = await opaque.call(this);
      // Or the clock might tick between the two.
      Object.assign(this, { iat: payload?.iat, exp: payload?.exp });
      const { value } = await getValueAndPayload.call(this);
      return { value, payload: { ...payload, format } };
    };
  }
}

/** The value of a token that is told under another id than it was saved with: a JWT names its id, and is signed anew. */
export async function renameToken(token: { jti: string }, id: string): Promise<string> {
  token.jti = id;
  return (await (token as unknown as TokenPrototype).getValueAndPayload()).value;
}

type Action = (ctx: KoaContextWithOIDC, next: () => Promise<void>) => unknown;

const admitStructuredToken: Action = (_ctx, next) => next();

/** Lets the introspection and revocation endpoints of engines made after this look for JWTs, as they do for other tokens. */
export function admitStructuredTokens(): void {
  for (const actions of [introspection, revocation]) {
    if (!actions.includes(admitStructuredToken)) {
      const place = actions.indexOf(rejectStructuredTokens);
      expectEngine(place >= 0, 'a check for structured tokens');
      actions[place] = admitStructuredToken;
    }
  }
}

const { selectForEncrypt, selectForVerify } = KeyStore.prototype;

/**
 * Lets engines encrypt to a client's keys only as far as `isUsable`. By themselves they take the first that has the right type,
 * one for signatures too, and fail over it.
 */
export function encryptOnlyTo(isUsable: (alg: string, key: JsonWebKey) => boolean): void {
  expectEngine(typeof selectForEncrypt === 'function', 'a choice of keys to encrypt to');
  KeyStore.prototype.selectForEncrypt = function selectUsable(wanted) {
    return selectForEncrypt.call(this, wanted).filter((key) => isUsable(wanted.alg, key));
  };
}

/**
 * Lets engines verify with a client's keys only as long as what its `jwks_uri` said of them is fresh; then they ask again. By
 * themselves they ask when no key fits, so a key that the client has taken back would be good for ever.
 */
export function verifyWithFreshKeys(): void {
  expectEngine(typeof selectForVerify === 'function', 'a choice of keys to verify with');
  KeyStore.prototype.selectForVerify = function selectFresh(wanted) {
    return this.stale?.() ? [] : selectForVerify.call(this, wanted);
  };
}

/** Seconds that the `iat` of a DPoP proof may be ahead of our clock, or behind it. */
const PROOF_WINDOW = 300;

/**
 * What may be used once only, a DPoP proof or a client's assertion: `isFirst` is told what it is and how many seconds it is
 * to be remembered. The engine looks, and saves a moment later, so that two at once would both be the first.
 *
 * It would have a proof remembered for one window from now on, but one that is ahead by a window is good for two.
 */
export function detectReplays(provider: Provider, isFirst: (id: string, lifetime: number) => Promise<boolean>): void {
  const detection = provider.ReplayDetection as unknown as {
    unique(issuer: string, jti: string, expiresAt: number): Promise<boolean>;
  };
  expectEngine(typeof detection.unique === 'function', 'ReplayDetection.unique');
  detection.unique = (issuer, jti, expiresAt) =>
    isFirst(`${issuer}\0${jti}`, expiresAt - Date.now() / 1000 + PROOF_WINDOW);
}

/** Runs `lookup` in place of the engine's own search for a device by the code that a person typed, which it is given. */
export function wrapUserCodeLookup(
  provider: Provider,
  lookup: <Found>(userCode: string, find: () => Promise<Found | undefined>) => Promise<Found | undefined>,
): void {
  const { DeviceCode } = provider;
  const { findByUserCode } = DeviceCode;
  expectEngine(typeof findByUserCode === 'function', 'DeviceCode.findByUserCode');
  DeviceCode.findByUserCode = (userCode, options) =>
    lookup(userCode, () => findByUserCode.call(DeviceCode, userCode, options));
}

/** Carries `member` along with artifacts of these kinds: saved with them, and there when they are found. */
export function keepWith(
  provider: Provider,
  kinds: readonly ('AccessToken' | 'ClientCredentials' | 'Grant')[],
  member: string,
): void {
  for (const kind of kinds) {
    const model = provider[kind] as unknown as { readonly IN_PAYLOAD?: readonly string[] };
    const members = model.IN_PAYLOAD ?? [];
    expectEngine(members.includes('clientId'), `members of ${kind}`);
    Object.defineProperty(model, 'IN_PAYLOAD', { get: () => [...members, member] });
  }
}

/** The `sub` by which a client, and whoever it calls, knows an account (OpenID Connect Core §8). */
export async function subjectFor(ctx: KoaContextWithOIDC, accountId: string, client: EngineClient): Promise<string> {
  const pairwiseIdentifier = instance(ctx.oidc.provider).configuration?.pairwiseIdentifier;
  expectEngine(typeof pairwiseIdentifier === 'function', 'pairwise identifiers');
  return client.subjectType === 'pairwise' ? pairwiseIdentifier(ctx, accountId, client) : accountId;
}

interface BoundToken {
  readonly jkt?: string | undefined;
  readonly 'x5t#S256'?: string | undefined;
}

/** Who sends a token request, by the key that the request proves. */
export interface Sender {
  /** Is the token bound to no key, or to the sender's? */
  mayUse(token: BoundToken): boolean;
  /** Binds a token that is about to be issued to the key. A proof of possession is used up. */
  bind(token: object): Promise<void>;
}

/** RFC 9449 §5 and RFC 8705 §3, as the engine's own grants do it. Throws when the proof is bad, or the client has to give one and does not. */
export async function senderOf(ctx: KoaContextWithOIDC, client: EngineClient): Promise<Sender> {
  const { provider } = ctx.oidc;
  const proof = await grants.validateDpop(provider, ctx);
  grants.checkDpopRequired(provider, ctx, proof);
  const certificate = grants.checkMtlsCert(provider, ctx);
  return {
    mayUse: (token) =>
      (token.jkt === undefined || token.jkt === proof?.thumbprint) &&
      (token['x5t#S256'] === undefined || token['x5t#S256'] === thumbprintIn(ctx)),
    async bind(token) {
      const bound = token as { setThumbprint(kind: 'x5t' | 'jkt', key: unknown): void };
      if (certificate !== undefined) {
        bound.setThumbprint('x5t', certificate);
      }
      if (proof !== undefined) {
        await grants.checkDpopReplay(provider, ctx, proof, client.clientId, errors.InvalidDpopProof);
        bound.setThumbprint('jkt', proof.thumbprint);
      }
    },
  };
}

function thumbprintIn(ctx: KoaContextWithOIDC): string | undefined {
  const certificate = instance(ctx.oidc.provider).configuration?.features?.mTLS?.getCertificate?.(ctx);
  return certificate === undefined ? undefined : certificateThumbprint(certificate);
}

/** Tells of every authorization code that is presented and there, before the engine looks whether it was used. */
export function onCodeFound(provider: Provider, note: (code: AuthorizationCode) => void): void {
  const Code = provider.AuthorizationCode as unknown as {
    find(...of: unknown[]): Promise<AuthorizationCode | undefined>;
  };
  const { find } = Code;
  expectEngine(typeof find === 'function', 'AuthorizationCode.find');
  Code.find = async function findAndTell(...of) {
    const code = await find.apply(Code, of);
    if (code !== undefined) {
      note(code);
    }
    return code;
  };
}

type AuthorizationCode = InstanceType<Provider['AuthorizationCode']>;
