/**
 * The modules that the plans for the authorization flows share: each test bears the name of a module of the OpenID conformance
 * suite and states what that module expects. docs/conformance.md says which plan has which.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Completed, ERIN, type Suite, startSuite, type Variant } from '../../testing/conformance-suite.ts';
import { type Parameters, send, tokensOf } from '../../testing/relying-party.ts';
import { UserAgent } from '../../testing/user-agent.ts';

const CLAIMS_OF = {
  profile: ['name', 'given_name', 'family_name', 'middle_name', 'nickname', 'preferred_username', 'profile', 'picture'],
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified'],
} as const;

export function describeCoreModules(variant: Variant, more: (suite: () => Suite) => void = () => {}): void {
  const { responseType, responseMode } = variant;
  describe(`response_type=${responseType}${responseMode === undefined ? '' : `, response_mode=${responseMode}`}`, () => {
    let suite: Suite;
    beforeAll(async () => {
      suite = await startSuite();
    });
    afterAll(() => suite.server.stop());
    describeHappyModules(variant, () => suite);
    describeScopeModules(variant, () => suite);
    describeSessionModules(variant, () => suite);
    describeRequestModules(variant, () => suite);
    if (responseType !== 'id_token') {
      describeUserinfoModules(variant, () => suite);
    }
    if (responseType.includes('code')) {
      describeCodeModules(variant, () => suite);
    }
    more(() => suite);
  });
}

type Get = () => Suite;

function describeHappyModules(variant: Variant, suite: Get): void {
  const front = variant.responseType === 'code' ? 'query' : 'fragment';

  it('oidcc-server, oidcc-idtoken-signature: the flow ends in what was asked for, where it was asked for', async () => {
    const { how, idToken } = await suite().complete(variant);
    expect(how).toBe(variant.responseMode ?? front);
    expect(idToken.sub).toEqual(expect.any(String));
  });

  it('oidcc-response-type-missing: is told to the client as an error', async () => {
    const { how, answer } = await suite().authorize(variant, { response_type: undefined });
    expect(how).toBe(variant.responseMode ?? 'query');
    expect(answer).toMatchObject({ error: 'invalid_request', state: 'a-state', iss: suite().server.issuer });
  });

  const needsNonce = variant.responseType.includes('id_token');
  it(`oidcc-ensure-request-without-nonce-${needsNonce ? 'fails' : 'succeeds-for-code-flow'}`, async () => {
    if (needsNonce) {
      const { answer } = await suite().authorize(variant, { nonce: undefined });
      expect(answer).toMatchObject({ error: 'invalid_request', state: 'a-state' });
    } else {
      expect((await suite().complete(variant, { nonce: undefined })).idToken).not.toHaveProperty('nonce');
    }
  });

  it('oidcc-ensure-registered-redirect-uri: an unregistered one gets a page, and nothing is sent there', async () => {
    const { how, visit } = await suite().authorize(variant, { redirect_uri: 'https://www.certification.openid.net/x' });
    expect(how).toBe('page');
    expect(visit.status).toBe(400);
    expect(visit.html).toContain('data-testid="error-title"');
  });
}

function describeScopeModules(variant: Variant, suite: Get): void {
  /** Where no access token is issued, the claims are in the ID token (Core §5.4). */
  const told = ({ idToken, userinfo }: Completed) => (variant.responseType === 'id_token' ? idToken : userinfo);

  it.each(Object.entries(CLAIMS_OF))(
    'oidcc-scope-%s: brings its claims, and no other scope’s',
    async (scope, names) => {
      const claims = told(await suite().complete(variant, { scope: `openid ${scope}` }));
      for (const [other, theirs] of Object.entries(CLAIMS_OF)) {
        for (const name of theirs) {
          expect({ name, there: name in claims }).toEqual({
            name,
            there: other === scope || names.includes(name as never),
          });
        }
      }
    },
  );

  it('oidcc-scope-all: brings all claims, each of its type', async () => {
    const claims = told(await suite().complete(variant, { scope: 'openid profile email address phone' }));
    expect(claims).toMatchObject({
      name: 'Erin Example',
      website: 'https://erin.example.com/',
      gender: 'female',
      birthdate: '1984-02-29',
      zoneinfo: 'America/Los_Angeles',
      locale: 'en-US',
      updated_at: expect.any(Number),
      email: ERIN.email,
      email_verified: true,
      phone_number: '+1 (604) 555-1234;ext=5678',
      phone_number_verified: true,
      address: { country: 'United States of America', formatted: expect.stringContaining('\n') },
    });
  });

  it('oidcc-alternate-happy-flow: neither the order of scopes nor that of parameters counts', async () => {
    const url = new URL(suite().urlFor(variant, { scope: 'email openid' }));
    const reversed = Object.fromEntries([...url.searchParams].reverse());
    expect(told(await suite().complete(variant, reversed))).toMatchObject({ email: ERIN.email });
  });
}

