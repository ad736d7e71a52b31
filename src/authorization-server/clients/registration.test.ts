import { describe, expect, it } from 'vitest';
import { createSelfSigned } from '../../testing/certificates.ts';
import { ClientRegistration } from './registration.ts';

const web = {
  redirect_uris: ['https://app.example.com/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  scope: 'openid profile records:read',
  default_scope: 'openid',
};
const machine = { grant_types: ['client_credentials'], scope: 'records:read' };

function mistakesIn(registration: object): string[] {
  return (ClientRegistration.safeParse(registration).error?.issues ?? []).map(({ path }) => path.join('.')).sort();
}

const { jwk: CERTIFIED } = await createSelfSigned('CN=a');
const { jwk: OTHER } = await createSelfSigned('CN=b');

describe('what may be registered', () => {
  it('fills in the defaults of RFC 7591 §2', () => {
    expect(ClientRegistration.parse({ redirect_uris: web.redirect_uris })).toEqual({
      application_type: 'web',
      redirect_uris: web.redirect_uris,
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['authorization_code'],
      response_types: ['code'],
    });
  });

  it('gives no response type to a client without the grant for one', () => {
    expect(ClientRegistration.parse(machine).response_types).toEqual([]);
  });

  it('reads the words of a response type in any order', () => {
    const hybrid = { ...web, grant_types: ['authorization_code', 'implicit'], response_types: ['token id_token code'] };
    expect(ClientRegistration.parse(hybrid).response_types).toEqual(['code id_token token']);
  });

  it('lets a public client use the code, implicit and password grants', () => {
    const grants = { grant_types: ['authorization_code', 'implicit', 'password'], response_types: ['code', 'token'] };
    expect(mistakesIn({ ...web, ...grants, token_endpoint_auth_method: 'none' })).toEqual([]);
  });
});

describe('what is refused', () => {
  it.each([
    'client_id',
    'client_secret',
    'id',
    'created_at',
    'is_admin',
    'email_verified',
    'disabled_at',
    'resource_server',
  ])('C81: a field %s that registration does not have', (field) => {
    const { error } = ClientRegistration.safeParse({ ...web, [field]: true });
    expect(error?.issues).toMatchObject([{ code: 'unrecognized_keys', keys: [field] }]);
  });

  it.each([
    ['id_token_signed_response_alg', 'none'],
    ['id_token_signed_response_alg', 'HS256'],
    ['token_endpoint_auth_method', 'client_secret_jwt'],
  ])('C75: %s %s', (field, value) => {
    expect(mistakesIn({ ...web, [field]: value })).toEqual([field]);
  });

  it('C81: a grant type or a response type that does not exist', () => {
    expect(mistakesIn({ ...web, grant_types: ['authorization_code', 'magic'], response_types: ['none'] })).toEqual([
      'grant_types.1',
      'response_types.0',
    ]);
  });

  it.each([0, -1, 1.5, '60', 31_536_001])('an access_token_lifetime of %j', (access_token_lifetime) => {
    expect(mistakesIn({ ...machine, access_token_lifetime })).toEqual(['access_token_lifetime']);
  });

  it('client_credentials for a public client (RFC 6749 §4.4)', () => {
    expect(mistakesIn({ ...machine, token_endpoint_auth_method: 'none' })).toEqual(['grant_types']);
  });

  const { x5c, ...KEY } = CERTIFIED;
  const jwks = { keys: [KEY] };
  const certificates = { keys: [CERTIFIED] };
  const jwks_uri = 'https://app.example.com/jwks.json';
  const byKey = { ...machine, token_endpoint_auth_method: 'private_key_jwt' };
  const bySelfSigned = { ...machine, token_endpoint_auth_method: 'self_signed_tls_client_auth' };
  const byCertificate = { ...machine, token_endpoint_auth_method: 'tls_client_auth' };
  const tls_client_auth_san_dns = 'app.example.com';

  it.each<[string, object, string[]]>([
    ['nothing: a key', { ...byKey, jwks }, []],
    ['nothing: a key by its address', { ...byKey, jwks_uri, token_endpoint_auth_signing_alg: 'ES256' }, []],
    ['no key', byKey, ['jwks']],
    ['no key', bySelfSigned, ['jwks']],
    ['keys in two places', { ...byKey, jwks, jwks_uri }, ['jwks']],
    ['keys in two places', { ...machine, jwks, jwks_uri }, ['jwks']],
    ['no certificate', { ...bySelfSigned, jwks }, ['jwks']],
    ['nothing: a certificate', { ...bySelfSigned, jwks: certificates }, []],
    ['half a key', { ...byKey, jwks: { keys: [KEY, { kty: 'EC', crv: 'P-256', x: 'x' }] } }, ['jwks.keys.1']],
    ['no key', { ...byKey, jwks: { keys: [{ kty: 'RSA', n: 'x' }] } }, ['jwks.keys.0']],
    ['no certificate', { ...bySelfSigned, jwks: { keys: [{ ...KEY, x5c: ['MII'] }] } }, ['jwks.keys.0.x5c']],
    ['another’s certificate', { ...byKey, jwks: { keys: [{ ...KEY, x5c: OTHER.x5c }] } }, ['jwks.keys.0.x5c']],
    ['nothing: a chain of certificates', { ...byKey, jwks: { keys: [{ ...KEY, x5c: [...x5c, ...OTHER.x5c] }] } }, []],
    [
      'an algorithm of nothing',
      { ...machine, token_endpoint_auth_signing_alg: 'ES256' },
      ['token_endpoint_auth_signing_alg'],
    ],
    ['nobody’s certificate', byCertificate, ['token_endpoint_auth_method']],
    ['nothing: a subject', { ...byCertificate, tls_client_auth_san_dns }, []],
    [
      'two subjects',
      { ...byCertificate, tls_client_auth_san_dns, tls_client_auth_subject_dn: 'CN=app' },
      ['tls_client_auth_san_dns'],
    ],
    ['a subject of no certificate', { ...machine, tls_client_auth_san_dns }, ['tls_client_auth_san_dns']],
    [
      'two bindings',
      { ...machine, dpop_bound_access_tokens: true, tls_client_certificate_bound_access_tokens: true },
      ['dpop_bound_access_tokens'],
    ],
    [
      'bound tokens without a request for them',
      { ...web, grant_types: ['implicit'], response_types: ['token'], dpop_bound_access_tokens: true },
      ['response_types'],
    ],
  ])('C46: %s, of how a client authenticates', (_, registration, fields) => {
    expect(mistakesIn(registration)).toEqual(fields);
  });

  it('a public client that can do nothing', () => {
    expect(mistakesIn({ grant_types: [], token_endpoint_auth_method: 'none' })).toEqual(['grant_types']);
    expect(mistakesIn({ grant_types: [] })).toEqual([]);
  });

  it.each([
    [{ grant_types: ['authorization_code'], response_types: ['token'] }, ['grant_types', 'response_types']],
    [{ grant_types: ['authorization_code'], response_types: ['code id_token'] }, ['grant_types']],
    [{ grant_types: ['implicit'], response_types: ['code id_token'] }, ['grant_types']],
    [{ grant_types: ['implicit'] }, ['response_types']],
    [{ grant_types: ['authorization_code', 'implicit'], response_types: ['code'] }, ['response_types']],
  ])('%j, which do not agree (RFC 7591 §2.1)', (grants, fields) => {
    expect(mistakesIn({ redirect_uris: web.redirect_uris, ...grants })).toEqual(fields);
  });

  it('refresh_token without a grant that comes with one', () => {
    expect(mistakesIn({ ...machine, grant_types: ['client_credentials', 'refresh_token'] })).toEqual(['grant_types']);
  });

  it('a response type without a redirect URI', () => {
    expect(mistakesIn({ grant_types: ['authorization_code'] })).toEqual(['redirect_uris']);
  });

  it('C5: bad redirect URIs, each by its place, after sign-out too', () => {
    const uris = { redirect_uris: [...web.redirect_uris, 'javascript:alert(1)'], post_logout_redirect_uris: ['/bye'] };
    expect(mistakesIn({ ...web, ...uris })).toEqual(['post_logout_redirect_uris.0', 'redirect_uris.1']);
  });

  it('a default scope beyond the scope', () => {
    expect(mistakesIn({ ...web, default_scope: 'openid records:write' })).toEqual(['default_scope']);
    const { scope: _, ...noScope } = web;
    expect(mistakesIn(noScope)).toEqual(['default_scope']);
  });

  it('a required scope beyond the scope', () => {
    expect(mistakesIn({ ...web, required_scopes: 'openid' })).toEqual([]);
    expect(mistakesIn({ ...web, required_scopes: 'openid records:write' })).toEqual(['required_scopes']);
  });

  it.each(['openid', 'offline_access', 'profile', 'email', 'roles'])(
    'C33: the scope %s for a client that acts for nobody',
    (scope) => {
      expect(mistakesIn({ ...machine, scope: `records:read ${scope}` })).toEqual(['scope']);
    },
  );

  it.each(['', ' records:read', 'a  b', 'a\tb', 'say"hi"', 'a\\b', 'ä', 'a a'])('the scope %j', (scope) => {
    expect(mistakesIn({ ...machine, scope })).toEqual(['scope']);
  });

  it.each(['http://cdn.example.com/logo.png', 'javascript:alert(1)', 'data:image/png;base64,AA=='])(
    'C94: the logo %s',
    (logo_uri) => {
      expect(mistakesIn({ ...web, logo_uri })).toEqual(['logo_uri']);
    },
  );

  it('a name with control characters', () => {
    expect(mistakesIn({ ...web, client_name: 'Shop\r\nadmin signed in' })).toEqual(['client_name']);
  });
});
