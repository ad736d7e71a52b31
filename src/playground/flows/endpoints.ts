/** The endpoints by themselves: what a client, an API or an operator asks beside the grants. */
import * as openid from 'openid-client';
import { membersOf, refusedByServer } from '../attempt.ts';
import { bearer, garbageToken, missingScope } from '../breakers.ts';
import { CODE_FIELDS, redeem, startCode } from '../code-grant.ts';
import { expiredToken } from '../expired-token.ts';
import type { Breaker, Flow, FlowContext } from '../flow.ts';
import { core, rfc } from '../parties.ts';
import { postForm } from '../token-request.ts';
import { USE_TOKEN } from '../use-token.ts';
import { startMachine } from './client-credentials.ts';
import { scopeOf } from './fields.ts';
import { needsBoth, needsEndpoint, needsGrant } from './offered.ts';

const isMachine = needsGrant('client_credentials');

const introspectAs = (context: FlowContext, client: FlowContext['client'] | undefined, token: string) =>
  postForm(context, context.metadata.introspection_endpoint, client, { token });

export const introspection: Flow = {
  name: 'introspection',
  path: '/tools/introspection',
  title: 'Introspection',
  summary: 'What is this token, and is it still good? A resource server asks.',
  purpose:
    'For resource servers that are handed a token which they cannot read. The authorization server says whether it is active, whose it is and what it may do, and its answer knows of a revocation at once.',
  standards: [rfc(7662)],
  roles: ['machine'],
  runsIn: 'server',
  fields: [scopeOf('machine')],
  missing: needsBoth(needsEndpoint('introspection_endpoint'), isMachine),
  start: startMachine,
  actions: USE_TOKEN,
  story: ['introspect', 'revoke', 'introspect'],
  breakers: [
    {
      name: 'nobody-asks',
      title: 'Ask without credentials',
      attack: 'Somebody who found tokens tries out which of them are good.',
      rule: 'Whoever asks has to authenticate: 401.',
      standard: rfc(7662, '2.1'),
      isAvailable: () => true,
      attempt: async (context) =>
        refusedByServer(await introspectAs(context, undefined, context.run.tokens.accessToken ?? 'a-token')),
    },
    {
      name: 'wrong-secret',
      title: 'Ask with a wrong secret',
      attack: 'The same, in the name of a client.',
      rule: 'The secret is checked first: 401 invalid_client.',
      standard: rfc(6749, '5.2'),
      isAvailable: ({ client }) => client.clientSecret !== undefined,
      attempt: async (context) =>
        refusedByServer(
          await introspectAs(
            context,
            { ...context.client, clientSecret: 'not-the-secret' },
            context.run.tokens.accessToken ?? 'a-token',
          ),
        ),
    },
    {
      name: 'invented-token',
      title: 'Ask about an invented token',
      attack: 'Somebody guesses tokens and lets the server judge them.',
      rule: 'Unknown, expired and revoked get the same answer, {"active": false}, and nothing else is told.',
      standard: rfc(7662, '2.2'),
      isAvailable: () => true,
      async attempt(context) {
        const answer = await introspectAs(context, context.client, openid.randomState());
        const seen = await refusedByServer(answer);
        const body = await membersOf(answer);
        return answer.ok ? { ...seen, refused: body.active === false, seen: JSON.stringify(body) } : seen;
      },
    },
  ],
};

const revokedAtApi: Breaker = {
  name: 'use-revoked',
  title: 'Use the token after its revocation',
  attack: 'A thief kept a copy of a token that has been revoked.',
  rule: 'The API learns of the revocation and answers 401 invalid_token.',
  standard: rfc(7009, '2'),
  isAvailable: (context) => context.run.done.includes('revoke') && context.server.settings.api !== undefined,
  attempt: async ({ send, server, run }) =>
    refusedByServer(
      await send(server.settings.api?.url ?? '', { method: 'GET', headers: bearer(run.tokens.accessToken ?? '') }),
    ),
};