function describeSessionModules(variant: Variant, suite: Get): void {
  const twice = async (second: Parameters, first: Parameters = {}) => {
    const browser = new UserAgent(suite().server.issuer);
    const before = await suite().complete(variant, first, { browser });
    return { before, after: await suite().complete(variant, second, { browser }), browser };
  };

  it('oidcc-prompt-login: asks for the password again', async () => {
    const { before, after } = await twice({ prompt: 'login' });
    expect(after.pages).toContain('sign-in');
    expect(after.idToken.sub).toBe(before.idToken.sub);
  });

  it('oidcc-prompt-none-not-logged-in: is told to the client', async () => {
    const { answer, pages } = await suite().authorize(variant, { prompt: 'none' });
    expect(answer).toMatchObject({ error: 'login_required', state: 'a-state' });
    expect(pages).toEqual([]);
  });

  it('oidcc-prompt-none-logged-in: goes through without a page', async () => {
    const { before, after } = await twice({ prompt: 'none' });
    expect(after.pages).toEqual([]);
    expect(after.idToken.sub).toBe(before.idToken.sub);
  });

  it('oidcc-id-token-hint: of the person who is signed in goes through without a page', async () => {
    const browser = new UserAgent(suite().server.issuer);
    const before = await suite().complete(variant, {}, { browser });
    const id_token_hint = before.answer.id_token ?? before.tokens?.id_token;
    const after = await suite().complete(variant, { prompt: 'none', id_token_hint }, { browser });
    expect(after.pages).toEqual([]);
    expect(after.idToken.sub).toBe(before.idToken.sub);
  });

  it('oidcc-max-age-1: asks for the password again, and says when that was', async () => {
    const browser = new UserAgent(suite().server.issuer);
    const before = await suite().complete(variant, { max_age: '10000' }, { browser });
    await suite().server.pool.query(
      `update artifacts set payload = jsonb_set(payload::jsonb, '{loginTs}', to_jsonb((payload::jsonb->>'loginTs')::int - 5))::text
       where kind = 'Session'`,
    );
    const after = await suite().complete(variant, { max_age: '1' }, { browser });
    expect(after.pages).toContain('sign-in');
    expect(after.idToken.auth_time).toBeGreaterThanOrEqual(Number(before.idToken.auth_time));
  });

  it('oidcc-max-age-10000: goes on with the sign-in there was, and says when that was', async () => {
    const { before, after } = await twice({ max_age: '10000' }, { max_age: '15000' });
    expect(after.pages).toEqual([]);
    expect(after.idToken).toMatchObject({ auth_time: expect.any(Number), sub: before.idToken.sub });
    expect(after.idToken.auth_time).toBe(before.idToken.auth_time);
  });
}

