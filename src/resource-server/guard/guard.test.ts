import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { json } from '../testing/scripted-issuer.ts';
import {
  accountToken,
  IDENTIFIER,
  METADATA_URL,
  machineToken,
  startTestApi,
  type TestApi,
} from '../testing/start-api.ts';
import { PROOF_ALGS } from './dpop-proof.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  api.issuer.answer('good', accountToken('alice'));
});
afterAll(() => api.stop());
beforeEach(() => {
  api.issuer.questions.length = 0;
});

const challengeOf = (response: Response) => response.headers.get('www-authenticate');
const METADATA = `resource_metadata="${METADATA_URL}"`;
const NOTHING_PRESENTED = `Bearer ${METADATA}, DPoP algs="${PROOF_ALGS.join(' ')}"`;

/** Header lines exactly as given: fetch would join or refuse some of them. */
async function send(head: readonly string[]): Promise<string> {
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
  socket.end([...head, 'Host: api', 'Connection: close', '', ''].join('\r\n'));
  let answer = '';
  socket.setEncoding('utf8').on('data', (data) => {
    answer += data;
  });
  await once(socket, 'close');
  return answer;
}

describe('a token in the Authorization header', () => {
  it('is let in when it is for this resource server, whatever the case of the scheme', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER', 'Bearer   ']) {
      const response = await fetch(`${api.url}/whoami`, { headers: { authorization: `${scheme} good` } });
      expect(response.status).toBe(200);
    }
  });

  it('C83: is let in when this resource server is one of several audiences', async () => {
    api.issuer.answer('shared', accountToken('alice', { aud: ['https://other.example.com', IDENTIFIER] }));
    expect((await api.call('shared', '/whoami')).status).toBe(200);
  });

  it('C84: is asked for with a bare challenge, and no error code, when there is none', async () => {
    for (const headers of [{}, { authorization: 'Basic Zm9vOmJhcg==' }]) {
      const response = await fetch(`${api.url}/whoami`, { headers });
      expect(response.status).toBe(401);
      expect(challengeOf(response)).toBe(NOTHING_PRESENTED);
      expect(await response.json()).toMatchObject({ error: 'unauthorized' });
    }
    expect(api.issuer.questions).toEqual([]);
  });

  it('C84: is refused when two Authorization headers are sent', async () => {
    const answer = await send(['GET /whoami HTTP/1.1', 'Authorization: Bearer good', 'Authorization: Bearer good']);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('error="invalid_request"');
  });

  it.each([
    'Bearer',
    'Bearer ',
    'Bearer two words',
    'Bearer good, Bearer good',
    'Bearer "good"',
    'Bearer <script>',
    'Bearer good\u00fc',
    'Bearer ==',
  ])('is refused as malformed, and nobody asked, in the header %j', async (authorization) => {
    const answer = await send(['GET /whoami HTTP/1.1', `Authorization: ${authorization}`]);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('error="invalid_request"');
    expect(api.issuer.questions).toEqual([]);
  });

  it('is refused, and nobody asked, when it is absurdly long', async () => {
    const long = await api.call('a'.repeat(5_000), '/whoami');
    expect(long.status).toBe(401);
    expect(challengeOf(long)).toContain('error="invalid_token"');
    expect(challengeOf(long)).toContain('4096 characters');
    expect((await api.call('a'.repeat(50_000), '/whoami')).status).toBe(431);
    expect(api.issuer.questions).toEqual([]);
  });
});

describe('a token anywhere else', () => {
  it('C84: is refused in the query, with or without another one in the header', async () => {
    const responses = [
      await fetch(`${api.url}/whoami?access_token=good`),
      await api.call('good', '/whoami?access_token=good'),
      await api.call('good', `/whoami?${'a=1&'.repeat(2_000)}access_token=good`),
    ];
    for (const response of responses) {
      expect(response.status).toBe(400);
      expect(challengeOf(response)).toContain('error="invalid_request"');
      expect(await response.json()).toMatchObject({ error: 'invalid_request' });
    }
    expect(api.issuer.questions).toEqual([]);
  });

  it('C84: is refused in a form body, with or without another one in the header', async () => {
    for (const headers of [new Headers(), new Headers({ authorization: 'Bearer good' })]) {
      const body = new URLSearchParams({ access_token: 'good' });
      const response = await fetch(`${api.url}/records`, { method: 'POST', headers, body });
      expect(response.status).toBe(400);
      expect(challengeOf(response)).toContain('error="invalid_request"');
    }
  });

  it('C84: is not looked for in cookies', async () => {
    const response = await fetch(`${api.url}/whoami`, { headers: { cookie: 'access_token=good; token=good' } });
    expect(response.status).toBe(401);
    expect(challengeOf(response)).toBe(NOTHING_PRESENTED);
  });
});