export const revocation: Flow = {
  name: 'revocation',
  path: '/tools/revocation',
  title: 'Revocation',
  summary: 'A client gives a token back before it expires.',
  purpose:
    'For signing out, and for a token that may have leaked. The client hands the token in and from then on nobody can use it; the answer is 200 even for a token that never was, because what the client wanted is true.',
  standards: [rfc(7009)],
  roles: ['machine'],
  runsIn: 'server',
  fields: [scopeOf('machine')],
  missing: needsBoth(needsEndpoint('revocation_endpoint'), isMachine),
  start: startMachine,
  actions: USE_TOKEN,
  story: ['introspect', 'whoami', 'revoke', 'introspect', 'whoami'],
  breakers: [
    {
      name: 'wrong-secret',
      title: 'Revoke with a wrong secret',
      attack: 'Somebody else revokes this client’s tokens, to keep it from working.',
      rule: 'A client authenticates to revoke: 401 invalid_client.',
      standard: rfc(7009, '2.1'),
      isAvailable: ({ client }) => client.clientSecret !== undefined,
      attempt: async (context) =>
        refusedByServer(
          await postForm(
            context,
            context.metadata.revocation_endpoint,
            { ...context.client, clientSecret: 'not-the-secret' },
            { token: context.run.tokens.accessToken ?? 'a-token' },
          ),
        ),
    },
    revokedAtApi,
  ],
};

const userinfoWith = ({ send, metadata }: FlowContext, headers: Record<string, string>) =>
  send(metadata.userinfo_endpoint ?? '', { method: 'GET', headers });

export const userinfo: Flow = {
  name: 'userinfo',
  path: '/tools/userinfo',
  title: 'Userinfo',
  summary: 'Who is it? The claims of the person who signed in.',
  purpose:
    'For a client that wants to know more of the person than the ID token says, or to know it anew. It shows the access token and gets the claims of the scopes that were consented to.',
  standards: [core('5.3', 'UserInfo')],
  roles: ['web'],
  runsIn: 'server',
  redeemsAtOnce: true,
  fields: CODE_FIELDS.filter(({ name }) => name === 'scope' || name === 'prompt'),
  missing: needsBoth(needsEndpoint('userinfo_endpoint'), needsGrant('authorization_code')),
  start: startCode,
  actions: [redeem, ...USE_TOKEN],
  story: ['redeem', 'userinfo', 'revoke'],
  breakers: [
    {
      name: 'no-token',
      title: 'Ask without a token',
      attack: 'Somebody asks who is signed in.',
      rule: 'Without a token there is no answer: 401.',
      standard: rfc(6750, '3'),
      isAvailable: () => true,
      attempt: async (context) => refusedByServer(await userinfoWith(context, { accept: 'application/json' })),
    },
    {
      name: 'invented-token',
      title: 'Ask with an invented token',
      attack: 'Somebody guesses.',
      rule: '401 invalid_token.',
      standard: core('5.3.3', 'UserInfoError'),
      isAvailable: () => true,
      attempt: async (context) => refusedByServer(await userinfoWith(context, bearer(openid.randomState()))),
    },
  ],
};

const callWith = ({ send, server }: FlowContext, headers: Record<string, string>, query = '') =>
  send(`${server.settings.api?.url ?? ''}${query}`, { method: 'GET', headers });

const hasApi = ({ server }: FlowContext) => server.settings.api !== undefined;

export const apiCall: Flow = {
  name: 'api',
  path: '/tools/api',
  title: 'API call',
  summary: 'A resource server looks at a token, and serves or refuses.',
  purpose:
    'For seeing the other side: what a resource server does with a token. It asks whether the token is active, meant for this API and allows this call, and says exactly what is wrong where it refuses.',
  standards: [rfc(6750), rfc(9728)],
  roles: ['machine'],
  runsIn: 'server',
  fields: [scopeOf('machine')],
  missing: isMachine,
  start: startMachine,
  actions: USE_TOKEN,
  story: ['whoami', 'create-record', 'records', 'revoke', 'whoami'],
  breakers: [
    {
      name: 'no-token',
      title: 'Call without a token',
      attack: 'Somebody tries the door.',
      rule: '401, and the WWW-Authenticate header says which kind of token is wanted and where to learn more.',
      standard: rfc(6750, '3'),
      isAvailable: hasApi,
      attempt: async (context) => refusedByServer(await callWith(context, { accept: 'application/json' })),
    },
    {
      name: 'token-in-url',
      title: 'Put the token into the URL',
      attack: 'A token in an address ends up in logs, histories and referrers. Not an attack, but how attacks begin.',
      rule: 'The API takes tokens from the Authorization header only.',
      standard: rfc(9700, '4.3.2'),
      isAvailable: (context) => hasApi(context) && context.run.tokens.accessToken !== undefined,
      attempt: async (context) => {
        const query = `?${new URLSearchParams({ access_token: context.run.tokens.accessToken ?? '' })}`;
        return refusedByServer(await callWith(context, { accept: 'application/json' }, query));
      },
    },
    garbageToken,
    expiredToken,
    missingScope((context, scope) =>
      postForm(context, context.metadata.token_endpoint, context.client, { grant_type: 'client_credentials', scope }),
    ),
    revokedAtApi,
  ],
};
