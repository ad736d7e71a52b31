import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** `fetch` does not let a test choose the Host header. */
function locationFor(host: string): Promise<string | undefined> {
  const { port } = new URL(server.issuer);
  return new Promise((resolve, reject) => {
    request({ host: 'localhost', port, path: '/', headers: { host } }, (response) => {
      response.resume();
      resolve(response.headers.location);
    })
      .on('error', reject)
      .end();
  });
}

describe('the landing page', () => {
  it('shows the issuer and links to what libraries look for, and the links work', async () => {
    const html = await (await fetch(server.issuer)).text();
    expect(html).toContain(`data-testid="issuer">${server.issuer}<`);
    for (const testId of ['discovery-openid', 'discovery-oauth', 'jwks']) {
      const href = html.match(new RegExp(`href="([^"]*)" data-testid="${testId}"`))?.[1] ?? '';
      expect((await fetch(href)).headers.get('content-type')).toMatch(/json/);
    }
  });

  it('leads people to where they type the code of a device, and to what apps ask of them', async () => {
    const html = await (await fetch(server.issuer)).text();
    for (const testId of ['connect-device', 'answer-requests']) {
      const href = html.match(new RegExp(`href="([^"]*)" data-testid="${testId}"`))?.[1] ?? '';
      const page = await fetch(new URL(href, server.issuer));
      expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<form method="post"')]);
    }
  });

  it('lists the endpoints as discovery does', async () => {
    const html = await (await fetch(server.issuer)).text();
    const discovery = await (await fetch(server.url('/.well-known/openid-configuration'))).json();
    for (const [name, url] of Object.entries(discovery as Record<string, string>)) {
      if (name.endsWith('_endpoint')) {
        expect(html.replaceAll('<wbr>', '')).toContain(`<code>${url}</code>`);
      }
    }
  });

  it('gives no demo accounts away unless it is told to', async () => {
    expect(await (await fetch(server.issuer)).text()).not.toContain('data-testid="demonstration"');
  });

  it('sends a browser that used another name of this machine to the name that has the cookies', async () => {
    const { port } = new URL(server.issuer);
    expect(await locationFor(`127.0.0.1:${port}`)).toBe(`${server.issuer}/`);
    expect(await locationFor(`[::1]:${port}`)).toBe(`${server.issuer}/`);
    expect(await locationFor(`localhost:${port}`)).toBeUndefined();
  });

  it.each(['evil.example', 'evil.example:80@localhost', '', 'a b'])(
    'C62: believes no Host header: %s',
    async (host) => {
      expect(await locationFor(host)).toBeUndefined();
    },
  );
});

it('C95: a link to another language leads to no other host, however its path is written', async () => {
  for (const path of ['//evil.example/a', '///evil.example', '/', '//evil.example//b']) {
    const response = await fetch(`${server.issuer}${path}?switch_language=de`, { redirect: 'manual' });
    expect([path, response.status]).toEqual([path, 303]);
    expect(new URL(response.headers.get('location') ?? '', server.issuer).origin).toBe(server.issuer);
  }
});
