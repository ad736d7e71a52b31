import type { Middleware } from 'koa';
import { PageError } from './page-error.ts';

/**
 * Refuses a form that another site made the browser send (CSRF).
 *
 * Three locks, each enough by itself: the URL of an interaction contains its random id, which no other site knows; the
 * engine's signed interaction cookie must match that id and is `SameSite=Lax`, so a cross-site POST comes without it;
 * and the browser says here where the form came from. A token in the form would only be a fourth.
 *
 * `Origin: null` is no reason to refuse: our own pages send it, because they carry `Referrer-Policy: no-referrer`.
 */
export function requireSameOrigin(issuer: () => string): Middleware {
  return async (ctx, next) => {
    const site = ctx.get('Sec-Fetch-Site');
    if (site !== '' && site !== 'same-origin' && site !== 'none') {
      throw new PageError('cross_site_form', 'the form was sent from another site');
    }
    const origin = ctx.get('Origin');
    if (origin !== '' && origin !== 'null' && origin !== new URL(issuer()).origin) {
      throw new PageError('cross_site_form', 'the form was sent from another origin');
    }
    await next();
  };
}
