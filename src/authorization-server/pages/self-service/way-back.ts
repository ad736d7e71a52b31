import type { ParameterizedContext } from 'koa';

/** As in remembered-request.ts: proxies put up with no more. */
const LONGEST_IN_ADDRESS = 2_000;

/** A sealed authorization request as the query of an address; nothing where there is none, or no room for it. */
export function inAddress(request: string): string {
  return request === '' || request.length > LONGEST_IN_ADDRESS ? '' : `?request=${encodeURIComponent(request)}`;
}

/** To the sign-in that somebody came from, which begins again (heal-sign-in.ts), or else to the account, which asks for one. */
export function wayBack(ctx: ParameterizedContext, request: string): string {
  const query = inAddress(request);
  return query === '' ? `${ctx.mountPath}/account` : `${ctx.mountPath}/interaction/sign-in/again${query}`;
}
