/** The console where the server is another one than most: below a path, and of a profile that nobody's client may leave. */
import { expect, it } from 'vitest';
import { openConsole } from '../../../testing/account-console.ts';
import { startTestServer } from '../../../testing/authorization-server.ts';
import { UserAgent } from '../../../testing/user-agent.ts';

it('works below the path of an issuer, and keeps its cookies there', async () => {
  const server = await startTestServer({ issuerPath: '/login' });
  try {
    const browser = new UserAgent(server.issuer);
    const visit = await openConsole(browser, '/profile');
    expect([visit.url, visit.status]).toEqual([server.url('/account/profile'), 200]);
    const paths = [...browser.cookies.values()].map(({ path }) => path);
    expect(paths.every((path) => path.startsWith('/login'))).toBe(true);
    const links = [...visit.html.matchAll(/(?:href|action)="(\/[^"]*)"/g)].map(([, address = '']) => address);
    expect(links.filter((address) => !address.startsWith('/login/'))).toEqual([]);
    const fields = { name: 'Alice Elsewhere', version: visit.html.match(/name="version" value="([^"]*)"/)?.[1] ?? '' };
    const saved = await browser.post(`${browser.node}/account/profile`, fields);
    expect(saved.url).toBe(server.url('/account/profile?said=account-profile.said.saved'));
  } finally {
    await server.stop();
  }
});

it.each(['oauth-2.1', 'fapi-2.0', 'mcp'] as const)('lets people in at a server of the profile %s', async (profile) => {
  const server = await startTestServer({ config: (config) => ({ ...config, profile }) });
  try {
    const visit = await openConsole(new UserAgent(server.issuer));
    expect([visit.url, visit.status]).toEqual([server.url('/account'), 200]);
  } finally {
    await server.stop();
  }
});
