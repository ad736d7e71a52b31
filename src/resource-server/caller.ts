import type { AccessToken } from './guard/guard.ts';
import { ownerOf } from './owner.ts';

const ROLES = ['guest', 'user', 'admin'] as const;

/** Who calls: an account in one of the roles that mean something here, or a client that acts for itself. */
export type Caller = (typeof ROLES)[number] | 'client';

/** An account may be several at once. Without a role that is known here it is a guest, which is the least. */
export function callersOf(token: AccessToken): readonly Caller[] {
  if (ownerOf(token).kind === 'client') {
    return ['client'];
  }
  const roles = ROLES.filter((role) => token.roles.includes(role));
  return roles.length === 0 ? ['guest'] : roles;
}
