import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import {
  createRelyingParty,
  DEMO_API,
  DEMO_MACHINE,
  DEMO_WEB,
  type Parameters,
  postForm,
  type RelyingParty,
} from '../../testing/relying-party.ts';
import { UserAgent } from '../../testing/user-agent.ts';

let server: TestServer;
let web: RelyingParty;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
});
afterAll(() => server.stop());

const open = (parameters: Parameters) =>
  new UserAgent(server.issuer).get(web.authorizationUrl({ scope: 'openid', ...parameters }));

const tooMany = Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`p${n}`, 'x']));

describe('an authorization request', () => {
  it('C19: may have a state of 8 KiB, and not one character more', async () => {
    const state = 's'.repeat(8_192);
    const callback = await new UserAgent(server.issuer).authorize(web.authorizationUrl({ scope: 'openid', state }));
    expect(callback.searchParams.get('state')).toBe(state);
    const refused = await open({ state: `${state}s` });
    expect(refused).toMatchObject({
      status: 400,
      html: expect.stringContaining('state is longer than 8192 characters'),
    });
  });

  it.each([
    ['nonce', 2_048],
    ['login_hint', 2_048],
    ['ui_locales', 2_048],
    ['prompt', 2_048],
    ['resource', 2_048],
    ['id_token_hint', 8_192],
    ['claims', 8_192],
  ])('C103: with a longer %s than %i characters is refused to the client, by name', async (name, longest) => {
    const { searchParams } = new URL((await open({ [name]: 'x'.repeat(longest + 1) })).url);
    expect(Object.fromEntries(searchParams)).toMatchObject({
      error: 'invalid_request',
      error_description: `${name} is longer than ${longest} characters`,
      state: 'a-state',
    });
  });

  it.each(['client_id', 'response_mode'])('C103: with a long %s is answered to the person', async (name) => {
    const visit = await open({ [name]: 'x'.repeat(2_049) });
    expect(visit).toMatchObject({
      status: 400,
      html: expect.stringContaining(`${name} is longer than 2048 characters`),
    });
    expect(visit.url).toContain(server.issuer);
  });

  it('C103: has a hundred parameters at most, each value of a repeated one counted', async () => {
    const six = { resource: Array.from({ length: 93 }, () => 'http://localhost:3001') };
    expect((await open(six)).url).toContain('/interaction/');
    for (const parameters of [
      tooMany,
      { resource: [...six.resource, 'http://localhost:3001', 'http://localhost:3001'] },
    ]) {
      expect((await open(parameters)).html).toContain('the request has more than 100 parameters');
    }
  });
});

describe('the form posted to', () => {
  const ENDPOINTS = [
    ['/token', DEMO_MACHINE, 'scope'],
    ['/token/introspection', DEMO_API, 'client_id'],
    ['/token/revocation', DEMO_WEB, 'token_type_hint'],
    ['/request', DEMO_WEB, 'nonce'],
    ['/device/auth', DEMO_WEB, 'acr_values'],
    ['/backchannel', DEMO_WEB, 'binding_message'],
  ] as const;

  it.each(ENDPOINTS)('C103: %s has limits, and the refusal names the parameter', async (path, client, name) => {
    const long = await postForm(server.url(path), { grant_type: 'x', [name]: 'x'.repeat(8_193) }, client);
    expect(long.status).toBe(400);
    expect(long.body).toMatchObject({
      error: 'invalid_request',
      error_description: expect.stringMatching(new RegExp(`^${name} is longer than \\d+ characters$`)),
    });
    const many = await postForm(server.url(path), tooMany, client);
    expect(many.body.error_description).toBe('the request has more than 100 parameters');
  });

  it('the token endpoint may carry a long assertion, and a scope as long as any registration has', async () => {
    const scope = `records:read ${'x'.repeat(4_000)}`;
    const answer = await postForm(server.url('/token'), { grant_type: 'client_credentials', scope }, DEMO_MACHINE);
    expect(answer.body.error).toBe('invalid_scope');
    const assertion = await postForm(server.url('/token'), { client_assertion: 'x'.repeat(32_768) });
    expect(assertion.body.error_description).not.toContain('longer than');
  });
});
