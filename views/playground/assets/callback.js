import { forge, prepareAttacks, refusedByPage, refusedByServer } from './attacks.js';
import { api, discover, issuer, ownUrl, Refusal, records, takePending } from './client.js';
import { send, showCheck, showNavigation } from './exchanges.js';
import { verifyIdToken } from './id-token.js';
import { byTestId, settle, showActions, showFields, showGrant, showProblem } from './result-page.js';
import { showUnasked } from './unasked.js';

/** A code comes back in the query, the implicit answers in the fragment. */
const answer = new URLSearchParams(location.hash ? location.hash.slice(1) : location.search);
const answerUrl = location.href;

const UNUSABLE = 'A client must not use an answer like this one.';
const STATE_CHECKED = 'state is the one that was sent';

let metadata;
let pending;
let tokens = {};
/** The last ID token that passed, and what it was compared with. */
let believed;

try {
  pending = takePending(answer.get('state'));
  if (pending) {
    clearAddressBar();
    await readAnswer();
    settle('done');
  } else {
    // Whoever did ask may want to read it there, so the address bar stays as it is.
    showUnasked(answer, curlFor(answer));
    settle('unasked');
  }
} catch (thrown) {
  clearAddressBar();
  showProblem('result-problem', problemOf(thrown));
  settle('failed');
}

/** Codes and tokens do not stay in the address bar, and so neither in the history. */
function clearAddressBar() {
  history.replaceState(null, '', location.pathname);
}

/** Of the demo client alone: its token endpoint is known. A code that is pasted into a shell must not be able to say anything there. */
function curlFor(parameters) {
  const [code, ...others] = parameters.getAll('code');
  const { demoClient } = byTestId('result').dataset;
  if (demoClient === undefined || others.length > 0 || !/^[\w.~-]+$/.test(code ?? '')) {
    return undefined;
  }
  return [
    `curl -d client_id=${demoClient} -d grant_type=authorization_code`,
    `-d code=${code}`,
    `-d redirect_uri=${ownUrl}/spa/callback`,
    '-d code_verifier=THE_VERIFIER_OF_YOUR_REQUEST',
    `${issuer}/token`,
  ].join(' \\\n  ');
}

function problemOf(thrown) {
  if (thrown instanceof Refusal) {
    return thrown.problem;
  }
  console.error(thrown);
  return { title: 'Something broke on this page', advice: 'That is our mistake, not yours. Start the grant again.' };
}

async function readAnswer() {
  showGrant(pending);
  showNavigation('authorization', pending.authorizationUrl);
  showNavigation('callback', answerUrl);
  metadata = await discover();
  // RFC 6749 §3.1: no parameter comes twice.
  if (new Set(answer.keys()).size !== [...answer.keys()].length) {
    throw new Refusal({ title: 'A parameter of the answer comes twice', advice: UNUSABLE });
  }
  // RFC 9207 §2.4; an ID token in the answer names the issuer itself.
  const mustName = metadata.authorization_response_iss_parameter_supported && !answer.has('id_token');
  if (answer.has('iss') ? answer.get('iss') !== metadata.issuer : mustName) {
    throw new Refusal({
      title: 'The answer is from another issuer',
      advice: UNUSABLE,
    });
  }
  if (answer.has('error')) {
    throw refusal(Object.fromEntries(answer));
  }
  if (pending.responseType === 'code') {
    await take(await redeem(), 'token endpoint', [STATE_CHECKED]);
  } else {
    await take(Object.fromEntries(answer), 'fragment', [STATE_CHECKED]);
  }
}

function redemption(attack) {
  return post(
    'authorization_code',
    metadata.token_endpoint,
    {
      grant_type: 'authorization_code',
      code: answer.get('code') ?? '',
      redirect_uri: pending.redirectUri,
      code_verifier: pending.codeVerifier,
    },
    attack,
  );
}

async function redeem() {
  const exchange = await redemption(false);
  if (!exchange.ok) {
    throw refusal(exchange.json, exchange);
  }
  return exchange.json;
}

/** A public client has no secret: its id travels in the body (RFC 6749 §3.2.1). */
function post(kind, endpoint, parameters, attack) {
  return send(kind, endpoint, {
    attack,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: String(new URLSearchParams({ client_id: pending.clientId, ...parameters })),
  });
}

/** Takes over an answer with tokens once its ID token has passed. `origin`: token endpoint, fragment or refresh. */
async function take(answered, origin, checks) {
  let idToken = {};
  if (answered.id_token) {
    const { json } = await send('keys', metadata.jwks_uri);
    const { clientId, nonce } = pending;
    const expected = { metadata, keys: json?.keys ?? [], clientId, nonce, origin, accessToken: answered.access_token };
    idToken = await verifyIdToken(answered.id_token, expected);
    believed = { idToken: answered.id_token, expected };
    showCheck({
      title: 'check the ID token',
      text: 'The ID token is for the client to read, and to believe only after these checks.',
      sent: Object.fromEntries(idToken.checks.map((name) => [name, '✓'])),
    });
  }
  tokens = { ...tokens, ...answered, scope: answered.scope ?? tokens.scope ?? pending.scope };
  showFields({
    'access-token': tokens.access_token,
    'token-type': tokens.token_type,
    'expires-in': tokens.expires_in && `${tokens.expires_in} s`,
    scope: tokens.access_token && tokens.scope,
    'refresh-token': tokens.refresh_token,
    'id-token': tokens.id_token,
    ...(idToken.claims && { 'id-token-claims': JSON.stringify(idToken.claims, null, 2) }),
    checks: [...checks, ...(idToken.checks ?? [])].map((check) => `✓ ${check}`).join('\n'),
  });
  showActions(availableActions(), perform);
  prepareAttacks(attempts());
}

