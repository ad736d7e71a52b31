import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Question, VerifiedToken, Verify } from './access-token.ts';
import type { Moment, Revocations } from './revocations.ts';

export interface TokenCacheOptions {
  /** What was not looked at for longest goes first. Bytes are an estimate. */
  readonly bounds: { readonly entries: number; readonly bytes: number };
  /** How long an answer is good for while events about revocations arrive. Zero keeps none. */
  readonly maxAgeMs: number;
  readonly revocations: Revocations;
  /** Whether events arrive at this moment. Without them an answer is good for a second. */
  readonly live: () => boolean;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

interface Asking {
  readonly askedAt: number;
  readonly answer: Promise<VerifiedToken | undefined>;
}

interface Entry {
  readonly verified: VerifiedToken;
  readonly askedAt: number;
  readonly expiresAt: number;
  /** Up to here no event was about this token. */
  moment: Moment;
  /** The scopes that whoever answers was told about. */
  readonly told: Set<string>;
}

const AGE_WITHOUT_EVENTS_MS = 1000;
const AGE_OF_NO_MS = 1000;
/** Apart from the good ones: whoever sends nonsense by the thousand drives nobody's good token out. */
const MOST_BAD = 10_000;

/**
 * Remembers for a while what is known about tokens, by their hash and never by their value (C87).
 *
 * An answer is kept as long as events would tell of its end, at most up to the token's own; a "no" for a second. Those that
 * miss at the same time wait for one answer. What cannot be verified is not remembered.
 */
export class TokenCache {
  readonly #verify: Verify;
  readonly #options: TokenCacheOptions;
  readonly #now: () => number;
  readonly #good: LRUCache<string, Entry>;
  readonly #bad = new LRUCache<string, number>({ max: MOST_BAD });
  readonly #asking = new Map<string, Asking>();

  constructor(verify: Verify, options: TokenCacheOptions) {
    this.#verify = verify;
    this.#options = options;
    this.#now = options.now ?? Date.now;
    const { entries, bytes } = options.bounds;
    this.#good = new LRUCache({ max: entries, maxSize: bytes });
  }

  get entries(): number {
    return this.#good.size + this.#bad.size;
  }

  get bytes(): number {
    return this.#good.calculatedSize + this.#bad.size * ENTRY_BYTES;
  }

  readonly verify: Verify = (token, question) => {
    const key = hash('sha256', token, 'base64');
    const entry = this.#good.get(key);
    if (entry !== undefined && this.#holds(entry)) {
      this.#tell(entry, key, token, question);
      return entry.verified;
    }
    if (this.#isFresh(this.#bad.get(key), Math.min(this.#options.maxAgeMs, AGE_OF_NO_MS))) {
      return undefined;
    }
    return this.#miss(key, token, question);
  };

  #holds(entry: Entry): boolean {
    const { revocations } = this.#options;
    if (!this.#isFresh(entry.askedAt, this.#maxAge) || this.#now() >= entry.expiresAt) {
      return false;
    }
    if (revocations.touched(entry.verified.handles, entry.moment)) {
      return false;
    }
    entry.moment = revocations.now;
    return true;
  }

  get #maxAge(): number {
    const { live, maxAgeMs } = this.#options;
    return live() ? maxAgeMs : Math.min(maxAgeMs, AGE_WITHOUT_EVENTS_MS);
  }

  /** A clock that was set back makes everything old, nothing young. */
  #isFresh(askedAt: number | undefined, maxAge: number): boolean {
    const age = askedAt === undefined ? -1 : this.#now() - askedAt;
    return age >= 0 && age < maxAge;
  }

  async #miss(key: string, token: string, question: Question): Promise<VerifiedToken | undefined> {
    const asking = this.#asking.get(key);
    // An answer that is on its way is as old as the question.
    if (asking === undefined || !this.#isFresh(asking.askedAt, this.#maxAge)) {
      return this.#ask(key, token, question);
    }
    const verified = await asking.answer;
    const entry = this.#good.get(key);
    if (entry !== undefined) {
      this.#tell(entry, key, token, question);
    }
    return verified;
  }

  #ask(key: string, token: string, question: Question): Promise<VerifiedToken | undefined> {
    const askedAt = this.#now();
    const answer = this.#learn(key, token, question).finally(() => this.#asking.delete(key));
    this.#asking.set(key, { askedAt, answer });
    return answer;
  }

  async #learn(key: string, token: string, question: Question): Promise<VerifiedToken | undefined> {
    const { revocations } = this.#options;
    const [askedAt, moment] = [this.#now(), revocations.now];
    const verified = await this.#verify(token, question);
    if (verified === undefined) {
      this.#good.delete(key);
      this.#bad.set(key, askedAt);
      return undefined;
    }
    // The answer may be older than an event that came meanwhile. The next one is not, but another event may come: it is not
    // kept, and not for those who ask from now on.
    if (revocations.touched(verified.handles, moment)) {
      this.#asking.delete(key);
      return this.#verify(token, question);
    }
    const expiresAt = verified.accessToken.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY;
    const told = new Set(question.scopes ?? verified.accessToken.scopes);
    const size = ENTRY_BYTES + sizeOf(verified);
    this.#good.set(key, { verified, askedAt, expiresAt, moment, told }, { size });
    return verified;
  }

  /** Has whoever answers know of scopes that it was not told yet, once each, while the request goes on. */
  #tell({ told, verified }: Entry, key: string, token: string, { scopes = [] }: Question): void {
    const untold = scopes.filter((scope) => !told.has(scope) && verified.accessToken.scopes.has(scope));
    if (untold.length === 0) {
      return;
    }
    for (const scope of untold) {
      told.add(scope);
    }
    void this.#askAgain(key, token, { scopes: untold });
  }

  async #askAgain(key: string, token: string, question: Question): Promise<void> {
    try {
      if ((await this.#verify(token, question)) === undefined) {
        this.#good.delete(key);
      }
    } catch {
      // Nobody waits for this: whoever asks next, in earnest, meets the same trouble.
    }
  }
}

/** What an entry takes beside the text in it, as measured: maps, sets, dates and objects. */
const ENTRY_BYTES = 1500;

function sizeOf({ accessToken, handles }: VerifiedToken): number {
  const { subject, clientId, username, name, email, issuer, roles, scopes, audience } = accessToken;
  const texts = [subject, clientId, username, name, email, issuer, ...roles, ...scopes, ...audience, ...handles];
  return texts.reduce((sum, text = '') => sum + 2 * text.length, 0);
}
