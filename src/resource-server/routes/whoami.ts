import type { Handlers } from './router.ts';

/** What the authorization server says about the bearer, in the words of RFC 7662. */
export const whoamiHandlers: Handlers<'GET /whoami'> = {
  'GET /whoami': (ctx) => {
    const { token } = ctx.state;
    ctx.body = {
      sub: token.subject,
      username: token.username,
      name: token.name,
      email: token.email,
      roles: token.roles,
      client_id: token.clientId,
      scope: [...token.scopes].join(' '),
      aud: token.audience,
      ...(token.expiresAt && expiry(token.expiresAt)),
    };
  },
};

function expiry(expiresAt: Date) {
  const expiresIn = Math.max(0, Math.round((expiresAt.getTime() - Date.now()) / 1000));
  return { expires_at: expiresAt.toISOString(), expires_in: expiresIn };
}
