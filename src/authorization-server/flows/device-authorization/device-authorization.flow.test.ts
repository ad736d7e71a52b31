import * as oauth from 'oauth4webapi';
import * as openidClient from 'openid-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { postAtOnce } from '../../../testing/at-once.ts';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  ALICE,
  type Answer,
  createRelyingParty,
  GUEST,
  introspect,
  type Parameters,
  postForm,
  type RelyingParty,
  tokensOf,
} from '../../../testing/relying-party.ts';
import { UserAgent, type Visit } from '../../../testing/user-agent.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const TV = { clientId: 'tv' };
const REGISTRATION = {
  client_id: 'tv',
  client_name: 'Television',
  token_endpoint_auth_method: 'none',
  grant_types: [GRANT, 'refresh_token'],
  scope: 'openid profile offline_access records:read records:write',
  default_scope: 'openid records:read',
};

let server: TestServer;
let tv: RelyingParty;
let browser: UserAgent;
beforeAll(async () => {
  server = await startTestServer();
  await server.apply({
    clients: [
      REGISTRATION,
      { ...REGISTRATION, client_id: 'radio', client_name: 'Radio' },
      {
        ...REGISTRATION,
        client_id: 'box',
        client_secret: 'a-secret-of-the-box-that-is-long',
        token_endpoint_auth_method: 'client_secret_basic',
      },
    ],
  });
  tv = createRelyingParty(server.issuer, TV);
});
afterAll(() => server.stop());
beforeEach(async () => {
  browser = new UserAgent(server.issuer);
  await server.pool.query('delete from rate_limits');
});

interface Device {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete: string;
  readonly expires_in: number;
  readonly interval: number;
}

function request(parameters: Parameters = {}, client: Parameters[string] | object = TV): Promise<Answer> {
  return postForm(server.url('/device/auth'), parameters, client as typeof TV);
}

async function connect(parameters: Parameters = {}): Promise<Device> {
  const { status, body } = await request(parameters);
  expect(status).toBe(200);
  return body as unknown as Device;
}

const poll = ({ device_code }: Pick<Device, 'device_code'>, rp = tv, node?: string) =>
  rp.requestToken({ grant_type: GRANT, device_code }, node);

/** The fields of the page's form. */
function fieldsOf({ html }: Visit): Record<string, string> {
  const fields = html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g);
  return Object.fromEntries([...fields].map(([, name, value]) => [name, value]));
}

async function type(user_code: string, visitor = browser): Promise<Visit> {
  const page = await visitor.get('/device');
  return visitor.post('/device', { xsrf: fieldsOf(page).xsrf ?? '', user_code });
}

const confirm = (page: Visit, visitor = browser) =>
  visitor.post('/device', {
    xsrf: fieldsOf(page).xsrf ?? '',
    user_code: fieldsOf(page).user_code ?? '',
    confirm: 'yes',
  });

const said = ({ html }: Visit, testId: string) =>
  html.match(new RegExp(`data-testid="${testId}"[^>]*>([^<]*)`))?.[1]?.trim();

/** Types the code, confirms the device, signs in where that is asked, and allows what is asked. */
async function allow({ user_code }: Device, person = ALICE, visitor = browser): Promise<Visit> {
  let visit = await confirm(await type(user_code, visitor), visitor);
  if (visit.html.includes('/sign-in"')) {
    visit = await visitor.signIn(visit, person);
  }
  return visit.html.includes('/consent"') ? visitor.approve(visit) : visit;
}

