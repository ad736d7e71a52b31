import { GRANTS } from './grants.ts';

/** An authorization response that belongs to no request of this browser: shown to a person, and used for nothing. */
export interface UnaskedAnswer {
  readonly parameters: readonly (readonly [name: string, value: string])[];
  /** What redeems the code from a shell. */
  readonly curl: string | undefined;
}

/** A code that is pasted into a shell must not be able to say anything there. */
const PLAIN = /^[\w.~-]+$/;

export function describeUnasked(
  parameters: URLSearchParams,
  { issuer, ownUrl }: { readonly issuer: string; readonly ownUrl: string },
): UnaskedAnswer {
  const [code = '', ...others] = parameters.getAll('code');
  const mayBePasted = PLAIN.test(code) && others.length === 0;
  return { parameters: [...parameters], curl: mayBePasted ? redeem(code, issuer, ownUrl) : undefined };
}

function redeem(code: string, issuer: string, ownUrl: string): string {
  const { clientId, clientSecret, redirectPath } = GRANTS['authorization-code'];
  return [
    `curl -u ${clientId}:${clientSecret} -d grant_type=authorization_code`,
    `-d code=${code}`,
    `-d redirect_uri=${ownUrl}${redirectPath}`,
    `${issuer}/token`,
  ].join(' \\\n  ');
}
