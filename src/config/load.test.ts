import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig, loadResourceApiConfig, loadSettings } from './load.ts';
import { ConfigError, type Mistake } from './mistakes.ts';

const SECRET = 'a-secret-that-is-long-enough-to-be-one';
const env = { DATABASE_URL: 'postgres://concierge:pw@localhost/concierge', CONCIERGE_SECRET: SECRET };
const apiEnv = {
  RESOURCE_API_DATABASE_URL: 'postgres://api:pw@localhost/api',
  CONCIERGE_RESOURCE_API_CLIENT_SECRET: SECRET,
};

const folder = mkdtempSync(join(tmpdir(), 'concierge-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

function fileWith(content: string): string {
  const file = join(folder, `${Math.abs(Buffer.from(content).readInt32BE(0))}-${content.length}.yaml`);
  writeFileSync(file, content);
  return file;
}

function mistakesOf(load: () => unknown): readonly Mistake[] {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.mistakes;
    }
    throw error;
  }
  return [];
}

describe('where a setting comes from', () => {
  it('asks for the database in which tokens are looked up, where they are', () => {
    const env = { ...apiEnv, CONCIERGE_RESOURCE_API_STRATEGY: 'repository' };
    expect(mistakesOf(() => loadResourceApiConfig({ env, mode: 'development' }))).toMatchObject([
      { path: 'RESOURCE_API_TOKEN_DATABASE_URL' },
    ]);
    const named = { ...env, RESOURCE_API_TOKEN_DATABASE_URL: 'postgres://reader:pw@replica/concierge' };
    const { strategy, tokenDatabaseUrl } = loadResourceApiConfig({ env: named, mode: 'development' });
    expect({ strategy, tokenDatabaseUrl }).toEqual({
      strategy: 'repository',
      tokenDatabaseUrl: named.RESOURCE_API_TOKEN_DATABASE_URL,
    });
  });

  it('takes the defaults when nothing else is said', () => {
    const config = loadConfig({ env, mode: 'production' });
    expect(config.issuer).toBe('http://localhost:3000');
    expect(config.database).toEqual({ url: env.DATABASE_URL, poolSize: 10, preparedStatements: true });
    expect(config.passwords.concurrency).toBe(availableParallelism());
    expect(config.resourceApi.issuer).toBe(config.issuer);
  });

  it('lets a file override the defaults, setting by setting', () => {
    const file = fileWith('issuer: https://login.example.com\nlisten: { port: 8080 }\n');
    const config = loadConfig({ env, file, mode: 'production' });
    expect(config.issuer).toBe('https://login.example.com');
    expect(config.listen).toEqual({ host: '127.0.0.1', port: 8080 });
  });

  it("keeps the issuer of somebody else's server as that writes it, with a slash at the end", () => {
    const issuer = 'https://tenant.example.com/application/';
    const file = fileWith(`
upstreamProviders: [{ id: theirs, name: Theirs, issuer: '${issuer}', clientId: concierge }]
playground: { issuers: [{ issuer: '${issuer}', clients: { spa: { clientId: concierge } } }] }
`);
    const { upstreamProviders, playground } = loadSettings({ env, file, mode: 'development' });
    expect([...upstreamProviders, ...playground.issuers]).toMatchObject([{ issuer }, { issuer }]);
  });

  it('lets the environment override the file', () => {
    const file = fileWith('listen: { port: 8080 }\n');
    const config = loadConfig({ env: { ...env, CONCIERGE_LISTEN_PORT: '8081' }, file, mode: 'production' });
    expect(config.listen.port).toBe(8081);
  });

  it("takes the environment's word for true and false, and no other", () => {
    const told = (value: string) => () =>
      loadConfig({ env: { ...env, CONCIERGE_DATABASE_PREPARED_STATEMENTS: value }, mode: 'production' });
    expect(told('false')().database.preparedStatements).toBe(false);
    expect(told('true')().database.preparedStatements).toBe(true);
    expect(mistakesOf(told('no')).map(({ path }) => path)).toEqual(['database.preparedStatements']);
  });

  it('treats an empty variable as one that is not set', () => {
    const config = loadConfig({
      env: { ...env, CONCIERGE_LISTEN_PORT: '', DATABASE_URL_FILE: '' },
      mode: 'production',
    });
    expect(config.listen.port).toBe(3000);
  });

  it('ignores the variables that Kubernetes makes for a service named concierge', () => {
    const links = { CONCIERGE_PORT: 'tcp://10.0.0.1:3000', CONCIERGE_SERVICE_HOST: '10.0.0.1' };
    const more = { CONCIERGE_PORT_3000_TCP_ADDR: '10.0.0.1', CONCIERGE_RESOURCE_API_SERVICE_PORT: '3001' };
    expect(mistakesOf(() => loadConfig({ env: { ...env, ...links, ...more }, mode: 'production' }))).toEqual([]);
  });

  it('accepts the example for production as it is', () => {
    const file = join(import.meta.dirname, '../../config/production.example.yaml');
    expect(loadConfig({ env, file, mode: 'production' }).trustedProxies).toBe(1);
    expect(loadResourceApiConfig({ env: apiEnv, file, mode: 'production' }).issuer).toBe('https://login.example.com');
  });

  it('lets clients register themselves in development, and nobody elsewhere, until the operator decides', () => {
    const decided = (mode: 'development' | 'production', more: Record<string, string> = {}) => {
      const { registration, clientIdMetadataDocuments } = loadConfig({ env: { ...env, ...more }, mode });
      return [registration.access, registration.scopes, clientIdMetadataDocuments.enabled];
    };
    const openid = ['openid', 'profile', 'email', 'address', 'phone', 'offline_access'];
    expect(decided('development')).toEqual(['open', 'all', true]);
    expect(decided('production')).toEqual(['closed', openid, false]);
    const told = {
      CONCIERGE_REGISTRATION_ACCESS: 'initial-access-token',
      CONCIERGE_REGISTRATION_SCOPES: 'openid, records:read',
      CONCIERGE_CLIENT_ID_METADATA_DOCUMENTS_ENABLED: 'true',
    };
    for (const mode of ['development', 'production'] as const) {
      expect(decided(mode, told)).toEqual(['initial-access-token', ['openid', 'records:read'], true]);
    }
  });

  it('cannot be changed afterwards', () => {
    const config = loadConfig({ env, mode: 'production' });
    expect(() => Object.assign(config.listen, { port: 1 })).toThrow(TypeError);
    expect(() => Object.assign(config, { issuer: 'https://evil.example' })).toThrow(TypeError);
  });
});