describe('the device authorization request', () => {
  it('is answered with everything that RFC 8628 §3.2 names', async () => {
    const { status, headers, body } = await request({ scope: 'openid records:read' });
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    const user_code = expect.stringMatching(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
    expect(body).toEqual({
      device_code: expect.stringMatching(/^[\w-]{43,}$/),
      user_code,
      verification_uri: `${server.issuer}/device`,
      verification_uri_complete: `${server.issuer}/device?user_code=${body.user_code}`,
      expires_in: 600,
      interval: 5,
    });
  });

  it('is for clients with the grant only', async () => {
    const { status, body } = await request({}, { clientId: 'demo-spa' });
    expect([status, body.error]).toEqual([400, 'unauthorized_client']);
  });

  it('is for a confidential client that proves who it is', async () => {
    const box = { clientId: 'box', secret: 'a-secret-of-the-box-that-is-long' };
    expect((await request({}, box)).status).toBe(200);
    expect((await request({}, { ...box, secret: 'wrong' })).body.error).toBe('invalid_client');
    expect((await request({}, { clientId: 'box' })).body.error).toBe('invalid_client');
  });

  it('may leave the scope out, and is refused one that the client may not have', async () => {
    const device = await connect();
    await allow(device);
    expect(tokensOf(await poll(device)).scope).toBe('openid records:read');
    const { body } = await request({ scope: 'blobs:write' });
    expect(body).toMatchObject({ error: 'invalid_scope', error_description: expect.stringContaining('blobs:write') });
  });

  it('is not there, nor its page, under a profile that has no room for the grant', async () => {
    const node = await server.addNode({ config: (config) => ({ ...config, profile: 'fapi-2.0' }) });
    const metadata = await (await fetch(`${node}/.well-known/openid-configuration`)).json();
    expect(metadata).not.toHaveProperty('device_authorization_endpoint');
    expect((await fetch(`${node}/device/auth`, { method: 'POST' })).status).toBe(404);
    expect((await fetch(`${node}/device`)).status).toBe(404);
    expect(await (await fetch(node)).text()).not.toContain('connect-device');
  });

  it('is a POST', async () => {
    const response = await fetch(server.url('/device/auth'));
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
  });
});

describe('a device that was allowed', () => {
  it('gets its tokens through openid-client', async () => {
    const configuration = await tv.discover();
    const device = await openidClient.initiateDeviceAuthorization(configuration, { scope: 'openid records:read' });
    await allow(device as Device);
    const tokens = await openidClient.pollDeviceAuthorizationGrant(configuration, { ...device, interval: 0 });
    expect(tokens.claims()?.sub).toBeTruthy();
    expect((await introspect(server.issuer, tokens.access_token)).active).toBe(true);
    expect((await openidClient.refreshTokenGrant(configuration, tokens.refresh_token ?? '')).access_token).toBeTruthy();
  });

  it('gets its tokens through oauth4webapi, which is told first that they are not there yet', async () => {
    const options = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(server.issuer);
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options));
    const client = { client_id: TV.clientId };
    const parameters = { scope: 'openid' };
    const asked = await oauth.deviceAuthorizationRequest(as, client, oauth.None(), parameters, options);
    const device = await oauth.processDeviceAuthorizationResponse(as, client, asked);
    const redeem = async () => {
      const answer = await oauth.deviceCodeGrantRequest(as, client, oauth.None(), device.device_code, options);
      return oauth.processDeviceCodeResponse(as, client, answer);
    };
    await expect(redeem()).rejects.toMatchObject({ error: 'authorization_pending' });
    await allow(device as Device);
    expect((await redeem()).id_token).toBeTruthy();
  });

  it('keeps its tokens when the browser that allowed it signs out', async () => {
    const device = await connect({ scope: 'openid records:read' });
    await allow(device);
    const tokens = tokensOf(await poll(device));
    const page = await browser.get('/session/end');
    await browser.post('/session/end/confirm', { xsrf: fieldsOf(page).xsrf ?? '', logout: 'yes' });
    expect((await browser.get('/device')).status).toBe(200);
    expect((await introspect(server.issuer, tokens.access_token)).active).toBe(true);
    expect((await tv.refresh(tokens.refresh_token)).status).toBe(200);
  });

  it('gets no more than the roles of the account permit', async () => {
    const device = await connect({ scope: 'openid records:read records:write' });
    await allow(device, GUEST);
    expect(tokensOf(await poll(device)).scope).toBe('openid records:read');
  });

  it('may have offline_access, which is asked for', async () => {
    const device = await connect({ scope: 'openid offline_access' });
    await allow(device);
    expect(tokensOf(await poll(device)).scope).toBe('openid offline_access');
  });

  it('is allowed without another consent where the person gave it before, and never without being confirmed', async () => {
    await allow(await connect());
    const again = await connect();
    const page = await type(again.user_code);
    expect((await poll(again)).body.error).toBe('authorization_pending');
    expect((await confirm(page)).html).toContain('data-testid="device-connected"');
    expect((await poll(again)).status).toBe(200);
  });

  it('C20: gets tokens once, of 20 polls at once at two nodes, and they stay good', async () => {
    const device = await connect();
    await allow(device);
    const nodes = [server.issuer, await server.addNode()];
    const urls = Array.from({ length: 20 }, (_, n) => new URL('/token', nodes[n % 2]).href);
    const form = { grant_type: GRANT, device_code: device.device_code, client_id: 'tv' };
    const answers = await postAtOnce(urls, form);
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    for (const { status, body } of answers.filter((one) => !won.includes(one))) {
      expect([status, body.error]).toEqual([400, 'invalid_grant']);
    }
    expect((await poll(device)).body.error).toBe('invalid_grant');
    expect((await introspect(server.issuer, tokensOf(won[0] as Answer).access_token)).active).toBe(true);
  });
});

