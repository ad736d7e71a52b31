import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { AccessToken, Confirmation } from './access-token.ts';
import { type CertificateSource, certificateThumbprint } from './client-certificate.ts';
import { createNonces, NONCE_LIFETIME, type Nonces } from './dpop-nonces.ts';
import { InvalidProof, PROOF_ALGS, PROOF_WINDOW, type Proof, readProof } from './dpop-proof.ts';
import type { Presented } from './presented-token.ts';
import { Refusal } from './refusal.ts';
import type { SchemeRefusals } from './refusals.ts';
import { createReplayMemory, type IsFirstUse } from './replay-memory.ts';
import type { GuardLogger } from './strategy.ts';

export interface PossessionOptions {
  /**
   * The URL at which clients reach the root of this server, which DPoP proofs name URLs below: the origin of the audience unless
   * given. What a request says about its host is never taken for it.
   */
  readonly publicUrl?: string;
  /** Refuses tokens that whoever holds them can use. */
  readonly boundTokensOnly?: boolean;
  /**
   * With it every DPoP proof has to name a nonce of this server, and one made in advance is worth nothing (RFC 9449 §9). Servers
   * that share the secret take each other's. A variable that was forgotten, undefined or empty, is refused.
   */
  readonly nonceSecret?: string | undefined;
  /** Where several processes serve one audience, so that a proof counts once among them all; else once in this process. */
  readonly isFirstUse?: IsFirstUse;
  /** Without it tokens that are bound to a certificate are refused (RFC 8705). */
  readonly clientCertificates?: CertificateSource;
}

