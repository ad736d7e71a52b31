/** What the playground says of servers that do not refuse, and what it does with one that means it harm. */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { createPlayground } from './app.ts';
import { otherIssuer } from './issuers.ts';

type Answer = (response: ServerResponse) => void;

const json =
  (status: number, body: unknown): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
const token = (expires_in: number) => json(200, { access_token: 'a-token', token_type: 'Bearer', expires_in });

/** What the authorization server and the API, which are one here, answer at each path. */
const answers = new Map<string, Answer>();
let theirs: Server;
let ours: Server;
let issuer: string;
let ownUrl: string;

const listening = async (server: Server) => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://localhost:${(server.address() as AddressInfo).port}`;
};

beforeAll(async () => {
  theirs = createServer((request, response) => {
    const answer = answers.get(request.url?.split('?')[0] ?? '') ?? json(404, { error: 'not_found' });
    answer(response);
  });
  ours = createServer();
  [issuer, ownUrl] = await Promise.all([listening(theirs), listening(ours)]);
});

beforeEach(() => {
  answers.clear();
  describeServer({});
  const client = { clientId: 'somebody', clientSecret: 'a-secret-of-somebody' };
  const clients = { web: client, machine: client, device: client, password: client, shortLived: client };
  const issuers = [otherIssuer({ issuer, api: `${issuer}/api`, clients })];
  ours.removeAllListeners('request').on('request', createPlayground({ issuers, ownUrl }).callback());
});

afterEach(() => {
  vi.useRealTimers();
});

afterAll(() => {
  for (const server of [theirs, ours]) {
    server.closeAllConnections();
    server.close();
  }
});

function describeServer(members: Record<string, unknown>) {
  const grants = ['client_credentials', 'password', 'urn:ietf:params:oauth:grant-type:device_code'];
  const metadata = {
    issuer,
    token_endpoint: `${issuer}/token`,
    device_authorization_endpoint: `${issuer}/device`,
    introspection_endpoint: `${issuer}/introspection`,
    jwks_uri: `${issuer}/jwks`,
    grant_types_supported: grants,
    ...members,
  };
  answers.set('/.well-known/openid-configuration', json(200, metadata));
}

/** A browser that presses buttons of one page, and reads it after each. */
function browserOf(path: string) {
  let cookie = '';
  return async (button: string, fields: Record<string, string> = {}) => {
    const body = new URLSearchParams(fields);
    const headers = { origin: ownUrl, cookie };
    const pressed = await fetch(`${ownUrl}${path}/${button}`, { method: 'POST', redirect: 'manual', body, headers });
    cookie = pressed.headers.getSetCookie()[0]?.split(';')[0] ?? cookie;
    expect([button, pressed.status]).toEqual([button, 303]);
    return (await fetch(ownUrl + path, { headers: { cookie } })).text();
  };
}

const verdictIn = (page: string, attack: string) =>
  page
    .split(`data-testid="breaker-${attack}"`)[1]
    ?.match(/data-refused="(\w+)">([^<]+)/)
    ?.slice(1);

it('says in green what was refused, and in red what was not', async () => {
  const press = browserOf('/flows/client-credentials');
  answers.set('/token', json(401, { error: 'invalid_client' }));
  expect(verdictIn(await press('break/wrong-secret'), 'wrong-secret')).toEqual([
    'true',
    'The server refused: 401 invalid_client.',
  ]);
  answers.set('/token', token(60));
  expect(verdictIn(await press('break/wrong-secret'), 'wrong-secret')).toEqual([
    'false',
    'The server did not refuse: 200.',
  ]);
});

it.each([429, 500, 503])('judges nobody by an answer of %i', async (status) => {
  answers.set('/token', json(status, { error: 'temporarily_unavailable' }));
  const page = await browserOf('/flows/client-credentials')('break/wrong-secret');
  expect(verdictIn(page, 'wrong-secret')).toBeUndefined();
  expect(page).toContain('This attack cannot be tried here');
});

it.each([
  [401, ['true', 'The server refused: 401 invalid_token.']],
  [200, ['false', 'The server did not refuse: 200.']],
])('waits for the end of a token, uses it once more, and tells of the %i', async (status, verdict) => {
  vi.useFakeTimers({ toFake: ['Date'] });
  answers.set('/token', token(5));
  answers.set('/api', json(200, {}));
  const press = browserOf('/tools/api');
  expect(await press('break/expired-token')).toContain('data-wait="6"');
  answers.set('/api', json(status, status === 200 ? {} : { error: 'invalid_token' }));
  const early = await press('break/expired-token');
  expect(early).toContain('data-wait="6"');
  expect(verdictIn(early, 'expired-token')).toBeUndefined();
  vi.setSystemTime(Date.now() + 6_000);
  const late = await press('break/expired-token');
  expect(late).not.toContain('data-wait');
  expect(verdictIn(late, 'expired-token')).toEqual(verdict);
});