describe('secrets', () => {
  it('are lists: the first encrypts, all decrypt', () => {
    const [first, second] = ['1'.repeat(32), '2'.repeat(32)];
    const rotated = { ...env, CONCIERGE_SECRET: `${first},\n${second}\n` };
    expect(loadConfig({ env: rotated, mode: 'production' }).secrets).toEqual([first, second]);
  });

  it('may come from files', () => {
    const file = fileWith(`${SECRET}\n`);
    const config = loadConfig({
      env: { DATABASE_URL: env.DATABASE_URL, CONCIERGE_SECRET_FILE: file },
      mode: 'production',
    });
    expect(config.secrets).toEqual([SECRET]);
  });

  it('are refused when the file cannot be read, or the variable is set as well', () => {
    const missing = mistakesOf(() =>
      loadConfig({ env: { ...env, CONCIERGE_SECRET: '', CONCIERGE_SECRET_FILE: '/nowhere' }, mode: 'production' }),
    );
    expect(missing).toMatchObject([{ path: 'CONCIERGE_SECRET_FILE', problem: '/nowhere cannot be read (ENOENT)' }]);
    const twice = mistakesOf(() =>
      loadConfig({ env: { ...env, CONCIERGE_SECRET_FILE: '/nowhere' }, mode: 'production' }),
    );
    expect(twice).toMatchObject([{ path: 'CONCIERGE_SECRET' }]);
  });

  it('are refused in YAML, and never repeated in a message', () => {
    const file = fileWith('database: { url: "postgres://u:canary@h/d" }\nsecrets: [canary]\n');
    const mistakes = mistakesOf(() =>
      loadConfig({ env: { ...env, CONCIERGE_SECRET: 'canary' }, file, mode: 'production' }),
    );
    expect(mistakes.map(({ path }) => path)).toEqual(['database.url', 'secrets', 'CONCIERGE_SECRET']);
    expect(JSON.stringify(mistakes)).not.toContain('canary');
  });

  it('do not reach the process that has no use for them', () => {
    expect(loadConfig({ env, mode: 'production' })).not.toHaveProperty('resourceApi.clientSecret');
    expect(JSON.stringify(loadResourceApiConfig({ env: { ...env, ...apiEnv }, mode: 'production' }))).not.toContain(
      'concierge:pw',
    );
  });
});

