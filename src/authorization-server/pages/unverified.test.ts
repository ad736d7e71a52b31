/** What people see of a client that only the client itself vouches for. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { type DocumentHost, startDocumentHost } from '../../testing/document-host.ts';
import { createRegistering } from '../../testing/registering.ts';
import { ALICE, createRelyingParty, DEMO_WEB } from '../../testing/relying-party.ts';
import { UserAgent } from '../../testing/user-agent.ts';

const ON_DEVICE = 'http://127.0.0.1:7777/callback';
const ELSEWHERE = 'https://app.example.com/callback';
const PRETENDED = {
  client_name: 'Your Bank',
  logo_uri: 'https://bank.example/logo.png',
  client_uri: 'https://bank.example/',
};

let server: TestServer;
let host: DocumentHost;
let browser: UserAgent;
beforeAll(async () => {
  [server, host] = [await startTestServer(), await startDocumentHost()];
});
afterAll(() => Promise.all([server.stop(), host.stop()]));
beforeEach(() => {
  browser = new UserAgent(server.issuer);
});

async function consentPage(clientId: string, redirectUri: string): Promise<string> {
  const request = createRelyingParty(server.issuer, { clientId, redirectUri }).authorizationUrl({ scope: 'openid' });
  return (await browser.signIn(await browser.get(request), ALICE)).html;
}

async function registered(redirectUri: string): Promise<string> {
  const { registered: register } = createRegistering(server);
  return (await register({ redirect_uris: [redirectUri], token_endpoint_auth_method: 'none', ...PRETENDED })).client_id;
}

function described(path: string, redirectUri: string): string {
  const client_id = host.origin + path;
  return host.serve(path, { client_id, redirect_uris: [redirectUri], ...PRETENDED });
}

const textOf = (html: string, id: string) => new RegExp(`data-testid="${id}"[^>]*>([^<]*)<`).exec(html)?.[1]?.trim();

describe('the consent page', () => {
  it('says of a client that registered itself that nobody has checked it, and where the browser goes', async () => {
    const html = await consentPage(await registered(ELSEWHERE), ELSEWHERE);
    expect(html).toContain('consent-unverified');
    expect(textOf(html, 'consent-client')).toBe('Your Bank');
    expect(textOf(html, 'consent-destination')).toBe('app.example.com');
    expect(html).not.toContain('consent-client-host');
  });

  it('says of a client with a metadata document which host it is from, and that it is on the device', async () => {
    const html = await consentPage(described('/one.json', ON_DEVICE), ON_DEVICE);
    expect(textOf(html, 'consent-client-host')).toBe(new URL(host.origin).host);
    expect(textOf(html, 'consent-destination')).toBe('an app on this device (127.0.0.1:7777)');
  });

  it('C94: shows no picture and no link of such a client, and fetches none', async () => {
    for (const clientId of [await registered(ELSEWHERE), described('/two.json', ELSEWHERE)]) {
      browser = new UserAgent(server.issuer);
      const page = await browser.get(
        createRelyingParty(server.issuer, { clientId, redirectUri: ELSEWHERE }).authorizationUrl({ scope: 'openid' }),
      );
      const consent = await browser.signIn(page, ALICE);
      expect(page.html + consent.html).not.toContain('bank.example');
      expect(consent.headers.get('content-security-policy')).not.toContain('bank.example');
    }
  });

  it('C94: escapes what such a client says', async () => {
    const path = '/evil.json';
    const client_id = host.origin + path;
    host.serve(path, { client_id, redirect_uris: [ON_DEVICE], client_name: '<script>alert(1)</script>' });
    expect(await consentPage(client_id, ON_DEVICE)).not.toContain('<script>alert');
  });

  it('says nothing of the kind of a client that the operator registered', async () => {
    const html = await consentPage(DEMO_WEB.clientId, DEMO_WEB.redirectUri);
    expect(html).not.toContain('consent-unverified');
    expect(textOf(html, 'consent-destination')).toBe('localhost:3002');
  });
});
