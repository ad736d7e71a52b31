/** What the two browser clients share: where the servers are, and what is remembered between leaving and coming back. */

export const { issuer, api, records, ownUrl } = document.body.dataset;

export const encode = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

export const decode = (text) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0));

export const sha256 = async (text) =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));

/** A refusal to go on, in the words of the problem that the page shows. */
export class Refusal extends Error {
  constructor(problem) {
    super(problem.title);
    this.problem = problem;
  }
}

export async function discover() {
  try {
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    const metadata = await response.json();
    // Discovery §4.3: the issuer in the document is the one that was asked.
    if (new URL(metadata.issuer).href === new URL(issuer).href) {
      return metadata;
    }
  } catch {
    // Not there, not JSON, or not for this page to read: the same advice for each.
  }
  throw new Refusal({
    title: 'The authorization server does not answer',
    advice: `There is no usable discovery document at ${issuer}. Start everything with “npm start”, then try again.`,
  });
}

const random = () => encode(crypto.getRandomValues(new Uint8Array(32)));
const keyOf = (state) => `playground:${state}`;

/** Sends the browser to the authorization endpoint. state, nonce and verifier stay in this tab (RFC 6749 §10.12, RFC 7636). */
export async function begin({
  title,
  clientId,
  redirectUri,
  scope = '',
  prompt = '',
  response_type: responseType = 'code',
}) {
  const metadata = await discover();
  const pending = { title, clientId, scope, responseType, redirectUri, nonce: random(), codeVerifier: random() };
  const state = random();
  const url = new URL(metadata.authorization_endpoint);
  const isOpenId = scope.split(' ').includes('openid');
  const parameters = {
    response_type: responseType,
    client_id: clientId,
    redirect_uri: redirectUri,
    state,
    ...(scope && { scope }),
    ...(prompt && { prompt }),
    ...((isOpenId || responseType.includes('id_token')) && { nonce: pending.nonce }),
    ...(responseType === 'code' && {
      code_challenge: encode(await sha256(pending.codeVerifier)),
      code_challenge_method: 'S256',
    }),
  };
  for (const [name, value] of Object.entries(parameters)) {
    url.searchParams.set(name, value);
  }
  sessionStorage.setItem(keyOf(state), JSON.stringify({ ...pending, authorizationUrl: url.href }));
  location.assign(url);
}

/**
 * The state check: an answer is taken once, and only in the tab that asked for it. `undefined` when this tab asked for
 * none; while it waits for one, any other is refused.
 */
export function takePending(state) {
  const kept = state === null ? null : sessionStorage.getItem(keyOf(state));
  if (kept === null) {
    if (Object.keys(sessionStorage).some((key) => key.startsWith(keyOf('')))) {
      throw new Refusal({
        title: 'This is not the answer that was asked for',
        advice:
          'This tab waits for an answer, and the state of this one is not what it sent: it was altered, or somebody slipped in their own. Start the grant again.',
      });
    }
    return undefined;
  }
  sessionStorage.removeItem(keyOf(state));
  return JSON.parse(kept);
}
