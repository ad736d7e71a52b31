import { createGuard } from 'concierge/guard';
import * as oidc from 'openid-client';

/**
 * People sign in with Concierge and are greeted; /stock is an API that wants a token. `origin` is where all of it is served.
 *
 * @param {{ issuer: string, clientId: string, clientSecret: string, origin: string }} options
 * @returns {Promise<{ listener: import('node:http').RequestListener, close(): Promise<void> }>}
 */
export async function createBookshop({ issuer, clientId, clientSecret, origin }) {
  const redirect_uri = `${origin}/callback`;
  const insecure = { execute: [oidc.allowInsecureRequests] }; // The test server speaks HTTP.
  const client = await oidc.discovery(new URL(issuer), clientId, clientSecret, undefined, insecure);
  const guard = createGuard({ issuer, audience: 'https://bookshop.example/stock', clientId, clientSecret });
  const protect = guard.require('stock:read');

  /** @type {import('node:http').RequestListener} */
  const listener = async (request, response) => {
    const url = new URL(request.url ?? '/', origin);
    if (url.pathname === '/stock') {
      const token = await protect(request, response);
      return token && response.end(`for ${token.subject}: 3 books`);
    }
    if (url.pathname === '/callback') {
      const { cookie } = request.headers;
      const [expectedState = '', pkceCodeVerifier = ''] = cookie?.match(/visit=([\w-]+)\.([\w-]+)/)?.slice(1) ?? [];
      try {
        const tokens = await oidc.authorizationCodeGrant(client, url, { expectedState, pkceCodeVerifier });
        const { name } = await oidc.fetchUserInfo(client, tokens.access_token, tokens.claims()?.sub ?? '');
        return response.end(`Hello, ${name}`);
      } catch (error) {
        return response.end(`Not today: ${/** @type {{ error?: string }} */ (error).error}`);
      }
    }
    if (url.pathname !== '/') {
      return response.writeHead(404).end();
    }
    const state = oidc.randomState();
    const verifier = oidc.randomPKCECodeVerifier();
    const code_challenge = await oidc.calculatePKCECodeChallenge(verifier);
    const asked = { redirect_uri, scope: 'openid profile', state, code_challenge, code_challenge_method: 'S256' };
    const location = oidc.buildAuthorizationUrl(client, asked).href;
    const visit = `visit=${state}.${verifier}; HttpOnly; SameSite=Lax; Path=/callback`;
    return response.writeHead(302, { location, 'set-cookie': visit }).end();
  };
  return { listener, close: guard.close };
}
