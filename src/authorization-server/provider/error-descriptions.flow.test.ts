import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { createRelyingParty, DEMO_WEB, type Parameters, type RelyingParty } from '../../testing/relying-party.ts';
import { UserAgent } from '../../testing/user-agent.ts';
import { describeError } from './error-descriptions.ts';

let server: TestServer;
let web: RelyingParty;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
});
afterAll(() => server.stop());

/** RFC 6749 §5.2: what an error_description may consist of. */
const PRINTABLE = /^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/;

describe('the error sent to a redirect URI', () => {
  it.each<[string, Parameters, RegExp]>([
    ['unsupported_response_type', { response_type: 'kode' }, /response_types_supported/],
    ['unsupported_response_mode', { response_mode: 'pigeon' }, /response_modes_supported/],
    ['request_uri_not_supported', { request_uri: 'https://app.example.com/request' }, /pushed authorization request/],
    ['registration_not_supported', { registration: '{}' }, /register the client/],
    ['login_required', { prompt: 'none' }, /prompt=none|sign|authenticat/],
    ['invalid_scope', { scope: 'carrots' }, /carrots/],
    ['invalid_target', { resource: 'https://carrots.example' }, /resource/],
    ['invalid_request', { prompt: 'carrots' }, /prompt/],
  ])('%s says what helps', async (error, parameters, words) => {
    const { url } = await new UserAgent(server.issuer).get(web.authorizationUrl({ scope: 'openid', ...parameters }));
    const answer = Object.fromEntries(new URL(url).searchParams);
    expect(answer).toMatchObject({ error, error_description: expect.stringMatching(words), state: 'a-state' });
    expect(answer.error_description).toMatch(PRINTABLE);
  });
});

describe('the error of the token endpoint', () => {
  it('names where the grant types stand that it has', async () => {
    const { body } = await web.requestToken({ grant_type: 'magic' });
    expect(body).toMatchObject({ error: 'unsupported_grant_type' });
    expect(body.error_description).toMatch(/grant_types_supported/);
  });

  it('names the scopes that a refresh may not add', async () => {
    const { refresh_token } = await web.obtainTokens({ scope: 'openid' });
    const { body } = await web.refresh(refresh_token, { scope: 'openid records:write' });
    expect(body).toMatchObject({ error: 'invalid_scope', scope: 'records:write' });
    expect(body.error_description).toContain('records:write');
  });
});

describe('the error shown to a person', () => {
  it('says to the developer why there is no such client', async () => {
    const stranger = createRelyingParty(server.issuer, { ...DEMO_WEB, clientId: 'stranger' });
    const visit = await new UserAgent(server.issuer).get(stranger.authorizationUrl());
    expect(visit).toMatchObject({ status: 400, html: expect.stringContaining('the client is not known here') });
  });
});

it('leaves a description alone that says more than the code', () => {
  const response = { error: 'access_denied', error_description: 'the person pressed Deny' };
  describeError(response);
  expect(response.error_description).toBe('the person pressed Deny');
});
