import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { sendRaw } from '../../testing/raw-request.ts';
import { send } from '../../testing/relying-party.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const PATHS = ['/token', '/token/introspection', '/token/revocation', '/me'];
const FORM = 'application/x-www-form-urlencoded';
const TOO_LONG = `a=${'x'.repeat(57 * 1024)}`;

it.each(PATHS)('C101: a body that says it is too long is answered 413 at %s, unread', async (path) => {
  const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${FORM}\r\nContent-Length: 1000000000\r\n\r\n`;
  const { status, text } = await sendRaw(server.issuer, head);
  expect(status).toBe(413);
  expect(text).toMatch(/57344 bytes/);
  expect(
    (await send(server.url(path), { method: 'POST', headers: { 'content-type': FORM }, body: TOO_LONG })).status,
  ).toBe(413);
});

it.each(PATHS)('C101: a body of no stated length is told the limit at %s', async (path) => {
  const chunk = `${TOO_LONG.length.toString(16)}\r\n${TOO_LONG}\r\n0\r\n\r\n`;
  const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: ${FORM}\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const { status, text } = await sendRaw(server.issuer, head + chunk);
  expect(status).toBe(400);
  expect(text).toMatch(/"invalid_request".*a form of at most 57344 bytes/);
});

it.each(['/token', '/auth', '/nothing', '/interaction/x/sign-in'])(
  'C101: the sender of a body that is not read at %s hears why, and goes on with its next request',
  async (path) => {
    const body = 'x'.repeat(500_000);
    const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${FORM}\r\n`;
    const next = 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    const chunked = `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    for (const rest of [`Content-Length: ${body.length}\r\n\r\n${body}`, chunked]) {
      const { status, text } = await sendRaw(server.issuer, head + rest + next);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
      expect(text).toContain('HTTP/1.1 200 OK');
    }
  },
);
