import { once } from 'node:events';
import { request } from 'node:http';
import { postAtOnce } from '../../src/testing/at-once.ts';
import {
  basicAuth,
  createRelyingParty,
  DEMO_API,
  DEMO_MACHINE,
  DEMO_WEB,
  introspect,
  type RelyingParty,
  revoke,
} from '../../src/testing/relying-party.ts';
import { UserAgent } from '../../src/testing/user-agent.ts';
import { type Node, type Nodes, prepareNodes } from '../servers/nodes.ts';
import { expect, test } from '../test.ts';

const PARALLEL = 50;
const AUTHENTICATION = { authorization: basicAuth(DEMO_WEB.clientId, DEMO_WEB.secret) };

let nodes: Nodes;
let one: Node;
let other: Node;
let web: RelyingParty;
let machine: RelyingParty;

test.beforeAll(async () => {
  nodes = await prepareNodes();
  one = await nodes.start(nodes.issuer);
  other = await nodes.start();
  web = createRelyingParty(nodes.issuer, DEMO_WEB);
  machine = createRelyingParty(nodes.issuer, DEMO_MACHINE);
});

test.afterAll(() => nodes.stop());

/** The token endpoints of both nodes, in turns. */
const tokenEndpoints = () =>
  Array.from({ length: PARALLEL }, (_one, index) => `${(index % 2 ? one : other).address}/token`);

test('C20: of 50 redemptions of one code at once, over two processes, exactly one wins', async () => {
  const { code, verifier } = await web.authorize();
  const form = { grant_type: 'authorization_code', code, redirect_uri: DEMO_WEB.redirectUri, code_verifier: verifier };
  const answers = await postAtOnce(tokenEndpoints(), form, AUTHENTICATION);
  const statuses = answers.map(({ status }) => status).sort();
  expect(statuses).toEqual([200, ...Array.from({ length: PARALLEL - 1 }, () => 400)]);
  expect(new Set(answers.flatMap(({ body }) => body.error ?? []))).toEqual(new Set(['invalid_grant']));
});

test('C26: of 50 refreshes of one token at once, over two processes, one token set is left', async () => {
  const { refresh_token } = await web.obtainTokens();
  const answers = await postAtOnce(tokenEndpoints(), { grant_type: 'refresh_token', refresh_token }, AUTHENTICATION);
  expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  const sets = new Set(answers.map(({ body }) => `${body.access_token} ${body.refresh_token}`));
  expect(sets.size).toBe(1);
  const { access_token } = answers[0]?.body ?? {};
  expect(await introspect(other.address, String(access_token))).toMatchObject({ active: true });
});

test('C42: what one process has revoked is dead at the other at once', async () => {
  const { access_token } = await web.obtainTokens();
  await introspect(other.address, access_token);
  expect((await revoke(one.address, access_token, DEMO_WEB)).status).toBe(200);
  expect(await introspect(other.address, access_token)).toEqual({ active: false });
});

test('C110: an authorization may begin at one process, go on at the other and end at the first', async () => {
  const browser = new UserAgent(nodes.issuer);
  const asked = await browser.get(web.authorizationUrl());
  browser.node = other.address;
  const signedIn = await browser.signIn(asked, { email: 'alice@example.com' });
  browser.node = one.address;
  const { url } = await browser.approve(signedIn);
  expect(new URL(url).searchParams.get('code')).toMatch(/^[\w-]{43,}$/);
});

test('C107: what was answered before kill -9 is there afterwards', async () => {
  const doomed = await nodes.start();
  const answer = await machine.requestToken({ grant_type: 'client_credentials' }, doomed.address);
  doomed.process.signal('SIGKILL');
  expect(answer.status).toBe(200);
  await doomed.process.ended();
  expect(await introspect(other.address, String(answer.body.access_token), DEMO_API)).toMatchObject({ active: true });
});

test('C108: SIGTERM lets a request that has begun end with its answer, takes no other, and exits with 0', async () => {
  const node = await nodes.start();
  const body = 'grant_type=client_credentials';
  const begun = request(`${node.address}/token`, {
    method: 'POST',
    headers: {
      authorization: basicAuth(DEMO_MACHINE.clientId, DEMO_MACHINE.secret),
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': body.length,
      expect: '100-continue',
    },
  });
  begun.flushHeaders();
  await once(begun, 'continue');
  node.process.signal('SIGTERM');
  await expect
    .poll(() =>
      fetch(`${node.address}/healthz`).then(
        () => 'accepted',
        () => 'refused',
      ),
    )
    .toBe('refused');
  const answered = once(begun, 'response');
  begun.end(body);
  const [response] = await answered;
  expect(response.statusCode).toBe(200);
  response.resume();
  await node.process.ended();
  expect(node.process.exitCode).toBe(0);
});
