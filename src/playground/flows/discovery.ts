/** OpenID Connect Discovery 1.0 and RFC 8414: everything that a client has to know, from one URL. */
import * as openid from 'openid-client';
import { refusedByClient } from '../attempt.ts';
import type { Action, Flow, FlowContext } from '../flow.ts';
import { CLIENT_ROLES } from '../issuers.ts';
import { rfc } from '../parties.ts';

const DISCOVERY = {
  label: 'OpenID Connect Discovery',
  url: 'https://openid.net/specs/openid-connect-discovery-1_0.html',
};

const get = ({ send }: FlowContext, url: string) =>
  send(url, { method: 'GET', headers: { accept: 'application/json' } });

const keys: Action = {
  name: 'keys',
  title: 'Get the keys',
  testid: 'keys',
  arrow: { from: 'client', to: 'authorization-server', label: 'GET the public keys' },
  isAvailable: ({ metadata }) => metadata.jwks_uri !== undefined,
  async perform(context) {
    await get(context, context.metadata.jwks_uri ?? '');
  },
};

const apiMetadata: Action = {
  name: 'api-metadata',
  title: 'Ask the API',
  testid: 'api-metadata',
  arrow: { from: 'client', to: 'resource-server', label: 'GET the API’s metadata' },
  isAvailable: ({ server }) => server.settings.api !== undefined,
  async perform(context) {
    const { origin } = new URL(context.server.settings.api?.url ?? '');
    await get(context, `${origin}/.well-known/oauth-protected-resource`);
  },
};

export const discovery: Flow = {
  name: 'discovery',
  path: '/tools/discovery',
  title: 'Discovery',
  summary: 'Endpoints, grants, keys: everything that a client has to know, from one URL.',
  purpose:
    'For every client, before anything else. From the issuer’s URL alone it learns the endpoints, what the server can do and the keys that it signs with; nothing of that is written into the client.',
  standards: [DISCOVERY, rfc(8414), rfc(9728)],
  roles: CLIENT_ROLES,
  runsIn: 'server',
  fields: [],
  missing: () => undefined,
  start: {
    name: 'start',
    title: 'Discover',
    testid: 'start',
    arrow: { from: 'client', to: 'authorization-server', label: 'GET the metadata' },
    isAvailable: () => true,
    async perform({ server, recorder }) {
      await server.discover(recorder);
    },
  },
  actions: [keys, apiMetadata],
  story: ['keys', 'api-metadata'],
  breakers: [
    {
      name: 'other-issuer',
      title: 'A document of another issuer',
      attack:
        'Somebody serves a copy of the document with endpoints of their own, under another name than the one that was asked.',
      rule: 'The issuer in the document has to be the one that was asked, character for character.',
      standard: rfc(8414, '3.3'),
      isAvailable: () => true,
      attempt: (context) =>
        refusedByClient(context, {
          believed: 'The document arrives, and names another issuer than the one in the request.',
          compare: [
            ['issuer expected', 'https://other.example', 'Where the client asked.'],
            ['issuer received', context.metadata.issuer, 'Who the document says it is from.'],
          ],
          check: () =>
            openid.discovery(new URL('https://other.example'), 'playground', undefined, openid.None(), {
              [openid.customFetch]: async () => Response.json(context.metadata),
            }),
        }),
    },
  ],
};
