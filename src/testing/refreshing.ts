import type { Pool } from 'pg';
import { postAtOnce } from './at-once.ts';
import { basicAuth, DEMO_WEB, introspect } from './relying-party.ts';

export const REFRESH_AUTHENTICATION = { authorization: basicAuth(DEMO_WEB.clientId, DEMO_WEB.secret) };

/** 50 refreshes with one token of `demo-web`, at the nodes in turns, none answered before all have arrived. */
export function refreshFiftyTimes(nodes: readonly string[], refreshToken: string) {
  const urls = Array.from({ length: 50 }, (_, index) => new URL('/token', nodes[index % nodes.length]).href);
  return postAtOnce(urls, { grant_type: 'refresh_token', refresh_token: refreshToken }, REFRESH_AUTHENTICATION);
}

/**
 * As if so many seconds had passed since every refresh token was used. Of a second use in the very moment of the first it
 * cannot be told which came first; after six seconds it can.
 */
export async function letPass(pool: Pool, seconds = 6): Promise<void> {
  await pool.query(
    `update tokens set consumed_at = consumed_at - make_interval(secs => $1) where kind = 'RefreshToken'`,
    [seconds],
  );
}

/** To the resource API or to the client, which may ask about its refresh token. */
export async function isActive(issuer: string, token: string): Promise<boolean> {
  const answers = [await introspect(issuer, token), await introspect(issuer, token, DEMO_WEB)];
  return answers.some(({ active }) => active === true);
}
