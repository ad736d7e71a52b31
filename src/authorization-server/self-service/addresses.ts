import { canonicalEmail } from '../accounts/email.ts';
import type { Problem } from './problem.ts';

/** Of somebody who wants to be reached there. */
export interface Address {
  readonly email: string;
  readonly emailCanonical: string;
}

export type ReadAddress = (typed: string) => Address | { readonly problem: Problem };

/**
 * What no address has without quotation marks (RFC 5322 §3.2.3) and a header reads as something else: a list, a comment, an address of
 * its own. Somebody may have such an account from before; nobody gets mail there because a form says so.
 */
const SPECIAL = /["(),:;<>[\\\]]/;

/** Which addresses accounts may have: any, or those at the operator's domains. Subdomains are other domains. */
export function createReadAddress(domains: readonly string[]): ReadAddress {
  return (typed) => {
    const email = typed.trim();
    const emailCanonical = canonicalEmail(email);
    if (emailCanonical === undefined || SPECIAL.test(emailCanonical) || SPECIAL.test(email)) {
      return { problem: { key: 'self-service.problem.email' } };
    }
    if (domains.length > 0 && !domains.includes(emailCanonical.slice(emailCanonical.indexOf('@') + 1))) {
      return { problem: { key: 'self-service.problem.domain', values: { domains: domains.join(', ') } } };
    }
    return { email, emailCanonical };
  };
}
