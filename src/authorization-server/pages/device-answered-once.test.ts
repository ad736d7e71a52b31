import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { createTelevision, fieldsOf, TELEVISION_REGISTRATION, typeCode } from '../../testing/device.ts';
import { UserAgent } from '../../testing/user-agent.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await server.apply({ clients: [TELEVISION_REGISTRATION] });
});
afterAll(() => server.stop());

it('C20: a device that two people confirm at the same moment at two nodes is connected by one of them', async () => {
  const tv = createTelevision(server);
  const nodes = [server.issuer, await server.addNode()];
  for (let round = 0; round < 5; round += 1) {
    const { user_code } = await tv.connect();
    const people = await Promise.all(
      nodes.map(async (node) => {
        const browser = new UserAgent(server.issuer);
        const { xsrf = '' } = fieldsOf(await typeCode(browser, user_code));
        browser.node = node;
        return () => browser.post('/device', { xsrf, user_code, confirm: 'yes' });
      }),
    );
    const answers = await Promise.all(people.map((confirm) => confirm()));
    expect(answers.filter(({ html }) => html.includes('/sign-in"'))).toHaveLength(1);
    expect(answers.filter(({ html }) => html.includes('data-testid="device-problem"'))).toHaveLength(1);
  }
});
