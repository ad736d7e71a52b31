import * as openid from 'openid-client';
import { CannotTry, membersOf, refusedByClient, refusedByServer } from './attempt.ts';
import type { Breaker, FlowContext } from './flow.ts';
import type { Client } from './issuers.ts';
import { core, rfc } from './parties.ts';
import { readTokens } from './run.ts';
import { getPage, postForm } from './token-request.ts';

/** Attacks that more than one page tries. */

const holdsToken = ({ run }: FlowContext) => run.tokens.accessToken !== undefined;

export const bearer = (token: string) => ({ accept: 'application/json', authorization: `Bearer ${token}` });

/** Another client of the same server, best one that uses the same grants: what one was given is none of its business. */
export function someOtherClient({ server, client }: Pick<FlowContext, 'server' | 'client'>): Client | undefined {
  const { spa, password, device, web, machine } = server.settings.clients;
  return [spa, password, device, web, machine].find((other) => other && other.clientId !== client.clientId);
}

/** The last characters changed: of an opaque token another one, of a JWT a signature that is none. */
export const alter = (token: string) => token.slice(0, -4) + (token.endsWith('AAAA') ? 'BBBB' : 'AAAA');

export const garbageToken: Breaker = {
  name: 'garbage-token',
  title: 'Alter the access token',
  attack: 'Somebody guesses tokens, or changes one that they hold.',
  rule: 'A resource server takes only what the authorization server vouches for, and answers 401 invalid_token.',
  standard: rfc(6750, '3.1'),
  isAvailable: (context) => holdsToken(context) && context.server.settings.api !== undefined,
  attempt: async ({ send, server, run }) =>
    refusedByServer(
      await send(server.settings.api?.url ?? '', {
        method: 'GET',
        headers: bearer(alter(run.tokens.accessToken ?? '')),
      }),
    ),
};

export const alteredIdToken: Breaker = {
  name: 'altered-id-token',
  title: 'Alter the ID token',
  attack: 'Somebody on the way makes another person of the one who signed in: one character of the ID token changes.',
  rule: 'The client checks the signature with the key that the issuer publishes.',
  standard: core('3.1.3.7', 'IDTokenValidation'),
  isAvailable: ({ run }) => run.tokens.idToken !== undefined,
  async attempt(context) {
    const { idToken = '' } = context.run.tokens;
    const [header = '', payload = '', signature = ''] = idToken.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    const forged = Buffer.from(JSON.stringify({ ...claims, sub: 'somebody-else' })).toString('base64url');
    const configuration = await context.connect();
    configuration[openid.customFetch] = async (url, options) =>
      url === context.metadata.token_endpoint
        ? Response.json({ access_token: 'x', token_type: 'Bearer', id_token: `${header}.${forged}.${signature}` })
        : context.send(url, options as Parameters<FlowContext['send']>[1]);
    return refusedByClient(context, {
      believed:
        'The ID token arrives with another sub and the old signature. The client looks at both before it believes either.',
      compare: [
        ['sub', `${claims.sub} → somebody-else`, 'What the attacker would like to be.'],
        ['signature', 'unchanged', 'It was made over the old claims.'],
      ],
      check: () => openid.genericGrantRequest(configuration, 'urn:playground:forged', {}),
    });
  },
};

export const wrongSecret = (parameters: (context: FlowContext) => Record<string, string>): Breaker => ({
  name: 'wrong-secret',
  title: 'Use a wrong client secret',
  attack: 'Somebody pretends to be this client, and does not know its secret.',
  rule: 'The client authenticates before anything else is looked at: 401 invalid_client.',
  standard: rfc(6749, '5.2'),
  isAvailable: ({ client }) => client.clientSecret !== undefined,
  attempt: async (context) =>
    refusedByServer(
      await postForm(
        context,
        context.metadata.token_endpoint,
        { clientId: context.client.clientId, clientSecret: 'not-the-secret' },
        parameters(context),
      ),
    ),
});

