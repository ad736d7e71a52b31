import type { Caller } from '../caller.ts';

export interface Endpoint {
  /** What the token must carry, between spaces; empty where any good token does. */
  readonly scope: string;
  readonly callers: readonly Caller[];
  readonly does: string;
}

const ANYBODY: readonly Caller[] = ['guest', 'user', 'admin', 'client'];
const WORKING: readonly Caller[] = ['user', 'admin', 'client'];
const ADMINISTRATORS: readonly Caller[] = ['admin'];

/**
 * Everything that takes a token, and from whom. Nothing else decides who may call what: the router protects each of these
 * with its rule, and there is no way to add one without. Scopes say what a client may do for somebody, callers what somebody
 * may do here at all. Whose things a call deals with is decided by `owner.ts`: an administrator's are everyone's.
 */
export const ENDPOINTS = {
  'GET /records': { scope: 'records:read', callers: ANYBODY, does: 'list your records, newest first (limit, cursor)' },
  'POST /records': { scope: 'records:write', callers: WORKING, does: 'create a record from {"title", "body"}' },
  'GET /records/:id': { scope: 'records:read', callers: ANYBODY, does: 'one record' },
  'PUT /records/:id': { scope: 'records:write', callers: WORKING, does: 'replace its title and body' },
  'DELETE /records/:id': { scope: 'records:write', callers: WORKING, does: 'delete it' },
  'POST /blobs': { scope: 'blobs:write', callers: WORKING, does: 'store the raw bytes of the body' },
  'GET /blobs/:id': { scope: 'blobs:read', callers: ANYBODY, does: 'those bytes again' },
  'GET /reports': { scope: 'reports:run', callers: WORKING, does: 'which reports there are, and what each takes' },
  'POST /reports/:name/run': {
    scope: 'reports:run',
    callers: WORKING,
    does: 'run one over your records and files, with its parameters as JSON',
  },
  'GET /admin/owners': {
    scope: 'records:read blobs:read',
    callers: ADMINISTRATORS,
    does: 'who keeps how much here, those with the most records first',
  },
  'GET /whoami': { scope: '', callers: ANYBODY, does: 'what is known about the bearer of the token' },
} as const satisfies Readonly<Record<`${string} /${string}`, Endpoint>>;

export type EndpointName = keyof typeof ENDPOINTS;
