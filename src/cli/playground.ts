import { once } from 'node:events';
import type { Server } from 'node:http';
import { parseArgs } from 'node:util';
import { readSecret } from '../config/environment.ts';
import { loadSettings } from '../config/load.ts';
import { ConfigError, type Mistake } from '../config/mistakes.ts';
import { playgroundIssuer } from '../config/playground.ts';
import type { Frozen, Settings } from '../config/schema.ts';
import { createPlayground } from '../playground/app.ts';
import { CLIENT_ROLES, demoIssuer, type Issuer, otherIssuer } from '../playground/issuers.ts';
import { readPort } from './read-port.ts';
import { stopOnSignal } from './stop-on-signal.ts';

type OtherIssuer = Frozen<Settings>['playground']['issuers'][number];

export interface PlaygroundAddress {
  readonly host: string;
  readonly port: number;
  /** The first is the one that a browser begins with. */
  readonly issuers: readonly Issuer[];
}

export interface RunningPlayground {
  readonly url: string;
  stop(): Promise<void>;
}

/** Rejects with the socket's error when the port cannot be had. */
export async function startPlayground({ host, port, issuers }: PlaygroundAddress): Promise<RunningPlayground> {
  const url = `http://${hostForBrowsers(host)}:${port}`;
  const server = createPlayground({ issuers, ownUrl: url }).listen(port, host);
  await once(server, 'listening');
  return { url, stop: () => stop(server) };
}

/** The demo clients' redirect URIs say `localhost`, whichever address the socket is bound to. */
const hostForBrowsers = (host: string): string =>
  ['127.0.0.1', '::1', '0.0.0.0', '::'].includes(host) ? 'localhost' : host;

async function stop(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}

/** What `playground.issuers` lists, with the secrets that it names. Throws a `ConfigError` with everything that is missing. */
export function otherIssuers(listed: readonly OtherIssuer[], env: NodeJS.ProcessEnv): Issuer[] {
  const mistakes: Mistake[] = [];
  const issuers = listed.map(({ issuer, name, api, clients }) => {
    const named = Object.entries(clients).map(([role, { clientId, clientSecretVariable, scope }]) => {
      const clientSecret = clientSecretVariable === null ? undefined : readSecret(env, clientSecretVariable, mistakes);
      return [role, { clientId, clientSecret, scope }];
    });
    return otherIssuer({ issuer, title: name, api, clients: Object.fromEntries(named) });
  });
  if (mistakes.length > 0) {
    throw new ConfigError(mistakes);
  }
  return issuers;
}

const OPTIONS = {
  host: { type: 'string', default: '127.0.0.1' },
  port: { type: 'string', default: '3002' },
  issuer: { type: 'string', default: 'http://localhost:3000' },
  'resource-api': { type: 'string' },
  client: { type: 'string', multiple: true },
  config: { type: 'string' },
} as const;

/**
 * `concierge playground`: the demo client alone, beside an authorization server and an API that run elsewhere. With
 * `--client` these are somebody else's, and so are the clients; `--config FILE` adds the issuers that are listed there.
 */
export async function run(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...argv], options: OPTIONS });
  const { issuer, client: clients, 'resource-api': api } = values;
  const listed =
    values.config === undefined
      ? []
      : loadSettings({ env: process.env, file: values.config, mode: 'development' }).playground.issuers;
  const given = readIssuer({ issuer, api, clients: readClients(clients ?? []) });
  const first =
    clients === undefined ? [demoIssuer(issuer, api ?? 'http://localhost:3001')] : otherIssuers([given], process.env);
  const playground = await startPlayground({
    host: values.host,
    port: readPort(values.port),
    issuers: [...first, ...otherIssuers(listed, process.env)],
  });
  console.log(`playground  ${playground.url}`);
  stopOnSignal(playground.stop);
}

/** What a server has to be is the same here and in a configuration. */
function readIssuer(given: OtherIssuer): OtherIssuer {
  const { data, error } = playgroundIssuer.safeParse(given);
  if (data === undefined) {
    const mistakes = error.issues.map((issue) => ({
      path: issue.path[0] === 'api' ? '--resource-api' : '--issuer',
      problem: issue.message,
      fix: issue.code === 'custom' ? String(issue.params?.fix) : 'run "concierge help" to see what it takes',
    }));
    throw new ConfigError(mistakes);
  }
  return data;
}

/** `web=my-client:VARIABLE`: what it is used for, its id, and where its secret is. */
function readClients(given: readonly string[]): OtherIssuer['clients'] {
  const clients = given.map((text) => {
    const [, role = '', clientId = '', variable = null] = /^(\w+)=(.+?)(?::([A-Z][A-Z0-9_]*))?$/.exec(text) ?? [];
    // What stands behind the colon of any other was meant to be a variable, and may be the secret itself.
    const isId = !clientId.includes(':') || /^(https?:\/\/|urn:)/.test(clientId);
    if (!CLIENT_ROLES.some((known) => known === role) || clientId === '' || !isId) {
      throw new ConfigError([
        {
          path: `--client ${text.split(':')[0]}`,
          problem: 'is not a client',
          fix: `write it like web=my-client:MY_CLIENT_SECRET; what is before = is one of ${CLIENT_ROLES.join(', ')}`,
        },
      ]);
    }
    return [role, { clientId, clientSecretVariable: variable, scope: undefined }];
  });
  return Object.fromEntries(clients);
}
