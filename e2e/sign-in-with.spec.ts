import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRelyingParty, DEMO_WEB } from '../src/testing/relying-party.ts';
import { type Nodes, prepareNodes } from './servers/nodes.ts';
import { ALICE, approve, signIn } from './steps.ts';
import { expect, test } from './test.ts';

/** Two servers, each with a database of its own: one is the other's upstream provider. */
let upstream: Nodes;
let ours: Nodes;

test.beforeAll(async () => {
  [upstream, ours] = await Promise.all([prepareNodes(), prepareNodes()]);
  await upstream.apply({
    clients: [
      {
        client_id: 'concierge',
        token_endpoint_auth_method: 'none',
        client_name: 'Our own sign-in',
        grant_types: ['authorization_code'],
        response_types: ['code'],
        redirect_uris: [`${ours.issuer}/sign-in-with/other/callback`],
        scope: 'openid profile email',
        first_party: true,
      },
    ],
  });
  const provider = { id: 'other', name: 'The Other', issuer: upstream.issuer, clientId: 'concierge' };
  const settings = join(ours.database.directory, 'settings.json');
  writeFileSync(settings, JSON.stringify({ upstreamProviders: [provider] })); // JSON is YAML.
  await Promise.all([upstream.start(upstream.issuer), ours.start(ours.issuer, ['--config', settings])]);
});
test.afterAll(() => Promise.all([upstream?.stop(), ours?.stop()]));

test('an account is connected with another provider once, and signs in by it from then on', async ({
  page,
  browser,
}) => {
  const request = createRelyingParty(ours.issuer, DEMO_WEB).authorizationUrl({ scope: 'openid profile' });
  await page.goto(request);
  await page.getByTestId('sign-in-with-other').click();
  expect(page.url()).toContain(upstream.issuer);
  await signIn(page);
  await expect(page.getByTestId('sign-in-problem')).toContainText('There is an account here for alice@example.com');
  await expect(page.getByTestId('email')).toHaveValue(ALICE.email);
  await signIn(page);
  await expect(page.getByTestId('consent-form')).toBeVisible();
  await page.goto(`${ours.issuer}/account/connected`);
  await expect(page.getByTestId('connected')).toContainText('The Other');

  const another = await browser.newContext();
  const tab = await another.newPage();
  await tab.goto(request);
  await tab.getByTestId('sign-in-with-other').click();
  await signIn(tab);
  await approve(tab);
  await tab.waitForURL((url) => url.searchParams.has('code'));
  await another.close();
});
