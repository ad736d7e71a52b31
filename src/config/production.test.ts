import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { DEMO_SECRETS } from './production.ts';

it('knows every secret of the demo directory', () => {
  const { clients, accounts } = parse(readFileSync(new URL('../../config/demo.yaml', import.meta.url), 'utf8')) as {
    clients: { client_secret?: string }[];
    accounts: { password: string }[];
  };
  const secrets = [...clients.flatMap((client) => client.client_secret ?? []), ...accounts.map((one) => one.password)];
  expect(new Set(secrets)).toEqual(DEMO_SECRETS);
});
