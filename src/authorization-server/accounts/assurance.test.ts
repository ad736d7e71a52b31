import { describe, expect, it } from 'vitest';
import { acrOf, askedAcr, combinedAmr, isMet, toldAcr } from './assurance.ts';

describe('how sure somebody is who they say', () => {
  it.each([
    [['pwd'], '1fa', ['pwd']],
    [['fed'], '1fa', ['fed']],
    [['pwd', 'otp'], 'mfa', ['pwd', 'otp', 'mfa']],
    [['hwk'], 'phr', ['hwk']],
    [['hwk', 'user'], 'phr', ['hwk', 'user', 'mfa']],
    [['pwd', 'swk'], 'phr', ['pwd', 'swk', 'mfa']],
    [['pwd', 'otp', 'mfa', 'pwd'], 'mfa', ['pwd', 'otp', 'mfa']],
    [['pwd', 'user'], '1fa', ['pwd', 'user']],
  ])('%j is %s', (amr, acr, told) => {
    expect(acrOf(amr)).toBe(acr);
    expect(combinedAmr(amr)).toEqual(told);
    expect(acrOf(combinedAmr(amr))).toBe(acr);
  });
});

describe('what a client asks for', () => {
  const claims = (acr: unknown) => JSON.stringify({ id_token: { acr } });
  it.each([
    [{}, undefined, false],
    [{ acr_values: 'mfa' }, ['mfa'], false],
    [{ acr_values: 'urn:gold phr mfa' }, ['phr', 'mfa'], false],
    [{ acr_values: 'urn:gold' }, undefined, false],
    [{ claims: claims(null) }, undefined, false],
    [{ claims: claims({ essential: true }) }, undefined, false],
    [{ claims: claims({ essential: true, value: 'mfa' }) }, ['mfa'], true],
    [{ claims: claims({ essential: true, values: ['urn:gold', 'phr'] }) }, ['phr'], true],
    [{ claims: claims({ value: 'mfa' }) }, ['mfa'], false],
    [{ acr_values: '1fa', claims: claims({ essential: true, value: 'phr' }) }, ['phr'], true],
    [{ acr_values: 'mfa', claims: claims({ values: ['phr'] }) }, ['mfa'], false],
    [{ acr_values: 'mfa', claims: claims({ essential: true }) }, ['mfa'], false],
  ])('%j', (parameters, values, essential) => {
    expect(askedAcr(parameters)).toEqual({ values, essential });
  });

  it('is met by a surer sign-in, too, which is then told by the name that the client knows', () => {
    const asks = { values: ['1fa', 'mfa'] as const, essential: true };
    expect([undefined, '1fa', 'mfa', 'phr', 'urn:gold'].map((acr) => isMet(acr, asks))).toEqual(Array(5).fill(true));
    expect(isMet('mfa', { values: ['phr'], essential: false })).toBe(false);
    expect(['1fa', 'mfa', 'phr', undefined].map((acr) => toldAcr(acr, asks))).toEqual(['1fa', 'mfa', 'mfa', '1fa']);
    expect(toldAcr('phr', { values: undefined, essential: false })).toBe('phr');
    expect(toldAcr('1fa', { values: ['phr'], essential: false })).toBe('1fa');
  });
});
