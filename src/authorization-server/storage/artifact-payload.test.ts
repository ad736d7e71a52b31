import { hash } from 'node:crypto';
import type { AdapterPayload } from 'oidc-provider';
import { describe, expect, it } from 'vitest';
import { createArtifactPayload } from './artifact-payload.ts';
import { createSealing } from './sealing.ts';

const payload = createArtifactPayload(createSealing(['a secret for tests']));
const ID = 'the-bearer-value-itself';

/** Everything there is of a row, as one text. */
const written = (kind: string, content: AdapterPayload) =>
  JSON.stringify(payload.toRow(kind, ID, { jti: ID, ...content }));

describe('C97: a row', () => {
  it.each([
    'AccessToken',
    'AuthorizationCode',
    'RefreshToken',
    'ClientCredentials',
    'Session',
    'Interaction',
    'Grant',
    'DeviceCode',
    'BackchannelAuthenticationRequest',
    'PushedAuthorizationRequest',
    'ReplayDetection',
  ])('of a %s does not hold its id, plain or hashed by itself', (kind) => {
    const row = written(kind, { uid: 'u', userCode: 'WDJB', clientId: 'shop' });
    expect(row).not.toContain(ID);
    expect(row).not.toContain(hash('sha256', ID, 'hex').slice(0, 32));
  });

  it('of an interaction holds nothing legible but in which session it began', () => {
    const content = {
      uid: ID,
      returnTo: '/auth/x',
      accountId: 'alice',
      clientId: 'shop',
      grantId: 'g',
      session: { uid: 'session-uid', cookie: 'session-cookie' },
      params: { state: 'a-state', code_challenge: 'a-challenge' },
    };
    const row = payload.toRow('Interaction', ID, content);
    expect(row).toMatchObject({ grant_id: null, account_id: null, client_id: null, uid: null, user_code: null });
    expect(row.session_uid).toBe('session-uid');
    expect(JSON.stringify(row)).not.toMatch(/session-cookie|a-state|a-challenge|returnTo|alice|shop/);
  });

  it('of a session hides what a sign-out under way needs, and shows whose it is', () => {
    const row = written('Session', {
      uid: 'u',
      accountId: 'alice',
      state: { secret: 'xsrf-secret', state: 'a-state' },
    });
    expect(row).not.toMatch(/xsrf-secret|a-state/);
    expect(payload.toRow('Session', ID, { uid: 'u', accountId: 'alice' })).toMatchObject({
      uid: 'u',
      account_id: 'alice',
    });
  });

  it('of a device code hides the code that a person types', () => {
    const row = payload.toRow('DeviceCode', ID, { jti: ID, userCode: 'WDJBMJHT' });
    expect(JSON.stringify(row)).not.toContain('WDJBMJHT');
    expect(row.user_code).toBe(payload.userCodes('WDJBMJHT')[0]);
    expect(row.user_code).not.toBe(hash('sha256', 'WDJBMJHT', 'base64url'));
  });

  it('names its grant by the key of the grant, so that one finds the other', () => {
    const row = payload.toRow('AccessToken', ID, { grantId: 'the-grant' });
    expect(row.grant_id).toBe(payload.keyOf('Grant', 'the-grant'));
    expect(payload.toRow('Grant', 'the-grant', {}).key).toBe(row.grant_id);
  });
});

describe('a key', () => {
  it('is 128 bits, for a column of type uuid', () => {
    expect(payload.keyOf('AccessToken', ID)).toMatch(/^[\da-f]{32}$/);
  });

  it('depends on the kind, and no kind and id look like another kind and id', () => {
    const keys = [
      ['AccessToken', 'a'],
      ['RefreshToken', 'a'],
      ['AccessToken', 'b'],
      ['Access', 'Tokena'],
      ['', 'AccessTokena'],
    ].map(([kind = '', id = '']) => payload.keyOf(kind, id));
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('reading a row', () => {
  it.each(['Session', 'DeviceCode', 'Interaction'])(
    'of a %s that was sealed with another secret finds nothing',
    (kind) => {
      const content = { jti: ID, uid: 'u', userCode: 'WDJB', state: { secret: 'x' } };
      const { payload: stored } = payload.toRow(kind, ID, content);
      expect(payload.fromRow(kind, ID, stored)).toMatchObject({ jti: ID });
      expect(createArtifactPayload(createSealing(['another'])).fromRow(kind, ID, stored)).toBeUndefined();
    },
  );

  it('of an interaction under an id that is not its own finds nothing', () => {
    const { payload: stored } = payload.toRow('Interaction', ID, { uid: ID });
    expect(payload.fromRow('Interaction', 'another', stored)).toBeUndefined();
    expect(payload.fromRow('Interaction', undefined, stored)).toBeUndefined();
  });

  it('gives back the names that JavaScript has a meaning for', () => {
    const content = JSON.parse('{"__proto__": {"polluted": true}, "constructor": "c", "extra": {"__proto__": 1}}');
    const { payload: stored } = payload.toRow('AccessToken', ID, content);
    const read = payload.fromRow('AccessToken', ID, stored);
    expect(JSON.parse(JSON.stringify(read))).toEqual({ ...content, jti: ID });
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
  });
});
