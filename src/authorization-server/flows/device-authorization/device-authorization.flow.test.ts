import * as oauth from 'oauth4webapi';
import * as openidClient from 'openid-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { postAtOnce } from '../../../testing/at-once.ts';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  allowDevice,
  confirmDevice,
  createTelevision,
  DEVICE_GRANT,
  type Device,
  fieldsOf,
  said,
  TELEVISION,
  TELEVISION_REGISTRATION,
  type Television,
  typeCode,
} from '../../../testing/device.ts';
import { ALICE, type Answer, GUEST, introspect, type TestClient, tokensOf } from '../../../testing/relying-party.ts';
import { UserAgent } from '../../../testing/user-agent.ts';

let server: TestServer;
let tv: Television;
let browser: UserAgent;
beforeAll(async () => {
  server = await startTestServer();
  await server.apply({
    clients: [
      TELEVISION_REGISTRATION,
      { ...TELEVISION_REGISTRATION, client_id: 'radio', client_name: 'Radio' },
      {
        ...TELEVISION_REGISTRATION,
        client_id: 'box',
        client_secret: 'a-secret-of-the-box-that-is-long',
        token_endpoint_auth_method: 'client_secret_basic',
      },
    ],
  });
  tv = createTelevision(server);
});
afterAll(() => server.stop());
beforeEach(async () => {
  browser = new UserAgent(server.issuer);
  await server.pool.query('delete from rate_limits');
});

describe('the device authorization request', () => {
  it('is answered with everything that RFC 8628 §3.2 names', async () => {
    const { status, headers, body } = await tv.request({ scope: 'openid records:read' });
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
    const { status, body } = await createTelevision(server, { clientId: 'demo-spa' }).request();
    expect([status, body.error]).toEqual([400, 'unauthorized_client']);
  });

  it('is for a confidential client that proves who it is', async () => {
    const box = { clientId: 'box', secret: 'a-secret-of-the-box-that-is-long' };
    const asked = async (client: TestClient) => (await createTelevision(server, client).request()).body;
    expect(await asked(box)).toHaveProperty('device_code');
    expect((await asked({ ...box, secret: 'wrong' })).error).toBe('invalid_client');
    expect((await asked({ clientId: 'box' })).error).toBe('invalid_client');
  });

  it('may leave the scope out, and is refused one that the client may not have', async () => {
    const device = await tv.connect();
    await allowDevice(browser, device);
    expect((await tv.obtainTokens(device)).scope).toBe('openid records:read');
    const { body } = await tv.request({ scope: 'blobs:write' });
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
    const configuration = await tv.rp.discover();
    const device = await openidClient.initiateDeviceAuthorization(configuration, { scope: 'openid records:read' });
    await allowDevice(browser, device as Device);
    const tokens = await openidClient.pollDeviceAuthorizationGrant(configuration, { ...device, interval: 0 });
    expect(tokens.claims()?.sub).toBeTruthy();
    expect((await introspect(server.issuer, tokens.access_token)).active).toBe(true);
    expect((await openidClient.refreshTokenGrant(configuration, tokens.refresh_token ?? '')).access_token).toBeTruthy();
  });

  it('gets its tokens through oauth4webapi, which is told first that they are not there yet', async () => {
    const options = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(server.issuer);
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options));
    const client = { client_id: TELEVISION.clientId };
    const parameters = { scope: 'openid' };
    const asked = await oauth.deviceAuthorizationRequest(as, client, oauth.None(), parameters, options);
    const device = await oauth.processDeviceAuthorizationResponse(as, client, asked);
    const redeem = async () => {
      const answer = await oauth.deviceCodeGrantRequest(as, client, oauth.None(), device.device_code, options);
      return oauth.processDeviceCodeResponse(as, client, answer);
    };
    await expect(redeem()).rejects.toMatchObject({ error: 'authorization_pending' });
    await allowDevice(browser, device as Device);
    expect((await redeem()).id_token).toBeTruthy();
  });

  it('keeps its tokens when the browser that allowed it signs out', async () => {
    const device = await tv.connect({ scope: 'openid records:read' });
    await allowDevice(browser, device);
    const tokens = await tv.obtainTokens(device);
    const page = await browser.get('/session/end');
    await browser.post('/session/end/confirm', { xsrf: fieldsOf(page).xsrf ?? '', logout: 'yes' });
    expect((await browser.get('/device')).status).toBe(200);
    expect((await introspect(server.issuer, tokens.access_token)).active).toBe(true);
    expect((await tv.rp.refresh(tokens.refresh_token)).status).toBe(200);
  });

  it('gets no more than the roles of the account permit', async () => {
    const device = await tv.connect({ scope: 'openid records:read records:write' });
    await allowDevice(browser, device, GUEST);
    expect((await tv.obtainTokens(device)).scope).toBe('openid records:read');
  });

  it('may have offline_access, which is asked for', async () => {
    const device = await tv.connect({ scope: 'openid offline_access' });
    await allowDevice(browser, device);
    expect((await tv.obtainTokens(device)).scope).toBe('openid offline_access');
  });

  it('is allowed without another consent where the person gave it before, and never without being confirmed', async () => {
    await allowDevice(browser, await tv.connect());
    const again = await tv.connect();
    const page = await typeCode(browser, again.user_code);
    expect((await tv.poll(again)).body.error).toBe('authorization_pending');
    expect((await confirmDevice(browser, page)).html).toContain('data-testid="device-connected"');
    expect((await tv.poll(again)).status).toBe(200);
  });

  it('C20: gets tokens once, of 20 polls at once at two nodes, and they stay good', async () => {
    const device = await tv.connect();
    await allowDevice(browser, device);
    const nodes = [server.issuer, await server.addNode()];
    const urls = Array.from({ length: 20 }, (_, n) => new URL('/token', nodes[n % 2]).href);
    const form = { grant_type: DEVICE_GRANT, device_code: device.device_code, client_id: 'tv' };
    const answers = await postAtOnce(urls, form);
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    for (const { status, body } of answers.filter((one) => !won.includes(one))) {
      expect([status, body.error]).toEqual([400, 'invalid_grant']);
    }
    expect((await tv.poll(device)).body.error).toBe('invalid_grant');
    expect((await introspect(server.issuer, tokensOf(won[0] as Answer).access_token)).active).toBe(true);
  });
});

