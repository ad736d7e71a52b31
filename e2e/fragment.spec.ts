import { createRelyingParty, DEMO_IMPLICIT, introspect } from '../src/testing/relying-party.ts';
import { ISSUER } from './addresses.ts';
import { answerAt, fragmentOf, signInAndApprove } from './steps.ts';
import { expect, test } from './test.ts';

const implicit = createRelyingParty(ISSUER, DEMO_IMPLICIT);
const hybrid = createRelyingParty(ISSUER, {
  clientId: 'e2e-hybrid',
  secret: 'e2e-hybrid-secret',
  redirectUri: 'http://localhost:3002/callback',
});

const ACCESS_TOKEN = ['access_token', 'expires_in', 'token_type'];

for (const { responseType, scope, members } of [
  { responseType: 'token', scope: 'records:read', members: [...ACCESS_TOKEN, 'scope'] },
  { responseType: 'id_token', scope: 'openid profile', members: ['id_token'] },
  { responseType: 'id_token token', scope: 'openid profile records:read', members: ['id_token', ...ACCESS_TOKEN] },
]) {
  test(`C36b: response_type=${responseType} answers in the fragment alone`, async ({ page }) => {
    await signInAndApprove(
      page,
      implicit.authorizationUrl({
        response_type: responseType,
        scope,
        state: 'kept',
        nonce: scope.includes('openid') ? 'a-nonce' : undefined,
        code_challenge: undefined,
        code_challenge_method: undefined,
      }),
    );
    const url = await answerAt(page, '/implicit/callback');
    const answer = fragmentOf(url);
    expect(url.search).toBe('');
    expect(answer.state).toBe('kept');
    expect(Object.keys(answer)).toEqual(expect.arrayContaining(members));
    expect(Object.keys(answer)).not.toContain('refresh_token');
    expect(Object.keys(answer)).not.toContain('code');
    if (answer.access_token !== undefined) {
      expect(answer.token_type).toBe('Bearer');
      expect(await introspect(ISSUER, answer.access_token)).toMatchObject({
        active: true,
        username: 'alice@example.com',
      });
    }
    await expect(page.getByTestId('unasked-state')).toHaveText('kept');
  });
}

test('hybrid: code id_token in the fragment, and the code is redeemed at the token endpoint', async ({ page }) => {
  const unprotected = { code_challenge: undefined, code_challenge_method: undefined };
  const request = { response_type: 'code id_token', nonce: 'a-nonce', scope: 'openid profile', ...unprotected };
  await signInAndApprove(page, hybrid.authorizationUrl(request));
  const url = await answerAt(page);
  const { code = '', id_token } = fragmentOf(url);
  expect(url.search).toBe('');
  expect(id_token?.split('.')).toHaveLength(3);
  await expect(page.getByTestId('unasked-code')).toHaveText(code);
  const answer = await hybrid.exchange({ code, verifier: '' }, { code_verifier: undefined });
  expect(answer.status).toBe(200);
  expect(answer.body.scope).toBe('openid profile');
});

test('form_post: the engine’s page posts by itself under its own policy', async ({ page }) => {
  const policies: string[] = [];
  const complaints: string[] = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('response', async (response) => {
    if (response.url().startsWith(`${ISSUER}/auth`)) {
      policies.push(response.headers()['content-security-policy'] ?? '');
    }
  });
  await signInAndApprove(page, hybrid.authorizationUrl({ response_mode: 'form_post', scope: 'openid profile' }));
  const answer = await answerAt(page);
  expect(answer.search + answer.hash).toBe('');
  await expect(page.getByTestId('unasked-code')).toHaveText(/^[\w-]{43,}$/);
  await expect(page.getByTestId('unasked-state')).toHaveText('a-state');
  expect(policies.at(-1)).toMatch(/script-src 'sha256-/);
  expect(policies.at(-1)).not.toContain('unsafe-inline');
  expect(complaints).toEqual([]);
});
