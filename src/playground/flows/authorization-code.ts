/** RFC 6749 §4.1 with PKCE (RFC 7636): the client is a server, and the walk stops where the code has arrived. */
import * as openid from 'openid-client';
import { refusedByClient, refusedByServer } from '../attempt.ts';
import {
  alter,
  alteredIdToken,
  bearer,
  foreignRedirectUri,
  garbageToken,
  replayRefreshToken,
  someOtherClient,
  stolenRefreshToken,
} from '../breakers.ts';
import { CODE_FIELDS, redeem, startCode } from '../code-grant.ts';
import { expiredToken } from '../expired-token.ts';
import type { Attempt, Breaker, Flow, FlowContext } from '../flow.ts';
import { rfc } from '../parties.ts';
import { postForm } from '../token-request.ts';
import { USE_TOKEN } from '../use-token.ts';
import { needsGrant } from './offered.ts';

/** A code is here, and nobody has redeemed it yet. */
const holdsCode = (context: FlowContext) => redeem.isAvailable(context) && codeOf(context) !== null;

const codeOf = ({ run }: FlowContext) => new URL(run.code?.callbackUrl ?? 'http://none').searchParams.get('code');

function redeemWith(context: FlowContext, changes: Record<string, string | undefined>, client = context.client) {
  return postForm(context, context.metadata.token_endpoint, client, {
    grant_type: 'authorization_code',
    code: codeOf(context) ?? '',
    redirect_uri: context.run.code?.redirectUri,
    code_verifier: context.run.code?.codeVerifier,
    ...changes,
  });
}

function checkTampered(context: FlowContext, name: 'state' | 'iss', value: string, believed: string): Promise<Attempt> {
  const url = new URL(context.run.code?.callbackUrl ?? '');
  const expected = name === 'iss' ? context.metadata.issuer : (context.run.code?.state ?? '');
  url.searchParams.set(name, value);
  return refusedByClient(context, {
    believed,
    compare: [
      [`${name} expected`, expected, 'What this client remembers.'],
      [`${name} received`, value, 'What the altered answer says.'],
    ],
    check: async () =>
      openid.authorizationCodeGrant(await context.connect(), url, {
        expectedState: context.run.code?.state ?? '',
        expectedNonce: context.run.code?.nonce ?? '',
        ...(context.run.code?.codeVerifier && { pkceCodeVerifier: context.run.code.codeVerifier }),
      }),
  });
}

