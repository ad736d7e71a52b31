import { createHash } from 'node:crypto';
import { errors, type Provider } from 'oidc-provider';
import { expect, it } from 'vitest';
import { createConsoleSignIn } from './console-sign-in.ts';

const VERIFIER = 'v'.repeat(43);
const OURS = {
  clientId: 'console',
  redirectUri: 'https://as.example/account/callback',
  nonce: 'n-1',
  codeVerifier: VERIFIER,
};
const CODE = {
  isValid: true,
  clientId: OURS.clientId,
  redirectUri: OURS.redirectUri,
  nonce: OURS.nonce,
  codeChallengeMethod: 'S256',
  codeChallenge: createHash('sha256').update(VERIFIER).digest('base64url'),
  accountId: 'alice',
  sessionUid: 'session',
  grantId: 'grant',
  authTime: 1_800_000_000,
  amr: ['pwd'],
  acr: '1',
};

/** The engine, as far as it finds this code. */
function redeem(code: object | undefined, consume = async () => {}) {
  const found = code && { ...code, consume };
  const provider = { AuthorizationCode: { find: async () => found } } as unknown as Provider;
  return createConsoleSignIn({ provider: () => provider }).redeem('the code', OURS);
}

it('tells who signed in, by a code of its own', async () => {
  const { accountId, sessionUid, grantId, authTime, amr, acr } = CODE;
  expect(await redeem(CODE)).toEqual({ accountId, sessionUid, grantId, authTime, amr, acr });
});

it.each([
  ['that is not there', undefined],
  ['that is over or was used', { ...CODE, isValid: false }],
  ['of another client', { ...CODE, clientId: 'demo-web' }],
  ['for another address', { ...CODE, redirectUri: 'https://as.example/other' }],
  ['of another sign-in, by its nonce', { ...CODE, nonce: 'n-2' }],
  ['without a nonce', { ...CODE, nonce: undefined }],
  ['of another sign-in, by its challenge', { ...CODE, codeChallenge: 'x'.repeat(43) }],
  ['whose challenge is the verifier itself', { ...CODE, codeChallenge: VERIFIER, codeChallengeMethod: 'plain' }],
  ['without a challenge', { ...CODE, codeChallenge: undefined, codeChallengeMethod: undefined }],
  ['without a session', { ...CODE, sessionUid: undefined }],
])('refuses a code %s, and leaves it unused', async (_which, code) => {
  let used = false;
  const consume = async () => {
    used = true;
  };
  expect([await redeem(code, consume), used]).toEqual([undefined, false]);
});

it('refuses a code that another request used at the same moment', async () => {
  expect(await redeem(CODE, () => Promise.reject(new errors.InvalidGrant('already consumed')))).toBeUndefined();
});

it('hides no failure of the database', async () => {
  await expect(redeem(CODE, () => Promise.reject(new Error('away')))).rejects.toThrow('away');
});
