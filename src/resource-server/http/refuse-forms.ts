import type { Middleware } from 'koa';
import type { Refusals } from '../guard/refusals.ts';
import { readBody, unsupportedMediaType } from './read-body.ts';

const LARGEST_FORM = 16 * 1024;

/**
 * No route takes forms. RFC 6750 §2.2 would put an access token into one: its sender is told so, whether or not
 * another token stands in the header. Otherwise a form is just the wrong type, which curl sends unless told not to.
 */
export function refuseForms(refuse: Refusals): Middleware {
  return async (ctx, next) => {
    const { type } = ctx.request;
    if (type === 'application/x-www-form-urlencoded') {
      const form = new URLSearchParams((await readBody(ctx.req, LARGEST_FORM)).toString());
      if (form.has('access_token')) {
        throw refuse.invalidRequest('Send the access token in the Authorization header, never in the body.');
      }
    }
    if (type === 'application/x-www-form-urlencoded' || type === 'multipart/form-data') {
      throw unsupportedMediaType(`Not as ${type}: name the type of what you send in Content-Type.`);
    }
    await next();
  };
}