function describeRequestModules(variant: Variant, suite: Get): void {
  it.each([
    ['oidcc-display-page', { display: 'page' }],
    ['oidcc-display-popup', { display: 'popup' }],
    ['oidcc-ensure-request-with-unknown-parameter-succeeds', { extra: 'foobar' }],
    ['oidcc-login-hint', { login_hint: 'erin@example.com' }],
    ['oidcc-ui-locales', { ui_locales: 'se' }],
    ['oidcc-claims-locales', { claims_locales: 'se' }],
    ['oidcc-ensure-request-with-acr-values-succeeds', { acr_values: '1 2' }],
  ] as const)('%s: is no error', async (_, parameters) => {
    expect((await suite().complete(variant, parameters)).pages).toContain('sign-in');
  });

  it('oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported: is rejected so', async () => {
    const { answer } = await suite().authorize(variant, {
      request_uri: 'https://www.certification.openid.net/object#a',
    });
    expect(answer).toMatchObject({ error: 'request_uri_not_supported' });
  });

  it('oidcc-claims-essential: a claim asked for as essential is told, there where it was asked for', async () => {
    const place = variant.responseType === 'id_token' ? 'id_token' : 'userinfo';
    const claims = JSON.stringify({ [place]: { name: { essential: true } } });
    const { idToken, userinfo } = await suite().complete(variant, { claims });
    expect((place === 'id_token' ? idToken : userinfo).name).toBe('Erin Example');
    expect('name' in idToken).toBe(place === 'id_token');
  });
}

function describeUserinfoModules(variant: Variant, suite: Get): void {
  it.each(['oidcc-userinfo-get', 'oidcc-userinfo-post-header', 'oidcc-userinfo-post-body'])('%s', async (name) => {
    const { tokens, answer, idToken } = await suite().complete(variant);
    const token = tokens?.access_token ?? answer.access_token ?? '';
    const form = new URLSearchParams({ access_token: token });
    const { status, body } = name.endsWith('body')
      ? await send(suite().server.url('/me'), { method: 'POST', body: form })
      : await suite().askUserinfo(token, name.endsWith('get') ? 'GET' : 'POST');
    expect({ status, sub: body.sub }).toEqual({ status: 200, sub: idToken.sub });
  });
}

function describeCodeModules(variant: Variant, suite: Get): void {
  it('oidcc-codereuse, oidcc-codereuse-30seconds: the second use is refused, and ends what the first one brought', async () => {
    const { answer, tokens } = await suite().complete(variant);
    const again = await suite().redemption(String(answer.code));
    expect({ status: again.status, error: again.body.error }).toEqual({ status: 400, error: 'invalid_grant' });
    expect((await suite().askUserinfo(tokens?.access_token ?? '')).status).toBe(401);
  });

  it('oidcc-server-client-secret-post: a client may send its secret in the form', async () => {
    const by = suite().clientOf('conformance-post');
    const { answer } = await suite().authorize(variant, {}, { by });
    expect(tokensOf(await suite().redemption(String(answer.code), by)).id_token).toEqual(expect.any(String));
  });

  it('oidcc-refresh-token: works for the client that got it, and for no other', async () => {
    const offline = { scope: 'openid offline_access', prompt: 'consent' };
    const { tokens, idToken } = await suite().complete(variant, offline);
    const refreshed = await suite().refresh(tokens?.refresh_token ?? '');
    expect(refreshed.status).toBe(200);
    const renewed = await suite().verify(String(refreshed.body.id_token), suite().client);
    const { iss, sub, aud, auth_time, iat } = renewed;
    expect({ iss, sub, aud, auth_time }).toMatchObject({ iss: idToken.iss, sub: idToken.sub, aud: idToken.aud });
    expect(iat).toBeGreaterThanOrEqual(Number(idToken.iat));
    expect((await suite().askUserinfo(String(refreshed.body.access_token))).status).toBe(200);

    const by = suite().clientOf('conformance-2');
    const second = await suite().complete(variant, { ...offline, nonce: 'n'.repeat(43) }, { by });
    const stolen = await suite().refresh(second.tokens?.refresh_token ?? '', suite().client);
    expect({ status: stolen.status, error: stolen.body.error }).toEqual({ status: 400, error: 'invalid_grant' });
  });
}
