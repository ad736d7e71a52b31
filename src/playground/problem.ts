import * as openid from 'openid-client';
import { CannotTry } from './attempt.ts';
import { isPlainLoopback } from './issuers.ts';

/** What went wrong, for a person: the code and words of the server where it gave some, and always a way on. */
export interface Problem {
  readonly title: string;
  readonly advice: string;
  readonly error?: string;
  readonly errorDescription?: string;
}

export const WRONG_STATE: Problem = {
  title: 'This is not the answer that was asked for',
  advice:
    'This browser waits for an answer, and the state of this one is not what it sent: it was altered, or somebody slipped in their own. Start the grant again.',
};

export const NO_SESSION: Problem = {
  title: 'There is nothing to work with any more',
  advice: 'The playground was restarted or its session expired. Start a grant again.',
};

const ADVICE: Readonly<Record<string, string>> = {
  access_denied: 'The request was turned down, at the consent page or by a rule. Nothing was granted.',
  invalid_client: 'The authorization server does not accept this demo client. Is the demo directory loaded?',
  unauthorized_client: 'This client is not registered for this grant. Is the demo directory loaded?',
  unsupported_grant_type: 'The authorization server has this grant switched off.',
  unsupported_response_type: 'The authorization server has this response type switched off.',
  invalid_grant: 'The code, refresh token or password is wrong, used up, revoked or expired.',
  invalid_scope: 'None of what was asked for may be granted to this client and account.',
  invalid_token: 'The access token is expired or revoked. Refresh it, or start the grant again.',
};

/** Turns whatever a flow throws into a problem; what it does not know comes back as it is, for the error handler. */
export function describeProblem(thrown: unknown, issuer: string): Problem | undefined {
  if (thrown instanceof openid.AuthorizationResponseError || thrown instanceof openid.ResponseBodyError) {
    return refusal(thrown.error, thrown.error_description);
  }
  if (thrown instanceof openid.WWWAuthenticateChallengeError) {
    const challenge = thrown.cause[0]?.parameters;
    return refusal(challenge?.error ?? `HTTP ${thrown.status}`, challenge?.error_description);
  }
  if (thrown instanceof CannotTry) {
    return { title: 'This attack cannot be tried here', advice: thrown.message };
  }
  if (thrown instanceof TypeError && 'code' in thrown && thrown.code === 'ERR_INVALID_URL') {
    const advice = 'Its discovery document names an endpoint that is no address.';
    return { title: 'The authorization server cannot be used', advice };
  }
  if (isUnreachable(thrown)) {
    return unreachable('authorization server', issuer);
  }
  if (thrown instanceof openid.ClientError) {
    return {
      title: 'The answer did not pass the client’s checks',
      error: thrown.code ?? thrown.name,
      // openid-client wraps what its own engine found; the inner words say which check failed.
      errorDescription: thrown.cause instanceof Error ? thrown.cause.message : thrown.message,
      advice: 'A client must not use an answer like this one. The requests below show what came back.',
    };
  }
  return undefined;
}

export function unreachable(party: string, url: string): Problem {
  return {
    title: `The ${party} does not answer`,
    advice: `Nothing answers at ${url}. ${
      isPlainLoopback(url)
        ? 'Start everything with “npm start”, then try again.'
        : 'Is it running? Try again in a while.'
    }`,
  };
}

/** fetch rejects with a TypeError when it cannot connect or loses the connection, and with a TimeoutError when nobody answers in time. */
export function isUnreachable(thrown: unknown): boolean {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (
      error.name === 'TimeoutError' ||
      (error instanceof TypeError && /^(fetch failed|terminated)$/.test(error.message))
    ) {
      return true;
    }
  }
  return false;
}

function refusal(error: string, errorDescription: string | undefined): Problem {
  return {
    title: 'The authorization server said no',
    error,
    ...(errorDescription && { errorDescription }),
    advice: ADVICE[error] ?? 'The requests below show what was asked and what came back.',
  };
}
