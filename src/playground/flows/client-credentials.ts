/** RFC 6749 §4.4: a client on its own behalf. */
import * as openid from 'openid-client';
import { membersOf, refusedByServer } from '../attempt.ts';
import { garbageToken, missingScope, wrongSecret } from '../breakers.ts';
import { expiredToken } from '../expired-token.ts';
import type { Action, Flow, FlowContext } from '../flow.ts';
import { rfc } from '../parties.ts';
import { readTokens } from '../run.ts';
import { postForm } from '../token-request.ts';
import { USE_TOKEN } from '../use-token.ts';
import { scopeOf } from './fields.ts';
import { needsGrant } from './offered.ts';

const parametersOf = ({ run }: FlowContext, scope = run.parameters.scope ?? '') => ({
  grant_type: 'client_credentials',
  ...(scope && { scope }),
});

const post = (context: FlowContext, scope: string) =>
  postForm(context, context.metadata.token_endpoint, context.client, parametersOf(context, scope));

export const startMachine: Action = {
  name: 'start',
  title: 'Get a token',
  testid: 'start',
  arrow: { from: 'client', to: 'authorization-server', label: 'POST id and secret' },
  isAvailable: () => true,
  async perform(context) {
    const { grant_type, ...parameters } = parametersOf(context);
    const answer = await openid.clientCredentialsGrant(await context.connect(), parameters);
    context.run.tokens = readTokens(answer, parameters.scope);
  },
};

export const clientCredentials: Flow = {
  name: 'client-credentials',
  path: '/flows/client-credentials',
  title: 'Client credentials',
  summary: 'A machine on its own behalf. Nobody signs in, and there is no account behind the token.',
  purpose:
    'For services, jobs and scripts that act for themselves. The client shows its own credentials and gets an access token; there is no person, so there is no consent, no ID token and no refresh token.',
  standards: [rfc(6749, '4.4')],
  roles: ['machine'],
  runsIn: 'server',
  fields: [scopeOf('machine', 'Empty asks for what is registered as usual for this client.')],
  missing: needsGrant('client_credentials'),
  start: startMachine,
  actions: USE_TOKEN,
  story: ['whoami', 'introspect', 'revoke', 'whoami'],
  breakers: [
    wrongSecret((context) => parametersOf(context)),
    missingScope(post),
    {
      name: 'unregistered-scope',
      title: 'Ask for a scope that is not yours',
      attack: 'A service that was broken into asks for everything there is.',
      rule: 'A client gets no more than it is registered for: invalid_scope, or the scope is left out.',
      standard: rfc(6749, '3.3'),
      isAvailable: () => true,
      async attempt(context) {
        const answer = await post(context, 'openid admin:everything');
        const { scope } = await membersOf(answer);
        const seen = await refusedByServer(answer);
        const leftOut =
          answer.ok &&
          !String(scope ?? 'admin:everything')
            .split(' ')
            .includes('admin:everything');
        return leftOut ? { refused: true, by: 'server', seen: `the token has the scope “${scope}” only.` } : seen;
      },
    },
    garbageToken,
    expiredToken,
  ],
};
