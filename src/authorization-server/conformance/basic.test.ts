/** oidcc-basic-certification-test-plan */
import { expect, it } from 'vitest';
import { createPkce } from '../../testing/relying-party.ts';
import { describeCoreModules } from './core-modules.contract.ts';

const CODE = { responseType: 'code' };

describeCoreModules(CODE, (suite) => {
  it('oidcc-ensure-post-request-succeeds: a request may be posted', async () => {
    expect((await suite().complete(CODE, {}, { method: 'POST' })).pages).toContain('sign-in');
  });

  it('oidcc-ensure-request-with-valid-pkce-succeeds', async () => {
    const { challenge, verifier } = createPkce();
    const pkce = { code_challenge: challenge, code_challenge_method: 'S256' };
    const { tokens } = await suite().complete(CODE, pkce, { verifier });
    expect(tokens?.access_token).toEqual(expect.any(String));
  });
});
