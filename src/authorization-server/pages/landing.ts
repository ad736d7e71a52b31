import Router from '@koa/router';
import type Provider from 'oidc-provider';
import type { Demonstration } from './demonstration.ts';
import type { Page } from './page.ts';

export interface LandingPage {
  readonly provider: () => Provider;
  readonly page: Page;
  /** The URL of the registration endpoint, which is not the engine's; `undefined` where nobody may register. */
  readonly registration: { readonly advertised: string | undefined };
  /** Development mode only. */
  readonly demonstration?: Demonstration | undefined;
}

interface Endpoint {
  /** Of the words for it: `landing.endpoints.token`. */
  readonly name: string;
  readonly url: string;
  readonly standard: string;
}

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** The engine's route names of the endpoints, in the order in which a newcomer meets them. */
const ENDPOINTS = [
  { name: 'authorization', standard: 'RFC 6749 §3.1' },
  { name: 'token', standard: 'RFC 6749 §3.2' },
  { name: 'userinfo', standard: 'OpenID Connect Core §5.3' },
  { name: 'introspection', standard: 'RFC 7662' },
  { name: 'revocation', standard: 'RFC 7009' },
  { name: 'end_session', standard: 'RP-Initiated Logout 1.0' },
  { name: 'pushed_authorization_request', standard: 'RFC 9126' },
  { name: 'device_authorization', standard: 'RFC 8628' },
  { name: 'backchannel_authentication', standard: 'CIBA Core 1.0' },
] as const;

/** `/`: what this server is, for someone who typed its address. */
export function landingPage({ provider, page, registration, demonstration }: LandingPage): Router {
  const router = new Router();
  router.get('/', (ctx) => {
    const { issuer } = provider();
    if (isOtherLoopbackName(ctx.get('Host'), new URL(issuer))) {
      ctx.redirect(issuer);
      return;
    }
    page.render(
      ctx,
      'landing',
      {
        issuer,
        discovery: discoveryOf(issuer),
        jwks: provider().urlFor('jwks'),
        endpoints: [...endpointsOf(provider()), ...registrationOf(registration)],
        forPeople: forPeople(provider(), ctx.mountPath),
        demonstration,
      },
      { title: page.brand },
    );
  });
  return router;
}

/**
 * `localhost` and `127.0.0.1` do not share cookies, so a sign-in begun at one is lost at the other. Only loopback names
 * are corrected: behind a proxy that hides the public name, sending everybody to the issuer would go round in circles.
 */
function isOtherLoopbackName(requestedHost: string, issuer: URL): boolean {
  const requested = URL.parse(`http://${requestedHost}`)?.hostname ?? '';
  return LOOPBACK.has(issuer.hostname) && LOOPBACK.has(requested) && requested !== issuer.hostname;
}

function discoveryOf(issuer: string): { openid: string; oauth: string } {
  const base = issuer.replace(/\/$/, '');
  return {
    openid: `${base}/.well-known/openid-configuration`,
    oauth: `${base}/.well-known/oauth-authorization-server`,
  };
}

/** Pages to which nobody is sent: one's own account, an address that a device shows, and one that an app names. */
function forPeople(provider: Provider, root: string) {
  const answersRequests = urlOf(provider, 'backchannel_authentication') !== undefined;
  return {
    account: `${root}/account`,
    device: urlOf(provider, 'code_verification'),
    requests: answersRequests ? `${root}/requests` : undefined,
  };
}

function registrationOf({ advertised }: LandingPage['registration']): Endpoint[] {
  return advertised === undefined ? [] : [{ name: 'registration', url: advertised, standard: 'RFC 7591' }];
}

/** Those that the configuration turns on. */
function endpointsOf(provider: Provider): Endpoint[] {
  return ENDPOINTS.flatMap(({ name, standard }) => {
    const url = urlOf(provider, name);
    return url === undefined ? [] : [{ name, url, standard }];
  });
}

function urlOf(provider: Provider, route: string): string | undefined {
  try {
    return provider.urlFor(route);
  } catch {
    return undefined; // The engine's way to say that it has no such route.
  }
}
