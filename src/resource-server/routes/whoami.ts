import Router from '@koa/router';
import type { AuthenticatedState } from '../guard/authenticate.ts';
import type { Guard } from '../guard/guard.ts';

/** What the authorization server says about the bearer, in the words of RFC 7662. Needs no scope. */
export function whoamiRoutes({ authenticate }: Guard): Router<AuthenticatedState> {
  const router = new Router<AuthenticatedState>();

  router.get('/whoami', authenticate, (ctx) => {
    const { accessToken } = ctx.state;
    ctx.body = {
      sub: accessToken.subject,
      username: accessToken.username,
      name: accessToken.name,
      email: accessToken.email,
      roles: accessToken.roles,
      client_id: accessToken.clientId,
      scope: [...accessToken.scopes].join(' '),
      aud: accessToken.audience,
      ...(accessToken.expiresAt && expiry(accessToken.expiresAt)),
    };
  });

  return router;
}

function expiry(expiresAt: Date) {
  const expiresIn = Math.max(0, Math.round((expiresAt.getTime() - Date.now()) / 1000));
  return { expires_at: expiresAt.toISOString(), expires_in: expiresIn };
}
