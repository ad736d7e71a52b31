import { z } from 'zod';
import type { Demonstration } from '../authorization-server/pages/demonstration.ts';
import { isAllowed, PROFILES, type ProfileName } from '../authorization-server/profiles/profile.ts';
import type { LocalAddresses } from './local-addresses.ts';

/** What of the demo directory is shown to whoever tries Concierge out; applying it has checked the rest. */
const Demo = z.object({
  accounts: z.array(z.object({ email: z.string(), password: z.string(), roles: z.array(z.string()) })),
  clients: z.array(
    z.object({ client_id: z.string(), client_name: z.string(), grant_types: z.array(z.string()).default([]) }),
  ),
});

export function demonstrationOf(
  content: unknown,
  { playground, sampleWebApp, sampleSinglePageApp }: LocalAddresses,
): Demonstration {
  const { accounts, clients } = Demo.parse(content);
  return {
    accounts,
    clients: clients
      .filter(({ grant_types }) => grant_types.length > 0)
      .map(({ client_id, client_name, grant_types }) => ({
        clientId: client_id,
        name: client_name,
        grantTypes: grant_types,
      })),
    playground,
    sampleWebApp,
    sampleSinglePageApp,
  };
}

interface Welcome extends LocalAddresses {
  readonly demonstration: Demonstration;
  readonly profile: ProfileName;
  /** Mail is to be read there, because none is sent. */
  readonly keepsMailbox: boolean;
}

/** What `concierge dev` prints when it is ready: addresses, accounts, and lines to copy into a shell or a browser. */
export function welcome({ demonstration, profile, keepsMailbox, ...addresses }: Welcome): string {
  const { issuer, resourceApi, playground, sampleWebApp, sampleSinglePageApp } = addresses;
  const accounts = demonstration.accounts.map(
    ({ email, password, roles }) => `  ${email.padEnd(20)} ${password}   (${roles.join(', ')})`,
  );
  return `
Concierge is ready. Ctrl-C stops everything; what you do here is kept for the next start.

  authorization server  ${issuer}
  resource API          ${resourceApi}
  playground            ${playground}
  sample web app        ${sampleWebApp}
  single-page app       ${sampleSinglePageApp}${keepsMailbox ? `\n  mailbox               ${issuer}/mailbox` : ''}

Sign in as
${accounts.join('\n')}

Discovery
  curl ${issuer}/.well-known/openid-configuration

${examples({ issuer, playground, profile }).join('\n')}`;
}

/** Lines to copy, as far as the profile of the server lets the demo clients do that. */
function examples({ issuer, playground, profile }: Pick<Welcome, 'issuer' | 'playground' | 'profile'>): string[] {
  const { authMethods, grantTypes, pkceForAll } = PROFILES[profile];
  const code = { client_id: 'demo-web', response_type: 'code', redirect_uri: `${playground}/callback` };
  const token = { client_id: 'demo-implicit', response_type: 'token', redirect_uri: `${playground}/implicit/callback` };
  const state = 'from-the-terminal';
  const all: [boolean, string][] = [
    [
      isAllowed(authMethods, 'client_secret_basic'),
      `Client credentials (RFC 6749 section 4.4)
  curl -u demo-machine:demo-machine-secret -d grant_type=client_credentials -d scope=records:read ${issuer}/token
`,
    ],
    [
      isAllowed(grantTypes, 'password'),
      `Password (RFC 6749 section 4.3)
  curl -u demo-password:demo-password-secret -d grant_type=password -d username=alice@example.com \\
    -d password=correct-horse-battery-staple -d 'scope=openid records:read' ${issuer}/token
`,
    ],
    [
      true,
      `Introspection (RFC 7662), with a token
  curl -u demo-api:demo-api-secret -d token=PASTE_IT_HERE ${issuer}/token/introspection
`,
    ],
    [
      !pkceForAll, // Nobody computes a challenge by hand.
      `In the browser: authorization code (RFC 6749 section 4.1)
  ${browserLink(issuer, { ...code, scope: 'openid profile records:read', state })}
`,
    ],
    [
      isAllowed(grantTypes, 'implicit'),
      `In the browser: implicit (RFC 6749 section 4.2)
  ${browserLink(issuer, { ...token, scope: 'records:read', state })}
`,
    ],
  ];
  return all.flatMap(([works, text]) => (works ? [text] : []));
}

function browserLink(issuer: string, parameters: Record<string, string>): string {
  return `${issuer}/auth?${new URLSearchParams(parameters)}`;
}
