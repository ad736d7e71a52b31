import { createRelyingParty } from '../src/testing/relying-party.ts';
import { testAccessibility } from './accessible.ts';
import { ISSUER, PLAYGROUND, RESOURCE_API } from './addresses.ts';
import { answerAt, approve, signIn, startSession, web } from './steps.ts';
import { expect } from './test.ts';

const SCOPE = 'openid profile email offline_access records:read records:write blobs:read blobs:write';

testAccessibility({
  'the first page': (page) => page.goto(ISSUER),
  'sign-in': (page) => page.goto(web.authorizationUrl()),
  async 'sign-in, refused'(page) {
    await page.goto(web.authorizationUrl());
    await signIn(page, undefined, 'not-my-password');
    await expect(page.getByTestId('sign-in-problem')).toBeVisible();
  },
  async consent(page) {
    await startSession(page);
    await page.goto(web.authorizationUrl({ scope: SCOPE, prompt: 'consent' }));
    await expect(page.getByTestId('consent-form')).toBeVisible();
  },
  async 'consent to more, in detail'(page) {
    await startSession(page);
    await page.goto(web.authorizationUrl());
    await approve(page);
    await answerAt(page);
    const authorization_details = JSON.stringify([{ type: 'file_upload', file_name: 'holiday.jpg' }]);
    await page.goto(web.authorizationUrl({ scope: 'openid profile email', authorization_details }));
    await page.getByTestId('consent-held').locator('summary').click();
  },
  async 'consent to an app that registered itself'(page) {
    await startSession(page);
    await page.goto(await requestOfUnverifiedApp());
    await expect(page.getByTestId('consent-unverified')).toBeVisible();
  },
  async 'sign-out'(page) {
    await startSession(page);
    await page.goto(`${ISSUER}/session/end?client_id=demo-web`);
  },
  async 'signed out'(page) {
    await page.goto(`${ISSUER}/session/end`); // Nobody is signed in, so nobody is asked.
    await expect(page.getByTestId('signed-out')).toBeVisible();
  },
  async 'an error'(page) {
    await page.goto(`${ISSUER}/auth?client_id=nobody`);
    await page.getByTestId('error-details').locator('summary').click();
  },
  'the resource API': (page) => page.goto(RESOURCE_API),
  playground: (page) => page.goto(PLAYGROUND),
  async 'playground: a result in the browser'(page) {
    await page.goto(PLAYGROUND);
    await page.getByTestId('grant-implicit').click();
    await signIn(page);
    await approve(page);
    await expect(page.getByTestId('result')).toHaveAttribute('data-state', 'done');
  },
  async 'playground: a refusal'(page) {
    await page.goto(PLAYGROUND);
    await page.getByTestId('grant-single-page-app').click();
    await page.getByTestId('sign-in-cancel').click();
    await expect(page.getByTestId('result')).toHaveAttribute('data-state', 'failed');
  },
  'playground: an answer that it did not ask for': (page) => page.goto(`${PLAYGROUND}/callback?code=abc&state=unknown`),
  async 'playground: such an answer in the browser'(page) {
    await page.goto(`${PLAYGROUND}/spa/callback?code=abc&state=unknown`);
    await expect(page.getByTestId('unasked')).toBeVisible();
  },
  'playground: no such page': (page) => page.goto(`${PLAYGROUND}/nowhere`),
});

/** RFC 7591: anybody may register in development. */
async function requestOfUnverifiedApp(): Promise<string> {
  const redirectUri = 'http://127.0.0.1:7777/callback';
  const answer = await fetch(`${ISSUER}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: [redirectUri], token_endpoint_auth_method: 'none', client_name: 'Notes' }),
  });
  const { client_id: clientId } = (await answer.json()) as { client_id: string };
  return createRelyingParty(ISSUER, { clientId, redirectUri }).authorizationUrl({ scope: SCOPE });
}
