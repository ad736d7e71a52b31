import { accessToken, renewToken, SignedOut, Unavailable } from './session.js';

const API = document.body.dataset.resourceApi;

/**
 * What the API answers, a refusal too: `{ ok, status, body }`. Whatever this page shows or hides, the API looks at the
 * token and decides.
 */
export async function callApi(method, path, content) {
  const token = await accessToken();
  let response = await send(method, path, content, token);
  if (response.status === 401) {
    // Revoked or expired before its time: one more try, with another token.
    response = await send(method, path, content, await renewToken(token));
  }
  if (response.status === 401) {
    throw new SignedOut();
  }
  const body =
    response.status === 204 ? undefined : await response.json().catch(() => cannotGoOn('answers without JSON'));
  return { ok: response.ok, status: response.status, body };
}

async function send(method, path, content, token) {
  const headers = { authorization: `Bearer ${token}` };
  const init = content && {
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(content),
  };
  return fetch(API + path, { method, headers, ...init }).catch(() =>
    cannotGoOn('does not answer, or does not let this page ask it (CORS)'),
  );
}

/** Who the token speaks for; the API knows it from the authorization server. */
export async function whoAmI() {
  const { ok, status, body } = await callApi('GET', '/whoami');
  return ok ? body : cannotGoOn(`says ${status} to GET /whoami`);
}

function cannotGoOn(why) {
  throw new Unavailable(`The API at ${API} ${why}. Reload in a moment.`);
}
