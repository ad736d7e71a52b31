import type { Owner, Reach } from '../owner.ts';

export interface OwnerColumns {
  readonly owner_kind: Owner['kind'];
  readonly owner_id: string;
}

export function ownerFrom({ owner_kind, owner_id }: OwnerColumns): Owner {
  return owner_kind === 'account' ? { kind: 'account', sub: owner_id } : { kind: 'client', client_id: owner_id };
}

/** The two parameters that store an owner, or restrict a statement to one; null and null restrict to nobody in particular. */
export function ownerParameters(reach: Reach): [kind: string | null, id: string | null] {
  if (reach === 'everyone') {
    return [null, null];
  }
  return [reach.kind, reach.kind === 'account' ? reach.sub : reach.client_id];
}