describe('polling', () => {
  it('is told to wait, and to slow down when it does not', async () => {
    const device = await connect();
    expect((await poll(device)).body.error).toBe('authorization_pending');
    expect((await poll(device)).body.error).toBe('slow_down');
    expect((await poll(device, tv, await server.addNode())).body.error).toBe('slow_down');
    await server.pool.query('update rate_limits set renews_at = now()');
    expect((await poll(device)).body.error).toBe('authorization_pending');
  });

  it('is never told to slow down once there is an answer', async () => {
    const device = await connect();
    await poll(device);
    await allow(device);
    expect((await poll(device)).status).toBe(200);
  });

  it('is of no use to another client, or with a code that nobody was given', async () => {
    const device = await connect();
    await allow(device);
    const radio = createRelyingParty(server.issuer, { clientId: 'radio' });
    expect((await poll(device, radio)).body.error).toBe('invalid_grant');
    expect((await poll({ device_code: 'nonsense' })).body.error).toBe('invalid_grant');
    expect((await tv.requestToken({ grant_type: GRANT })).body.error).toBe('invalid_request');
    expect((await poll(device)).status).toBe(200);
  });

  it('learns that the person said no, at each step at which one can', async () => {
    const [atDevice, atSignIn, atConsent] = [await connect(), await connect(), await connect()];
    const page = await type(atDevice.user_code);
    await browser.post('/device', { ...fieldsOf(page), confirm: '', abort: 'yes' });
    const cancelled = await browser.deny(await confirm(await type(atSignIn.user_code)));
    expect(cancelled.html).toContain('data-testid="device-denied"');
    await browser.deny(await browser.signIn(await confirm(await type(atConsent.user_code)), ALICE));
    for (const device of [atDevice, atSignIn, atConsent]) {
      expect((await poll(device)).body.error).toBe('access_denied');
    }
  });

  it('learns that the code has expired', async () => {
    const device = await connect();
    const expire = (payload: string) => JSON.stringify({ ...JSON.parse(payload), exp: 1 });
    const { rows } = await server.pool.query(`select key, payload from artifacts where kind = 'DeviceCode'`);
    for (const { key, payload } of rows) {
      await server.pool.query('update artifacts set payload = $2 where key = $1', [key, expire(payload)]);
    }
    expect((await poll(device)).body.error).toBe('expired_token');
    expect(said(await type(device.user_code), 'device-problem')).toContain('expired');
  });
});

