import type { KoaContextWithOIDC, Provider } from 'oidc-provider';

/** Of a page of ours: the engine has no part in it. */
type PageContext = Pick<KoaContextWithOIDC, 'req' | 'res' | 'cookies' | 'secure'>;

export type PageSession = Awaited<ReturnType<Provider['Session']['get']>>;

interface PageLogin {
  readonly accountId: string;
  readonly acr: string;
  readonly amr: string[];
}

/** The browser's session, for pages that no client sent it to. */
export interface PageSessions {
  /** `undefined` for a browser in which nobody is signed in. */
  find(ctx: PageContext): Promise<PageSession | undefined>;
  /** Signs somebody in, under an id that nobody had before. */
  begin(ctx: PageContext, login: PageLogin): Promise<void>;
}

export interface PageSessionsDeps {
  readonly provider: () => Provider;
  /** As of the engine's own sessions. */
  readonly cookie: { readonly path: string; readonly secure: boolean };
  readonly seconds: number;
}

export function createPageSessions({ provider, cookie, seconds }: PageSessionsDeps): PageSessions {
  return {
    async find(ctx) {
      const session = await provider().Session.get(ctx as never);
      return session.accountId === undefined ? undefined : session;
    },
    async begin(ctx, login) {
      const { Session } = provider();
      const session = new (Session as new (payload: object) => PageSession)({});
      session.loginAccount(login);
      await session.save(seconds);
      ctx.cookies.set(provider().cookieName('session'), session.jti, {
        ...cookie,
        httpOnly: true,
        sameSite: 'lax',
        signed: true,
        overwrite: true,
        expires: new Date(session.exp * 1000),
      });
    },
  };
}
