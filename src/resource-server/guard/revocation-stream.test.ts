import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Handle } from './access-token.ts';
import { discovery } from './discovery.ts';
import { RevocationStream } from './revocation-stream.ts';
import { Revocations } from './revocations.ts';
import { SigningKeys } from './signing-keys.ts';

const AUDIENCE = 'https://api.example.com';
const URI = 'https://schemas.openid.net/secevent/oauth/event-type/token-revoked';
const ONE: readonly Handle[] = ['token:one', 'account:alice'];
const OTHER: readonly Handle[] = ['token:other', 'account:bob'];

/** A transmitter that says whatever the test wants it to. */
interface Poll {
  readonly stream: string | null;
  readonly said: { readonly ack?: string[]; readonly setErrs?: object };
  readonly response: ServerResponse;
}

const { privateKey, publicKey } = await generateKeyPair('ES256');
const { privateKey: otherKey } = await generateKeyPair('ES256');
const polls: Poll[] = [];
const deleted: string[] = [];
let issuer: string;
let created = 0;
let gone = new Set<string>();
let metadata: object = {};

const server = createServer(async (request, response): Promise<void> => {
  const { pathname, searchParams } = new URL(request.url ?? '', issuer);
  const body = await text(request);
  const answer = (json: unknown, status = 200): void => void response.writeHead(status).end(JSON.stringify(json));
  const stream = searchParams.get('stream_id');
  switch (`${request.method} ${pathname}`) {
    case 'GET /.well-known/oauth-authorization-server':
      return answer({ issuer, jwks_uri: `${issuer}/jwks` });
    case 'GET /.well-known/ssf-configuration':
      return answer({ issuer, configuration_endpoint: `${issuer}/streams`, ...metadata });
    case 'GET /jwks':
      return answer({ keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig' }] });
    case 'POST /streams':
      created += 1;
      return answer(
        { stream_id: `s${created}`, delivery: { endpoint_url: `${issuer}/poll?stream_id=s${created}` } },
        201,
      );
    case 'DELETE /streams':
      deleted.push(String(stream));
      return void response.writeHead(204).end();
    default:
      if (gone.has(String(stream))) {
        return answer({}, 404);
      }
      polls.push({ stream, said: JSON.parse(body), response });
  }
});

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

let time: number;
let warnings: string[];
let revocations: Revocations;
let stream: RevocationStream;
beforeEach(() => {
  [time, created, gone, metadata, warnings] = [0, 0, new Set(), {}, []];
  polls.length = 0;
  deleted.length = 0;
  revocations = new Revocations();
  const found = discovery(issuer, 30_000);
  stream = new RevocationStream({
    issuer,
    audience: AUDIENCE,
    client: { clientId: 'api', clientSecret: 'secret' },
    timeoutMs: 30_000,
    keys: new SigningKeys({ discovery: found, timeoutMs: 30_000, now: Date.now }),
    revocations,
    logger: { warn: (_details, message) => warnings.push(message) },
    now: () => time,
  });
});
afterEach(() => stream.close());

async function poll(index: number): Promise<Poll> {
  await expect.poll(() => polls.length).toBeGreaterThan(index);
  return polls[index] as Poll;
}

/** The first poll waits, so the stream lives. */
async function begin(): Promise<Poll> {
  stream.start();
  const first = await poll(0);
  first.response.write(' ');
  await expect.poll(() => stream.live).toBe(true);
  return first;
}

function sign(jti: string, claims: object = {}, key = privateKey, typ = 'secevent+jwt'): Promise<string> {
  const sub_id = { format: 'jwt_id', iss: issuer, jti: 'one' };
  return new SignJWT({ iss: issuer, aud: AUDIENCE, jti, sub_id, events: { [URI]: {} }, ...claims })
    .setProtectedHeader({ alg: 'ES256', typ })
    .sign(key);
}

const tell = ({ response }: Poll, sets: object) => response.end(JSON.stringify({ sets }));

it('forgets what it is told of, and nothing else; and says that it has heard it', async () => {
  const first = await begin();
  const moment = revocations.now;
  tell(first, { e1: await sign('e1') });
  expect((await poll(1)).said.ack).toEqual(['e1']);
  expect([revocations.touched(ONE, moment), revocations.touched(OTHER, moment)]).toEqual([true, false]);
});

it.each<[string, object, readonly Handle[]]>([
  ['an account', { format: 'iss_sub', sub: 'alice' }, ['account:alice']],
  ['a grant', { format: 'complex', grant: { format: 'opaque', id: 'g' } }, ['grant:g']],
  ['a session', { format: 'complex', session: { format: 'opaque', id: 's' } }, ['session:s']],
  ['a client', { format: 'complex', application: { format: 'opaque', id: 'c' } }, ['client:c']],
  [
    'what a client has of an account',
    { format: 'complex', user: { format: 'iss_sub', sub: 'alice' }, application: { format: 'opaque', id: 'c' } },
    ['account:alice'],
  ],
])('knows tokens by %s', async (_name, subject, handles) => {
  const first = await begin();
  const moment = revocations.now;
  const sub_id = JSON.parse(JSON.stringify(subject).replace('"iss_sub"', `"iss_sub","iss":"${issuer}"`));
  tell(first, { e1: await sign('e1', { sub_id }) });
  await poll(1);
  expect([revocations.touched(handles, moment), revocations.touched(OTHER, moment)]).toEqual([true, false]);
});

it.each<[string, (jti: string) => Promise<string> | string]>([
  ['signed by somebody else', (jti) => sign(jti, {}, otherKey)],
  ['for another resource server', (jti) => sign(jti, { aud: 'https://other.example' })],
  ['from another issuer', (jti) => sign(jti, { iss: 'https://other.example' })],
  ['another kind of token', (jti) => sign(jti, {}, privateKey, 'at+jwt')],
  ['another event than was said', () => sign('e2')],
  ['nonsense', () => 'nonsense'],
])('forgets everything when an event is %s, says so, and goes on', async (_name, forged) => {
  const first = await begin();
  const moment = revocations.now;
  tell(first, { e1: await forged('e1') });
  expect((await poll(1)).said).toMatchObject({ ack: [], setErrs: { e1: { err: 'invalid_request' } } });
  expect(revocations.touched(OTHER, moment)).toBe(true);
});

it('forgets everything when anything may have changed, or it does not know what has', async () => {
  for (const [index, sub_id] of [{ format: 'uri', uri: issuer }, { format: 'phone_number' }].entries()) {
    const at = index === 0 ? await begin() : await poll(index);
    const moment = revocations.now;
    tell(at, { [`e${index}`]: await sign(`e${index}`, { sub_id }) });
    await poll(index + 1);
    expect(revocations.touched(OTHER, moment)).toBe(true);
  }
});

it('is live when there is a sign of life, and for 750 ms after it', async () => {
  expect(stream.live).toBe(false);
  await begin();
  time = 749;
  expect(stream.live).toBe(true);
  time = 750;
  expect(stream.live).toBe(false);
});

it('C87: takes no sign of life that comes late for one of now, but the answer to another poll', async () => {
  const first = await begin();
  time = 30_000;
  first.response.write(' ');
  const second = await poll(1);
  expect([second.stream, stream.live]).toEqual(['s1', false]);
  second.response.write(' ');
  await expect.poll(() => stream.live).toBe(true);
  // Nor an answer: here is more that it does not tell of.
  time = 60_000;
  tell(second, {});
  const third = await poll(2);
  expect(stream.live).toBe(false);
  third.response.write(' ');
  await expect.poll(() => stream.live).toBe(true);
});

it('goes on with the same stream after a break, and forgets nothing', async () => {
  const first = await begin();
  const moment = revocations.now;
  first.response.destroy();
  const second = await poll(1);
  expect([second.stream, stream.live, revocations.touched(OTHER, moment)]).toEqual(['s1', false, false]);
  second.response.write(' ');
  await expect.poll(() => stream.live).toBe(true);
  expect(warnings.length).toBe(1);
});

it('begins anew where its stream is gone, and forgets everything', async () => {
  const first = await begin();
  const moment = revocations.now;
  gone.add('s1');
  tell(first, {});
  expect((await poll(1)).stream).toBe('s2');
  expect(revocations.touched(OTHER, moment)).toBe(true);
});

it('is not live, and keeps trying, where somebody else answers for the issuer', async () => {
  metadata = { issuer: 'https://other.example' };
  stream.start();
  await expect.poll(() => warnings.length).toBe(1);
  expect([stream.live, created]).toEqual([false, 0]);
  metadata = {};
  await poll(0);
});

it('C87: forgets once more a second later, for what was asked meanwhile may come from a node that had not heard', async () => {
  tell(await begin(), { e1: await sign('e1') });
  tell(await poll(1), { e2: 'nonsense' });
  // That it began, the event, and what could not be read: each twice.
  await expect.poll(() => revocations.now).toBe(6);
});

it('deletes its stream when it is closed', async () => {
  await begin();
  await stream.close();
  expect(deleted).toEqual(['s1']);
});