describe('the code', () => {
  it.each([
    ['in lower case', (code: string) => code.toLowerCase()],
    ['without the dash', (code: string) => code.replace('-', '')],
    ['with spaces', (code: string) => ` ${code.split('').join(' ')} `],
    ['as the device shows it', (code: string) => code],
  ])('may be typed %s', async (_, typed) => {
    const device = await connect();
    const page = await type(typed(device.user_code));
    expect(said(page, 'device-code')).toBe(device.user_code);
    expect(said(page, 'device-client')).toBe('Television');
    expect(said(page, 'device-asked')).toBe('less than a minute ago');
  });

  it('may come with the address, and is shown for comparison before anything happens', async () => {
    const device = await connect();
    const page = await browser.get(device.verification_uri_complete);
    expect(said(page, 'device-code')).toBe(device.user_code);
    expect((await confirm(page)).html).toContain('/sign-in"');
  });

  it.each([
    ['is unknown', 'BBBB-BBBB', 'We don’t know that code'],
    ['has digits', '1234-5678', 'eight letters'],
    ['is too short', 'BBB', 'eight letters'],
    ['is missing', ' ', 'Type the code'],
  ])('that %s is told kindly, and stays in the field', async (_, typed, words) => {
    const page = await type(typed);
    expect([page.status, said(page, 'device-problem')]).toEqual([400, expect.stringContaining(words)]);
    expect(page.html).toContain(`value="${typed.trim()}"`);
  });

  it('works once', async () => {
    const device = await connect();
    await allow(device);
    for (const page of [await type(device.user_code), await browser.get(device.verification_uri_complete)]) {
      expect(said(page, 'device-problem')).toContain('used already');
    }
  });

  it('cannot be guessed for long from one address, at whichever node, in the field or in the address', async () => {
    const device = await connect();
    browser.node = await server.addNode();
    for (let n = 0; n < 10; n += 1) {
      await type('BBBB-BBBB');
      await browser.get('/device?user_code=CCCC-CCCC');
    }
    browser.node = server.issuer;
    for (const page of [await type(device.user_code), await browser.get(device.verification_uri_complete)]) {
      expect([page.status, said(page, 'device-problem')]).toEqual([429, expect.stringContaining('Too many')]);
    }
  });

  it('that is right counts against nobody', async () => {
    for (let n = 0; n < 25; n += 1) {
      expect((await type((await connect()).user_code)).status).toBe(200);
    }
  });
});

describe('the page', () => {
  it('asks again where its secret is missing, wrong or of another tab, and connects nothing', async () => {
    const device = await connect();
    await browser.get('/device');
    for (const xsrf of ['', 'wrong']) {
      const page = await browser.post('/device', { xsrf, user_code: device.user_code, confirm: 'yes' });
      expect(said(page, 'device-code')).toBe(device.user_code);
    }
    const stranger = new UserAgent(server.issuer);
    const page = await stranger.post('/device', { user_code: device.user_code, confirm: 'yes' });
    expect(said(page, 'device-code')).toBe(device.user_code);
    expect((await poll(device)).body.error).toBe('authorization_pending');
  });

  it('has words for whoever comes back to a step that is not theirs, or from nowhere', async () => {
    for (const visitor of [browser, new UserAgent(server.issuer)]) {
      await browser.get('/device');
      const page = await visitor.get('/device/of-somebody-else');
      expect([page.status, said(page, 'device-problem')]).toEqual([400, expect.stringContaining('took too long')]);
      const form = await visitor.post('/device', { xsrf: fieldsOf(page).xsrf ?? '', user_code: 'BBBB-BBBB' });
      expect(said(form, 'device-problem')).toContain('We don’t know that code');
    }
  });

  it('C94: shows what a stranger wrote into it as text', async () => {
    const user_code = '"><script>alert(1)</script>';
    expect((await type(user_code)).html).not.toContain('<script>alert');
    const { body } = await (
      await fetch(server.url('/device/auth'), {
        method: 'POST',
        headers: { 'user-agent': '<img src=x onerror=alert(1)>' },
        body: new URLSearchParams({ client_id: 'tv' }),
      })
    )
      .json()
      .then((json) => ({ body: json as Device }));
    const page = await type(body.user_code);
    expect(page.html).not.toContain('<img src=x');
    expect(page.html).toContain('&lt;img src=x onerror=alert(1)&gt;');
  });

  it('keeps what it remembers of a stranger for an hour, and of who is signed in for longer', async () => {
    await server.pool.query(`delete from artifacts where kind = 'Session'`);
    await browser.get('/device');
    const hours = `select extract(epoch from max(expires_at) - now()) / 3600 as hours from artifacts where kind = 'Session'`;
    expect(Number((await server.pool.query(hours)).rows[0].hours)).toBeLessThanOrEqual(2);
    await allow(await connect());
    expect(Number((await server.pool.query(hours)).rows[0].hours)).toBeGreaterThan(24);
  });

  it('C53: may not be framed, and is kept by nobody', async () => {
    const { headers } = await browser.get('/device');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('cache-control')).toBe('no-store');
  });
});
