import type { Issuer } from './issuers.ts';

/** An authorization response that belongs to no request of this browser: shown to a person, and used for nothing. */
export interface UnaskedAnswer {
  readonly parameters: readonly (readonly [name: string, value: string])[];
  /** What redeems the code from a shell. */
  readonly curl: string | undefined;
}

/** A code that is pasted into a shell must not be able to say anything there. */
const PLAIN = /^[\w.~-]+$/;

export function describeUnasked(parameters: URLSearchParams, settings: Issuer, ownUrl: string): UnaskedAnswer {
  const [code = '', ...others] = parameters.getAll('code');
  const mayBePasted = PLAIN.test(code) && others.length === 0;
  return { parameters: [...parameters], curl: mayBePasted ? redeem(code, settings, ownUrl) : undefined };
}

/** Of the demo client alone: its secret is public, and its token endpoint known. */
function redeem(code: string, { issuer, clients, isDemo }: Issuer, ownUrl: string): string | undefined {
  return isDemo
    ? [
        `curl -u ${clients.web?.clientId}:${clients.web?.clientSecret} -d grant_type=authorization_code`,
        `-d code=${code}`,
        `-d redirect_uri=${ownUrl}/callback`,
        `${issuer}/token`,
      ].join(' \\\n  ')
    : undefined;
}
