/** What docs/protect-your-api.md tells people to copy, copied: its directory file, its four servers and its database role, against the real thing. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { freePort } from '../database/embedded/free-port.ts';
import { startTestServer, type TestServer } from '../testing/authorization-server.ts';
import { createRelyingParty, tokensOf } from '../testing/relying-party.ts';

const ROOT = join(import.meta.dirname, '../..');
const FILE = join(ROOT, 'docs/protect-your-api.md');
const DOCUMENT = readFileSync(FILE, 'utf8');
const GUARD = pathToFileURL(join(ROOT, 'src/resource-server/guard/guard.ts')).href;
const AUDIENCE = 'https://books.example.com';
const SECRET = 'a-secret-of-the-book-shop';
const MACHINE = { clientId: 'book-worm', secret: 'a-secret-of-the-book-worm' };
const LOOK_UP = 'Beside the database';
const SERVERS = ['Koa', 'Express', 'Fastify', 'node:http', LOOK_UP];

/** The first block of code in this language below the heading. */
function codeBelow(heading: string, language: string): string {
  const [, section = ''] = DOCUMENT.split(`\n## ${heading}\n`);
  const code = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(section.split('\n## ')[0] ?? '')?.[1];
  if (code === undefined) {
    throw new Error(`nothing to copy below ${heading}`);
  }
  return code;
}

/** A server to copy; where there is only a guard to copy, it is that of node:http with this guard. */
function serverOf(name: string): string {
  const code = codeBelow(name, 'ts');
  const { host, pathname } = new URL(server.databaseUrl);
  return name === LOOK_UP
    ? code.replace('replica.example.com/concierge', host + pathname) +
        codeBelow('node:http', 'ts').replace(/import \{ createGuard.*?\n|const guard = .*?\}\);\n/gs, '')
    : code;
}

let server: TestServer;
let folder: string;
let stop: () => Promise<unknown>;
const urls = new Map<string, string>();
beforeAll(async () => {
  server = await startTestServer();
  const directory = parse(
    codeBelow('Register your API', 'yaml').replace(/client_secret_env: \w+/, `client_secret: ${SECRET}`),
  );
  const machine = { client_id: MACHINE.clientId, client_secret: MACHINE.secret, scope: 'books:read books:write' };
  await server.apply({
    ...directory,
    clients: [...directory.clients, { ...machine, grant_types: ['client_credentials'] }],
  });
  await server.pool.query(codeBelow(LOOK_UP, 'sql'));
  // Beside the packages that the servers import; Node takes no TypeScript from there.
  folder = await mkdtemp(join(ROOT, 'node_modules/.protect-your-api-'));
  for (const [number, name] of SERVERS.entries()) {
    const port = await freePort();
    urls.set(name, `http://localhost:${port}`);
    const code = serverOf(name)
      .replace("'concierge/guard'", JSON.stringify(GUARD))
      .replace('https://login.example.com', server.issuer)
      .replace('8080', String(port));
    await writeFile(join(folder, `${number}.js`), stripTypeScriptTypes(code));
  }
  const all = SERVERS.map((_, number) => `await import("./${number}.js");`).join('\n');
  await writeFile(join(folder, 'all.js'), `${all}\nconsole.log('listening');`);
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  const child = spawn(process.execPath, [join(folder, 'all.js')], {
    env: { ...process.env, BOOK_SHOP_SECRET: SECRET },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  stop = async () => {
    child.kill();
    await (child.exitCode ?? child.signalCode ?? once(child, 'exit'));
  };
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
});
afterAll(async () => {
  await stop();
  await rm(folder, { recursive: true });
  await server.pool.query('drop role book_shop');
  await server.stop();
});

async function tokenWith(scope: string): Promise<string> {
  const request = { grant_type: 'client_credentials', resource: AUDIENCE, scope };
  return tokensOf(await createRelyingParty(server.issuer, MACHINE).requestToken(request)).access_token;
}

describe.each(SERVERS)('the server made with %s', (name) => {
  const get = (path: string, token?: string) =>
    fetch(urls.get(name) + path, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });

  it('lets in who has the scope, and tells everybody else what is missing', async () => {
    const good = await get('/books', await tokenWith('books:read'));
    expect(good.status).toBe(200);
    expect(await good.json()).toEqual({ books: [] });

    const nobody = await get('/books');
    expect(nobody.status).toBe(401);
    expect(nobody.headers.get('www-authenticate')).toContain(`${AUDIENCE}/.well-known/oauth-protected-resource`);

    const other = await get('/books', await tokenWith('books:write'));
    expect(other.status).toBe(403);
    expect(other.headers.get('www-authenticate')).toContain('scope="books:read"');
  });

  it('says of itself where tokens come from', async () => {
    const metadata = await (await get('/.well-known/oauth-protected-resource')).json();
    expect(metadata).toMatchObject({
      resource: AUDIENCE,
      authorization_servers: [server.issuer],
      scopes_supported: ['books:read'],
    });
  });
});

describe('the role for looking tokens up', () => {
  it('may do nothing else', async () => {
    const { rows } = await server.pool.query(`
      select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'S')
        and has_table_privilege('book_shop', oid, 'select, insert, update, delete, truncate, references, trigger')
      union all select proname from pg_proc where pronamespace = 'public'::regnamespace
        and prorettype <> 'trigger'::regtype and has_function_privilege('book_shop', oid, 'execute')`);
    expect(rows).toEqual([{ name: 'introspect_token' }]);
  });

  it('may lose its connections, and the server goes on', async () => {
    /** With a token that it does not remember. */
    const status = async () => {
      const authorization = `Bearer ${await tokenWith('books:read')}`;
      return (await fetch(`${urls.get(LOOK_UP)}/books`, { headers: { authorization } })).status;
    };
    expect(await status()).toBe(200);
    const ended = await server.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'book_shop'`,
    );
    expect(ended.rowCount).toBeGreaterThan(0);
    await expect.poll(status).toBe(200);
  });
});

it('points at what is there', () => {
  const links = [...DOCUMENT.matchAll(/\]\((?<to>[^)#][^)#]*)/g)].map(({ groups }) => groups?.to ?? '');
  expect(links.length).toBeGreaterThan(3);
  expect(links.filter((to) => !to.startsWith('http') && !existsSync(join(dirname(FILE), to)))).toEqual([]);
});
