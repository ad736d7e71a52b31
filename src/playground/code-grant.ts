import * as openid from 'openid-client';
import { browserStep } from './exchange.ts';
import type { Action, Field, FlowContext } from './flow.ts';
import { readTokens } from './run.ts';

/**
 * The authorization code grant (RFC 6749 §4.1) with PKCE (RFC 7636), in its two halves: away from here, and back. Several
 * pages begin with it.
 */
export const CODE_FIELDS: readonly Field[] = [
  {
    name: 'scope',
    label: 'Scope',
    hint: 'openid brings an ID token; offline_access asks for access while nobody is there.',
    initial: ({ clients }) => clients.web?.scope ?? '',
  },
  {
    name: 'prompt',
    label: 'Prompt',
    hint: 'login signs in anew, consent asks anew, none shows no page at all.',
    options: ['', 'login', 'consent', 'select_account', 'none'],
    initial: () => '',
  },
  {
    name: 'pkce',
    label: 'PKCE',
    hint: 'Leave it out to see what a server says that insists.',
    options: ['S256', 'none'],
    initial: () => 'S256',
  },
  { name: 'resource', label: 'Resource', hint: 'RFC 8707: the API that the token is for.', initial: () => '' },
  { name: 'login_hint', label: 'Login hint', hint: 'Whom to expect.', initial: () => '' },
];

export const startCode: Action = {
  name: 'start',
  title: 'Send the browser to sign in',
  testid: 'start',
  arrow: { from: 'browser', to: 'authorization-server', label: 'authorization request' },
  afterwards: [{ from: 'browser', to: 'client', label: 'back with a code' }],
  isAvailable: () => true,
  perform: beginCode,
};

async function beginCode(context: FlowContext): Promise<void> {
  const { run, ownUrl, note } = context;
  const { pkce, ...asked } = run.parameters;
  const code = {
    state: openid.randomState(),
    nonce: openid.randomNonce(),
    codeVerifier: pkce === 'none' ? undefined : openid.randomPKCECodeVerifier(),
    redirectUri: `${ownUrl}/callback`,
  };
  const challenge = code.codeVerifier && (await openid.calculatePKCECodeChallenge(code.codeVerifier));
  run.code = code;
  note({
    at: 'client',
    label: 'make state, nonce, verifier',
    text: 'Before the browser leaves, the client makes random values and keeps them on its server. They are how it recognises the answer as its own.',
    facts: [
      {
        name: 'state',
        value: code.state,
        meaning:
          'Comes back with the answer. An answer with another state was not asked for by this browser (RFC 6749 §10.12).',
      },
      {
        name: 'nonce',
        value: code.nonce,
        meaning: 'Comes back inside the ID token, which is so bound to this request (Core §3.1.2.1).',
      },
      ...(code.codeVerifier && challenge
        ? [
            {
              name: 'code_verifier',
              value: code.codeVerifier,
              meaning: 'The secret of this one request. It stays here until the code is redeemed (RFC 7636 §4.1).',
            },
            {
              name: 'code_challenge',
              value: challenge,
              meaning:
                'BASE64URL(SHA-256(code_verifier)). It travels in the open; nobody gets back from it to the verifier (RFC 7636 §4.2).',
            },
          ]
        : []),
    ],
  });
  const url = openid.buildAuthorizationUrl(await context.connect(), {
    response_type: 'code',
    redirect_uri: code.redirectUri,
    state: code.state,
    ...Object.fromEntries(Object.entries(asked).filter(([name, value]) => value !== '' && name !== 'until')),
    ...((asked.scope ?? '').split(' ').includes('openid') && { nonce: code.nonce }),
    ...(challenge && { code_challenge: challenge, code_challenge_method: 'S256' }),
  });
  context.recorder.record(browserStep(url));
  run.leaveTo = url.href;
}

/** The browser is back: the state was found, so the answer is ours to look at. */
export function receiveAnswer({ run, recorder }: Pick<FlowContext, 'run' | 'recorder'>, callbackUrl: URL): void {
  recorder.record(browserStep(callbackUrl));
  if (run.code) {
    run.code.callbackUrl = callbackUrl.href;
  }
  run.leaveTo = undefined;
}

export const redeem: Action = {
  name: 'redeem',
  title: 'Redeem the code',
  testid: 'redeem',
  arrow: { from: 'client', to: 'authorization-server', label: 'POST the code and the verifier' },
  isAvailable: ({ run }) => run.code?.callbackUrl !== undefined && run.tokens.accessToken === undefined,
  perform: redeemCode,
};

/** state and iss are checked before anything is sent, the ID token after (RFC 9207 §2.4, Core §3.1.3.7). */
async function redeemCode(context: FlowContext): Promise<void> {
  const { run } = context;
  const { state, nonce, codeVerifier, callbackUrl = '' } = run.code ?? {};
  const wantsIdToken = (run.parameters.scope ?? '').split(' ').includes('openid');
  const response = await openid.authorizationCodeGrant(await context.connect(), new URL(callbackUrl), {
    ...(state !== undefined && { expectedState: state }),
    ...(wantsIdToken && nonce !== undefined && { expectedNonce: nonce, idTokenExpected: true }),
    ...(codeVerifier !== undefined && { pkceCodeVerifier: codeVerifier }),
  });
  run.tokens = readTokens(response, run.parameters.scope);
  noteIdTokenChecks(context, nonce);
}

/** openid-client has checked all of it, or there would be no tokens. */
export function noteIdTokenChecks({ run, note, client, metadata }: FlowContext, nonce: string | undefined): void {
  const claims = run.tokens.idTokenClaims;
  if (claims === undefined) {
    return;
  }
  note({
    at: 'client',
    label: 'check the ID token',
    text: 'The ID token is for the client to read, and to believe only after these checks (Core §3.1.3.7).',
    facts: [
      { name: 'signature', value: '✓', meaning: 'Made with a key that the issuer publishes at its jwks_uri.' },
      { name: 'iss', value: claims.iss, meaning: `✓ It is ${metadata.issuer}, where the client sent the browser.` },
      {
        name: 'aud',
        value: String(claims.aud),
        meaning: `✓ It is meant for ${client.clientId}, and for no other client.`,
      },
      { name: 'exp', value: String(claims.exp), meaning: '✓ That moment lies ahead.' },
      ...(claims.nonce !== undefined && claims.nonce === nonce
        ? [{ name: 'nonce', value: String(claims.nonce), meaning: '✓ It is the one that was made for this request.' }]
        : []),
    ],
  });
}
