import { describe, expect, it } from 'vitest';
import { browserStep, type Exchange } from '../exchange.ts';
import { explainExchange } from './explain-exchange.ts';
import { decodeJwt, moment } from './jwt.ts';
import { kindOf } from './message-kind.ts';

const metadata = {
  token_endpoint: 'http://localhost:3000/token',
  authorization_endpoint: 'http://localhost:3000/auth',
};
const OWN = 'http://localhost:3002';

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const idToken = `${encode({ alg: 'RS256', kid: 'a' })}.${encode({ sub: 'alice', exp: 1_795_415_251, made_up: [1] })}.sig`;

const tokenExchange: Exchange = {
  from: 'client',
  method: 'POST',
  target: 'http://localhost:3000/token',
  request: '',
  response: 'HTTP/1.1 200 OK\nwww-authenticate: Bearer error="x"\n\n{}',
  status: 200,
  body: JSON.stringify({ access_token: 'opaque', id_token: idToken, of_the_server: 1 }),
  parts: {
    url: 'http://localhost:3000/token',
    headers: { authorization: `Basic ${btoa('demo%2Dweb:s')}` },
    body: 'grant_type=authorization_code&code=abc&code_verifier=v',
  },
};

describe('a message is told by', () => {
  it('where it goes and which grant it carries', () => {
    expect(kindOf(tokenExchange, metadata, OWN)).toBe('authorization_code');
    const parts = { ...tokenExchange.parts, body: 'grant_type=urn:ietf:params:oauth:grant-type:device_code' };
    expect(kindOf({ ...tokenExchange, parts }, metadata, OWN)).toBe('device_code');
    expect(kindOf(browserStep(new URL('http://localhost:3000/auth?scope=openid')), metadata, OWN)).toBe(
      'authorization',
    );
    expect(kindOf(browserStep(new URL('http://localhost:3002/callback?code=a')), metadata, OWN)).toBe('callback');
  });
});

describe('an explanation', () => {
  const explained = explainExchange(tokenExchange, 'authorization_code');

  it('has a sentence for everything that was sent, and the credentials as they are', () => {
    expect(explained.sent.map(({ name }) => name)).toEqual(['authorization', 'grant_type', 'code', 'code_verifier']);
    expect(explained.sent[0]?.value).toBe('Basic demo-web:s');
    expect(explained.sent.every(({ meaning }) => meaning !== '')).toBe(true);
  });

  it('shows what nobody explained without words, and not at all what is everybody’s own', () => {
    expect(explained.received.find(({ name }) => name === 'of_the_server')).toMatchObject({ value: '1', meaning: '' });
    const poisoned = explainExchange({ ...tokenExchange, body: '{"constructor":"x"}' }, 'authorization_code');
    expect(poisoned.received.find(({ name }) => name === 'constructor')?.meaning).toBe('');
  });

  it('decodes the ID token, with moments that people read', () => {
    expect(explained.jwts[0]?.claims.find(({ name }) => name === 'exp')?.value).toBe(
      '1795415251 = 2026-11-23 06:27:31 UTC',
    );
    expect(explained.answer).toBe('200 access_token, id_token');
  });
});

it('takes nothing for a JWT that is none', () => {
  for (const text of ['', 'a.b', 'a.b.c', '....', `${encode({})}.x.y`]) {
    expect(decodeJwt(text)).toBeUndefined();
  }
  expect(moment(Number.MAX_SAFE_INTEGER)).toBe(String(Number.MAX_SAFE_INTEGER));
});
