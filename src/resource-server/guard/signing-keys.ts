import {
  type CryptoKey, // Projects that know no browsers have no such type.
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWSHeaderParameters,
} from 'jose';
import { CannotVerify } from './access-token.ts';
import type { Discovery } from './discovery.ts';
import { requestJson } from './request-json.ts';

/** Asymmetric ones: with any other, whoever can verify a token could make one. */
export const ALGS = [
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
  'Ed25519',
  'EdDSA',
];

/** Then they are asked for again, beside the requests: a key that was taken back is good for so long. */
const FRESH_MS = 5 * 60_000;
/** While the authorization server does not answer. */
const USABLE_MS = 60 * 60_000;
/** Whoever sends keys that nobody knows has the authorization server asked this often, and no more. */
const AGAIN_MS = 2_000;

type FindKey = (...asked: Parameters<ReturnType<typeof createLocalJWKSet>>) => Promise<CryptoKey>;

export interface SigningKeysOptions {
  readonly discovery: Discovery;
  readonly timeoutMs: number;
  /** Milliseconds, from any origin. */
  readonly now: () => number;
}

interface Kept {
  readonly find: FindKey;
  readonly algs: ReadonlySet<string>;
  readonly at: number;
}

/** The public keys of the authorization server (RFC 8414 `jwks_uri`), and with what it signs, kept for a while. */
export class SigningKeys {
  readonly #options: SigningKeysOptions;
  #kept: Kept | undefined;
  #asking: Promise<void> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #trouble: unknown;

  constructor(options: SigningKeysOptions) {
    this.#options = options;
  }

  /**
   * The key that the header names. One that is not known may be new: it is looked for once more. Throws a `JOSEError` for one
   * that there is not, or not for this algorithm, and `CannotVerify` where nobody can say.
   */
  readonly find: FindKey = async (header, token) => {
    const age = this.#age();
    if (age >= USABLE_MS) {
      await this.#ask();
    } else if (age >= FRESH_MS) {
      void this.#ask();
    }
    return this.#select(header, token).catch(async (error: unknown) => {
      if (!(error instanceof errors.JWKSNoMatchingKey)) {
        throw error;
      }
      await this.#ask();
      if (this.#trouble !== undefined) {
        throw new CannotVerify('the key is unknown, and the authorization server does not answer', {
          cause: this.#trouble,
        });
      }
      return this.#select(header, token);
    });
  };

  #age(): number {
    return this.#kept === undefined ? Number.POSITIVE_INFINITY : this.#options.now() - this.#kept.at;
  }

  async #select(header?: JWSHeaderParameters, token?: FlattenedJWSInput) {
    if (this.#kept === undefined || this.#age() >= USABLE_MS) {
      throw new CannotVerify('the keys of the authorization server are not known', { cause: this.#trouble });
    }
    if (header === undefined || !this.#kept.algs.has(`${header.alg}`)) {
      throw new errors.JOSEAlgNotAllowed('the authorization server does not sign with this algorithm');
    }
    return this.#kept.find(header, token);
  }

  /** Never fails: `#trouble` says why nothing came. */
  #ask(): Promise<void> {
    const { now } = this.#options;
    if (this.#asking === undefined && now() - this.#askedAt < AGAIN_MS) {
      return Promise.resolve();
    }
    this.#asking ??= this.#load().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #load(): Promise<void> {
    const { discovery, timeoutMs, now } = this.#options;
    this.#askedAt = now();
    try {
      const { jwks_uri: url, id_token_signing_alg_values_supported: named = ALGS } = await discovery.metadata();
      if (url === undefined) {
        throw new Error('the authorization server publishes no keys');
      }
      const { status, json } = await requestJson(url, { timeoutMs });
      if (status !== 200) {
        throw new Error(`${url} answered ${status}`);
      }
      const algs = new Set(named.filter((alg) => ALGS.includes(alg)));
      this.#kept = { find: createLocalJWKSet(json as JSONWebKeySet), algs, at: now() };
      this.#trouble = undefined;
    } catch (error) {
      discovery.forget();
      this.#trouble = error;
    }
  }
}
