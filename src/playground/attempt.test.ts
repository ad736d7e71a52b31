import { expect, it } from 'vitest';
import { CannotTry, refusedByServer } from './attempt.ts';

it('sees a refusal in an error status, and says it in the server’s words', async () => {
  const answer = Response.json({ error: 'invalid_grant', error_description: 'used already.' }, { status: 400 });
  expect(await refusedByServer(answer)).toEqual({
    refused: true,
    by: 'server',
    seen: '400 invalid_grant (used already).',
  });
});

it('sees a refusal in a redirect that carries an error', async () => {
  const answer = new Response(null, { status: 303, headers: { location: 'http://localhost/cb?error=invalid_scope' } });
  expect(await refusedByServer(answer)).toMatchObject({ refused: true, seen: '303 invalid_scope.' });
});

it('does not take tokens or a redirect with a code for a refusal', async () => {
  const code = new Response(null, { status: 303, headers: { location: 'http://localhost/cb?code=abc' } });
  for (const answer of [Response.json({ access_token: 'a' }), code]) {
    expect(await refusedByServer(answer)).toMatchObject({ refused: false });
  }
});

it('judges nothing by a server that broke, or that has too much to do', async () => {
  for (const status of [429, 500, 503]) {
    await expect(refusedByServer(new Response('', { status }))).rejects.toThrow(CannotTry);
  }
});