/** What there is to attack: a check for each part of the answer. */
function attempts() {
  const { idToken, expected } = believed ?? {};
  const altered = `${tokens.access_token?.slice(0, -4)}AAAA`;
  const verify = (changes, forged = idToken) => verifyIdToken(forged, { ...expected, ...changes });
  return {
    ...(pending.responseType === 'code' && { 'replay-code': () => refusedByServer(redemption(true)) }),
    ...(tokens.access_token &&
      api && {
        'altered-access-token': () =>
          refusedByServer(
            send('api', api, { headers: { ...bearer(), authorization: `Bearer ${altered}` }, attack: true }),
          ),
      }),
    ...(idToken && {
      'altered-id-token': () =>
        refusedByPage({
          title: 'check a forged ID token',
          text: 'The ID token has another sub, and the signature that was made over the old one.',
          sent: { sub: 'somebody-else', signature: 'unchanged' },
          check: () => verify({}, forge(idToken)),
        }),
      'wrong-nonce': () =>
        refusedByPage({
          title: 'check an older ID token',
          text: 'The ID token is genuine, and belongs to another request than the one of this tab.',
          sent: { 'nonce expected': 'another-request', 'nonce received': expected.nonce },
          // A refreshed ID token may lack it (Core §12.2); the first one may not.
          check: () => verify({ nonce: 'another-request', origin: 'sign-in' }),
        }),
    }),
    ...(idToken &&
      pending.responseType === 'id_token token' && {
        'swapped-access-token': () =>
          refusedByPage({
            title: 'check a swapped access token',
            text: 'The ID token is genuine; the access token beside it was issued for somebody else.',
            sent: { access_token: 'the-token-of-another-client' },
            check: () => verify({ accessToken: 'the-token-of-another-client' }),
          }),
      }),
  };
}

function availableActions() {
  const atApi = [...(api ? ['whoami'] : []), ...(records ? ['records', 'create-record'] : [])];
  const actions = tokens.access_token ? [...atApi, ...(metadata.revocation_endpoint ? ['revoke'] : [])] : [];
  const mayAskWho = tokens.access_token && metadata.userinfo_endpoint && tokens.scope.split(' ').includes('openid');
  return [...actions, ...(mayAskWho ? ['userinfo'] : []), ...(tokens.refresh_token ? ['refresh'] : []), 'sign-out'];
}

const calls = {
  whoami: () => send('api', api, { headers: bearer() }),
  records: () => send('api', records, { headers: bearer() }),
  'create-record': () =>
    send('api', records, {
      method: 'POST',
      headers: { ...bearer(), 'content-type': 'application/json' },
      body: JSON.stringify({ title: 'A note', body: 'Written from the playground.' }),
    }),
  userinfo: () => send('userinfo', metadata.userinfo_endpoint, { headers: bearer() }),
  revoke: () =>
    post('revocation', metadata.revocation_endpoint, { token: tokens.access_token, token_type_hint: 'access_token' }),
  refresh: () =>
    post('refresh_token', metadata.token_endpoint, {
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token,
    }),
};

const bearer = () => ({ accept: 'application/json', authorization: `Bearer ${tokens.access_token}` });

async function perform(action) {
  if (action === 'sign-out') {
    // Where there is nothing to sign out of, leaving is all there is: the tokens are in this page alone.
    if (metadata.end_session_endpoint === undefined) {
      return location.assign(byTestId('start-over').href);
    }
    // RP-Initiated Logout §2, with `client_id` in place of `id_token_hint`: no token ends up in a URL.
    const url = new URL(metadata.end_session_endpoint);
    url.search = new URLSearchParams({ client_id: pending.clientId, post_logout_redirect_uri: `${ownUrl}/` });
    return location.assign(url);
  }
  const exchange = await calls[action]();
  let problem = exchange.status === undefined ? refusal(undefined, exchange).problem : undefined;
  if (action === 'refresh') {
    problem = await takeRefreshed(exchange);
  }
  showProblem('result-problem', problem);
}

async function takeRefreshed(exchange) {
  try {
    if (!exchange.ok) {
      throw refusal(exchange.json, exchange);
    }
    await take(exchange.json, 'refresh', []);
    return undefined;
  } catch (thrown) {
    return problemOf(thrown);
  }
}

function refusal(answered, exchange) {
  if (answered?.error) {
    return new Refusal({
      title: 'The authorization server said no',
      error: answered.error,
      errorDescription: answered.error_description,
      advice: 'The diagram below shows what was asked and what came back.',
    });
  }
  return new Refusal({
    title: 'No answer that this page may read',
    advice: `Nothing answers at ${exchange.target}, or it does not allow calls from this page (CORS).`,
  });
}
