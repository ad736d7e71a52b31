import * as openid from 'openid-client';
import type { Action, FlowContext } from './flow.ts';
import { readTokens } from './run.ts';

/** What a client does with its tokens, whichever grant they came from. */

const holdsToken = ({ run }: FlowContext): boolean => run.tokens.accessToken !== undefined;

/** A refusal by the API is an answer like any other and throws nothing: its status and body are shown. */
async function callApi(context: FlowContext, url: string, note?: object): Promise<void> {
  await context.send(url, {
    method: note ? 'POST' : 'GET',
    headers: {
      accept: 'application/json',
      authorization: `Bearer ${context.run.tokens.accessToken}`,
      ...(note && { 'content-type': 'application/json' }),
    },
    ...(note && { body: JSON.stringify(note) }),
  });
}

const toApi = (label: string) => ({ from: 'client', to: 'resource-server', label }) as const;
const toServer = (label: string) => ({ from: 'client', to: 'authorization-server', label }) as const;

export const whoami: Action = {
  name: 'whoami',
  title: 'Call the API',
  testid: 'call-whoami',
  arrow: toApi('the API call, with the token'),
  isAvailable: (context) => holdsToken(context) && context.server.settings.api !== undefined,
  perform: (context) => callApi(context, context.server.settings.api?.url ?? ''),
};

const records: Action = {
  name: 'records',
  title: 'Read records',
  testid: 'call-records',
  arrow: toApi('GET /records'),
  isAvailable: (context) => holdsToken(context) && context.server.settings.api?.records !== undefined,
  perform: (context) => callApi(context, context.server.settings.api?.records ?? ''),
};

const createRecord: Action = {
  name: 'create-record',
  title: 'Write a record',
  testid: 'call-create-record',
  arrow: toApi('POST /records'),
  isAvailable: records.isAvailable,
  perform: (context) =>
    callApi(context, context.server.settings.api?.records ?? '', {
      title: 'A note',
      body: 'Written from the playground.',
    }),
};

const userinfo: Action = {
  name: 'userinfo',
  title: 'Userinfo',
  testid: 'call-userinfo',
  arrow: toServer('userinfo, with the token'),
  isAvailable: (context) =>
    holdsToken(context) &&
    context.metadata.userinfo_endpoint !== undefined &&
    (context.run.tokens.scope ?? '').split(' ').includes('openid'),
  /** Core §5.3.2: the answer is about the one who signed in, or it must not be used. */
  async perform(context) {
    const { accessToken = '', idTokenClaims } = context.run.tokens;
    const expected = idTokenClaims?.sub ?? openid.skipSubjectCheck;
    await openid.fetchUserInfo(await context.connect(), accessToken, expected);
  },
};

const refresh: Action = {
  name: 'refresh',
  title: 'Refresh',
  testid: 'refresh',
  arrow: toServer('POST the refresh token'),
  isAvailable: ({ run }) => run.tokens.refreshToken !== undefined,
  async perform(context) {
    const { run } = context;
    const { refreshToken = '', scope } = run.tokens;
    const answer = await openid.refreshTokenGrant(await context.connect(), refreshToken);
    run.tokens = { ...run.tokens, ...readTokens(answer, scope) };
  },
};

const introspect: Action = {
  name: 'introspect',
  title: 'Introspect',
  testid: 'introspect',
  arrow: toServer('introspection'),
  // RFC 7662 §2.1: the caller authenticates, which a public client cannot.
  isAvailable: (context) =>
    holdsToken(context) &&
    context.metadata.introspection_endpoint !== undefined &&
    context.client.clientSecret !== undefined,
  async perform(context) {
    const { accessToken = '' } = context.run.tokens;
    await openid.tokenIntrospection(await context.connect(), accessToken, { token_type_hint: 'access_token' });
  },
};

const revoke: Action = {
  name: 'revoke',
  title: 'Revoke',
  testid: 'revoke',
  arrow: toServer('revocation'),
  isAvailable: (context) => holdsToken(context) && context.metadata.revocation_endpoint !== undefined,
  async perform(context) {
    const { accessToken = '' } = context.run.tokens;
    await openid.tokenRevocation(await context.connect(), accessToken, { token_type_hint: 'access_token' });
  },
};

export const USE_TOKEN: readonly Action[] = [whoami, records, createRecord, userinfo, refresh, introspect, revoke];
