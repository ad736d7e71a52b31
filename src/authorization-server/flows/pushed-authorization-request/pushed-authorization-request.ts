import { type Adapter, errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Slice } from '../slice.ts';

/**
 * Pushed authorization requests (RFC 9126): a client hands its request over directly, and the browser carries a reference
 * that says nothing, works for a minute and brings one answer.
 *
 * Every client may push. One that registered `require_pushed_authorization_requests` must, and nobody can then send a
 * request in its name through a browser (§5).
 */
export const pushedAuthorizationRequestSettings = (): Slice => ({
  features: { pushedAuthorizationRequests: { enabled: true } },
});

/**
 * Behind a reference that is unknown, expired or used there is no request, and so no redirect URI that a client had
 * proven to be its own in it: whoever follows it is told here. The engine (9.13.3) would take the only redirect URI of
 * the client, and send there an error without the `state`.
 */
export function tellAboutReferenceHere({ oidc }: KoaContextWithOIDC, error: Error): void {
  if (error instanceof errors.InvalidRequestUri && oidc.entities.PushedAuthorizationRequest === undefined) {
    Object.assign(error, { allow_redirect: oidc.route !== 'authorization' });
  }
}

/**
 * A request counts as used once it is answered, and the person may take their time until then. So it is kept until no
 * sign-in that began with it can go on, through two pages at least; else it could be answered twice.
 */
export function keepForSignIn(kind: string, adapter: Adapter, interactionLifetime: number): Adapter {
  if (kind !== 'PushedAuthorizationRequest') {
    return adapter;
  }
  return {
    upsert: (id, payload, expiresIn = 0) => adapter.upsert(id, payload, expiresIn + 2 * interactionLifetime),
    find: (id) => adapter.find(id),
    findByUid: (uid) => adapter.findByUid(uid),
    findByUserCode: (userCode) => adapter.findByUserCode(userCode),
    consume: (id) => adapter.consume(id),
    destroy: (id) => adapter.destroy(id),
    revokeByGrantId: (grantId) => adapter.revokeByGrantId(grantId),
  };
}
