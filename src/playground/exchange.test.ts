import { describe, expect, it } from 'vitest';
import {
  browserStep,
  concealing,
  credentialsIn,
  type Exchange,
  recordingFetch,
  renderBody,
  renderRequest,
} from './exchange.ts';

const recorderOf = (exchanges: Exchange[], secrets: string[] = []) => ({
  record: (exchange: Exchange) => exchanges.push(exchange),
  conceal: concealing(secrets),
});

describe('renderRequest', () => {
  it('gives every parameter of a query a line of its own', () => {
    const text = renderRequest(new URL('http://localhost:3000/auth?client_id=demo-web&scope=openid'), {
      method: 'get',
      headers: {},
    });
    expect(text).toBe('GET /auth\n  ?client_id=demo-web\n  &scope=openid\n  HTTP/1.1\nhost: localhost:3000');
  });

  it('shows the headers and the form of a token request', () => {
    const text = renderRequest(new URL('http://localhost:3000/token'), {
      method: 'POST',
      headers: { authorization: 'Basic abc' },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'records:read' }),
    });
    expect(text).toBe(
      'POST /token HTTP/1.1\nhost: localhost:3000\nauthorization: Basic abc\n\ngrant_type=client_credentials\n&scope=records%3Aread',
    );
  });
});

describe('renderBody', () => {
  it('indents JSON', () => {
    expect(renderBody('{"active":true}')).toBe('{\n  "active": true\n}');
  });

  it('leaves what is neither JSON nor a form as it came', () => {
    expect(renderBody('<p>a=b & c</p>')).toBe('<p>a=b & c</p>');
  });

  it('cuts a body that nobody would read to its end', () => {
    expect(renderBody('x'.repeat(100_000)).length).toBeLessThan(21_000);
  });
});

describe('recordingFetch', () => {
  it('records the request with its response and leaves the body readable', async () => {
    const exchanges: Exchange[] = [];
    const send = recordingFetch(recorderOf(exchanges), async () => Response.json({ active: false }, { status: 200 }));
    const response = await send('http://localhost:3000/introspect', { method: 'POST', headers: {} });
    expect(await response.json()).toEqual({ active: false });
    expect(exchanges).toHaveLength(1);
    expect(exchanges[0]).toMatchObject({ target: 'http://localhost:3000/introspect', status: 200 });
    expect(exchanges[0]?.response).toContain('"active": false');
  });

  it('records a request that nobody answered, and passes the failure on', async () => {
    const exchanges: Exchange[] = [];
    const send = recordingFetch(recorderOf(exchanges), async () => {
      throw new TypeError('fetch failed');
    });
    await expect(send('http://localhost:3000/token', { method: 'POST', headers: {} })).rejects.toThrow('fetch failed');
    expect(exchanges[0]).toMatchObject({ method: 'POST', response: 'No answer.' });
    expect(exchanges[0]?.status).toBeUndefined();
  });
});

describe('a secret that is not public', () => {
  it.each(['s3cret+/=&%', 'plain-secret'])('%s is sent, and shown nowhere', async (secret) => {
    const exchanges: Exchange[] = [];
    const sent: string[] = [];
    const send = recordingFetch(recorderOf(exchanges, [secret]), async (_url, options) => {
      sent.push(options.headers.authorization ?? '', String(options.body));
      return Response.json({ echoed: secret });
    });
    const authorization = `Basic ${btoa(`a-client:${encodeURIComponent(secret)}`)}`;
    const body = new URLSearchParams({ client_id: 'a-client', client_secret: secret });
    await send('http://localhost:3000/token', { method: 'POST', headers: { authorization }, body });
    expect(sent).toEqual([authorization, body.toString()]);
    const shown = JSON.stringify(exchanges);
    for (const form of [secret, encodeURIComponent(secret), authorization.slice(6)]) {
      expect(shown).not.toContain(form);
    }
    expect(exchanges[0]?.request).toContain('authorization: Basic a-client:$CLIENT_SECRET');
  });

  it('is read out of a header, with characters that a form encodes', () => {
    expect(credentialsIn(`Basic ${btoa('demo%2Dweb:a+b%26c')}`)).toBe('demo-web:a b&c');
    expect(credentialsIn('Bearer abc')).toBeUndefined();
  });
});

it('has no response to show where the browser navigates', () => {
  expect(browserStep(new URL('http://localhost:3002/callback?code=a')).response).toBeUndefined();
});
