import { beforeEach, expect, it } from 'vitest';
import { isDocumentUrl } from './client-document.ts';
import { createDocumentClients } from './document-clients.ts';

const ID = 'https://app.example.com/client.json';
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

let now: number;
let fetches: string[];
let answer: () => Promise<Response>;
let mayAsk: boolean;

const documentWith = (change: object = {}, headers: Record<string, string> = {}) => {
  const document = { client_id: ID, redirect_uris: ['https://app.example.com/callback'], ...change };
  return async () =>
    new Response(JSON.stringify(document), { headers: { 'content-type': 'application/json', ...headers } });
};
const status = (code: number) => async () => new Response('', { status: code });
const away = () => Promise.reject(new Error('connection refused'));

function documents() {
  return createDocumentClients({
    fetch(url) {
      fetches.push(url);
      return answer();
    },
    mayAsk: async () => mayAsk,
    allowance: async () => ({ grantTypes: ['authorization_code'], scopes: ['openid'] }),
    checkByEngine: async () => {},
    development: false,
    now: () => now,
  });
}

beforeEach(() => {
  [now, fetches, answer, mayAsk] = [0, [], documentWith(), true];
});

it('keeps a document for as long as its host says, a minute at least and a day at most', async () => {
  for (const [maxAge, age] of [
    ['max-age=600', 10 * MINUTE],
    ['max-age=1', MINUTE],
    ['public, max-age=99999999', DAY],
    ['no-store', 5 * MINUTE],
  ] as const) {
    [now, fetches, answer] = [0, [], documentWith({}, { 'cache-control': maxAge })];
    const { findClient } = documents();
    await findClient(ID);
    now = age - 1;
    await findClient(ID);
    expect([maxAge, fetches.length]).toEqual([maxAge, 1]);
    now = age;
    await findClient(ID);
    expect([maxAge, fetches.length]).toEqual([maxAge, 2]);
  }
});

it('gives the same client as long as the document says the same, and another when it does not', async () => {
  const { findClient } = documents();
  const first = await findClient(ID);
  now += DAY;
  expect(await findClient(ID)).toBe(first);
  answer = documentWith({ client_name: 'Renamed' });
  now += DAY;
  expect((await findClient(ID))?.metadata.client_name).toBe('Renamed');
});

it.each([
  ['does not answer', away],
  ['answers 503', status(503)],
  ['answers 429', status(429)],
])('goes by what it saw last, for a day, where the host %s, and asks once a minute', async (_how, failure) => {
  const { findClient, whyNot } = documents();
  const client = await findClient(ID);
  answer = failure;
  now = 6 * MINUTE;
  expect(await findClient(ID)).toBe(client);
  expect(await findClient(ID)).toBe(client);
  expect(fetches).toHaveLength(2);
  now = DAY + MINUTE;
  expect(await findClient(ID)).toBeUndefined();
  expect(whyNot(ID)).toBeTruthy();
});

it('C102: asks no host that was asked enough for now, but for the clients that it knows', async () => {
  const { findClient, whyNot } = documents();
  await findClient(ID);
  mayAsk = false;
  now = 6 * MINUTE;
  answer = documentWith({ client_name: 'Renamed' });
  expect((await findClient(ID))?.metadata.client_name).toBe('Renamed');
  expect(await findClient('https://app.example.com/other.json')).toBeUndefined();
  expect(whyNot('https://app.example.com/other.json')).toBeTruthy();
  expect(fetches).toEqual([ID, ID]);
});

it('C102: forgets no client for the rubbish that strangers name, and the one last that is asked for most', async () => {
  const { findClient } = documents();
  const echo = async () => documentWith({ client_id: fetches.at(-1) })();
  const ids = Array.from({ length: 999 }, (_, index) => `https://app${index}.example.com/client.json`);
  answer = echo;
  for (const id of [ID, ...ids]) {
    await findClient(id);
  }
  answer = status(404);
  for (const id of ids) {
    await findClient(id.replace('client', 'rubbish'));
  }
  const client = await findClient(ID);
  answer = echo;
  await findClient('https://another.example.com/client.json');
  [fetches, answer] = [[], away];
  expect(await findClient(ID)).toBe(client);
  expect(client).toBeDefined();
  expect(await findClient(ids[0] ?? '')).toBeUndefined();
  expect(fetches).toEqual([ids[0]]);
});

it.each([
  ['gone', status(404)],
  ['not valid any more', documentWith({ redirect_uris: ['javascript:x'] })],
])('ends a client at once whose document is %s', async (_how, failure) => {
  const { findClient, whyNot } = documents();
  await findClient(ID);
  answer = failure;
  now = 6 * MINUTE;
  expect(await findClient(ID)).toBeUndefined();
  expect(whyNot(ID)).toMatch(/404|redirect_uris/);
});

it('takes a client up again a minute after its document is there', async () => {
  answer = away;
  const { findClient, whyNot } = documents();
  expect(await findClient(ID)).toBeUndefined();
  answer = documentWith();
  now = MINUTE - 1;
  expect(await findClient(ID)).toBeUndefined();
  now = MINUTE;
  expect(await findClient(ID)).toBeDefined();
  expect(whyNot(ID)).toBeUndefined();
});

it('C102: has so many requests under way and no more, and keeps so many documents and no more', async () => {
  const { findClient } = documents();
  const ids = Array.from({ length: 1_100 }, (_, index) => `https://app${index}.example.com/client.json`);
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  answer = async () => {
    await gate;
    return status(404)();
  };
  const all = Promise.all(ids.slice(0, 50).map((id) => findClient(id)));
  await Promise.resolve();
  expect(fetches).toHaveLength(20);
  open();
  expect((await all).every((client) => client === undefined)).toBe(true);
  for (const id of ids) {
    await findClient(id);
  }
  const before = fetches.length;
  await findClient(ids.at(-1) ?? '');
  expect(fetches).toHaveLength(before);
  await findClient(ids[0] ?? '');
  expect(fetches).toHaveLength(before + 1);
});

it.each([
  'http://app.example.com/client.json',
  'http://localhost/client.json',
  'https://app.example.com',
  'https://app.example.com/',
  'https://app.example.com/a/../client.json',
  'https://app.example.com/%2e%2e/client.json',
  'https://app.example.com/client.json#x',
  'https://app.example.com/client.json#',
  'https://user:pw@app.example.com/client.json',
  'HTTPS://app.example.com/client.json',
  'https://APP.example.com/client.json',
  'https://app.example.com:443/client.json',
  'https://app.example.com\\client.json',
  ' https://app.example.com/client.json',
  'https:app.example.com/client.json',
  'demo-web',
  '',
])('does not take %j for the URL of a document', (id) => {
  expect(isDocumentUrl(id, { development: false })).toBe(false);
});

it.each([
  [ID, false],
  ['https://app.example.com:8443/client.json?v=1', false],
  ['http://127.0.0.1:3000/client.json', true],
])('takes %j for one', (id, development) => {
  expect(isDocumentUrl(id, { development })).toBe(true);
});
