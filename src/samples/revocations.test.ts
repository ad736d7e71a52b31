import { describe, expect, it } from 'vitest';
import { Revocations as OfSinglePageApp } from './single-page-app/revocations.ts';
import { Revocations as OfWebApp } from './web-app/revocations.ts';

describe.each([
  ['the web app', OfWebApp],
  ['the single-page app', OfSinglePageApp],
])('what %s could not revoke', (_app, Revocations) => {
  /** An authorization server that is away until told, and time that passes when told. */
  function start() {
    const asked: string[] = [];
    const problems: unknown[] = [];
    const pauses: { readonly seconds: number; readonly end: () => void }[] = [];
    const server = { answers: false };
    const revocations = new Revocations({
      async revoke(token) {
        asked.push(token);
        if (!server.answers) {
          throw new Error('fetch failed');
        }
      },
      report: (problem) => problems.push(problem),
      pause: (milliseconds) =>
        new Promise<void>((resolve) => pauses.push({ seconds: milliseconds / 1000, end: resolve })),
    });
    const nextTry = async () => {
      pauses.at(-1)?.end();
      await new Promise(setImmediate);
    };
    return { revocations, server, asked, problems, pauses, nextTry };
  }

  it('is tried again until the server answers, and then no more', async () => {
    const { revocations, server, asked, problems, pauses, nextTry } = start();
    expect(await revocations.revoke('token')).toBe(false);
    expect(problems).toHaveLength(1);
    await nextTry();
    server.answers = true;
    await nextTry();
    expect(asked).toEqual(['token', 'token', 'token']);
    expect(pauses.map(({ seconds }) => seconds)).toEqual([1, 2]);
    await revocations.catchUp();
    expect(asked).toHaveLength(3);
    expect(await revocations.revoke('another')).toBe(true);
    expect(problems).toHaveLength(1);
  });

  it('is tried for an hour, less and less often, and given up with a word to the log that is not the token', async () => {
    const { revocations, asked, problems, pauses, nextTry } = start();
    await revocations.revoke('secret-token');
    for (let round = 0; problems.length < 2 && round < 100; round += 1) {
      await nextTry();
    }
    expect(pauses.reduce((sum, { seconds }) => sum + seconds, 0)).toBe(3600);
    expect(asked).toHaveLength(pauses.length + 1);
    expect(problems.map(String).join()).toContain('lives on');
    expect(problems.map(String).join()).not.toContain('secret-token');
  });

  it('is no more than so much: the oldest is given up', async () => {
    const { revocations, server, asked, problems } = start();
    for (let token = 0; token <= 500; token += 1) {
      await revocations.revoke(`token-${token}`);
    }
    expect(problems).toHaveLength(502);
    server.answers = true;
    asked.length = 0;
    await revocations.catchUp();
    expect(asked).toEqual(Array.from({ length: 500 }, (_, index) => `token-${index + 1}`));
  });

  it('goes before a sign-in, once for all who sign in, and asks a server that is away only once', async () => {
    const { revocations, server, asked } = start();
    await Promise.all([revocations.revoke('one'), revocations.revoke('two')]);
    asked.length = 0;
    await Promise.all([revocations.catchUp(), revocations.catchUp()]);
    expect(asked).toEqual(['one']);
    server.answers = true;
    await Promise.all([revocations.catchUp(), revocations.catchUp()]);
    expect(asked).toEqual(['one', 'one', 'two']);
  });
});
