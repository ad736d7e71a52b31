import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import type { Account } from '../../accounts/account.ts';

/** What the console's navigation leads to, in this order; one that nobody registers is left out. */
export const SECTION_IDS = [
  'overview',
  'profile',
  'security',
  'sessions',
  'apps',
  'tokens',
  'activity',
  'data',
] as const;
export type SectionId = (typeof SECTION_IDS)[number];

/** Whoever is signed in at the console. */
export interface Visitor {
  /** As it is at this moment. */
  readonly account: Account;
  /** Of the session at this server; when that ends, so does the console. */
  readonly sessionUid: string;
  /** When they last proved who they are. */
  readonly authTime: Date;
  readonly amr: readonly string[];
  readonly acr: string | undefined;
}

/** What the visitor is told at a glance, with the way to more. In the language of the page. */
export interface Card {
  /** For tests: `data-testid="card-<id>"`. */
  readonly id: string;
  readonly title: string;
  readonly text: string;
  /** A word or two about how it stands: `On`, `3 devices`. */
  readonly state?: string | undefined;
  /** Whether all is well or somebody should act; plain when absent. */
  readonly tone?: 'good' | 'caution' | undefined;
  readonly actions: readonly { readonly href: string; readonly text: string }[];
}

/**
 * Part of the console. Any number of them may have the same id: they share its entry in the navigation. The page of a
 * section is `/account/<id>`; what belongs to it may have any other address below `/account`.
 */
export interface Section {
  readonly id: SectionId;
  /**
   * `router` has the prefix `/account`. Whoever gets to a route is signed in at the console, and what is posted comes from
   * our own pages: there is no way round that. Answer a POST with 303 (`console.seeOther`).
   */
  routes(router: Router, console: Console): void;
  /** For the overview. */
  overviewCard?(ctx: RouterContext, console: Console): Promise<Card | undefined>;
  /** For the page "Sign-in & security", in the order of registration. */
  securityCard?(ctx: RouterContext, console: Console): Promise<Card | undefined>;
  /**
   * What of this an account holder gets with a copy of all their data, under names of its own: everything that is known, but nothing
   * that opens a door (a hash, a seed, the value of a token).
   */
  exportOf?(account: Account): Promise<Readonly<Record<string, unknown>>>;
  /** Pages below `/account` for whoever comes, signed in or not; there is no visitor. */
  openRoutes?(router: Router): void;
}

export interface Console {
  visitor(ctx: RouterContext): Visitor;
  /**
   * Renders `views/<view>.ejs` inside the console. Besides `locals` the view has `view.t`, `view.root` (of the server),
   * `view.base` (of the console: `/account` under the issuer's path) and `view.said` (see `seeOther`).
   */
  render(
    ctx: RouterContext,
    section: SectionId,
    view: string,
    locals: object,
    options: {
      readonly title: string;
      readonly status?: number;
      readonly scripts?: readonly string[];
      /** As in `PageOptions`. */
      readonly logo?: string | undefined;
    },
  ): void;
  /**
   * Lets only a visitor go on who signed in less than `lifetimes.recentSignIn` ago. It throws otherwise: the console then sends
   * them to a fresh sign-in and back to the same address, or to `page` (a path below `/account`, like `/profile`). Of a POST,
   * where there must be a page for GET, what was typed is kept for `typed`, passwords and codes excepted.
   */
  requireRecentSignIn(ctx: RouterContext, page?: string): Promise<void>;
  /** What was typed before a fresh sign-in was asked for, once; empty otherwise. */
  typed(ctx: RouterContext): Readonly<Record<string, string>>;
  /** 303 to a path below `/account`; `said` names a message that the next page shows as a status: `<catalogue>.said.<name>`, no other. */
  seeOther(ctx: RouterContext, path: string, said?: string): void;
}
