/** RFC 6749 §4.3, which RFC 9700 §2.4 says must not be used. */
import * as openid from 'openid-client';
import { refusedByServer } from '../attempt.ts';
import { garbageToken, missingScope, replayRefreshToken, wrongSecret } from '../breakers.ts';
import { noteIdTokenChecks } from '../code-grant.ts';
import type { Flow, FlowContext } from '../flow.ts';
import { rfc } from '../parties.ts';
import { readTokens } from '../run.ts';
import { postForm } from '../token-request.ts';
import { USE_TOKEN } from '../use-token.ts';
import { CREDENTIALS, scopeOf } from './fields.ts';
import { needsGrant } from './offered.ts';

const parametersOf = ({ run }: FlowContext, changes: Record<string, string> = {}) => ({
  grant_type: 'password',
  username: run.parameters.username ?? '',
  password: run.parameters.password ?? '',
  scope: run.parameters.scope ?? '',
  ...changes,
});

const post = (context: FlowContext, changes: Record<string, string>) =>
  postForm(context, context.metadata.token_endpoint, context.client, parametersOf(context, changes));

export const password: Flow = {
  name: 'password',
  path: '/flows/password',
  title: 'Password',
  summary: 'The client itself takes the password and trades it for tokens.',
  purpose:
    'For old clients that show a form of their own and cannot open a browser. The client sees the password, so no second factor, no consent and no single sign-on come between.',
  standards: [rfc(6749, '4.3'), rfc(9700, '2.4')],
  legacy:
    'RFC 9700 says: must not be used. It teaches people to type their password anywhere, and a client that is broken into loses it.',
  roles: ['password'],
  runsIn: 'server',
  fields: [...CREDENTIALS, scopeOf('password')],
  missing: needsGrant('password'),
  start: {
    name: 'start',
    title: 'Trade the password',
    testid: 'start',
    arrow: { from: 'client', to: 'authorization-server', label: 'POST the password' },
    isAvailable: () => true,
    async perform(context) {
      const { grant_type, ...parameters } = parametersOf(context);
      const answer = await openid.genericGrantRequest(await context.connect(), grant_type, parameters);
      context.run.tokens = readTokens(answer, context.run.parameters.scope);
      noteIdTokenChecks(context, undefined);
    },
  },
  actions: USE_TOKEN,
  story: ['whoami', 'refresh', 'introspect', 'revoke', 'whoami'],
  breakers: [
    {
      name: 'wrong-password',
      title: 'Wrong password',
      attack: 'Somebody tries passwords at the token endpoint, past every page.',
      rule: 'invalid_grant, the same for an account that does not exist; and the server counts the attempts.',
      standard: rfc(6749, '4.3.2'),
      isAvailable: ({ run }) => run.parameters.username !== undefined,
      attempt: async (context) => refusedByServer(await post(context, { password: 'not-the-password' })),
    },
    wrongSecret(parametersOf),
    missingScope((context, scope) => post(context, { scope })),
    garbageToken,
    replayRefreshToken,
  ],
};
