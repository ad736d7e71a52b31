/** RFC 6749 §6. The first tokens come with an authorization code, which is redeemed at once: it is not what this page is about. */
import * as openid from 'openid-client';
import { membersOf, refusedByServer } from '../attempt.ts';
import { garbageToken, missingScope, replayRefreshToken, stolenRefreshToken } from '../breakers.ts';
import { CODE_FIELDS, redeem, startCode } from '../code-grant.ts';
import { expiredToken } from '../expired-token.ts';
import type { Breaker, Flow, FlowContext } from '../flow.ts';
import { rfc } from '../parties.ts';
import { postForm } from '../token-request.ts';
import { USE_TOKEN } from '../use-token.ts';
import { needsGrant } from './offered.ts';

/** The answer rotates the refresh token; the client goes on with the new one. */
async function refreshTo(context: FlowContext, scope: string): Promise<Response> {
  const { run } = context;
  const answer = await postForm(context, context.metadata.token_endpoint, context.client, {
    grant_type: 'refresh_token',
    refresh_token: run.tokens.refreshToken,
    scope,
  });
  const { refresh_token: next } = await membersOf(answer);
  run.tokens = { ...run.tokens, ...(typeof next === 'string' && { refreshToken: next }) };
  return answer;
}

const moreScope: Breaker = {
  name: 'more-scope',
  title: 'Refresh for more than was granted',
  attack: 'A client uses the refresh to get hold of a scope that nobody consented to.',
  rule: 'A refresh never yields more than the grant: invalid_scope.',
  standard: rfc(6749, '6'),
  isAvailable: ({ run }) => run.tokens.refreshToken !== undefined,
  attempt: async (context) =>
    refusedByServer(await refreshTo(context, `${context.run.tokens.scope ?? ''} address phone`)),
};

const inventedToken: Breaker = {
  name: 'invented-refresh-token',
  title: 'Invent a refresh token',
  attack: 'Somebody guesses.',
  rule: 'What the server did not issue is invalid_grant, in the same words as what has expired.',
  standard: rfc(6749, '10.10'),
  isAvailable: () => true,
  attempt: async (context) =>
    refusedByServer(
      await postForm(context, context.metadata.token_endpoint, context.client, {
        grant_type: 'refresh_token',
        refresh_token: openid.randomState(),
      }),
    ),
};

export const refreshFlow: Flow = {
  name: 'refresh',
  path: '/flows/refresh',
  title: 'Refresh',
  summary: 'Access tokens are short-lived. A refresh token gets the next one, without anybody at the browser.',
  purpose:
    'For clients that go on working after the access token has expired. Each refresh brings a new refresh token and uses up the old one, so that a stolen copy gives itself away.',
  standards: [rfc(6749, '6'), rfc(9700, '4.14.2')],
  roles: ['web'],
  runsIn: 'server',
  redeemsAtOnce: true,
  fields: CODE_FIELDS.filter(({ name }) => name === 'scope' || name === 'prompt'),
  missing: needsGrant('refresh_token'),
  start: startCode,
  actions: [redeem, ...USE_TOKEN],
  story: ['redeem', 'refresh', 'whoami', 'refresh'],
  breakers: [
    garbageToken,
    expiredToken,
    missingScope(refreshTo),
    moreScope,
    inventedToken,
    stolenRefreshToken,
    replayRefreshToken,
  ],
};
