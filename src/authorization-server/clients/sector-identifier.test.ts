import { describe, expect, it } from 'vitest';
import type { ClientMetadata } from './client.ts';
import { sectorIdentifierProblem } from './sector-identifier.ts';

const URIS = ['https://one.example/callback', 'https://two.example/callback'];
const metadata = {
  redirect_uris: URIS,
  grant_types: ['authorization_code'],
  sector_identifier_uri: 'https://sector.example/uris.json',
} as unknown as ClientMetadata;
const problemOf = (body: string, status = 200) =>
  sectorIdentifierProblem(metadata, async () => new Response(body, { status }));

describe('the list of redirect URIs behind a sector identifier', () => {
  it('has them all, and may have others', async () => {
    expect(await problemOf(JSON.stringify([...URIS, 'https://three.example/']))).toBeUndefined();
  });

  it('is asked for at its address, and only where there is one', async () => {
    const asked: string[] = [];
    const fetch = async (url: string) => {
      asked.push(url);
      return new Response(JSON.stringify(URIS));
    };
    await sectorIdentifierProblem(metadata, fetch);
    await sectorIdentifierProblem(
      { ...metadata, sector_identifier_uri: undefined } as unknown as ClientMetadata,
      fetch,
    );
    expect(asked).toEqual(['https://sector.example/uris.json']);
  });

  it.each([
    [JSON.stringify(URIS.slice(1)), 200, 'does not list https://one.example/callback'],
    ['{"0":"https://one.example/callback"}', 200, 'gives no list'],
    ['nonsense', 200, /^gives no list: /],
    [JSON.stringify(URIS), 302, 'answers with 302'],
    [JSON.stringify(URIS), 404, 'answers with 404'],
  ])('is none: %s with status %i', async (body, status, problem) => {
    expect(await problemOf(body, status)).toMatch(problem);
  });

  it.each(['urn:ietf:params:oauth:grant-type:device_code', 'urn:openid:params:grant-type:ciba'])(
    'names the keys of a client that may use %s, which may have no redirect URI at all',
    async (grant) => {
      const jwks_uri = 'https://one.example/jwks.json';
      const client = { ...metadata, redirect_uris: [], grant_types: [grant], jwks_uri };
      const ask = (listed: unknown, its: object) =>
        sectorIdentifierProblem({ ...client, ...its }, async () => Response.json(listed));
      expect(await ask([jwks_uri], {})).toBeUndefined();
      expect(await ask([], {})).toBe(`does not list ${jwks_uri}`);
      expect(await ask(URIS, { redirect_uris: URIS })).toBe(`does not list ${jwks_uri}`);
      expect(await ask([], { jwks_uri: undefined })).toBe('does not list a jwks_uri');
    },
  );

  it('is none where nobody answers', async () => {
    const problem = await sectorIdentifierProblem(metadata, async () => {
      throw new Error('connection refused');
    });
    expect(problem).toBe('gives no list: connection refused');
  });
});
