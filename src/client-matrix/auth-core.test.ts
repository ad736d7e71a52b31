/** @auth/core 0.41, the inside of Auth.js and NextAuth: one function from a request to a response, and a generic OIDC provider. */
import type { RequestListener } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { Auth, type AuthConfig } from '@auth/core';
import type { OIDCConfig } from '@auth/core/providers';
import type { Profile } from '@auth/core/types';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startApplication } from '../testing/application.ts';
import { startTestServer, type TestServer } from '../testing/authorization-server.ts';
import { Browser } from '../testing/browser.ts';

const CLIENT = { client_id: 'auth-js', client_secret: 'auth-js-secret' };
const PUBLIC_CLIENT = { client_id: 'auth-js-public', token_endpoint_auth_method: 'none' };

let server: TestServer;
let application: Awaited<ReturnType<typeof startApplication>>;
/** Of the provider, beside what every test has. */
let options: Partial<OIDCConfig<Profile>>;
let browser: Browser;
beforeAll(async () => {
  server = await startTestServer();
  application = await startApplication(createApplication);
  const registration = {
    redirect_uris: [`${application.url}/auth/callback/concierge`],
    scope: 'openid profile email',
  };
  await server.apply({ clients: [CLIENT, PUBLIC_CLIENT].map((client) => ({ ...client, ...registration })) });
});
afterAll(async () => {
  application.stop();
  await server.stop();
});
beforeEach(() => {
  options = {};
  browser = new Browser(application.url, server.issuer);
});

function createApplication(url: string): RequestListener {
  return async (incoming, outgoing) => {
    const request = new Request(new URL(incoming.url ?? '', url), {
      method: incoming.method ?? 'GET',
      headers: incoming.headers as Record<string, string>,
      ...(incoming.method === 'POST' && { body: await buffer(incoming) }),
    });
    const response = await Auth(request, settings());
    outgoing.writeHead(response.status, [...response.headers].flat());
    outgoing.end(await response.text());
  };
}

const settings = (): AuthConfig => ({
  secret: 'a-secret-of-the-application',
  trustHost: true,
  basePath: '/auth',
  logger: { error: () => {} },
  providers: [
    {
      id: 'concierge',
      name: 'Concierge',
      type: 'oidc',
      issuer: server.issuer,
      clientId: CLIENT.client_id,
      clientSecret: CLIENT.client_secret,
      checks: ['pkce', 'state', 'nonce'],
      // What a person is called is told by userinfo; the ID token of this flow only says who it is (Core §5.4).
      idToken: false,
      ...options,
    },
  ],
});

async function csrfToken(): Promise<string> {
  return JSON.parse((await browser.open('/auth/csrf')).html).csrfToken;
}

async function session(): Promise<unknown> {
  return JSON.parse((await browser.open('/auth/session')).html);
}

/** The button of its sign-in page. */
const signIn = async () =>
  browser.application.post('/auth/signin/concierge', { csrfToken: await csrfToken(), callbackUrl: application.url });

describe('@auth/core', () => {
  it('signs a person in to a session, and out of it', async () => {
    expect(await session()).toBeNull();
    await browser.follow(await signIn());
    expect(await session()).toMatchObject({ user: { name: 'Alice Archer', email: 'alice@example.com' } });
    await browser.application.post('/auth/signout', { csrfToken: await csrfToken() });
    expect(await session()).toBeNull();
  });

  it('is posted its code in a form', async () => {
    options = { authorization: { params: { scope: 'openid profile email', response_mode: 'form_post' } } };
    const request = await signIn();
    expect(new URL(request.url).searchParams.get('response_mode')).toBe('form_post');
    await browser.follow(request);
    expect(await session()).toMatchObject({ user: { name: 'Alice Archer' } });
  });

  it('does without a secret', async () => {
    options = { clientId: PUBLIC_CLIENT.client_id, client: PUBLIC_CLIENT };
    await browser.follow(await signIn());
    expect(await session()).toMatchObject({ user: { name: 'Alice Archer' } });
  });

  it('signs nobody in who said no', async () => {
    const request = await signIn();
    const question = await browser.issuer.signIn(await browser.issuer.get(request.url), { email: 'alice@example.com' });
    const refused = await browser.open((await browser.issuer.deny(question)).url);
    expect(new URL(refused.url).searchParams.get('error')).toBe('OAuthCallbackError');
    expect(await session()).toBeNull();
  });
});
