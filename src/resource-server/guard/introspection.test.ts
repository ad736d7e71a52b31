import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { json, type ScriptedIssuer, startScriptedIssuer } from '../testing/scripted-issuer.ts';
import { IDENTIFIER, machineToken } from '../testing/start-api.ts';
import { CannotVerify, type Question } from './access-token.ts';
import { discovery } from './discovery.ts';
import { introspection } from './introspection.ts';

let server: ScriptedIssuer;
beforeEach(async () => {
  server = await startScriptedIssuer();
  server.answer('good', machineToken('robot'));
});
afterEach(() => server.close());

/** So long that no machine is too busy for it. */
function verifier(timeoutMs = 30_000) {
  const { issuer } = server;
  const verify = introspection({
    issuer,
    audience: IDENTIFIER,
    discovery: discovery(issuer, timeoutMs),
    client: { clientId: 'api:1', clientSecret: 's3cret+ %' },
    timeoutMs,
    logger: { warn: () => undefined },
  });
  return async (token: string, question: Question = { scopes: undefined }) => verify(token, question);
}

it('asks with form-encoded client credentials and a hint', async () => {
  expect(await verifier()('good')).toMatchObject({ accessToken: { clientId: 'robot', subject: undefined } });
  const credentials = Buffer.from('api%3A1:s3cret%2B+%25').toString('base64');
  expect(server.questions).toEqual([
    {
      authorization: `Basic ${credentials}`,
      parameters: new URLSearchParams({ token: 'good', token_type_hint: 'access_token' }),
    },
  ]);
});

describe('C86: cannot verify, and never passes,', () => {
  it.each([
    ['a status of 500', json({ active: true }, 500)],
    ['a refusal of our own credentials', json({ error: 'invalid_client' }, 401)],
    ['a status of 400', json({ error: 'invalid_request' }, 400)],
    ['HTML', (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Welcome</h1>')],
    ['JSON that breaks off', (response) => response.end('{"active":true,')],
    ['nothing', (response) => response.end()],
    ['"true" in quotes', json({ ...machineToken('robot'), active: 'true' })],
    ['1 for true', json({ ...machineToken('robot'), active: 1 })],
    ['no word on whether it is active', json({ ...machineToken('robot'), active: undefined })],
    ['a list', json([machineToken('robot')])],
    ['no client_id', json(machineToken('robot', { client_id: undefined }))],
    ['a sub that is none', json(machineToken('robot', { sub: 'a\0b' }))],
    ['an expiry beyond all dates', json(machineToken('robot', { exp: 1e20 }))],
    ['more than anybody would say', json(machineToken('robot', { padding: 'x'.repeat(140_000) }))],
    ['a redirect', (response) => response.writeHead(307, { location: '/elsewhere' }).end()],
    ['a connection cut', (response) => response.destroy()],
    ['headers, and then silence', (response) => response.writeHead(200).write('{')],
    ['silence', () => undefined],
  ] satisfies [string, Parameters<ScriptedIssuer['answer']>[1]][])('on %s', async (_, answer) => {
    server.answer('good', answer);
    await expect(verifier(300)('good')).rejects.toBeInstanceOf(CannotVerify);
  });

  it('when nobody is there', async () => {
    await server.close();
    await expect(verifier()('good')).rejects.toBeInstanceOf(CannotVerify);
    server = await startScriptedIssuer();
  });

  it.each([
    ['of another issuer', { issuer: 'https://evil.example' }],
    ['without an introspection endpoint', { introspection_endpoint: undefined }],
    ['whose introspection endpoint is no URL', { introspection_endpoint: '/introspect' }],
  ])('with metadata %s', async (_, metadata) => {
    server.describeAs(metadata);
    await expect(verifier()('good')).rejects.toBeInstanceOf(CannotVerify);
    expect(server.questions).toEqual([]);
  });
});

it('starts before the authorization server, and finds it once it is there', async () => {
  const port = Number(new URL(server.issuer).port);
  await server.close();
  const verify = verifier();
  await expect(verify('good')).rejects.toBeInstanceOf(CannotVerify);
  server = await startScriptedIssuer(port);
  server.answer('good', machineToken('robot'));
  expect(await verify('good')).toBeDefined();
});

it('asks again when a connection that was kept alive turns out to be closed', async () => {
  let attempts = 0;
  server.answer('good', (response, request) => {
    attempts += 1;
    return attempts === 1 ? response.destroy() : json(machineToken('robot'))(response, request);
  });
  expect(await verifier()('good')).toBeDefined();
});

it('asks again over a new connection: those that were kept may all be closed', async () => {
  const used = new WeakSet<object>();
  server.answer('good', (response, request) => {
    if (used.has(request.socket)) {
      request.socket.destroy();
    } else {
      used.add(request.socket);
      json(machineToken('robot'))(response, request);
    }
  });
  const verify = verifier();
  await Promise.all([verify('good'), verify('good'), verify('good')]);
  expect(await verify('good')).toMatchObject({ accessToken: { clientId: 'robot' } });
});

it('looks the introspection endpoint up again when the one it knows has failed', async () => {
  const verify = verifier();
  server.describeAs({ introspection_endpoint: 'http://127.0.0.1:9/gone' });
  await expect(verify('good')).rejects.toBeInstanceOf(CannotVerify);
  server.describeAs({});
  expect(await verify('good')).toBeDefined();
});

it('C86: stops asking a server that keeps failing', async () => {
  vi.spyOn(performance, 'now').mockReturnValue(0); // Else it asks again a second later.
  server.answerEverything(json({}, 500));
  const verify = verifier();
  for (let attempt = 0; attempt < 5; attempt += 1) {
    await expect(verify('good')).rejects.toBeInstanceOf(CannotVerify);
  }
  server.answerEverything(undefined);
  await expect(verify('good')).rejects.toBeInstanceOf(CannotVerify);
  vi.restoreAllMocks();
  expect(server.questions).toEqual([]);
});

it('C86: holds up no other token for one of which nobody understands what is said', async () => {
  server.answer('odd', { active: true });
  const verify = verifier();
  for (let attempt = 0; attempt < 5; attempt += 1) {
    await expect(verify('odd')).rejects.toBeInstanceOf(CannotVerify);
  }
  expect(await verify('good')).toBeDefined();
});

it('takes as much as the authorization details of a token may be (RFC 9396)', async () => {
  server.answer('good', machineToken('robot', { authorization_details: [{ type: 'x', words: '漢'.repeat(32_768) }] }));
  expect(await verifier()('good')).toBeDefined();
});

it('says which scopes the request takes, and that it takes none, where it is told', async () => {
  const verify = verifier();
  await verify('good', { scopes: ['records:read', 'records:write'] });
  await verify('good', { scopes: [] });
  await verify('good');
  expect(server.questions.map(({ parameters }) => parameters.get('scope'))).toEqual([
    'records:read records:write',
    '',
    null,
  ]);
});
