import * as openid from 'openid-client';
import type { AuthorizationServer } from './authorization-server.ts';
import { type Exchange, recordingFetch } from './exchange.ts';
import { GRANTS } from './grants.ts';
import { type Action, availableActions, type Outcome, readTokens, type Tokens } from './outcome.ts';
import { describeProblem, isUnreachable, type Problem, unreachable } from './problem.ts';

interface ActionContext {
  readonly authorizationServer: AuthorizationServer;
  readonly resourceApi: string;
}

const NOT_AVAILABLE: Problem = {
  title: 'That does not work with this answer',
  advice: 'The token it needs was not part of the answer. Choose another button.',
};

/** Does what a button of the result page says; the outcome that comes back carries the answer. */
export async function runAction(context: ActionContext, outcome: Outcome, action: Action): Promise<Outcome> {
  const made: Exchange[] = [];
  let tokens = outcome.tokens;
  let problem: Problem | undefined;
  try {
    if (availableActions(GRANTS[outcome.grantName], tokens).includes(action)) {
      tokens = { ...tokens, ...(await perform(context, outcome, action, made)) };
    } else {
      problem = NOT_AVAILABLE;
    }
  } catch (thrown) {
    problem = describeFailure(context, action, thrown);
  }
  return { ...outcome, tokens, exchanges: [...outcome.exchanges, ...made], answer: { exchange: made[0], problem } };
}

/** Returns the tokens that the action replaced. */
async function perform(context: ActionContext, outcome: Outcome, action: Action, made: Exchange[]): Promise<Tokens> {
  const { accessToken = '', refreshToken = '', scope } = outcome.tokens;
  if (isApiCall(action)) {
    await callResourceApi(context.resourceApi, action, accessToken, made);
    return {};
  }
  const configuration = await context.authorizationServer.connect(GRANTS[outcome.grantName], made);
  switch (action) {
    case 'refresh':
      return readTokens(await openid.refreshTokenGrant(configuration, refreshToken), scope);
    case 'userinfo':
      // Core §5.3.2: the answer is about the one who signed in, or it must not be used.
      await openid.fetchUserInfo(
        configuration,
        accessToken,
        outcome.tokens.idTokenClaims?.sub ?? openid.skipSubjectCheck,
      );
      return {};
    case 'introspect':
      await openid.tokenIntrospection(configuration, accessToken, { token_type_hint: 'access_token' });
      return {};
    case 'revoke':
      await openid.tokenRevocation(configuration, accessToken, { token_type_hint: 'access_token' });
      return {};
  }
}

type ApiCall = 'whoami' | 'records' | 'create-record';

const isApiCall = (action: Action): action is ApiCall => ['whoami', 'records', 'create-record'].includes(action);

/** A refusal by the API is an answer like any other and throws nothing: its status and body are shown. */
async function callResourceApi(
  resourceApi: string,
  call: ApiCall,
  accessToken: string,
  made: Exchange[],
): Promise<void> {
  const send = recordingFetch(made);
  const headers = { accept: 'application/json', authorization: `Bearer ${accessToken}` };
  const signal = AbortSignal.timeout(10_000);
  if (call === 'create-record') {
    const body = JSON.stringify({ title: 'A note', body: 'Written from the playground.' });
    await send(`${resourceApi}/records`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body,
      signal,
    });
    return;
  }
  await send(`${resourceApi}/${call}`, { method: 'GET', headers, signal });
}

function describeFailure(context: ActionContext, action: Action, thrown: unknown): Problem {
  const problem =
    isApiCall(action) && isUnreachable(thrown)
      ? unreachable('resource API', context.resourceApi)
      : describeProblem(thrown, context.authorizationServer.issuer);
  if (!problem) {
    throw thrown;
  }
  return problem;
}