describe('polling', () => {
  it('is told to wait, and to slow down when it does not', async () => {
    const device = await tv.connect();
    expect((await tv.poll(device)).body.error).toBe('authorization_pending');
    expect((await tv.poll(device)).body.error).toBe('slow_down');
    expect((await tv.poll(device, await server.addNode())).body.error).toBe('slow_down');
    await server.pool.query('update rate_limits set renews_at = now()');
    expect((await tv.poll(device)).body.error).toBe('authorization_pending');
  });

  it('is never told to slow down once there is an answer', async () => {
    const device = await tv.connect();
    await tv.poll(device);
    await allowDevice(browser, device);
    expect((await tv.poll(device)).status).toBe(200);
  });

  it('is of no use to another client, or with a code that nobody was given', async () => {
    const device = await tv.connect();
    await allowDevice(browser, device);
    const radio = createTelevision(server, { clientId: 'radio' });
    expect((await radio.poll(device)).body.error).toBe('invalid_grant');
    expect((await tv.poll({ device_code: 'nonsense' })).body.error).toBe('invalid_grant');
    expect((await tv.rp.requestToken({ grant_type: DEVICE_GRANT })).body.error).toBe('invalid_request');
    expect((await tv.poll(device)).status).toBe(200);
  });

  it('learns that the person said no, at each step at which one can', async () => {
    const [atDevice, atSignIn, atConsent] = [await tv.connect(), await tv.connect(), await tv.connect()];
    const page = await typeCode(browser, atDevice.user_code);
    await browser.post('/device', { ...fieldsOf(page), confirm: '', abort: 'yes' });
    const cancelled = await browser.deny(await confirmDevice(browser, await typeCode(browser, atSignIn.user_code)));
    expect(cancelled.html).toContain('data-testid="device-denied"');
    await browser.deny(
      await browser.signIn(await confirmDevice(browser, await typeCode(browser, atConsent.user_code)), ALICE),
    );
    for (const device of [atDevice, atSignIn, atConsent]) {
      expect((await tv.poll(device)).body.error).toBe('access_denied');
    }
  });

  it('learns that the code has expired', async () => {
    const device = await tv.connect();
    const expire = (payload: string) => JSON.stringify({ ...JSON.parse(payload), exp: 1 });
    const { rows } = await server.pool.query(`select key, payload from artifacts where kind = 'DeviceCode'`);
    for (const { key, payload } of rows) {
      await server.pool.query('update artifacts set payload = $2 where key = $1', [key, expire(payload)]);
    }
    expect((await tv.poll(device)).body.error).toBe('expired_token');
    expect(said(await typeCode(browser, device.user_code), 'device-problem')).toContain('expired');
  });
});
