import * as openid from 'openid-client';
import { expect, it } from 'vitest';
import { describeProblem } from './problem.ts';

const ISSUER = 'http://localhost:3000';

it('shows the code and the words of an error answer of the token endpoint', async () => {
  const answer = { error: 'invalid_grant', error_description: 'wrong password' };
  const thrown = new openid.ResponseBodyError('refused', {
    cause: answer,
    response: Response.json(answer, { status: 400 }),
  });
  expect(describeProblem(thrown, ISSUER)).toMatchObject({ error: 'invalid_grant', errorDescription: 'wrong password' });
});

it('shows an error answer of the authorization endpoint, with a description or without', () => {
  const thrown = new openid.AuthorizationResponseError('refused', {
    cause: new URLSearchParams({ error: 'access_denied' }),
  });
  const problem = describeProblem(thrown, ISSUER);
  expect(problem).toMatchObject({ error: 'access_denied', advice: expect.stringContaining('Nothing was granted') });
  expect(problem).not.toHaveProperty('errorDescription');
});

it('recognises a server that is not running, however deep the cause lies', () => {
  const thrown = new Error('outer', { cause: new Error('inner', { cause: new TypeError('fetch failed') }) });
  expect(describeProblem(thrown, ISSUER)?.advice).toContain(`${ISSUER}. Start everything with “npm start”`);
  expect(describeProblem(thrown, 'https://login.example.com')?.advice).not.toContain('npm start');
});

it('does not explain away a mistake of our own', () => {
  expect(describeProblem(new TypeError('x is not a function'), ISSUER)).toBeUndefined();
  expect(describeProblem('thrown text', ISSUER)).toBeUndefined();
});
