import { afterAll, expect, it } from 'vitest';
import { startApplication } from '../../testing/application.ts';
import { discovery } from './discovery.ts';

const stops: (() => void)[] = [];
afterAll(() => {
  for (const stop of stops) {
    stop();
  }
});

it.each([
  ['a page', '<html>Welcome</html>'],
  ['other JSON', '{"message":"welcome"}'],
])('says so where %s stands in the place of the metadata, and shows nothing of it', async (_what, body) => {
  const { url, stop } = await startApplication(() => (_request, response) => response.end(body));
  stops.push(stop);
  const lookUp = discovery(url, 2000).metadata();
  await expect(lookUp).rejects.toThrow(
    `${url}/.well-known/oauth-authorization-server answered with what is no metadata of an authorization server`,
  );
  await expect(lookUp).rejects.not.toThrow(/welcome/i);
});
