import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { hashSecret } from '../clients/secret.ts';
import { type DirectoryRules, parseDirectory } from './directory.ts';
import { DirectoryError, type Mistake } from './mistake.ts';

const rules: DirectoryRules = {
  env: { WEB_SECRET: 'a-secret-that-is-long-enough-to-be-one', ADMIN_PASSWORD: 'a long enough password' },
  known: { resourceServers: new Set(), scopes: new Set(), roles: new Set(), authorizationDetailsTypes: new Map() },
  passwordProblem: (password) => (password.length < 8 ? 'The password is too short.' : undefined),
};
const production = {
  demoSecrets: new Set(['demo-web-secret', 'correct-horse-battery-staple']),
  shortestClientSecret: 32,
};

const api = {
  identifier: 'https://api.example.com',
  name: 'API',
  default: true,
  scopes: [{ name: 'records:read', description: 'see your records' }],
  claims: ['email'],
};
const web = {
  client_id: 'web',
  client_secret_env: 'WEB_SECRET',
  redirect_uris: ['https://app.example.com/cb'],
  scope: 'openid records:read',
};
const role = { name: 'user', scopes: ['records:read'] };
const admin = { email: 'admin@example.com', name: 'Ada', password_env: 'ADMIN_PASSWORD', roles: ['user'] };
const file = { resourceServers: [api], roles: [role], clients: [web], accounts: [admin] };

function mistakesIn(content: unknown, changes: Partial<DirectoryRules> = {}): readonly Mistake[] {
  try {
    parseDirectory(content, { ...rules, ...changes });
  } catch (error) {
    if (error instanceof DirectoryError) {
      return error.mistakes;
    }
    throw error;
  }
  return [];
}

const pathsIn = (content: unknown, changes?: Partial<DirectoryRules>) =>
  mistakesIn(content, changes).map(({ path }) => path);

describe('a directory file', () => {
  it('becomes resource servers, roles, clients and accounts', () => {
    expect(parseDirectory(file, rules)).toEqual({
      resourceServers: [
        {
          identifier: api.identifier,
          name: 'API',
          isDefault: true,
          accessTokenFormat: 'opaque',
          accessTokenTtl: undefined,
          scopes: api.scopes,
          claims: ['email'],
        },
      ],
      roles: [{ ...role, description: '' }],
      clients: [
        {
          clientId: 'web',
          metadata: {
            application_type: 'web',
            grant_types: ['authorization_code'],
            redirect_uris: web.redirect_uris,
            response_types: ['code'],
            scope: web.scope,
            token_endpoint_auth_method: 'client_secret_basic',
          },
          secretHash: hashSecret('a-secret-that-is-long-enough-to-be-one'),
          resourceServer: undefined,
        },
      ],
      trustedIssuers: [],
      accounts: [
        {
          email: admin.email,
          name: 'Ada',
          roles: ['user'],
          emailVerified: undefined,
          password: 'a long enough password',
        },
      ],
    });
  });

  it('may be empty', () => {
    const nothing = { resourceServers: [], roles: [], clients: [], trustedIssuers: [], accounts: [] };
    expect(parseDirectory(null, rules)).toEqual(nothing);
  });

  it('may refer to what exists already', () => {
    const known = {
      resourceServers: new Set([api.identifier]),
      scopes: new Set(['records:read']),
      roles: new Set(['user']),
      authorizationDetailsTypes: new Map(),
    };
    const clients = [{ ...web, resource_server: api.identifier }];
    expect(mistakesIn({ clients, accounts: [admin] }, { known })).toEqual([]);
    expect(pathsIn({ clients, accounts: [admin] })).toEqual([
      'accounts.admin@example.com.roles',
      'clients.web.scope',
      'clients.web.resource_server',
    ]);
  });

  it.each([['a text'], [[]], [{ clients: 'demo-web' }], [{ users: [] }]])('is refused when it is %j', (content) => {
    expect(mistakesIn(content)).toHaveLength(1);
  });
});

