import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { createProof, createProver, type Prover } from '../../../testing/dpop.ts';
import { type Answer, DEMO_MACHINE, DEMO_PASSWORD_CLIENT } from '../../../testing/relying-party.ts';
import { type ClientKey, createClientKey } from '../../../testing/request-object.ts';
import { DEMO_PASSWORD } from '../../../testing/user-agent.ts';

const MACHINE_GRANT = { grant_type: 'client_credentials' };

let server: TestServer;
let prover: Prover;
let otherNode: string;
let key: ClientKey;
let thiefs: ClientKey;
beforeAll(async () => {
  [server, key, thiefs] = await Promise.all([startTestServer(), createClientKey(), createClientKey()]);
  otherNode = await server.addNode();
  prover = createProver(server);
});
afterAll(() => server.stop());

const REPLAYED = { status: 400, error: 'invalid_dpop_proof' };
const told = ({ status, body }: Answer) => ({ status, error: body.error });

describe('a proof is refused', () => {
  const proofFor = (claims = {}, header = {}) => createProof(key, { url: server.url('/token') }, claims, header);

  it.each<[string, object, object]>([
    ['for another method', { htm: 'GET' }, {}],
    ['for another address', { htu: 'https://other.example.com/token' }, {}],
    ['for another endpoint', { htu: 'the issuer/token/revocation' }, {}],
    ['for no address', { htu: undefined }, {}],
    ['without a time', { iat: undefined }, {}],
    ['without an identifier', { jti: undefined }, {}],
    ['of another type', {}, { typ: 'JWT' }],
    ['without a key', {}, { jwk: undefined }],
    ['with a key that is none', {}, { jwk: { kty: 'EC' } }],
  ])('%s', async (_, claims, header) => {
    const given = JSON.parse(JSON.stringify({ claims, header }).replaceAll('the issuer', server.issuer));
    const cleared = Object.fromEntries(Object.keys(claims).map((name) => [name, given.claims[name]]));
    const headers = Object.fromEntries(Object.keys(header).map((name) => [name, given.header[name]]));
    const answer = await prover.requestToken(MACHINE_GRANT, {
      client: DEMO_MACHINE,
      proof: await proofFor(cleared, headers),
    });
    expect(told(answer)).toEqual({ status: 400, error: 'invalid_dpop_proof' });
  });

  it('signed by another key than it shows, or showing a private one', async () => {
    const forged = await createProof(
      thiefs,
      { url: server.url('/token') },
      {},
      { jwk: { ...key.jwk, kid: undefined } },
    );
    const { d } = await crypto.subtle.exportKey('jwk', key.privateKey);
    const told_ = await proofFor({}, { jwk: { ...key.jwk, d } });
    for (const proof of [forged, told_]) {
      expect(told(await prover.requestToken(MACHINE_GRANT, { client: DEMO_MACHINE, proof }))).toEqual({
        status: 400,
        error: 'invalid_dpop_proof',
      });
    }
  });

  it.each(['x', 'a.b.c', '..', 'x'.repeat(8000), `${'x, y'}`])('that is none, like %.10j', async (proof) => {
    expect(told(await prover.requestToken(MACHINE_GRANT, { client: DEMO_MACHINE, proof }))).toEqual({
      status: 400,
      error: 'invalid_dpop_proof',
    });
  });

  it('that is one of two', async () => {
    const [one, other] = [await proofFor(), await proofFor()];
    const answer = await prover.requestToken(MACHINE_GRANT, { client: DEMO_MACHINE, proof: `${one}, ${other}` });
    expect(told(answer)).toEqual({ status: 400, error: 'invalid_dpop_proof' });
  });
});

describe('a proof that is used again', () => {
  it('is refused, at whichever node', async () => {
    const proof = await createProof(key, { url: server.url('/token') });
    expect((await prover.requestToken(MACHINE_GRANT, { client: DEMO_MACHINE, proof })).status).toBe(200);
    expect(told(await prover.requestToken(MACHINE_GRANT, { client: DEMO_MACHINE, proof }))).toEqual(REPLAYED);
    expect(told(await prover.requestToken(MACHINE_GRANT, { client: DEMO_MACHINE, proof, node: otherNode }))).toEqual(
      REPLAYED,
    );
  });

  it('is refused in a grant of ours as in those of the engine', async () => {
    const proof = await createProof(key, { url: server.url('/token') });
    const parameters = { grant_type: 'password', username: 'alice@example.com', password: DEMO_PASSWORD };
    const ask = () => prover.requestToken(parameters, { client: DEMO_PASSWORD_CLIENT, proof });
    expect((await ask()).status).toBe(200);
    expect(told(await ask())).toEqual(REPLAYED);
  });

  it('counts once of forty at the same time on two nodes', async () => {
    const proof = await createProof(key, { url: server.url('/token') });
    const nodes = [server.issuer, otherNode];
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        prover.requestToken(MACHINE_GRANT, { client: DEMO_MACHINE, proof, node: nodes[n % 2] ?? '' }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 39 }, () => 400)]);
  });
});

describe('a nonce', () => {
  const ask = async (claims: object, node?: string) =>
    prover.requestToken(MACHINE_GRANT, {
      client: DEMO_MACHINE,
      proof: await createProof(key, { url: server.url('/token') }, { ...claims }),
      ...(node && { node }),
    });

  it('is offered with every answer, and good at every node', async () => {
    const { headers } = await ask({});
    const nonce = headers.get('dpop-nonce');
    expect(nonce).toBeTruthy();
    expect((await ask({ nonce, iat: 1 }, otherNode)).status).toBe(200);
  });

  it('is demanded of a proof from another time, and of one with a nonce that nobody gave', async () => {
    for (const claims of [{ iat: 1 }, { iat: Math.floor(Date.now() / 1000) + 3600 }, { nonce: 'invented' }]) {
      const answer = await ask(claims);
      expect(told(answer)).toEqual({ status: 400, error: 'use_dpop_nonce' });
      expect((await ask({ ...claims, nonce: answer.headers.get('dpop-nonce') })).status).toBe(200);
    }
  });
});
