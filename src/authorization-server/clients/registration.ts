/**
 * What of a client's metadata goes together, and what does not. The fields themselves are in metadata.ts.
 */
import { obstaclesBy, withheldBy } from '../profiles/problems.ts';
import { PROFILES } from '../profiles/profile.ts';
import { authenticationIssues } from './authentication-rules.ts';
import { backchannelIssues } from './backchannel-rules.ts';
import { type GrantType, Metadata } from './metadata.ts';
import { redirectUriProblem } from './redirect-uri.ts';
import { responseIssues } from './response-rules.ts';
import { broken } from './rule.ts';

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';
const CIBA = 'urn:openid:params:grant-type:ciba';
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** Grants in which an account holder takes part, or whose tokens may speak for one. */
const ACCOUNT_GRANTS: readonly GrantType[] = [
  'authorization_code',
  'implicit',
  'password',
  DEVICE_CODE,
  CIBA,
  JWT_BEARER,
  TOKEN_EXCHANGE,
];

/** Grants that come with a refresh token. */
const REFRESHABLE_GRANTS: readonly GrantType[] = ['authorization_code', 'password', DEVICE_CODE, CIBA];

/** OpenID Connect Core §5.4 and §11: each tells or does something about an account. */
const ACCOUNT_SCOPES: readonly string[] = ['openid', 'profile', 'email', 'address', 'phone', 'roles', 'offline_access'];

/** May a client with these grants have that scope? Nothing about an account where no account holder takes part. */
export function goesWith(grantTypes: readonly unknown[], scope: string): boolean {
  return !ACCOUNT_SCOPES.includes(scope) || ACCOUNT_GRANTS.some((grant) => grantTypes.includes(grant));
}

export const ClientRegistration = Metadata.superRefine((metadata, context) => {
  const issues = [
    ...uriIssues(metadata),
    ...authenticationIssues(metadata),
    ...grantIssues(metadata),
    ...backchannelIssues(metadata),
    ...responseTypeIssues(metadata),
    ...scopeIssues(metadata),
    ...responseIssues(metadata),
    ...profileIssues(metadata),
  ];
  for (const issue of issues) {
    context.addIssue(issue);
  }
});

function uriIssues({ application_type, redirect_uris = [], post_logout_redirect_uris = [], response_types }: Metadata) {
  const lists = { redirect_uris, post_logout_redirect_uris };
  const issues = Object.entries(lists).flatMap(([field, list]) =>
    list.flatMap((uri, index) => {
      const problem = redirectUriProblem(uri, application_type);
      const fix = 'register the exact https address; http only with localhost, 127.0.0.1 or [::1]';
      return problem === undefined ? [] : [broken([field, index], problem, fix)];
    }),
  );
  if (response_types.length > 0 && redirect_uris.length === 0) {
    issues.push(broken(['redirect_uris'], 'is missing', 'say where the browser goes with the answer'));
  }
  return issues;
}

/** A client that asks to be held to a profile may as well be told at once what that profile does not allow. */
function profileIssues(metadata: Metadata) {
  const profile = PROFILES[metadata.profile ?? 'rfc6749'];
  const problems = [...withheldBy(profile, metadata), ...obstaclesBy(profile, metadata)];
  return problems.map(({ field, problem, fix }) => broken([field], problem, fix));
}

function* grantIssues({ grant_types, token_endpoint_auth_method }: Metadata) {
  const isPublic = token_endpoint_auth_method === 'none';
  if (isPublic && grant_types.includes('client_credentials')) {
    // RFC 6749 §4.4: "MUST only be used by confidential clients"; the engine does not check it.
    const fix = 'give the client a secret, or take client_credentials away';
    yield broken(['grant_types'], 'gives client_credentials to a public client', fix);
  }
  if (isPublic && grant_types.length === 0) {
    const fix = 'name its grants, or give it a secret to introspect with';
    yield broken(['grant_types'], 'leaves a public client nothing to do', fix);
  }
  if (grant_types.includes('refresh_token') && !grant_types.some((grant) => REFRESHABLE_GRANTS.includes(grant))) {
    const fix = 'add authorization_code or password, or take refresh_token away';
    yield broken(['grant_types'], 'has refresh_token, but no grant that comes with one', fix);
  }
}

/** RFC 7591 §2.1: grant types and response types must tell the same story. */
function* responseTypeIssues({ grant_types, response_types }: Metadata) {
  const words = new Set(response_types.flatMap((type) => type.split(' ')));
  const pairs = [
    { grant: 'authorization_code', answered: words.has('code'), types: 'code' },
    { grant: 'implicit', answered: words.has('token') || words.has('id_token'), types: 'token or id_token' },
  ] as const;
  for (const { grant, answered, types } of pairs) {
    const granted = grant_types.includes(grant);
    if (granted && !answered) {
      yield broken(
        ['response_types'],
        `lacks ${types}, which goes with the grant type ${grant}`,
        `add it, or remove ${grant}`,
      );
    }
    if (!granted && answered) {
      yield broken(
        ['grant_types'],
        `lacks ${grant}, which goes with the response type ${types}`,
        'add it, or remove the response type',
      );
    }
  }
}

function* scopeIssues({ grant_types, scope = '', default_scope, required_scopes }: Metadata) {
  const allowed = scope.split(' ');
  for (const [field, scopes] of Object.entries({ default_scope, required_scopes })) {
    const beyond = scopes?.split(' ').filter((one) => !allowed.includes(one)) ?? [];
    if (beyond.length > 0) {
      const fix = 'add them to "scope", or remove them here';
      yield broken([field], `has scopes that "scope" lacks: ${beyond.join(' ')}`, fix);
    }
  }
  const aboutAccounts = allowed.filter((one) => !goesWith(grant_types, one));
  if (aboutAccounts.length > 0) {
    const fix = 'remove them, or add a grant in which an account holder takes part';
    yield broken(
      ['scope'],
      `has scopes about an account that this client never acts for: ${aboutAccounts.join(' ')}`,
      fix,
    );
  }
}
