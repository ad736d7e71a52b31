import * as openid from 'openid-client';
import type { AuthorizationServer } from './authorization-server.ts';
import { browserStep, type Exchange } from './exchange.ts';
import { GRANTS } from './grants.ts';
import { readTokens, type Tokens } from './outcome.ts';
import type { PendingAuthorization } from './pending-authorizations.ts';

/** Each of these adds the HTTP requests it makes to `exchanges`, and throws openid-client's errors. */
export interface GrantContext {
  readonly authorizationServer: AuthorizationServer;
  readonly ownUrl: string;
  readonly exchanges: Exchange[];
}

const code = GRANTS['authorization-code'];

export async function beginAuthorizationCode(
  context: GrantContext,
): Promise<{ readonly url: URL; readonly pending: PendingAuthorization }> {
  const configuration = await context.authorizationServer.connect(code, context.exchanges);
  const state = openid.randomState();
  const nonce = openid.randomNonce();
  const codeVerifier = openid.randomPKCECodeVerifier();
  const url = openid.buildAuthorizationUrl(configuration, {
    response_type: 'code',
    redirect_uri: `${context.ownUrl}${code.redirectPath}`,
    scope: code.scope,
    state,
    nonce,
    code_challenge: await openid.calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
  });
  return { url, pending: { state, nonce, codeVerifier, request: browserStep(url) } };
}

export async function finishAuthorizationCode(
  context: GrantContext,
  callbackUrl: URL,
  pending: PendingAuthorization,
): Promise<Tokens> {
  context.exchanges.push(pending.request, browserStep(callbackUrl));
  const configuration = await context.authorizationServer.connect(code, context.exchanges);
  const response = await openid.authorizationCodeGrant(configuration, callbackUrl, {
    expectedState: pending.state,
    expectedNonce: pending.nonce,
    pkceCodeVerifier: pending.codeVerifier,
    idTokenExpected: true,
  });
  return readTokens(response, code.scope);
}

export async function runPassword(
  context: GrantContext,
  credentials: { readonly username: string; readonly password: string },
): Promise<Tokens> {
  const { scope } = GRANTS.password;
  const configuration = await context.authorizationServer.connect(GRANTS.password, context.exchanges);
  return readTokens(await openid.genericGrantRequest(configuration, 'password', { ...credentials, scope }), scope);
}

export async function runClientCredentials(context: GrantContext): Promise<Tokens> {
  const grant = GRANTS['client-credentials'];
  const configuration = await context.authorizationServer.connect(grant, context.exchanges);
  return readTokens(await openid.clientCredentialsGrant(configuration, { scope: grant.scope }), grant.scope);
}