describe('mistakes in a directory', () => {
  it('are reported all together, each with its path, the problem and a fix', () => {
    const broken = {
      resourceServers: [
        { ...api, identifier: 'api' },
        { ...api, default: true, claims: ['password'] },
      ],
      roles: [{ name: 'user', scopes: ['records:read', 'records:delete'] }],
      clients: [{ ...web, redirect_uris: ['javascript:alert(1)'] }, { ...web, client_id: 7 }, null],
      accounts: [
        { ...admin, roles: ['root'], is_admin: true },
        { ...admin, email: 'nobody' },
        { ...admin, email: 'b@example.com', claims: { email: 'x@example.com', birthdate: 'today', address: [] } },
      ],
    };
    const mistakes = mistakesIn(broken);
    expect(mistakes.map(({ path }) => path)).toEqual([
      'resourceServers.api.identifier',
      'resourceServers.https://api.example.com.claims.0',
      'clients.1.client_id',
      'clients.2',
      'clients.web.redirect_uris.0',
      'accounts.admin@example.com.is_admin',
      'accounts.nobody.email',
      'accounts.b@example.com.claims.birthdate',
      'accounts.b@example.com.claims.address',
      'accounts.b@example.com.claims.email',
      'roles.user.scopes',
    ]);
    expect(mistakes.every(({ problem, fix }) => problem !== '' && fix !== '')).toBe(true);
  });

  it('include entries that appear twice, however the address is written', () => {
    const twice = { ...file, clients: [web, web], accounts: [admin, { ...admin, email: 'ADMIN@example.com' }] };
    expect(pathsIn(twice)).toEqual(['clients.web', 'accounts.ADMIN@example.com']);
  });

  it('include two default resource servers and a scope twice', () => {
    const other = { ...api, identifier: 'https://other.example.com', scopes: [...api.scopes, ...api.scopes] };
    expect(pathsIn({ resourceServers: [api, other] })).toEqual([
      'resourceServers.https://other.example.com.default',
      'resourceServers.https://other.example.com.scopes',
    ]);
  });

  it.each(['openid', 'offline_access', 'two words', 'quo"ted'])('include a scope called %s', (name) => {
    expect(pathsIn({ resourceServers: [{ ...api, scopes: [{ name, description: 'x' }] }] })).toContain(
      `resourceServers.${api.identifier}.scopes.0.name`,
    );
  });

  it('C81: include fields that no client has', () => {
    expect(pathsIn({ ...file, clients: [{ ...web, is_admin: true }] })).toEqual(['clients.web.is_admin']);
  });

  it('include a secret for a public client, and none for a confidential one', () => {
    const confidential = { ...web, client_secret_env: undefined };
    const isPublic = { ...web, client_id: 'spa', token_endpoint_auth_method: 'none', resource_server: api.identifier };
    expect(pathsIn({ ...file, clients: [confidential, isPublic] })).toEqual([
      'clients.web.client_secret',
      'clients.spa.client_secret',
      'clients.spa.resource_server',
    ]);
  });

  it('include a secret for a client that has a key or a certificate', () => {
    const jwks = { keys: [{ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }] };
    const keyed = { ...web, token_endpoint_auth_method: 'private_key_jwt', jwks };
    const certified = { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_dns: 'a.example.com' };
    expect(
      pathsIn({
        ...file,
        clients: [keyed, { ...web, ...certified, client_id: 'certified', client_secret_env: undefined }],
      }),
    ).toEqual(['clients.web.client_secret']);
  });

  it('include secrets given twice, or by a variable that is not set', () => {
    const clients = [
      { ...web, client_secret: 'one' },
      { ...web, client_id: 'other', client_secret_env: 'NOT_SET' },
    ];
    expect(pathsIn({ ...file, clients })).toEqual(['clients.web.client_secret', 'clients.other.client_secret_env']);
    expect(pathsIn({ ...file, accounts: [{ ...admin, password_env: 'NOT_SET' }] })).toEqual([
      'accounts.admin@example.com.password_env',
    ]);
  });

  it.each(['with\nline', 'sëcret', '', 'x'.repeat(256)])(
    'include a client secret like %.10j, which no client can send',
    (client_secret) => {
      const clients = [{ client_id: 'api', client_secret, grant_types: [] }];
      expect(pathsIn({ clients })).toEqual(['clients.api.client_secret']);
    },
  );

  it('include a client secret too short for production, from the environment too', () => {
    const env = { WEB_SECRET: 'short' };
    expect(pathsIn(file, { production })).toEqual([]);
    expect(pathsIn({ ...file, accounts: [] }, { production, env })).toEqual(['clients.web.client_secret']);
  });

  it('include a password that nobody may choose', () => {
    const accounts = [{ ...admin, password_env: undefined, password: 'short' }];
    expect(mistakesIn({ ...file, accounts })).toMatchObject([{ problem: 'The password is too short.' }]);
  });

  it('never repeat a secret', () => {
    const clients = [{ ...web, client_secret: 'canary', client_secret_env: undefined }];
    const accounts = [{ ...admin, password: 'canary', password_env: undefined }];
    const mistakes = mistakesIn({ ...file, clients, accounts }, { production });
    expect(mistakes).toHaveLength(2);
    expect(JSON.stringify(mistakes)).not.toContain('canary');
  });

  it('include characters that the database or a log line cannot hold', () => {
    const clients = [
      { ...web, client_name: 'nul\0' },
      { ...web, client_id: 'surrogate', client_name: '\ud800' },
    ];
    expect(pathsIn({ ...file, clients })).toEqual(['clients.web.client_name', 'clients.surrogate.client_name']);
  });
});

describe('config/demo.yaml', () => {
  const demo: unknown = parse(readFileSync(join(import.meta.dirname, '../../../config/demo.yaml'), 'utf8'));

  it('is a valid directory for development', () => {
    const { clients, accounts, resourceServers } = parseDirectory(demo, rules);
    expect(clients.map(({ clientId }) => clientId)).toEqual([
      'demo-web',
      'demo-spa',
      'demo-implicit',
      'demo-password',
      'demo-machine',
      'demo-short-lived',
      'demo-device',
      'demo-ciba',
      'sample-web',
      'sample-spa',
      'demo-api',
    ]);
    expect(accounts.map(({ email, roles }) => [email, ...roles])).toEqual([
      ['alice@example.com', 'user'],
      ['guest@example.com', 'guest'],
      ['admin@example.com', 'admin'],
    ]);
    expect(resourceServers).toMatchObject([{ identifier: 'http://localhost:3001', isDefault: true }]);
  });

  it('is refused in production, each of its secrets by name', () => {
    expect(pathsIn(demo, { production })).toEqual([
      'clients.demo-web.client_secret',
      'clients.demo-password.client_secret',
      'clients.demo-machine.client_secret',
      'clients.demo-short-lived.client_secret',
      'clients.demo-ciba.client_secret',
      'clients.sample-web.client_secret',
      'clients.sample-spa.client_secret',
      'clients.demo-api.client_secret',
      'accounts.alice@example.com.password',
      'accounts.guest@example.com.password',
      'accounts.admin@example.com.password',
    ]);
  });
});
