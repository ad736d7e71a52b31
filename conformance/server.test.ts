/** The server that a tester points the suite at: over TLS, with its own clients and person, by a browser without JavaScript. */
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../src/database/embedded/free-port.ts';
import { createTestDatabase, type TestDatabase } from '../src/testing/database.ts';
import { createRelyingParty, postForm, send } from '../src/testing/relying-party.ts';
import { formOf, UserAgent } from '../src/testing/user-agent.ts';
import { startConformanceServer } from './server.ts';

const CALLBACK = 'https://www.certification.openid.net/test/a/acme/callback';

let database: TestDatabase;
let data: string;
let issuer: string;
let server: Awaited<ReturnType<typeof startConformanceServer>>;
beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
  data = await mkdtemp(join(tmpdir(), 'conformance-'));
  const port = await freePort();
  issuer = `https://localhost:${port}`;
  const listen = { host: 'localhost', port };
  server = await startConformanceServer({ issuer, listen, alias: 'acme', data, databaseUrl: database.url });
  setDefaultCACertificates([...getCACertificates(), server.certificate]);
});
afterAll(async () => {
  await server.stop();
  await database.drop();
  await rm(data, { recursive: true });
});

it('is found over TLS with everything at https, and lets clients register', async () => {
  const { body } = await send(server.configuration.server.discoveryUrl);
  expect(body).toMatchObject({ issuer, registration_endpoint: `${issuer}/register` });
  const addresses = Object.values(body).filter((value) => typeof value === 'string' && value.startsWith('http'));
  expect(addresses.every((address) => String(address).startsWith(`${issuer}/`) || address === issuer)).toBe(true);
});

it.each([
  ['client', 'code'],
  ['client2', 'code id_token'],
] as const)(
  '%s of the pasted configuration signs the person in, answered by form to another site',
  async (which, type) => {
    const { client_id: clientId, client_secret: secret } = server.configuration[which];
    const client = { clientId, secret, redirectUri: CALLBACK };
    const request = { response_type: type, response_mode: 'form_post', scope: 'openid phone', nonce: 'n' };
    const browser = new UserAgent(issuer);
    const url = createRelyingParty(issuer, client).authorizationUrl({
      ...request,
      code_challenge: undefined,
      code_challenge_method: undefined,
    });
    const visit = await browser.goThrough(await browser.get(url), server.person);
    const form = formOf(visit);
    expect(form).toMatchObject({ action: CALLBACK, fields: { state: 'a-state', iss: issuer } });
    // What a person without JavaScript goes on with.
    expect(visit.html).toMatch(/<noscript>.*<button/s);
    expect([...browser.cookies.keys()]).toContain('/ __Host-session');

    const grant = { grant_type: 'authorization_code', code: form?.fields.code, redirect_uri: CALLBACK };
    const { status, body } = await postForm(`${issuer}/token`, grant, client);
    expect(status).toBe(200);
    const told = await send(`${issuer}/me`, { headers: { authorization: `Bearer ${body.access_token}` } });
    expect(told.body.phone_number).toBe('+1 (604) 555-1234;ext=5678');
  },
);

it('keeps the secrets that it made for the next start, for nobody else to read', async () => {
  const file = join(data, 'conformance-secrets.json');
  expect(JSON.parse(await readFile(file, 'utf8')).PASSWORD).toBe(server.person.password);
  expect((await stat(file)).mode & 0o077).toBe(0);
  expect(new Set(Object.values(JSON.parse(await readFile(file, 'utf8')))).size).toBe(3);
});