export interface PossessionDependencies extends PossessionOptions {
  readonly audience: string;
  readonly logger: GuardLogger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface Possession {
  /** What DPoP proofs may be signed with; `undefined` where they cannot be checked. */
  readonly proofAlgs: readonly string[] | undefined;
  /** Throws `Refusal` unless the request shows the key that the token is bound to, or the token is bound to none. */
  check(presentation: Presentation): undefined | Promise<void>;
  /** RFC 9728 §2: what of this the metadata tells. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface Presentation {
  readonly request: IncomingMessage;
  readonly presented: Presented;
  readonly accessToken: AccessToken;
  readonly refuse: SchemeRefusals;
}

/**
 * Proof of possession: whoever stole a token that is bound to a key cannot use it (RFC 9449 §7, RFC 8705 §3). A token goes with
 * its own scheme and with no other: a bound one as a bearer token would be good without the key (C85).
 */
export function createPossession(dependencies: PossessionDependencies): Possession {
  const { audience, publicUrl = originOf(audience), boundTokensOnly = false, clientCertificates } = dependencies;
  const checkProof = publicUrl === undefined ? undefined : createCheckProof({ ...dependencies, publicUrl });

  function objectionTo(request: IncomingMessage, scheme: Presented['scheme'], bound: Confirmation | undefined) {
    if (bound === undefined) {
      const wanted = boundTokensOnly ? 'This takes access tokens that are bound to a key only.' : undefined;
      return scheme === 'DPoP' ? 'The access token is not bound to a key: send it as a bearer token.' : wanted;
    }
    const { jkt, x5tS256 } = bound;
    if (jkt === undefined && x5tS256 === undefined) {
      return 'The access token is bound to something that cannot be checked here.';
    }
    if ((jkt !== undefined) !== (scheme === 'DPoP')) {
      return jkt === undefined
        ? 'The access token is bound to a certificate: send it as a bearer token.'
        : 'The access token is bound to a key and cannot be used as a bearer token: send it with a DPoP proof.';
    }
    return x5tS256 === undefined ? undefined : objectionToCertificate(request, x5tS256, clientCertificates);
  }

  return {
    proofAlgs: checkProof && PROOF_ALGS,
    check(presentation) {
      const {
        request,
        presented,
        refuse,
        accessToken: { confirmation },
      } = presentation;
      const objection = objectionTo(request, presented.scheme, confirmation);
      if (objection !== undefined) {
        throw refuse.invalidToken(objection);
      }
      if (confirmation?.jkt === undefined) {
        return undefined;
      }
      if (checkProof === undefined) {
        throw refuse.invalidToken('The access token is bound to a key, and proofs of it cannot be checked here.');
      }
      return checkProof(presentation, confirmation.jkt);
    },
    metadata: {
      ...(checkProof !== undefined && { dpop_signing_alg_values_supported: PROOF_ALGS }),
      ...(boundTokensOnly && clientCertificates === undefined && { dpop_bound_access_tokens_required: true }),
      ...(clientCertificates !== undefined && { tls_client_certificate_bound_access_tokens: true }),
    },
  };
}

function objectionToCertificate(request: IncomingMessage, thumbprint: string, source: CertificateSource | undefined) {
  if (source === undefined) {
    return 'The access token is bound to a certificate, and certificates cannot be checked here.';
  }
  return certificateThumbprint(request, source) === thumbprint
    ? undefined
    : 'The access token is bound to another certificate than that of this connection.';
}

type CheckProof = (presentation: Presentation, jkt: string) => Promise<void>;

function createCheckProof(dependencies: PossessionDependencies & { readonly publicUrl: string }): CheckProof {
  const { publicUrl, nonceSecret, logger, now } = dependencies;
  const { isFirstUse = createReplayMemory(now) } = dependencies;
  if ('nonceSecret' in dependencies && !nonceSecret) {
    throw new TypeError('possession.nonceSecret is given, and empty');
  }
  const nonces = nonceSecret === undefined ? undefined : createNonces(nonceSecret, now);
  const root = publicUrl.replace(/\/$/, '');

  return async ({ request, presented: { token, target }, refuse }, jkt) => {
    const { method = '', headersDistinct } = request;
    const [header, ...others] = headersDistinct.dpop ?? [];
    if (header === undefined || others.length > 0) {
      throw refuse.invalidProof('Send one DPoP header, with a proof of possession.');
    }
    try {
      // RFC 9112 §3.2.2: it may name an origin, too. That of this server is known.
      const [path = ''] = target.replace(/^https?:\/\/[^/?]*/i, '').split('?', 1);
      const proof = await readProof(header, { method, url: root + path, accessToken: token, jkt });
      const lifetime = lifetimeOf(proof, nonces, refuse, now);
      if (!(await isFirstUse(hash('sha256', `${jkt}\0${proof.jti}`, 'base64url'), lifetime))) {
        throw new InvalidProof('The DPoP proof was used before (jti).');
      }
    } catch (error) {
      if (error instanceof InvalidProof) {
        throw refuse.invalidProof(error.message);
      }
      if (error instanceof Refusal) {
        throw error;
      }
      logger.warn({ err: error }, 'cannot tell whether a DPoP proof was used before');
      throw refuse.unavailable(error);
    }
  };
}

/** For how many seconds from now on the proof would be good, were it not for its `jti`. Throws when it is not even now. */
function lifetimeOf(
  { iat, nonce }: Proof,
  nonces: Nonces | undefined,
  refuse: SchemeRefusals,
  now: () => number,
): number {
  if (nonces !== undefined) {
    if (nonce === undefined || !nonces.isRecent(nonce)) {
      throw refuse.useNonce(nonces.current());
    }
    return NONCE_LIFETIME;
  }
  const age = now() / 1000 - iat;
  if (Math.abs(age) > PROOF_WINDOW) {
    throw new InvalidProof(`The DPoP proof is not of the last ${PROOF_WINDOW} seconds (iat).`);
  }
  return PROOF_WINDOW - age + 1;
}

function originOf(audience: string): string | undefined {
  const url = URL.parse(audience);
  return url !== null && /^https?:$/.test(url.protocol) ? url.origin : undefined;
}
