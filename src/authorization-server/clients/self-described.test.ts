import { describe, expect, it } from 'vitest';
import { METADATA_FIELDS } from './metadata.ts';
import { MetadataProblem, narrowedTo, registrationFrom } from './self-described.ts';

const OPENID = ['openid', 'profile', 'email', 'offline_access'];
const ALLOWANCE = { grantTypes: ['authorization_code', 'refresh_token'], scopes: [...OPENID, 'records:read'] };
const WEB = { redirect_uris: ['https://app.example.com/callback'] };

const register = (described: object, allowance = ALLOWANCE) => registrationFrom({ ...described }, allowance);

describe('the scopes of a client that describes itself', () => {
  it.each([
    [
      'those it names, in its order, once each',
      'records:read openid openid',
      'records:read openid',
      'records:read openid',
    ],
    ['those it names that it may have', 'openid admin', 'openid', 'openid'],
    [
      'all that there are where it names none, but by default nothing about the person',
      undefined,
      ALLOWANCE.scopes.join(' '),
      'records:read',
    ],
  ])('are %s', (_what, scope, registered, usual) => {
    expect(register({ ...WEB, scope })).toMatchObject({ scope: registered, default_scope: usual });
  });

  it('are those of OpenID Connect where there are no others, and by default that somebody signed in', () => {
    const allowance = { ...ALLOWANCE, scopes: OPENID };
    expect(register(WEB, allowance)).toMatchObject({ scope: OPENID.join(' '), default_scope: 'openid' });
  });

  it('are by default what it says, within those it has', () => {
    const described = { ...WEB, scope: 'openid email', default_scope: 'openid' };
    expect(register(described)).toMatchObject({ default_scope: 'openid' });
    expect(() => register({ ...described, default_scope: 'profile' })).toThrow(/^default_scope/);
  });

  it('are none where none are to be had', () => {
    const registered = register(WEB, { ...ALLOWANCE, scopes: [] });
    expect(registered).not.toHaveProperty('scope');
    expect(registered).not.toHaveProperty('default_scope');
  });

  it('say nothing about accounts where it acts for none', () => {
    const machine = { grant_types: ['client_credentials'], token_endpoint_auth_method: 'client_secret_basic' };
    const registered = register(machine, { ...ALLOWANCE, grantTypes: ['client_credentials'] });
    expect(registered.scope).toBe('records:read');
  });
});

it('a client that describes itself has no types of authorization details: they go beyond scopes', () => {
  expect(register({ ...WEB, authorization_details_types: ['payment'] })).not.toHaveProperty(
    'authorization_details_types',
  );
});

it('a client that describes itself is never first-party: nobody vouches for it', () => {
  expect(register({ ...WEB, first_party: true })).not.toHaveProperty('first_party');
});

it('a client that describes itself requires no scope that it may not have', () => {
  const required_scopes = 'records:read records:delete';
  expect(register({ ...WEB, scope: 'openid records:read', required_scopes }).required_scopes).toBe('records:read');
  expect(register({ ...WEB, scope: 'openid', required_scopes })).not.toHaveProperty('required_scopes');
});

describe('where it is an app on a device', () => {
  it.each([
    [['http://localhost:1234/cb'], 'native'],
    [['http://127.0.0.1/cb', 'com.example.app:/cb'], 'native'],
    [['http://localhost/cb', 'https://app.example.com/cb'], 'web'],
    [['https://app.example.com/cb'], 'web'],
  ])('it need not say so: %j is %s', (redirect_uris, application_type) => {
    expect(register({ redirect_uris }).application_type).toBe(application_type);
  });

  it('what it says counts', () => {
    expect(register({ redirect_uris: ['http://localhost/cb'], application_type: 'web' }).application_type).toBe('web');
  });
});

it('C81: every field that is registered is one that a client may have, own members of the object alone', () => {
  const inherited = Object.create({ client_name: 'Inherited' });
  const described = Object.assign(inherited, { ...WEB, is_admin: true, __proto__: null, constructor: 'x' });
  const registered = registrationFrom(described, ALLOWANCE);
  expect(Object.keys(registered).filter((field) => !METADATA_FIELDS.includes(field))).toEqual([]);
  expect(registered).not.toHaveProperty('client_name');
});

it('what is wrong is one sentence that begins with the field', () => {
  expect(() => register({ ...WEB, client_uri: 'x' })).toThrow(MetadataProblem);
  expect(() => register({ redirect_uris: ['https://a.example/#x'] })).toThrow(
    /^redirect_uris\.0 has a fragment.*: register/,
  );
  expect(() => register({ ...WEB, grant_types: ['password'], response_types: [] })).toThrow(
    /^grant_types has password/,
  );
});

it('a document is narrowed to what may be had, and has no secret unless it says how', () => {
  const described = { grant_types: ['implicit', 'authorization_code', 7], response_types: ['token', 'code'] };
  const allowance = { ...ALLOWANCE, grantTypes: ['authorization_code', 'implicit', 'password'] };
  expect(narrowedTo(allowance, described)).toEqual({
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
    response_types: ['code'],
  });
  expect(narrowedTo(ALLOWANCE, { grant_types: 'x' })).toMatchObject({ grant_types: 'x' });
});
