/**
 * A sign-in that lost its way begins again with the same request (pages/remembered-request.ts). One that was pushed, or
 * came in a request object, cannot do so as a query: a client that must push would be refused, and what was not to be
 * seen would stand in a URL. It is pushed anew, by this server.
 */
import { errors, type Provider } from 'oidc-provider';

export interface ProtectedRequest {
  readonly params: Readonly<Record<string, unknown>>;
  /** The id under which it was pushed; absent for a request object that the browser had brought. */
  readonly pushedAs?: string | undefined;
  /** Whoever is signed in has to sign in. */
  readonly asksToSignIn?: boolean | undefined;
}

const LIFETIME_SECONDS = 60;

/** The parameters of a reference to the same request; `undefined` when it has been answered. */
export async function pushAgain(provider: Provider, request: ProtectedRequest): Promise<URLSearchParams | undefined> {
  const pushed = request.pushedAs === undefined ? fromBrowser(request) : await takeBack(provider, request.pushedAs);
  if (pushed === undefined) {
    return undefined;
  }
  const { content: pushedContent, ...kept } = pushed;
  const content = request.asksToSignIn ? { ...pushedContent, prompt: withLogin(pushedContent.prompt) } : pushedContent;
  const clientId = String(content.client_id);
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: clientId, aud: provider.issuer, iat: now, nbf: now, exp: now + LIFETIME_SECONDS };
  const renewed = new provider.PushedAuthorizationRequest({ ...kept, request: unsecured({ ...content, ...claims }) });
  const id = await renewed.save(LIFETIME_SECONDS);
  return new URLSearchParams({ client_id: clientId, request_uri: `urn:ietf:params:oauth:request_uri:${id}` });
}

/** What the engine (9.13.3) stores there; its types say a list. */
const TRUSTED = true as unknown as string[];

function fromBrowser({ params }: ProtectedRequest) {
  return { content: params, trusted: TRUSTED };
}

/**
 * It is used up first: of this sign-in and another one with the same reference only one gets an answer, as RFC 9126 §4
 * has it, and a request that was answered never begins again.
 */
async function takeBack(provider: Provider, id: string) {
  const pushed = await provider.PushedAuthorizationRequest.find(id, { ignoreExpiration: true });
  if (pushed === undefined || pushed.consumed !== undefined) {
    return undefined;
  }
  try {
    await pushed.consume();
  } catch (error) {
    if (error instanceof errors.InvalidRequestUri) {
      return undefined;
    }
    throw error;
  }
  const { trusted = [], dpopJkt } = pushed;
  return { content: contentOf(pushed.request), trusted, ...(dpopJkt === undefined ? {} : { dpopJkt }) };
}

/** What was pushed is kept as a JWT (RFC 9101 §4), whose signature, if it has one, was verified when it came. */
function contentOf(request: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(request.split('.')[1] ?? '', 'base64url').toString('utf8'));
}

/** OpenID Connect Core §3.1.2.1; `none` goes with no other. */
export function withLogin(prompt: unknown): string {
  const others = typeof prompt === 'string' ? prompt.split(' ') : [];
  return ['login', ...others.filter((one) => one !== '' && one !== 'none' && one !== 'login')].join(' ');
}

function unsecured(content: object): string {
  const parts = [{ alg: 'none' }, content].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  return `${parts.join('.')}.`;
}