describe('a token that is not good for this', () => {
  it.each([
    ['is inactive', { active: false }],
    ['C83: is for another resource server', accountToken('alice', { aud: 'https://other.example.com' })],
    ['C83: is for one whose identifier begins like ours', accountToken('alice', { aud: `${IDENTIFIER}.evil.example` })],
    ['C83: is for nobody in particular', accountToken('alice', { aud: undefined })],
    ['C85: is bound to a DPoP key', accountToken('alice', { cnf: { jkt: 'thumbprint' } })],
    ['C85: is bound to a certificate', accountToken('alice', { cnf: { 'x5t#S256': 'thumbprint' } })],
    ['C85: is of the type DPoP', accountToken('alice', { token_type: 'DPoP' })],
    ['C88: is a refresh token, which has no token_type', accountToken('alice', { token_type: undefined })],
    ['is from another issuer', accountToken('alice', { iss: 'https://other.example.com' })],
  ])('is refused with invalid_token when it %s', async (_, introspection) => {
    api.issuer.answer('bad', introspection);
    const response = await api.call('bad', '/whoami');
    expect(response.status).toBe(401);
    expect(challengeOf(response)).toMatch(
      /^Bearer error="invalid_token", error_description="[^"\\]+", resource_metadata=/,
    );
    expect(await response.json()).toMatchObject({ error: 'invalid_token' });
  });

  it('C88: is refused when it is a JWT that the authorization server does not introspect, such as an ID token', async () => {
    api.issuer.answer('eyJh.eyJz.c2ln', json({ error: 'unsupported_token_type' }, 400));
    const response = await api.call('eyJh.eyJz.c2ln', '/whoami');
    expect(response.status).toBe(401);
    expect(challengeOf(response)).toContain('error="invalid_token"');
  });

  it.each([
    ['GET', '/records', 'records:read'],
    ['POST', '/records', 'records:write'],
    ['GET', '/records/6f1b2c9e-3a52-4f4e-9b69-0c8d0a3b6d11', 'records:read'],
    ['PUT', '/records/6f1b2c9e-3a52-4f4e-9b69-0c8d0a3b6d11', 'records:write'],
    ['DELETE', '/records/6f1b2c9e-3a52-4f4e-9b69-0c8d0a3b6d11', 'records:write'],
    ['POST', '/blobs', 'blobs:write'],
    ['GET', '/blobs/6f1b2c9e-3a52-4f4e-9b69-0c8d0a3b6d11', 'blobs:read'],
  ])('C83: is refused at %s %s without the scope %s, even with all others', async (method, path, scope) => {
    const others = ['records:read', 'records:write', 'blobs:read', 'blobs:write', `un${scope}`].filter(
      (s) => s !== scope,
    );
    api.issuer.answer('narrow', machineToken('robot', { scope: others.join(' ') }));
    const response = await api.call('narrow', path, { method });
    expect(response.status).toBe(403);
    expect(challengeOf(response)).toContain('error="insufficient_scope"');
    expect(challengeOf(response)).toContain(`scope="${scope}"`);
    expect(await response.json()).toMatchObject({ error: 'insufficient_scope' });
  });

  it('C83: is refused everywhere when introspection names no scope, but may ask who it is', async () => {
    api.issuer.answer('scopeless', accountToken('alice', { scope: undefined }));
    expect((await api.call('scopeless', '/records')).status).toBe(403);
    expect((await api.call('scopeless', '/whoami')).status).toBe(200);
  });
});

it('tells the bearer who it is', async () => {
  const exp = Math.floor(Date.now() / 1000) + 600;
  const claims = { username: 'alice@example.com', name: 'Älice', email: 'alice@example.com', roles: ['user'] };
  api.issuer.answer('alice', accountToken('a1', { ...claims, exp, scope: 'openid records:read' }));
  const person = (await (await api.call('alice', '/whoami')).json()) as { expires_in: number };
  expect(person).toEqual({
    sub: 'a1',
    ...claims,
    client_id: 'demo-web',
    scope: 'openid records:read',
    aud: [IDENTIFIER],
    expires_at: new Date(exp * 1000).toISOString(),
    expires_in: person.expires_in,
  });
  expect(person.expires_in).toBeGreaterThan(580);
  expect(person.expires_in).toBeLessThanOrEqual(600);

  api.issuer.answer('robot', machineToken('robot'));
  const machine = await (await api.call('robot', '/whoami')).json();
  expect(machine).toMatchObject({ client_id: 'robot', roles: [] });
  expect(machine).not.toHaveProperty('sub');
});

it('C92: keeps tokens and credentials out of the log', async () => {
  await api.call('canary-token', '/whoami');
  await fetch(`${api.url}/whoami?access_token=canary-token`);
  await api.call('canary-token', '/records/canary-token');
  await fetch(`${api.url}/canary-token`);
  api.issuer.answer('canary-token', json({}, 500));
  await api.call('canary-token', '/whoami');
  expect(api.log()).toContain('cannot introspect');
  const problem = { error: 'invalid_client', error_description: 'canary-token' };
  api.issuer.answer('canary-token', json(problem, 401));
  await api.call('canary-token', '/whoami');
  expect(api.log()).toContain('answered 401 invalid_client');
  expect(api.log()).not.toMatch(/canary|s3cret/);
});
