import type { RequestListener } from 'node:http';

const METADATA = [
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
  '/.well-known/ssf-configuration',
];

/** What every path of an issuer begins with: `/login` of `https://example.com/login`, and nothing where it is an origin. */
export function pathOfIssuer(issuer: string): string {
  const { pathname } = new URL(issuer);
  return pathname === '/' ? '' : pathname;
}

/**
 * Below an issuer's path everything is where it would be without one, so that nothing further in knows of it. A proxy may
 * pass the path on or take it off: what comes without it is answered alike.
 *
 * Metadata is also where RFC 8414 §3.1 puts it, with the path behind the well-known part; a proxy has to send that here.
 */
export function belowIssuerPath(issuer: string, application: RequestListener): RequestListener {
  const path = pathOfIssuer(issuer);
  if (path === '') {
    return application;
  }
  const inserted = new Map(METADATA.map((document) => [document + path, document]));
  return (request, response) => {
    const { url = '/' } = request;
    // RFC 9112 §3.2.2: a target may be a whole URL.
    const [origin = ''] = /^https?:\/\/[^/?]*/i.exec(url) ?? [];
    const [sent = '', ...query] = url.slice(origin.length).split('?');
    const within = inserted.get(sent) ?? takeOff(path, sent);
    request.url = origin + [within, ...query].join('?');
    application(request, response);
  };
}

function takeOff(path: string, sent: string): string {
  if (sent === path) {
    return '/';
  }
  return sent.startsWith(`${path}/`) ? sent.slice(path.length) : sent;
}
