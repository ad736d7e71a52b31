import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLogger } from '../../logging/create-logger.ts';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { sendRaw } from '../../testing/raw-request.ts';
import { basicAuth } from '../../testing/relying-party.ts';

const log: string[] = [];
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ logger: createLogger('trace', { write: (line: string) => void log.push(line) }) });
});
afterAll(() => server.stop());

const authorization = basicAuth('demo-machine', 'demo-machine-secret');
const HEAD = `POST /token HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n`;

it.each([
  ['a chunk without an end', '1d\ngrant_type=client_credentials\n0\n\n'],
  ['a chunk of no length', 'zz\r\ngrant_type=client_credentials\r\n0\r\n\r\n'],
  ['an endless chunk extension', `1d;a=${'b'.repeat(20_000)}\r\ngrant_type=client_credentials\r\n0\r\n\r\n`],
])('C92: %s leaves no trace of the credentials it came with in the log, and is no error of ours', async (_, body) => {
  const { status } = await sendRaw(server.issuer, HEAD + body);
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
  await expect.poll(() => log.join('')).toContain('"path":"/token"');
  const entries = log.splice(0);
  expect(entries.join('')).not.toMatch(/rawPacket|"level":50/);
  // As text, or as the list of bytes that JSON makes of a buffer.
  expect(entries.join('')).not.toContain([...Buffer.from(authorization)].join(','));
  expect(entries.join('')).not.toContain(authorization);
});