const BREAKERS: readonly Breaker[] = [
  {
    name: 'wrong-verifier',
    title: 'Wrong code_verifier',
    attack:
      'Somebody intercepted the code on its way through the browser and redeems it, without the secret of this request.',
    rule: 'The server hashes the verifier and compares it with the challenge that it got at the beginning: invalid_grant.',
    standard: rfc(7636, '4.6'),
    isAvailable: (context) => holdsCode(context) && context.run.code?.codeVerifier !== undefined,
    attempt: async (context) =>
      refusedByServer(await redeemWith(context, { code_verifier: alter(context.run.code?.codeVerifier ?? '') })),
  },
  {
    name: 'tampered-state',
    title: 'Tampered state',
    attack:
      'An attacker makes your browser bring the answer to a request of theirs, so that you work in their account (CSRF).',
    rule: 'The client compares the state with the one of this browser before it does anything else. Nothing is sent.',
    standard: rfc(6749, '10.12'),
    isAvailable: holdsCode,
    attempt: (context) =>
      checkTampered(
        context,
        'state',
        openid.randomState(),
        'The answer arrives with another state than the one that this browser was given.',
      ),
  },
  {
    name: 'other-issuer',
    title: 'Answer of another issuer',
    attack:
      'A client that knows several servers is sent the code of one as if it came from the other, and gives it away there (mix-up).',
    rule: 'The answer names its issuer, and the client compares it with the one that it asked.',
    standard: rfc(9207, '2.4'),
    isAvailable: holdsCode,
    attempt: (context) =>
      checkTampered(
        context,
        'iss',
        'https://attacker.example',
        'The answer arrives and says that it comes from elsewhere.',
      ),
  },
  {
    name: 'wrong-redirect-uri',
    title: 'Wrong redirect_uri',
    attack: 'A code that was sent to one address is redeemed with the name of another.',
    rule: 'The redirect_uri of the token request has to be the one of the authorization request: invalid_grant.',
    standard: rfc(6749, '4.1.3'),
    isAvailable: holdsCode,
    attempt: async (context) =>
      refusedByServer(await redeemWith(context, { redirect_uri: `${context.ownUrl}/elsewhere` })),
  },
  {
    name: 'other-client',
    title: 'Redeem as another client',
    attack: 'Another client got hold of the code and redeems it with credentials of its own.',
    rule: 'A code is bound to the client that it was issued to: invalid_grant.',
    standard: rfc(6749, '4.1.3'),
    isAvailable: (context) => holdsCode(context) && someOtherClient(context) !== undefined,
    attempt: async (context) => refusedByServer(await redeemWith(context, {}, someOtherClient(context))),
  },
  {
    name: 'wrong-secret',
    title: 'Wrong client secret',
    attack: 'Somebody has the code and knows the client’s name, but not its secret.',
    rule: 'The client authenticates before the code is looked at: 401 invalid_client.',
    standard: rfc(6749, '5.2'),
    isAvailable: (context) => holdsCode(context) && context.client.clientSecret !== undefined,
    attempt: async (context) =>
      refusedByServer(await redeemWith(context, {}, { ...context.client, clientSecret: 'not-the-secret' })),
  },
  {
    name: 'replay-code',
    title: 'Replay the code',
    attack: 'The code leaked (a log, a history, a referrer) and is redeemed once more.',
    rule: 'A code works once. The second attempt is refused, and the tokens of the first are revoked: see the API call after it.',
    standard: rfc(6749, '4.1.2'),
    isAvailable: ({ run }) => run.code?.callbackUrl !== undefined && run.tokens.accessToken !== undefined,
    attempt: replayCode,
  },
  foreignRedirectUri('code'),
];

/** Both halves count: a code that is refused and tokens that live on would still leave the thief with the client's. */
async function replayCode(context: FlowContext): Promise<Attempt> {
  const replayed = await refusedByServer(await redeemWith(context, {}));
  const { api } = context.server.settings;
  if (!replayed.refused || api === undefined) {
    return replayed;
  }
  const call = await context.send(api.url, { method: 'GET', headers: bearer(context.run.tokens.accessToken ?? '') });
  const revoked =
    call.status === 401 ? 'revoked too: the API answers 401' : `not revoked: the API answers ${call.status}`;
  context.run.tokens = {};
  context.run.code = undefined;
  return { ...replayed, seen: `${replayed.seen} The access token that the code had brought is ${revoked}.` };
}

export const authorizationCode: Flow = {
  name: 'authorization-code',
  path: '/flows/authorization-code',
  title: 'Authorization code with PKCE',
  summary: 'A web application with a server of its own. The browser carries a code; only the server ever sees a token.',
  purpose:
    'For every application that somebody signs in to. The browser brings back a short-lived code, which the client’s server redeems where nobody looks on, and PKCE makes sure that the one who asked is the one who redeems.',
  standards: [rfc(6749, '4.1'), rfc(7636), rfc(9207)],
  roles: ['web'],
  runsIn: 'server',
  fields: CODE_FIELDS,
  missing: needsGrant('authorization_code'),
  start: startCode,
  actions: [redeem, ...USE_TOKEN],
  story: ['redeem', 'whoami', 'userinfo', 'refresh', 'introspect', 'revoke', 'whoami'],
  breakers: [...BREAKERS, alteredIdToken, garbageToken, expiredToken, stolenRefreshToken, replayRefreshToken],
};
