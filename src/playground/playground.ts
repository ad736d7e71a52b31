import type { Context } from 'koa';
import { AuthorizationServer } from './authorization-server.ts';
import { type BrowserSession, BrowserSessions } from './browser-session.ts';
import type { Issuer } from './issuers.ts';
import type { RenderPage } from './pages.ts';

/** What the routes share: whom this playground may talk to, and what it remembers of each browser. */
export class Playground {
  readonly ownUrl: string;
  readonly render: RenderPage;
  readonly sessions: BrowserSessions;
  readonly servers: readonly AuthorizationServer[];

  constructor({ ownUrl, render, issuers }: { ownUrl: string; render: RenderPage; issuers: readonly Issuer[] }) {
    this.ownUrl = ownUrl;
    this.render = render;
    this.sessions = new BrowserSessions(ownUrl);
    this.servers = issuers.map((issuer) => new AuthorizationServer(issuer));
  }

  /** The server that this browser chose, out of those that are allowed; at first the first. */
  serverOf(session: BrowserSession | undefined): AuthorizationServer {
    const server = session?.server ?? this.servers[0];
    if (server === undefined) {
      throw new Error('a playground needs an issuer');
    }
    return server;
  }

  /** Every page shows which server it is about, and offers the others. */
  page(name: Parameters<RenderPage>[0], ctx: Context, values: Record<string, unknown>): string {
    const chosen = this.serverOf(this.sessions.find(ctx));
    const { settings } = chosen;
    const issuers = this.servers.map((server) => ({ title: server.settings.title, isChosen: server === chosen }));
    return this.render(name, { issuer: settings.issuer, api: settings.api, issuers, path: ctx.path, ...values });
  }
}

/** 303: the browser goes on with GET, and reloading the page it reaches repeats nothing. */
export function seeOther(ctx: Context, target: string): void {
  ctx.redirect(target);
  ctx.status = 303;
}
