import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { scriptsBesideOurs } from '../../testing/markup.ts';
import { testPage } from '../../testing/page.ts';
import { errorPages } from './error.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

async function open(path: string, init: RequestInit = {}) {
  const headers = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8', ...init.headers };
  const response = await fetch(server.url(path), { redirect: 'manual', ...init, headers });
  const body = await response.text();
  const text = (testId: string) => body.match(new RegExp(`data-testid="${testId}"[^>]*>([^<]*)<`))?.[1];
  return { status: response.status, headers: response.headers, body, text };
}

const auth = (params: Record<string, string>) => `/auth?${new URLSearchParams(params)}`;
const WEB = { client_id: 'demo-web', response_type: 'code', scope: 'openid' };

describe('the error page of the protocol', () => {
  it('C1: says in words that the client is unknown, and keeps code, description and request id for developers', async () => {
    const page = await open(auth({ ...WEB, client_id: 'nobody' }));
    expect(page.status).toBe(400);
    expect(page.headers.has('location')).toBe(false);
    expect(page.text('error-title')).toBe('We don’t know this app');
    expect(page.text('error-code')).toBe('invalid_client');
    expect(page.text('error-description')).toBe('the client is not known here');
    expect(page.text('error-request-id')).toBe(page.headers.get('x-request-id'));
  });

  it('C3: warns of a redirect to an address that is not registered', async () => {
    const page = await open(auth({ ...WEB, redirect_uri: 'https://evil.example/' }));
    expect(page.status).toBe(400);
    expect(page.text('error-title')).toBe('We stopped to keep your account safe');
    expect(page.text('error-client')).toBe('Demo web app');
    expect(page.body).not.toContain('href="https://evil');
  });

  it('C52: calls a lost authorization request a sign-in that has ended', async () => {
    const page = await open('/auth/some-old-interaction');
    expect(page.status).toBe(400);
    expect(page.text('error-title')).toBe('This sign-in has ended');
  });

  it('C94: runs nothing that came with the request', async () => {
    const page = await open(auth({ ...WEB, client_id: '<script>alert(1)</script>', scope: '"><svg onload=alert(1)>' }));
    expect(scriptsBesideOurs(page.body)).toEqual([]);
    expect(page.body).not.toContain('<svg onload');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  it('C89 C53: is neither cached nor framed', async () => {
    const { headers } = await open(auth({ ...WEB, client_id: 'nobody' }));
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-frame-options')).toBe('DENY');
  });

  it.each(['/token', '/token/introspection', '/token/revocation'])(
    'is JSON at %s, whatever a program accepts',
    async (path) => {
      const body = new URLSearchParams({ token: 'x', grant_type: 'authorization_code' });
      const page = await open(path, { method: 'POST', body });
      expect(page.headers.get('content-type')).toContain('application/json');
      expect(JSON.parse(page.body).error).toMatch(/^invalid_/);
    },
  );
});

describe('the error page of the host', () => {
  it('is a page where a page was wanted', async () => {
    const page = await open('/interaction/x/y/z');
    expect(page.status).toBe(404);
    expect(page.text('error-title')).toBe('There’s nothing here');
  });

  it('is JSON where JSON was wanted', async () => {
    const page = await open('/interaction/unknown', { headers: { accept: 'application/json' } });
    expect(page.status).toBe(400);
    expect(JSON.parse(page.body).error).toBe('sign_in_lost');
  });

  it('C49: takes a cookie with a broken signature for none', async () => {
    const page = await open('/interaction/abc', { headers: { cookie: 'interaction=abc; interaction.sig=abc' } });
    expect(page.status).toBe(400);
    expect(page.text('error-title')).toBe('This sign-in has ended');
  });

  it.each(['/%', '/interaction/%ff', '/interaction/%00', '/assets/../../package.json', '/assets/concierge.css'])(
    'C93: is never a 500 for the address %s',
    async (path) => {
      const page = await open(path);
      expect(page.status).toBeGreaterThanOrEqual(400);
      expect(page.status).toBeLessThan(500);
    },
  );

  it('C93: tells a visitor nothing of an error of ours, and the application everything', async () => {
    const app = new Koa();
    const reported: unknown[] = [];
    app.on('error', (error) => reported.push(error));
    app.use(errorPages({ page: testPage(), provider: () => ({}) as never }));
    const failure = new Error('select secret from accounts');
    app.use(() => {
      throw failure;
    });
    const host = app.listen(0, 'localhost');
    await once(host, 'listening');
    for (const accept of ['text/html', 'application/json']) {
      const response = await fetch(`http://localhost:${(host.address() as AddressInfo).port}/`, {
        headers: { accept },
      });
      expect(response.status).toBe(500);
      expect(await response.text()).not.toContain('secret');
    }
    expect(reported).toEqual([failure, failure]);
    host.close();
  });
});
