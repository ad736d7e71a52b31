import type { AccessToken } from './guard/access-token.ts';

/** Whom a record or blob belongs to. The kind is part of the key: a client's id may equal an account's `sub`. */
export type Owner =
  | { readonly kind: 'account'; readonly sub: string }
  | { readonly kind: 'client'; readonly client_id: string };

/** What a request may touch: the things of one owner, or of everyone. */
export type Reach = Owner | 'everyone';

/**
 * Whose things the bearer deals with. Some authorization servers put the client's id into `sub` when a client acts for
 * itself (RFC 9068 §2.2); as long as the two are equal nobody can tell it from an account (RFC 9700 §4.15), so it
 * counts as the lesser of the two.
 */
export function ownerOf({ subject, clientId }: AccessToken): Owner {
  return subject === undefined || subject === clientId
    ? { kind: 'client', client_id: clientId }
    : { kind: 'account', sub: subject };
}

/** Account holders and clients reach what is theirs; an account in the role `admin` reaches everything. */
export function reachOf(token: AccessToken): Reach {
  const owner = ownerOf(token);
  return owner.kind === 'account' && token.roles.includes('admin') ? 'everyone' : owner;
}
