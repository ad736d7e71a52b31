/** What the token endpoint refuses of a code grant: RFC 6749 §5.2. Nothing a client sends is ever a 5xx. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  ALICE,
  basicAuth,
  createRelyingParty,
  DEMO_MACHINE,
  DEMO_SPA,
  DEMO_WEB,
  type Parameters,
  postForm,
  send,
  type TestClient,
} from '../../../testing/relying-party.ts';
import { UserAgent } from '../../../testing/user-agent.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const REQUEST = {
  grant_type: 'authorization_code',
  code: 'a-code',
  redirect_uri: DEMO_WEB.redirectUri,
  code_verifier: 'v'.repeat(43),
};
const WEB_BASIC = basicAuth(DEMO_WEB.clientId, DEMO_WEB.secret);
const FORM = 'application/x-www-form-urlencoded';

describe('the error table of RFC 6749 §5.2', () => {
  const rows: readonly [string, Parameters, TestClient | undefined, number, string, string][] = [
    ['no grant_type', { grant_type: undefined }, DEMO_WEB, 400, 'invalid_request', 'grant_type'],
    ['an empty grant_type', { grant_type: '' }, DEMO_WEB, 400, 'invalid_request', 'grant_type'],
    ['no code', { code: undefined }, DEMO_WEB, 400, 'invalid_request', 'code'],
    ['C7: an empty code', { code: '' }, DEMO_WEB, 400, 'invalid_request', 'code'],
    ['C6: two codes', { code: ['x', 'y'] }, DEMO_WEB, 400, 'invalid_request', 'code'],
    ['C6: two verifiers', { code_verifier: ['x', 'y'] }, DEMO_WEB, 400, 'invalid_request', 'code_verifier'],
    ['C6: two grant types', { grant_type: ['password', 'authorization_code'] }, DEMO_WEB, 400, 'invalid_request', ''],
    ['C6: two clients', { client_id: ['demo-spa', 'demo-web'] }, undefined, 400, 'invalid_request', 'client_id'],
    ['two ways to authenticate', { client_secret: 'x' }, DEMO_WEB, 400, 'invalid_request', 'one mechanism'],
    ['two clients in two ways', { client_id: 'demo-spa' }, DEMO_WEB, 400, 'invalid_request', 'client_id'],
    ['an unknown code', {}, DEMO_WEB, 400, 'invalid_grant', 'not known'],
    ['a code with NUL', { code: 'a\0b' }, DEMO_WEB, 400, 'invalid_grant', 'not known'],
    ['a code of 40 kB', { code: 'x'.repeat(40_000) }, DEMO_WEB, 400, 'invalid_request', 'code is longer'],
    ['a code of every script', { code: 'žluťoučký 漢字 🛎' }, DEMO_WEB, 400, 'invalid_grant', 'not known'],
    ['an unknown client', {}, { clientId: 'nobody', secret: 'x' }, 401, 'invalid_client', 'client'],
    ['a client id with NUL', {}, { clientId: 'a\0b', secret: 'x' }, 400, 'invalid_request', 'encoded'],
    ['a wrong secret', {}, { ...DEMO_WEB, secret: 'x' }, 401, 'invalid_client', 'client'],
    ['a secret where there is none', {}, { ...DEMO_SPA, secret: 'x' }, 401, 'invalid_client', 'client'],
    ['no secret where there is one', {}, { clientId: 'demo-web' }, 401, 'invalid_client', 'client'],
    ['nobody at all', { client_id: undefined }, undefined, 401, 'invalid_client', 'client'],
    ['a grant that the client lacks', {}, DEMO_MACHINE, 400, 'unauthorized_client', 'authorization_code'],
    ['an unknown grant type', { grant_type: 'magic' }, DEMO_WEB, 400, 'unsupported_grant_type', 'grant_type'],
    ['a property of every object', { grant_type: 'constructor' }, DEMO_WEB, 400, 'unsupported_grant_type', ''],
    [
      'the implicit grant, which has no request',
      { grant_type: 'implicit' },
      DEMO_WEB,
      400,
      'unsupported_grant_type',
      '',
    ],
    ['a grant type of 40 kB', { grant_type: 'x'.repeat(40_000) }, DEMO_WEB, 400, 'invalid_request', 'grant_type'],
  ];
  it.each(rows)('%s', async (_name, parameters, client, status, error, words) => {
    const answer = await postForm(server.url('/token'), { ...REQUEST, ...parameters }, client);
    expect(answer.body, answer.text).toMatchObject({ error, error_description: expect.stringContaining(words) });
    expect(String(answer.body.error_description)).toMatch(/^[\x20\x21\x23-\x5B\x5D-\x7E]{10,}$/);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('pragma')).toBe('no-cache');
  });

  it('challenges a client that tried Basic (RFC 6749 §5.2)', async () => {
    const { status, headers } = await postForm(server.url('/token'), REQUEST, { ...DEMO_WEB, secret: 'x' });
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toMatch(/^Basic realm=/);
  });
});

describe('bodies that are no form', () => {
  it.each([
    ['JSON', 'application/json', JSON.stringify(REQUEST)],
    ['multipart', 'multipart/form-data; boundary=x', '--x\r\ncontent-disposition: form-data; name=a\r\n\r\nb\r\n--x--'],
    ['text', 'text/plain', 'grant_type=authorization_code'],
    ['an odd content type', 'rubbish', 'x'],
    ['no body', FORM, ''],
    ['a broken escape', FORM, 'grant_type=%E0%A4%A&code=%'],
    ['NUL', FORM, '\0\0=\0'],
    ['an array', FORM, 'grant_type[]=authorization_code&code[a]=b'],
    ['a prototype', FORM, '__proto__=x&constructor[prototype][x]=y&grant_type=authorization_code'],
    ['5,000 parameters', FORM, Array.from({ length: 5_000 }, (_, index) => `p${index}=`).join('&')],
    ['an unknown charset', `${FORM}; charset=klingon`, new URLSearchParams(REQUEST).toString()],
  ])('%s', async (_name, type, body) => {
    const headers = { authorization: WEB_BASIC, 'content-type': type };
    const answer = await send(server.url('/token'), { method: 'POST', headers, body });
    expect(answer.status, answer.text).toBe(400);
    expect(answer.body).toHaveProperty('error');
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  });

  it.each(['GET', 'PUT', 'DELETE', 'PATCH'])('%s is 405 and names POST', async (method) => {
    const answer = await send(`${server.url('/token')}?${new URLSearchParams(REQUEST)}`, { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toContain('POST');
  });

  it('answers JSON to a client that would rather have HTML', async () => {
    const headers = { authorization: WEB_BASIC, accept: 'text/html,*/*' };
    const body = new URLSearchParams({ ...REQUEST, code: 'x' });
    const answer = await send(server.url('/token'), { method: 'POST', headers, body });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect(String(answer.body.error_description)).toContain('not known');
  });

  it('takes nothing from the query (RFC 6749 §2.3.1)', async () => {
    const web = createRelyingParty(server.issuer, DEMO_WEB);
    const { code, verifier } = await web.authorize();
    const query = new URLSearchParams({ ...REQUEST, code, code_verifier: verifier });
    const answer = await send(`${server.url('/token')}?${query}`, {
      method: 'POST',
      headers: { authorization: WEB_BASIC, 'content-type': FORM },
    });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    expect((await web.exchange({ code, verifier })).status).toBe(200);
  });
});

