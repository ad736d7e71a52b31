/**
 * The access token lives in this variable and nowhere else: not in storage, not in an address, not on `window`. Reloading
 * forgets it, and the cookie that this script cannot read gets another one.
 */
let current;

/** One request for a token at a time: whoever needs it meanwhile waits for the same one. */
let renewing;

/** Soon is now: the request still has to travel. */
const EARLY_MS = 30_000;

const tabs = new BroadcastChannel('sample-spa');

export class SignedOut extends Error {}
/** For now there is no going on; the message, if there is one, is for the person. */
export class Unavailable extends Error {}

export async function accessToken() {
  return current && Date.now() < current.expiresAt - EARLY_MS ? current.token : renewToken(current?.token);
}

/** When `stale` has been replaced already, by another call, nothing is asked for. */
export async function renewToken(stale) {
  if (current && current.token !== stale) {
    return current.token;
  }
  renewing ??= requestToken().finally(() => {
    renewing = undefined;
  });
  current = await renewing;
  return current.token;
}

export function tokenEndsAt() {
  return current && new Date(current.expiresAt);
}

async function requestToken() {
  current = undefined;
  // Same origin, so the browser adds the cookie and says in `Origin` who asks.
  const response = await post('/bff/token');
  if (response.status === 401) {
    throw new SignedOut();
  }
  if (!response.ok) {
    throw new Unavailable(response.status === 403 ? (await response.json()).error : '');
  }
  const { access_token, expires_in } = await response.json();
  return { token: access_token, expiresAt: Date.now() + expires_in * 1000 };
}

/** To the sign-in at the authorization server, and from there back to this page. */
export function signInAddress() {
  return `/bff/sign-in?${new URLSearchParams({ to: location.pathname })}`;
}

/**
 * Here, in the other tabs, and then at the authorization server: the browser leaves for it. Where that does not answer, the page
 * stays, and gets to know where to go later, if that is known.
 */
export async function signOut() {
  current = undefined;
  const response = await post('/bff/sign-out');
  if (!response.ok) {
    throw new Unavailable();
  }
  tabs.postMessage('signed out');
  const { location: there } = await response.json();
  if (response.status === 202) {
    return { there };
  }
  location.assign(there);
}

/** In another tab. */
export function onSignedOut(listener) {
  tabs.addEventListener('message', () => {
    current = undefined;
    listener();
  });
}

async function post(path) {
  return fetch(path, { method: 'POST' }).catch(() => {
    throw new Unavailable();
  });
}
