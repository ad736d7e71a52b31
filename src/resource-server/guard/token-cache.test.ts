import { beforeEach, describe, expect, it } from 'vitest';
import { CannotVerify, type Handle, type Question, type VerifiedToken } from './access-token.ts';
import { Revocations } from './revocations.ts';
import { TokenCache, type TokenCacheOptions } from './token-cache.ts';

const READ: Question = { scopes: ['read'] };
const WRITE: Question = { scopes: ['write'] };

let time: number;
let live: boolean;
let revocations: Revocations;
/** Every question that was asked. */
let asked: { token: string; scopes: readonly string[] | undefined }[];
/** What is answered: whatever the test wants. */
let answer: (token: string) => VerifiedToken | undefined | Promise<VerifiedToken | undefined>;
let cache: TokenCache;
beforeEach(() => {
  time = 1_000_000_000_000;
  live = true;
  revocations = new Revocations();
  asked = [];
  answer = good;
  cache = createCache();
});

function createCache(options: Partial<TokenCacheOptions> = {}): TokenCache {
  const verify = (token: string, { scopes }: Question) => {
    asked.push({ token, scopes });
    return answer(token);
  };
  return new TokenCache(verify, {
    bounds: { entries: 1000, bytes: 10_000_000 },
    maxAgeMs: 60_000,
    revocations,
    live: () => live,
    now: () => time,
    ...options,
  });
}

function good(token: string, expiresInMs = 3_600_000): VerifiedToken {
  const handles: Handle[] = [`token:of ${token}`, 'grant:g', 'account:alice', 'client:shop'];
  const accessToken = {
    subject: 'alice',
    clientId: 'shop',
    username: undefined,
    name: undefined,
    email: undefined,
    roles: [],
    scopes: new Set(['read', 'write']),
    audience: ['https://api.example.com'],
    issuer: undefined,
    expiresAt: new Date(time + expiresInMs),
    confirmation: undefined,
    acr: undefined,
    authTime: undefined,
  };
  return { accessToken, objection: undefined, handles };
}

const verify = async (token = 'T', question = READ) => cache.verify(token, question);

describe('C87: an answer', () => {
  it('is good for a minute while events arrive, and comes without a promise', async () => {
    const first = await verify();
    time += 59_999;
    expect(cache.verify('T', READ)).toBe(first);
    expect(asked).toHaveLength(1);
    time += 1;
    await verify();
    expect(asked).toHaveLength(2);
  });

  it('is good for a second while they do not, whatever was the case when it was asked for', async () => {
    await verify();
    live = false;
    time += 999;
    await verify();
    expect(asked).toHaveLength(1);
    time += 1;
    await verify();
    expect(asked).toHaveLength(2);
  });

  it('is never good beyond the end of the token', async () => {
    answer = (token) => good(token, 5000);
    await verify();
    time += 5000;
    await verify();
    expect(asked).toHaveLength(2);
  });

  it('is not kept when the token has ended by our clock already', async () => {
    answer = (token) => good(token, -1);
    expect(await verify()).toBeDefined();
    await verify();
    expect(asked).toHaveLength(2);
  });

  it('is not good for longer when the clock is set back', async () => {
    await verify();
    time -= 3_600_000;
    await verify();
    expect(asked).toHaveLength(2);
  });

  it('is good for no time at all where caching is turned off', async () => {
    cache = createCache({ maxAgeMs: 0 });
    await verify();
    await verify();
    answer = () => undefined;
    await verify();
    await verify();
    expect(asked).toHaveLength(4);
  });

  it('of no is good for a second, whether or not events arrive', async () => {
    answer = () => undefined;
    expect(await verify()).toBeUndefined();
    time += 999;
    answer = good;
    expect(await verify()).toBeUndefined();
    time += 1;
    expect(await verify()).toBeDefined();
  });

  it('that there is none is not remembered', async () => {
    answer = () => Promise.reject(new CannotVerify('away'));
    await expect(verify()).rejects.toThrow('away');
    answer = good;
    expect(await verify()).toBeDefined();
  });

  it('of before is served while nobody can be asked, as long as it is good, and no longer', async () => {
    await verify();
    live = false;
    answer = () => Promise.reject(new CannotVerify('away'));
    time += 500;
    expect(await verify()).toBeDefined();
    time += 500;
    await expect(verify()).rejects.toThrow('away');
  });
});

describe('a revocation', () => {
  it.each<Handle>(['token:of T', 'grant:g', 'account:alice', 'client:shop'])(
    'of %s ends the answer',
    async (handle) => {
      await verify();
      revocations.note([handle]);
      answer = () => undefined;
      expect(await verify()).toBeUndefined();
    },
  );

  it('of others does not, however many there are', async () => {
    await verify();
    for (let n = 0; n < 100; n += 1) {
      revocations.note([`token:${n}`, `account:${n}`]);
      await verify();
    }
    expect(asked).toHaveLength(1);
  });

  it('that may have been missed ends every answer', async () => {
    await verify('T');
    await verify('U');
    revocations.noteUnknown();
    await verify('T');
    await verify('U');
    expect(asked).toHaveLength(4);
  });

  it('that arrives while somebody waits for the answer has it asked for again', async () => {
    const answers = [good('T'), undefined];
    answer = async () => {
      await Promise.resolve();
      if (asked.length === 1) {
        revocations.note(['grant:g']);
      }
      return answers.shift();
    };
    expect(await verify()).toBeUndefined();
    expect(asked).toHaveLength(2);
  });

  it('has what is asked for after it kept again', async () => {
    await verify();
    revocations.note(['account:alice']);
    await verify();
    await verify();
    expect(asked).toHaveLength(2);
  });
});