it('claims nothing of an expired token where the API never took it, or where nobody would wait', async () => {
  answers.set('/token', token(5));
  answers.set('/api', json(403, { error: 'insufficient_scope' }));
  const page = await browserOf('/tools/api')('break/expired-token');
  expect(page).toContain('The API refuses the token even while it is good');
  answers.set('/token', token(3600));
  expect(await browserOf('/tools/api')('break/expired-token')).toContain('is good for 3600 seconds');
});

it.each(['http://169.254.169.254/latest/meta-data', 'http://10.0.0.1:1/', 'file:///etc/passwd', 'not an address'])(
  'sends nothing where another server’s metadata points: %s',
  async (jwks_uri) => {
    describeServer({ jwks_uri });
    const press = browserOf('/tools/discovery');
    await press('start');
    const page = await press('actions/keys');
    expect(page).toMatch(/it is not https|names an endpoint that is no address/);
  },
);

it('follows no redirect', async () => {
  answers.set('/jwks', (response) => response.writeHead(302, { location: '/inside' }).end());
  let isReached = false;
  answers.set('/inside', (response) => {
    isReached = true;
    response.end();
  });
  const press = browserOf('/tools/discovery');
  await press('start');
  expect(await press('actions/keys')).toContain('302');
  expect(isReached).toBe(false);
});

it.each<[string, Answer]>([
  ['more than anybody reads', (response) => response.end('a'.repeat(2 * 1024 * 1024))],
  [
    'half an answer',
    (response) => void response.writeHead(200, { 'content-length': 99 }).write('{', () => response.destroy()),
  ],
  ['a redirect to nowhere', (response) => response.writeHead(302, { location: 'http://[' }).end()],
  ['no JSON', (response) => response.end('<script>alert(1)</script>')],
  ['null', json(200, null)],
])('breaks over nothing that a server answers: %s', async (_what, answer) => {
  answers.set('/token', answer);
  answers.set('/jwks', answer);
  answers.set('/introspection', answer);
  for (const [path, buttons] of [
    ['/tools/discovery', ['start', 'actions/keys']],
    ['/flows/client-credentials', ['start', 'break/unregistered-scope', 'break/wrong-secret']],
    ['/tools/introspection', ['break/invented-token']],
    ['/flows/device', ['break/invented-device-code']],
  ] as const) {
    const press = browserOf(path);
    for (const button of buttons) {
      expect(await press(button)).not.toContain('<script>alert');
    }
  }
});

it('C94: links to no script that a device authorization names, and draws no endless picture', async () => {
  for (const verification_uri of ['javascript:alert(1)', `https://a.example/${'a'.repeat(5000)}`]) {
    answers.set('/device', json(200, { device_code: 'd', user_code: 'u', verification_uri, expires_in: 60 }));
    const page = await browserOf('/flows/device')('start');
    expect(page).toContain('data-state="failed"');
    expect(page).not.toContain('href="javascript:');
  }
});

it('shows nobody the password that was typed for another server', async () => {
  answers.set(
    '/token',
    json(400, { error: 'invalid_grant', error_description: 'no such password: Rhubarb-&-custard' }),
  );
  const press = browserOf('/flows/password');
  expect(await press('start', { username: 'a@example.com', password: 'Rhubarb-&-custard' })).not.toMatch(/Rhubarb/);
});

it('lets a script reach the endpoints that it is told of, and nothing that means harm', async () => {
  describeServer({
    token_endpoint: 'https://tokens.example:8443/token',
    jwks_uri: "https://keys.example;script-src-elem'unsafe-inline'/",
    userinfo_endpoint: 'http://169.254.169.254/latest',
    revocation_endpoint: 'no URL',
  });
  const policy = (await fetch(`${ownUrl}/spa/callback`)).headers.get('content-security-policy');
  expect(policy).toContain(`; connect-src 'self' ${issuer} https://tokens.example:8443; img-src`);
  expect(policy).not.toMatch(/keys|169|unsafe/);
});