describe('rubbish', () => {
  const RUBBISH = [
    'a\0b',
    '\ud800',
    '%',
    '%00',
    '[]',
    '{}',
    "'; drop table artifacts; --",
    '1e400',
    '-1',
    'null',
    '\r\n',
  ];
  const VALUES = [...RUBBISH, 'x'.repeat(5000), 'žluťoučký 漢字 🛎', '../../etc/passwd', '__proto__'];
  const AUTHORIZATION = `client_id response_type redirect_uri scope state nonce prompt max_age login_hint id_token_hint
    ui_locales claims_locales acr_values display claims resource code_challenge code_challenge_method response_mode
    request request_uri registration client_scope web_message_uri dpop_jkt`.split(/\s+/);
  const TOKEN = 'grant_type code redirect_uri code_verifier client_id client_secret resource scope refresh_token'.split(
    ' ',
  );

  it.each(AUTHORIZATION)('in %s of an authorization request is never a 5xx', async (name) => {
    const web = createRelyingParty(server.issuer, DEMO_WEB);
    for (const value of [...VALUES, ['x', 'y'], ['', 'x']]) {
      const answer = await send(web.authorizationUrl({ scope: 'openid', [name]: value }));
      expect(answer.status, `${name}=${value}: ${answer.text}`).toBeLessThan(500);
    }
  });

  it('is never a 5xx where it gets as far as a code', async () => {
    const web = createRelyingParty(server.issuer, DEMO_WEB);
    const browser = new UserAgent(server.issuer);
    await browser.authorize(web.authorizationUrl({ scope: 'openid' }), ALICE);
    const unchecked = ['state', 'nonce', 'login_hint', 'ui_locales', 'claims_locales', 'acr_values', 'display'];
    for (const value of VALUES.map((one) => one.slice(0, 500))) {
      const rubbish = Object.fromEntries(unchecked.map((name) => [name, value]));
      const visit = await browser.get(web.authorizationUrl({ scope: 'openid', ...rubbish }));
      expect(visit.status, `${value}: ${visit.html}`).toBeLessThan(500);
      expect(visit.url.includes('code=') || value.includes('\0'), `${value}: ${visit.url}`).toBe(true);
    }
  });

  it.each(TOKEN)('in %s of a token request is never a 5xx', async (name) => {
    for (const client of [DEMO_WEB, DEMO_SPA]) {
      for (const value of [...VALUES, ['x', 'y'], ['', 'x']]) {
        const answer = await postForm(server.url('/token'), { ...REQUEST, [name]: value }, client);
        expect(answer.status, `${name}=${value}: ${answer.text}`).toBeGreaterThanOrEqual(400);
        expect(answer.status, `${name}=${value}: ${answer.text}`).toBeLessThan(500);
      }
    }
  });

  it.each(['', 'Basic', 'Basic ', 'Basic !!', 'Basic eA==', 'Basic Og==', 'Bearer x', 'Digest x', 'Basic eDp5 z'])(
    'in the header "authorization: %s" is never a 5xx',
    async (authorization) => {
      const body = new URLSearchParams(REQUEST);
      const { status, text } = await send(server.url('/token'), { method: 'POST', headers: { authorization }, body });
      expect([400, 401], text).toContain(status);
    },
  );
});
