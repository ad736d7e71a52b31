import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { createRelyingParty, DEMO_WEB } from '../../testing/relying-party.ts';
import { UserAgent } from '../../testing/user-agent.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const post = (path: string, body: string, type = 'application/x-www-form-urlencoded') =>
  fetch(server.url(path), { method: 'POST', body, headers: { 'Content-Type': type }, redirect: 'manual' });

describe('a request by POST', () => {
  it('to the authorization endpoint ends like the same one by GET (OpenID Connect Core §3.1.2.1)', async () => {
    const request = new URL(createRelyingParty(server.issuer, DEMO_WEB).authorizationUrl({ scope: 'openid' }));
    const browser = new UserAgent(server.issuer);
    const visit = await browser.post(server.url('/auth'), Object.fromEntries(request.searchParams));
    expect(visit.html).toContain('data-testid="sign-in-form"');
  });

  it.each(['/auth/', '/AUTH'])('is taken in every spelling of the address that GET has: %s', async (path) => {
    const answer = await post(path, 'client_id=demo-web');
    expect(answer.headers.get('location')).toBe(`${path}?client_id=demo-web`);
    const byGet = await fetch(server.url(`${path}?client_id=demo-web`), { redirect: 'manual' });
    expect(byGet.headers.get('location')).toMatch(/error=invalid_request.*response_type/);
  });

  it('C96: is sent on with 303, parameters as they came', async () => {
    const answer = await post('/auth', 'client_id=demo-web&resource=https%3A%2F%2Fa&resource=https%3A%2F%2Fb');
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe(
      '/auth?client_id=demo-web&resource=https%3A%2F%2Fa&resource=https%3A%2F%2Fb',
    );
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('to the sign-out endpoint is sent on too (RP-Initiated Logout 1.0 §2)', async () => {
    const answer = await post('/session/end', 'client_id=demo-web');
    expect(answer.headers.get('location')).toBe('/session/end?client_id=demo-web');
  });

  it('C56: is refused when it is no form, or too large', async () => {
    expect((await post('/auth', '{"client_id":"demo-web"}', 'application/json')).status).toBe(400);
    expect((await post('/auth', `client_id=${'x'.repeat(20_000)}`)).status).toBe(413);
  });
});
