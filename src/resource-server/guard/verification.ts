import type { Verify } from './access-token.ts';
import { discovery } from './discovery.ts';
import { RevocationStream } from './revocation-stream.ts';
import { Revocations } from './revocations.ts';
import { SigningKeys } from './signing-keys.ts';
import { CONSOLE, createVerify, type GuardLogger, type Strategy } from './strategy.ts';
import { TokenCache } from './token-cache.ts';

export interface VerificationOptions {
  /** The authorization server whose word counts. Everything else about it is found out from it (RFC 8414). */
  readonly issuer: string;
  /** The resource indicator (RFC 8707) of what is guarded, which a token must carry as `aud`. */
  readonly audience: string;
  /** How tokens are checked: by introspection, unless given. */
  readonly strategy?: Strategy;
  /** With what this resource server authenticates when it asks about a token: not needed where it does not ask. */
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
  /** For how long the authorization server is waited for: 2000 unless given. */
  readonly timeoutMs?: number;
  readonly cache?: CacheOptions;
  /** Is told why nobody can say whether a request may pass; the console, unless given. */
  readonly logger?: GuardLogger;
}

export interface CacheOptions {
  /** At most 60, which is the default, and 1 while no revocations arrive, or of a database. 0 asks about every token every time. */
  readonly maxAgeSeconds?: number | undefined;
  /** 50,000 unless given, */
  readonly maxEntries?: number | undefined;
  /** in at most so much memory: 64 MiB unless given. */
  readonly maxBytes?: number | undefined;
}

const MOST_SECONDS = 60;

export interface Verification {
  readonly verify: Verify;
  close(): Promise<void>;
}

/** A strategy, what is remembered of its answers, and the stream that tells when they are over. */
export function createVerification({ issuer, audience, ...options }: VerificationOptions): Verification {
  const { strategy = 'introspection', clientId, clientSecret, timeoutMs = 2000, logger = CONSOLE } = options;
  const revocations = new Revocations();
  const client = credentialsOf(clientId, clientSecret);
  const found = discovery(issuer, timeoutMs);
  const keys = new SigningKeys({ discovery: found, timeoutMs, now: Date.now });
  const common = { issuer, audience, timeoutMs, logger, keys, revocations };
  const { maxAgeSeconds = MOST_SECONDS, maxEntries = 50_000, maxBytes = 64 * 1024 * 1024 } = options.cache ?? {};
  const stream = client && maxAgeSeconds > 0 ? new RevocationStream({ ...common, client }) : undefined;
  const live = () => stream?.live ?? false;
  const verify = createVerify(strategy, { ...common, discovery: found, client, live });
  const cache = new TokenCache(verify, {
    bounds: { entries: maxEntries, bytes: maxBytes },
    maxAgeMs: Math.min(maxAgeSeconds, MOST_SECONDS) * 1000,
    revocations,
    // A replica may hear of an end later than we do, and what it says then must not be good for longer than usual.
    live: () => typeof strategy === 'string' && live(),
  });
  return {
    verify(token, question) {
      stream?.start(); // Not before there is anything to remember.
      return cache.verify(token, question);
    },
    close: async () => stream?.close(),
  };
}

/** Both, or neither. */
function credentialsOf(clientId: string | undefined, clientSecret: string | undefined) {
  return clientId === undefined || clientSecret === undefined ? undefined : { clientId, clientSecret };
}
