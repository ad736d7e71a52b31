import { expect, it } from 'vitest';
import { createLogger } from '../../logging/create-logger.ts';
import { startTestServer } from '../../testing/authorization-server.ts';

/** The address in the log, of a server behind so many proxies, for a request with this header. */
async function loggedAddress(trustedProxies: number, forwardedFor?: string): Promise<string> {
  const lines: string[] = [];
  const logger = createLogger('info', { write: (line: string) => void lines.push(line) });
  const server = await startTestServer({ logger, config: (config) => ({ ...config, trustedProxies }) });
  try {
    await fetch(server.url('/jwks'), {
      headers: forwardedFor === undefined ? {} : { 'X-Forwarded-For': forwardedFor },
    });
    const line = lines.find((one) => one.includes('/jwks')) ?? '{}';
    return JSON.parse(line).address;
  } finally {
    await server.stop();
  }
}

const LOOPBACK = /^(::1|127\.0\.0\.1|::ffff:127\.0\.0\.1)$/;

it.each([
  ['is nobody’s word but the connection’s without a proxy', 0, '203.0.113.9', LOOPBACK],
  ['is what the one proxy saw', 1, '203.0.113.9', /^203\.0\.113\.9$/],
  ['is not what a stranger put in front of it', 1, '198.51.100.1, 203.0.113.9', /^203\.0\.113\.9$/],
  ['is what the outermost of two proxies saw', 2, '198.51.100.1, 203.0.113.9, 192.0.2.1', /^203\.0\.113\.9$/],
  ['is the connection’s when the proxy says nothing', 1, undefined, LOOPBACK],
  ['is the connection’s when the header is garbage', 1, 'unknown; drop table', LOOPBACK],
  ['is the connection’s after a thousand entries of nothing', 1, Array(1000).fill('x').join(','), LOOPBACK],
])('C61: the address of a client %s', async (_, trustedProxies, forwardedFor, address) => {
  expect(await loggedAddress(trustedProxies, forwardedFor)).toMatch(address);
});