describe('mistakes', () => {
  it('are reported all together, each with its path, the problem and a fix', () => {
    const file = fileWith('issuer: https://login.example.com/?tenant=1\nlifetimes: { grant: 60, colour: blue }\n');
    const wrong = { CONCIERGE_LISTEN_PORT: 'http', CONCIERGE_LISTENPORT: '80', DATABASE_URL: 'mysql://h/d' };
    const mistakes = mistakesOf(() => loadConfig({ env: wrong, file, mode: 'production' }));
    expect(mistakes.map(({ path }) => path).sort()).toEqual([
      'CONCIERGE_LISTENPORT',
      'CONCIERGE_SECRET',
      'DATABASE_URL',
      'issuer',
      'lifetimes.colour',
      'lifetimes.grant',
      'listen.port',
    ]);
    expect(mistakes.every(({ problem, fix }) => problem !== '' && fix !== '')).toBe(true);
    expect(mistakes.find(({ path }) => path === 'listen.port')?.fix).toContain('CONCIERGE_LISTEN_PORT');
  });

  it('name the file that is missing or no YAML, without quoting it', () => {
    const missing = mistakesOf(() => loadConfig({ env, file: '/nowhere.yaml', mode: 'production' }));
    expect(missing).toMatchObject([{ path: '/nowhere.yaml' }]);
    const broken = mistakesOf(() => loadConfig({ env, file: fileWith('a: b: canary\n'), mode: 'production' }));
    expect(broken[0]?.problem).toMatch(/at line 1/);
    expect(broken[0]?.problem).not.toContain('canary');
  });

  it.each([
    ['CONCIERGE_LIFETIMES_AUTHORIZATION_CODE', '601'],
    ['CONCIERGE_LIFETIMES_ACCESS_TOKEN', '0'],
    ['CONCIERGE_ISSUER', 'login.example.com'],
    ['CONCIERGE_ISSUER', 'https://login.example.com/'],
    ['CONCIERGE_ISSUER', 'https://login.example.com#top'],
    ['CONCIERGE_ISSUER', 'https://user:pw@login.example.com'],
    ['CONCIERGE_TRUSTED_PROXIES', '-1'],
    ['CONCIERGE_PASSWORDS_MEMORY_KIB', '1024'],
    ['CONCIERGE_LOG_LEVEL', 'loud'],
    ['CONCIERGE_RESOURCE_API_ALLOWED_ORIGINS', 'https://app.example.com/,https://b.example.com'],
  ])('include %s=%s', (name, value) => {
    expect(mistakesOf(() => loadSettings({ env: { [name]: value }, mode: 'production' }))).toHaveLength(1);
  });
});

describe('the issuer', () => {
  it.each([
    ['https://example.com/a/../login', 'https://example.com/login'],
    ['HTTPS://login.example.com', 'https://login.example.com'],
    ['https://Login.Example.com', 'https://login.example.com'],
    ['https://login.example.com:443', 'https://login.example.com'],
  ])('is refused as %s: every endpoint and cookie is at %s', (issuer, written) => {
    const mistakes = mistakesOf(() => loadSettings({ env: { CONCIERGE_ISSUER: issuer }, mode: 'production' }));
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toMatchObject({ path: 'issuer', problem: 'is not written as a URL is compared' });
    expect(loadSettings({ env: { CONCIERGE_ISSUER: written }, mode: 'production' }).issuer).toBe(written);
  });
});

