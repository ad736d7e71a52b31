import { acrOf } from '../../authorization-server/accounts/assurance.ts';
import { createCookieSignatures } from '../../authorization-server/http/cookie-signatures.ts';
import { createPageSessions } from '../../authorization-server/provider/page-sessions.ts';
import { sessionCookie } from '../../authorization-server/provider/session-settings.ts';
import type { Instance } from '../instance.ts';
import { type SessionCookie, SessionRequest } from '../protocol.ts';
import { requireAccount } from './accounts.ts';
import { ControlError } from './control-error.ts';
import { parsed, type Route } from './route.ts';

export const sessionRoutes: readonly Route[] = [
  { method: 'POST', path: '/sessions', answer: (instance, { body }) => signIn(instance, parsed(SessionRequest, body)) },
];

/** Begins a session as our own pages do, and takes the cookies that a browser would get. */
async function signIn(
  instance: Instance,
  { account: reference, amr = ['pwd'] }: SessionRequest,
): Promise<SessionCookie[]> {
  const { config, server } = instance;
  const { accountId, email, disabled } = await requireAccount(instance, reference);
  if (disabled) {
    throw new ControlError(400, `The account ${email} is disabled, and cannot sign in.`);
  }
  const cookies: SessionCookie[] = [];
  const { path, secure } = sessionCookie(config.issuer);
  const { sign } = createCookieSignatures(server.stores.sealing.keys('cookies'));
  const sessions = createPageSessions({
    provider: () => server.provider,
    cookie: { path, secure },
    seconds: config.lifetimes.session,
  });
  const set = (name: string, value: string, { expires }: { expires: Date }) => {
    const attributes = {
      domain: new URL(config.issuer).hostname,
      path,
      // The browser's time is not moved along: what ends is the session, at the server.
      expires: Math.floor(expires.getTime() / 1000),
      httpOnly: true,
      secure,
      sameSite: 'Lax',
    } as const;
    cookies.push(
      { name, value, ...attributes },
      { name: `${name}.sig`, value: sign(`${name}=${value}`), ...attributes },
    );
  };
  await sessions.begin({ cookies: { set } } as never, { accountId, acr: acrOf(amr), amr });
  return cookies;
}