describe('those that miss together', () => {
  it('wait for one answer', async () => {
    answer = async (token) => good(token);
    const answers = await Promise.all(Array.from({ length: 100 }, () => verify()));
    expect(new Set(answers).size).toBe(1);
    expect(asked).toHaveLength(1);
  });

  it('wait for no answer that was asked for before an event which came before them', async () => {
    const answers: ((verified: VerifiedToken | undefined) => void)[] = [];
    answer = () => new Promise((resolve) => answers.push(resolve));
    const first = verify();
    revocations.note(['account:alice']);
    answers[0]?.(good('T'));
    await expect.poll(() => answers.length).toBe(2);
    revocations.note(['token:of T']);
    const second = verify();
    answers[1]?.(good('T'));
    expect(await first).toBeDefined();
    expect(answers).toHaveLength(3);
    answers[2]?.(undefined);
    expect(await second).toBeUndefined();
  });

  it.each([
    ['no events arrive', 60_000, 1000],
    ['caching is turned off', 0, 0],
  ])('wait for no answer that would be too old to be remembered when %s', async (_when, maxAgeMs, age) => {
    live = false;
    cache = createCache({ maxAgeMs });
    const answers: ((verified: VerifiedToken | undefined) => void)[] = [];
    answer = () => new Promise((resolve) => answers.push(resolve));
    const first = verify();
    time += age;
    const second = verify();
    expect(answers).toHaveLength(2);
    answers[0]?.(good('T'));
    answers[1]?.(undefined);
    expect([await first, await second]).toEqual([expect.anything(), undefined]);
  });

  it('learn together that there is none, and the next one asks anew', async () => {
    answer = async () => {
      throw new CannotVerify('away');
    };
    const outcomes = await Promise.allSettled([verify(), verify(), verify()]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(asked).toHaveLength(1);
    answer = good;
    expect(await verify()).toBeDefined();
  });
});

describe('the scopes that requests take', () => {
  const told = () => asked.map(({ scopes }) => scopes?.join(' '));

  it('are told once each for as long as the answer is kept, while the request goes on', async () => {
    await verify('T', READ);
    for (let round = 0; round < 3; round += 1) {
      expect(cache.verify('T', WRITE)).not.toBeInstanceOf(Promise);
      await verify('T', READ);
      await verify('T', { scopes: ['read', 'write'] });
      await verify('T', { scopes: [] });
    }
    expect(told()).toEqual(['read', 'write']);
  });

  it('are told of those too that waited for the answer of another', async () => {
    answer = async (token) => good(token);
    await Promise.all([verify('T', READ), verify('T', WRITE), verify('T', WRITE)]);
    expect(told()).toEqual(['read', 'write']);
  });

  it('are not told where the token does not carry them, or all of them count as used already', async () => {
    await verify('T', { scopes: undefined });
    await verify('T', READ);
    await verify('T', { scopes: ['admin'] });
    expect(told()).toEqual([undefined]);
  });

  it('bring the news that the token is over, or none', async () => {
    await verify('T', READ);
    answer = () => Promise.reject(new CannotVerify('away'));
    expect(await verify('T', WRITE)).toBeDefined();
    expect(await verify('T', READ)).toBeDefined();
    await verify('U', READ).catch(() => undefined);
    answer = () => undefined;
    await verify('U', READ);
    answer = good;
    await verify('V', READ);
    answer = () => undefined;
    expect(await verify('V', WRITE)).toBeDefined();
    expect(await verify('V', READ)).toBeUndefined();
  });
});

describe('memory', () => {
  it('is bounded in entries: what was not used for longest goes first', async () => {
    cache = createCache({ bounds: { entries: 2, bytes: 10_000_000 } });
    await verify('A');
    await verify('B');
    await verify('A');
    await verify('C');
    expect(cache.entries).toBe(2);
    await verify('A');
    await verify('C');
    expect(asked.map(({ token }) => token)).toEqual(['A', 'B', 'C']);
  });

  it('is bounded in bytes, and an answer larger than all of it is not kept and drives no other one out', async () => {
    cache = createCache({ bounds: { entries: 1000, bytes: 10_000 } });
    for (let n = 0; n < 50; n += 1) {
      await verify(`token ${n}`);
    }
    expect(cache.bytes).toBeLessThanOrEqual(10_000);
    const kept = cache.entries;
    expect(kept).toBeGreaterThan(0);
    answer = (token) => ({ ...good(token), handles: [`token:${'x'.repeat(10_000)}`] });
    await verify('huge');
    asked = [];
    await verify('huge');
    expect(asked).toHaveLength(1);
    expect(cache.entries).toBe(kept);
  });

  it('is flat however many tokens come, good and bad, and the bad ones drive no good one out', async () => {
    const shared = good('shared');
    answer = (token) => (token.startsWith('good') ? shared : undefined);
    cache = createCache({ bounds: { entries: 1000, bytes: 10_000_000 } });
    const first = await verify('good');
    for (let n = 0; n < 50_000; n += 1) {
      await cache.verify(`bad ${n}`, READ);
    }
    expect(cache.verify('good', READ)).toBe(first);
    for (let n = 0; n < 50_000; n += 1) {
      await cache.verify(`good ${n}`, READ);
    }
    expect(cache.entries).toBe(1000 + 10_000);
    expect(cache.bytes).toBeLessThan(32_000_000);
  });
});