describe('production', () => {
  it.each([
    [{ CONCIERGE_MUTUAL_TLS_HEADER: 'X-Client-Certificate' }, ['mutualTls.header']],
    [{ CONCIERGE_MUTUAL_TLS_HEADER: 'X-Client-Certificate', CONCIERGE_TRUSTED_PROXIES: '1' }, []],
    [{ CONCIERGE_MUTUAL_TLS_HEADER: 'not a header', CONCIERGE_TRUSTED_PROXIES: '1' }, ['mutualTls.header']],
    [{ CONCIERGE_MUTUAL_TLS_VERIFIED_HEADER: 'X-Client-Verify' }, ['mutualTls.verifiedHeader']],
    [{ CONCIERGE_MUTUAL_TLS_ORIGIN: 'https://mtls.example.com' }, ['mutualTls.origin']],
  ])('takes no certificate from just anybody: %j', (given, paths) => {
    const mistakes = mistakesOf(() => loadConfig({ env: { ...env, ...given }, mode: 'development' }));
    expect(mistakes.map(({ path }) => path)).toEqual(paths);
    expect(mistakes.every(({ fix }) => fix !== '')).toBe(true);
  });

  it('C24: keeps authorization codes for a minute at most by default', () => {
    expect(loadSettings({ env: {}, mode: 'production' }).lifetimes.authorizationCode).toBeLessThanOrEqual(60);
  });

  it.each(['http://localhost:3000', 'http://127.0.0.1', 'http://[::1]:3000', 'https://login.example.com'])(
    'accepts %s as issuer',
    (issuer) => {
      expect(loadSettings({ env: { CONCIERGE_ISSUER: issuer }, mode: 'production' }).issuer).toBe(issuer);
    },
  );

  it.each(['http://login.example.com', 'http://127.0.0.1.example.com', 'http://localhost.example.com'])(
    'refuses %s as issuer',
    (issuer) => {
      const [mistake] = mistakesOf(() => loadSettings({ env: { CONCIERGE_ISSUER: issuer }, mode: 'production' }));
      expect(mistake).toMatchObject({ path: 'issuer', problem: 'is http, and not a loopback address' });
      expect(loadSettings({ env: { CONCIERGE_ISSUER: issuer }, mode: 'development' }).issuer).toBe(issuer);
    },
  );

  it('refuses missing, short and demo secrets, all listed together', () => {
    expect(mistakesOf(() => loadConfig({ env: {}, mode: 'production' })).map(({ path }) => path)).toEqual([
      'DATABASE_URL',
      'CONCIERGE_SECRET',
    ]);
    const demo = { DATABASE_URL: 'postgres://u:correct-horse-battery-staple@h/d', CONCIERGE_SECRET: 'too short' };
    expect(mistakesOf(() => loadConfig({ env: demo, mode: 'production' })).map(({ path }) => path)).toEqual([
      'CONCIERGE_SECRET',
      'DATABASE_URL',
    ]);
    for (const secret of ['demo-api-secret', 'short']) {
      const api = { ...apiEnv, CONCIERGE_RESOURCE_API_CLIENT_SECRET: secret };
      expect(mistakesOf(() => loadResourceApiConfig({ env: api, mode: 'production' }))).toHaveLength(1);
      expect(mistakesOf(() => loadResourceApiConfig({ env: api, mode: 'development' }))).toEqual([]);
    }
  });

  it('answers cross-origin calls of the demo clients in development only', () => {
    expect(loadResourceApiConfig({ env: apiEnv, mode: 'development' }).allowedOrigins).toEqual([
      'http://localhost:3002',
      'http://localhost:3004',
    ]);
    expect(loadResourceApiConfig({ env: apiEnv, mode: 'production' }).allowedOrigins).toEqual([]);
  });
});
