/** RFC 8693: a token for another one that may do less. */
import * as openid from 'openid-client';
import { refusedByServer } from '../attempt.ts';
import { garbageToken, someOtherClient } from '../breakers.ts';
import type { Action, Flow, FlowContext } from '../flow.ts';
import type { Client } from '../issuers.ts';
import { rfc } from '../parties.ts';
import { readTokens } from '../run.ts';
import { postForm } from '../token-request.ts';
import { USE_TOKEN } from '../use-token.ts';
import { startMachine } from './client-credentials.ts';
import { scopeOf } from './fields.ts';
import { needsGrant } from './offered.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

const parametersOf = ({ run }: FlowContext, changes: Record<string, string> = {}) => ({
  subject_token: run.tokens.accessToken ?? '',
  subject_token_type: ACCESS_TOKEN,
  ...(run.parameters.narrower && { scope: run.parameters.narrower }),
  ...changes,
});

const exchange: Action = {
  name: 'exchange',
  title: 'Exchange it',
  testid: 'exchange',
  arrow: { from: 'client', to: 'authorization-server', label: 'POST the token, ask for a narrower one' },
  isAvailable: ({ run }) => run.tokens.accessToken !== undefined,
  async perform(context) {
    const answer = await openid.genericGrantRequest(await context.connect(), GRANT, parametersOf(context));
    context.run.tokens = readTokens(answer, context.run.parameters.narrower);
  },
};

const post = (context: FlowContext, changes: Record<string, string>, client: Client | undefined = context.client) =>
  postForm(context, context.metadata.token_endpoint, client, { grant_type: GRANT, ...parametersOf(context, changes) });

const holdsToken = ({ run }: FlowContext) => run.tokens.accessToken !== undefined;

export const tokenExchange: Flow = {
  name: 'token-exchange',
  path: '/flows/token-exchange',
  title: 'Token exchange',
  summary: 'A token for a narrower one, before it is passed on to the next service.',
  purpose:
    'For services that call other services. Instead of passing on the token that it was given, a service exchanges it for one that may do less, or that another API takes.',
  standards: [rfc(8693)],
  roles: ['machine'],
  runsIn: 'server',
  fields: [
    scopeOf('machine'),
    {
      name: 'narrower',
      label: 'Scope of the new token',
      hint: 'A part of the scope above.',
      initial: ({ clients }) => clients.machine?.scope.split(' ')[0] ?? '',
    },
  ],
  missing: needsGrant(GRANT),
  start: startMachine,
  actions: [exchange, ...USE_TOKEN],
  story: ['exchange', 'whoami', 'introspect'],
  breakers: [
    {
      name: 'more-scope',
      title: 'Ask for more than the token has',
      attack: 'A service in the middle makes a stronger token of a weak one.',
      rule: 'The new token never has a scope that the old one lacks: invalid_scope.',
      standard: rfc(8693, '5'),
      isAvailable: holdsToken,
      attempt: async (context) => refusedByServer(await post(context, { scope: 'blobs:write admin:everything' })),
    },
    {
      name: 'invented-subject-token',
      title: 'Exchange an invented token',
      attack: 'Somebody trades something that was never issued.',
      rule: 'The subject token is checked like any other token: invalid_request.',
      standard: rfc(8693, '2.2.2'),
      isAvailable: () => true,
      attempt: async (context) => refusedByServer(await post(context, { subject_token: openid.randomState() })),
    },
    {
      name: 'other-client',
      title: 'Exchange as another client',
      attack: 'A client that nobody allowed to exchange this token tries to.',
      rule: 'Who may exchange whose tokens is the operator’s decision: unauthorized_client.',
      standard: rfc(8693, '5'),
      isAvailable: (context) => holdsToken(context) && someOtherClient(context) !== undefined,
      attempt: async (context) => refusedByServer(await post(context, {}, someOtherClient(context))),
    },
    garbageToken,
  ],
};
