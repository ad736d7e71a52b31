import { EventEmitter, once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createLogger } from '../../../logging/create-logger.ts';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { answerRequest } from '../../../testing/bank.ts';
import { createAuthority } from '../../../testing/certificates.ts';
import { ALICE, postForm } from '../../../testing/relying-party.ts';
import { UserAgent } from '../../../testing/user-agent.ts';

const SECRET = 'a-secret-of-the-bank-that-is-long';
const TOKEN = 'a-token-that-only-the-server-has';

interface Ping {
  readonly authorization: string | undefined;
  readonly type: string | undefined;
  readonly body: unknown;
}

const pings = new EventEmitter();
const logged: string[] = [];
const trusted = getCACertificates('default');
let receiver: Server;
let answersWith = 204;
let server: TestServer;
let browser: UserAgent;
beforeAll(async () => {
  const authority = await createAuthority('ping');
  const { cert, key } = await authority.issue({
    subject: 'CN=localhost',
    names: [{ type: 'dns', value: 'localhost' }],
  });
  setDefaultCACertificates([...trusted, authority.cert]);
  receiver = createServer({ cert, key }, async (request, response) => {
    const { authorization, 'content-type': type } = request.headers;
    const body: unknown = JSON.parse(await text(request));
    response.writeHead(answersWith).end();
    pings.emit('ping', { authorization, type, body } satisfies Ping);
  });
  receiver.listen(0, 'localhost');
  await once(receiver, 'listening');
  const logger = createLogger('warn', { write: (line: string) => void logged.push(line) });
  server = await startTestServer({ logger });
  await server.apply({ clients: [bank('bank', `https://localhost:${(receiver.address() as AddressInfo).port}/ping`)] });
});
afterAll(async () => {
  await server.stop();
  receiver.close();
  setDefaultCACertificates(trusted);
});
beforeEach(async () => {
  answersWith = 204;
  logged.length = 0;
  browser = new UserAgent(server.issuer);
  await server.pool.query(`delete from artifacts where kind = 'BackchannelAuthenticationRequest'`);
});

function bank(client_id: string, backchannel_client_notification_endpoint: string) {
  return {
    client_id,
    client_secret: SECRET,
    grant_types: ['urn:openid:params:grant-type:ciba'],
    backchannel_token_delivery_mode: 'ping',
    backchannel_client_notification_endpoint,
    scope: 'openid',
  };
}

const OPTIONS = { [oauth.allowInsecureRequests]: true };

/** The whole exchange as oauth4webapi makes it. */
async function ask(clientId = 'bank') {
  const issuer = new URL(server.issuer);
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, OPTIONS));
  const client = { client_id: clientId };
  const auth = oauth.ClientSecretBasic(SECRET);
  const parameters = { scope: 'openid', login_hint: ALICE.email, client_notification_token: TOKEN };
  const response = await oauth.backchannelAuthenticationRequest(as, client, auth, parameters, OPTIONS);
  const { auth_req_id } = await oauth.processBackchannelAuthenticationResponse(as, client, response);
  return {
    auth_req_id,
    async poll() {
      const answer = await oauth.backchannelAuthenticationGrantRequest(as, client, auth, auth_req_id, OPTIONS);
      return oauth.processBackchannelAuthenticationGrantResponse(as, client, answer);
    },
  };
}

it('a client is told that there is an answer, by its own token, and then gets it', async () => {
  const { auth_req_id, poll } = await ask();
  const pinged = once(pings, 'ping');
  await answerRequest(browser, 'allow');
  expect(await pinged).toEqual([
    { authorization: `Bearer ${TOKEN}`, type: 'application/json', body: { auth_req_id } } satisfies Ping,
  ]);
  expect((await poll()).id_token).toBeTruthy();
});

it('a client is told of a no as well', async () => {
  const { auth_req_id, poll } = await ask();
  const pinged = once(pings, 'ping');
  await answerRequest(browser, 'deny');
  expect(await pinged).toMatchObject([{ body: { auth_req_id } }]);
  await expect(poll()).rejects.toMatchObject({ error: 'access_denied' });
});

it.each([
  ['fails', 'bank'],
  ['is not there', 'away'],
])(
  'where the client %s, the person is told the same, the log says it, and polling gets the answer',
  async (how, id) => {
    answersWith = 500;
    await server.apply({ clients: [bank('away', 'https://localhost:1/ping')] });
    const { poll } = await ask(id);
    expect((await answerRequest(browser, 'allow')).html).toContain('Allowed');
    await expect.poll(() => logged.join()).toContain('was not told of an answer');
    expect(logged.join()).toContain(id);
    expect(logged.join(), how).not.toContain(TOKEN);
    expect((await poll()).id_token).toBeTruthy();
  },
);

it.each([
  ['nothing', undefined],
  ['what is no bearer token', 'not a token'],
  ['too much', 'x'.repeat(1025)],
])('a request that names %s to be told with is refused', async (_, client_notification_token) => {
  const parameters = { scope: 'openid', login_hint: ALICE.email, client_notification_token };
  const { body } = await postForm(server.url('/backchannel'), parameters, { clientId: 'bank', secret: SECRET });
  expect(body.error).toBe('invalid_request');
});
