import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import {
  allowDevice,
  confirmDevice,
  createTelevision,
  type Device,
  fieldsOf,
  said,
  TELEVISION_REGISTRATION,
  type Television,
  typeCode,
} from '../../testing/device.ts';
import { UserAgent } from '../../testing/user-agent.ts';

let server: TestServer;
let tv: Television;
let browser: UserAgent;
beforeAll(async () => {
  server = await startTestServer();
  await server.apply({ clients: [TELEVISION_REGISTRATION] });
  tv = createTelevision(server);
});
afterAll(() => server.stop());
beforeEach(async () => {
  browser = new UserAgent(server.issuer);
  await server.pool.query('delete from rate_limits');
});

describe('the code of a device', () => {
  it.each([
    ['in lower case', (code: string) => code.toLowerCase()],
    ['without the dash', (code: string) => code.replace('-', '')],
    ['with spaces', (code: string) => ` ${code.split('').join(' ')} `],
    ['as the device shows it', (code: string) => code],
  ])('may be typed %s', async (_, typed) => {
    const device = await tv.connect();
    const page = await typeCode(browser, typed(device.user_code));
    expect(said(page, 'device-code')).toBe(device.user_code);
    expect(said(page, 'device-client')).toBe('Television');
    expect(said(page, 'device-asked')).toBe('less than a minute ago');
  });

  it('may come with the address, and is shown for comparison before anything happens', async () => {
    const device = await tv.connect();
    const page = await browser.get(device.verification_uri_complete);
    expect(said(page, 'device-code')).toBe(device.user_code);
    expect((await confirmDevice(browser, page)).html).toContain('/sign-in"');
  });

  it.each([
    ['is unknown', 'BBBB-BBBB', 'We don’t know that code'],
    ['has digits', '1234-5678', 'eight letters'],
    ['is too short', 'BBB', 'eight letters'],
    ['is missing', ' ', 'Type the code'],
  ])('that %s is told kindly, and stays in the field', async (_, typed, words) => {
    const page = await typeCode(browser, typed);
    expect([page.status, said(page, 'device-problem')]).toEqual([400, expect.stringContaining(words)]);
    expect(page.html).toContain(`value="${typed.trim()}"`);
  });

  it('works once', async () => {
    const device = await tv.connect();
    await allowDevice(browser, device);
    for (const page of [
      await typeCode(browser, device.user_code),
      await browser.get(device.verification_uri_complete),
    ]) {
      expect(said(page, 'device-problem')).toContain('used already');
    }
  });

  it('cannot be guessed for long from one address, at whichever node, in the field or in the address', async () => {
    const device = await tv.connect();
    browser.node = await server.addNode();
    for (let n = 0; n < 10; n += 1) {
      await typeCode(browser, 'BBBB-BBBB');
      await browser.get('/device?user_code=CCCC-CCCC');
    }
    browser.node = server.issuer;
    for (const page of [
      await typeCode(browser, device.user_code),
      await browser.get(device.verification_uri_complete),
    ]) {
      expect([page.status, said(page, 'device-problem')]).toEqual([429, expect.stringContaining('Too many')]);
    }
  });

  it('that is right counts against nobody', async () => {
    for (let n = 0; n < 25; n += 1) {
      expect((await typeCode(browser, (await tv.connect()).user_code)).status).toBe(200);
    }
  });
});

describe('the page of a device', () => {
  it('asks again where its secret is missing, wrong or of another tab, and connects nothing', async () => {
    const device = await tv.connect();
    await browser.get('/device');
    for (const xsrf of ['', 'wrong']) {
      const page = await browser.post('/device', { xsrf, user_code: device.user_code, confirm: 'yes' });
      expect(said(page, 'device-code')).toBe(device.user_code);
    }
    const stranger = new UserAgent(server.issuer);
    const page = await stranger.post('/device', { user_code: device.user_code, confirm: 'yes' });
    expect(said(page, 'device-code')).toBe(device.user_code);
    expect((await tv.poll(device)).body.error).toBe('authorization_pending');
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
    expect((await typeCode(browser, user_code)).html).not.toContain('<script>alert');
    const answer = await fetch(server.url('/device/auth'), {
      method: 'POST',
      headers: { 'user-agent': '<img src=x onerror=alert(1)>' },
      body: new URLSearchParams({ client_id: 'tv' }),
    });
    const { user_code: shown } = (await answer.json()) as Device;
    const page = await typeCode(browser, shown);
    expect(page.html).not.toContain('<img src=x');
    expect(page.html).toContain('&lt;img src=x onerror=alert(1)&gt;');
  });

  it('keeps what it remembers of a stranger for an hour, and of who is signed in for longer', async () => {
    await server.pool.query(`delete from artifacts where kind = 'Session'`);
    await browser.get('/device');
    const hours = `select extract(epoch from max(expires_at) - now()) / 3600 as hours from artifacts where kind = 'Session'`;
    expect(Number((await server.pool.query(hours)).rows[0].hours)).toBeLessThanOrEqual(2);
    await allowDevice(browser, await tv.connect());
    expect(Number((await server.pool.query(hours)).rows[0].hours)).toBeGreaterThan(24);
  });

  it('C53: may not be framed, and is kept by nobody', async () => {
    const { headers } = await browser.get('/device');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('cache-control')).toBe('no-store');
  });
});
