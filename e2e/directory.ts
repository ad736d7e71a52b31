import { PLAYGROUND } from './addresses.ts';

/** What XSS looks like where a person or a client may write something. Each would call `alert` or add an element. */
export const XSS = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(2)>',
  "'><svg onload=alert(3)>",
  '</title><script>alert(4)</script>',
  '</textarea><iframe srcdoc="<script>parent.alert(5)</script>">',
  '<%= process.env %>{{7+7}}#{alert(6)}',
  'javascript:alert(7)',
] as const;

const callback = `${PLAYGROUND}/callback`;

/** People whose apps lose their access, which nobody else's test may notice. */
export const OWNERS = ['Ann', 'Ben', 'Cem', 'Dee'].map((name) => ({
  email: `${name.toLowerCase()}@example.com`,
  name: `${name} Owner`,
}));

/** People who allow something for longer than a session, which no later test of anybody else's may find allowed. */
export const RESOLVED = ['Eve', 'Finn'].map((name) => ({
  email: `${name.toLowerCase()}@example.com`,
  name: `${name} Resolved`,
}));

/** For the account console: Kay leaves. */
export const ACCOUNT_HOLDERS = [
  { email: 'cora@example.com', name: 'Cora Cole' },
  { email: 'lee@example.com', name: 'Lee Lane' },
  { email: 'kay@example.com', name: 'Kay Kern' },
] as const;

/** Signs out everywhere, which ends what other tests do as the same person. */
export const LEAVER = { email: 'ivo@example.com', name: 'Ivo Inner' };

/** Who has this role needs a second factor (servers/start-everything.ts). */
export const CAREFUL = 'careful';

/** Beside the demo directory: clients for what its own are not registered for. */
export const TEST_DIRECTORY = {
  resourceServers: XSS.map((text, index) => ({
    identifier: `https://xss-${index}.example`,
    name: text,
    scopes: [{ name: `xss:${index}`, description: text }],
  })),
  roles: [{ name: 'xss', scopes: XSS.map((_text, index) => `xss:${index}`) }, { name: CAREFUL }],
  clients: [
    {
      client_id: 'e2e-hybrid',
      client_secret: 'e2e-hybrid-secret',
      client_name: 'Hybrid app',
      grant_types: ['authorization_code', 'implicit'],
      response_types: ['code', 'code id_token'],
      redirect_uris: [callback],
      scope: 'openid profile records:read',
      default_scope: 'openid profile',
    },
    ...XSS.map((text, index) => ({
      client_id: `e2e-xss-${index}`,
      client_secret: `e2e-xss-secret-${index}`,
      client_name: text,
      client_uri: `https://client.example/?q=${encodeURIComponent(text)}`,
      grant_types: ['authorization_code'],
      response_types: ['code'],
      redirect_uris: [`${callback}?client=${encodeURIComponent(text)}`],
      scope: `openid profile xss:${index}`,
      default_scope: 'openid profile',
    })),
  ],
  accounts: [
    ...XSS.map((text, index) => ({
      email: `xss-${index}@example.com`,
      name: text,
      password: 'correct-horse-battery-staple',
      email_verified: true,
      roles: ['xss'],
    })),
    ...[...OWNERS, ...RESOLVED, ...ACCOUNT_HOLDERS, LEAVER].map((person) => ({
      ...person,
      password: 'correct-horse-battery-staple',
      email_verified: true,
      roles: ['user'],
    })),
    // Each for one test, which changes how they sign in.
    ...['pia', 'pelle', 'petra', 'paul', 'perry', 'tom', 'tess', 'tim'].map((name) => ({
      email: `${name}@example.com`,
      name: 'P. Quist',
      password: 'correct-horse-battery-staple',
      email_verified: true,
      roles: ['user'],
    })),
    ...['carl', 'cleo', 'cyra'].map((name) => ({
      email: `${name}@example.com`,
      name: 'C. Reful',
      password: 'correct-horse-battery-staple',
      email_verified: true,
      roles: ['user', CAREFUL],
    })),
  ],
};