/** Beyond what is forgiven to a client that lost an answer: the successor has been used already. */
export const replayRefreshToken: Breaker = {
  name: 'replay-refresh-token',
  title: 'Replay an old refresh token',
  attack:
    'A thief and the client both hold a refresh token; the client has refreshed twice since, and now the thief uses the first.',
  rule: 'Rotation makes the theft visible: a used token is refused, and its whole family ends with it.',
  standard: rfc(9700, '4.14.2'),
  isAvailable: ({ run }) => run.tokens.refreshToken !== undefined,
  async attempt(context) {
    const { run } = context;
    const stolen = run.tokens.refreshToken ?? '';
    for (let turn = 0; turn < 2; turn++) {
      const answer = await openid.refreshTokenGrant(await context.connect(), run.tokens.refreshToken ?? '');
      run.tokens = { ...run.tokens, ...readTokens(answer, run.tokens.scope) };
    }
    const parameters = { grant_type: 'refresh_token', refresh_token: stolen };
    const attempt = await refusedByServer(
      await postForm(context, context.metadata.token_endpoint, context.client, parameters),
    );
    if (attempt.refused) {
      // The family has ended, and the client's share with it.
      run.tokens = {};
      run.code = undefined;
    }
    return attempt;
  },
};

export const stolenRefreshToken: Breaker = {
  name: 'stolen-refresh-token',
  title: 'Refresh as another client',
  attack: 'Another client got hold of the refresh token and uses its own credentials with it.',
  rule: 'A refresh token is bound to the client that it was issued to: invalid_grant.',
  standard: rfc(6749, '10.4'),
  isAvailable: (context) => context.run.tokens.refreshToken !== undefined && someOtherClient(context) !== undefined,
  async attempt(context) {
    const parameters = { grant_type: 'refresh_token', refresh_token: context.run.tokens.refreshToken };
    const endpoint = context.metadata.token_endpoint;
    return refusedByServer(await postForm(context, endpoint, someOtherClient(context), parameters));
  },
};

export const foreignRedirectUri = (responseType: string): Breaker => ({
  name: 'foreign-redirect-uri',
  title: 'Send the answer elsewhere',
  attack: 'A link asks for the answer at an address of the attacker’s, where the code or token would arrive.',
  rule: 'Only a redirect URI that is registered, character for character; anything else ends on a page of the server’s.',
  standard: rfc(9700, '4.1.3'),
  isAvailable: ({ metadata }) => metadata.authorization_endpoint !== undefined,
  async attempt(context) {
    const url = new URL(context.metadata.authorization_endpoint ?? '');
    const parameters = {
      response_type: responseType,
      client_id: context.client.clientId,
      redirect_uri: 'https://attacker.example/callback',
      scope: 'openid',
      state: openid.randomState(),
      nonce: openid.randomNonce(),
    };
    url.search = new URLSearchParams(parameters).toString();
    const answer = await getPage(context, url);
    const leaked = answer.headers.get('location')?.startsWith('https://attacker.example') ?? false;
    const seen = await refusedByServer(answer);
    return leaked ? { refused: false, by: 'server', seen: 'it sent the browser to the attacker.' } : seen;
  },
});

/** RFC 6750 §3.1. The scope of a fresh token is narrowed to reading, and then something is written. */
export const missingScope = (narrow: (context: FlowContext, scope: string) => Promise<Response>): Breaker => ({
  name: 'missing-scope',
  title: 'Write with a token that may read',
  attack: 'A client that was given little tries to do more with it.',
  rule: 'The API looks for the scope that the call needs: 403 insufficient_scope, and which scope is missing.',
  standard: rfc(6750, '3.1'),
  isAvailable: (context) => context.server.settings.api?.records !== undefined && holdsToken(context),
  async attempt(context) {
    const narrowed = await narrow(context, 'records:read');
    const { access_token: token, error } = await membersOf(narrowed);
    if (typeof token !== 'string') {
      throw new CannotTry(`There is no token that may only read: ${error ?? `HTTP ${narrowed.status}`}.`);
    }
    const answer = await context.send(context.server.settings.api?.records ?? '', {
      method: 'POST',
      headers: { ...bearer(token), 'content-type': 'application/json' },
      body: JSON.stringify({ title: 'Not mine to write', body: '' }),
    });
    return refusedByServer(answer);
  },
});
