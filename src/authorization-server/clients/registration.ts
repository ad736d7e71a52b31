/**
 * Client metadata as somebody registers it: RFC 7591 §2, OpenID Connect Registration §2, and what this server adds. A field that
 * is not named here is refused, so nobody can set by registration what the server decides (or will decide) by itself.
 *
 * Keys and algorithms: a client secret is stored as a hash, so nothing may be signed or encrypted with it: no HS*, no
 * `client_secret_jwt`. An ID token is always signed.
 */
import { z } from 'zod';
import { redirectUriProblem } from './redirect-uri.ts';
import { broken, rule } from './rule.ts';

const GRANT_TYPES = ['authorization_code', 'implicit', 'password', 'client_credentials', 'refresh_token'] as const;
const RESPONSE_TYPES = [
  'code',
  'token',
  'id_token',
  'id_token token',
  'code id_token',
  'code token',
  'code id_token token',
] as const;

type GrantType = (typeof GRANT_TYPES)[number];

/** Grants in which an account holder takes part. */
const ACCOUNT_GRANTS: readonly GrantType[] = ['authorization_code', 'implicit', 'password'];

/** OpenID Connect Core §5.4 and §11: each tells or does something about an account. */
const ACCOUNT_SCOPES: readonly string[] = ['openid', 'profile', 'email', 'offline_access'];

const text = z
  .string()
  .min(1)
  .max(200)
  .refine((value) => !/[\p{Cc}\p{Cs}]/u.test(value), rule('has characters that nobody can read', 'remove them'));

const httpsUrl = z
  .string()
  .max(2048)
  .refine(
    (value) => /^https:\/\/[^/]/i.test(value) && URL.canParse(value),
    rule('is not an https URL', 'write it like https://app.example.com/about'),
  );

/** RFC 6749 §3.3. Written once each, with single spaces, so that what is stored is what is compared. */
const scope = z
  .string()
  .max(2000)
  .refine(
    (value) => /^[\x21\x23-\x5B\x5D-\x7E]+( [\x21\x23-\x5B\x5D-\x7E]+)*$/.test(value),
    rule('is not a list of scopes', 'separate the scopes by single spaces, without quotes or backslashes'),
  )
  .refine(
    (value) => new Set(value.split(' ')).size === value.split(' ').length,
    rule('names a scope twice', 'name each scope once'),
  );

const uris = z.array(z.string()).max(100);

/** The words of a response type may come in any order (RFC 6749 §3.1.1). */
const responseType = z
  .string()
  .transform((value) => value.split(' ').sort().join(' '))
  .pipe(z.enum(RESPONSE_TYPES));

const Metadata = z
  .strictObject({
    application_type: z.enum(['web', 'native']).default('web'),
    client_name: text.exactOptional(),
    client_uri: httpsUrl.exactOptional(),
    logo_uri: httpsUrl.exactOptional(),
    policy_uri: httpsUrl.exactOptional(),
    tos_uri: httpsUrl.exactOptional(),
    contacts: z.array(z.email()).max(20).exactOptional(),
    redirect_uris: uris.exactOptional(),
    post_logout_redirect_uris: uris.exactOptional(),
    token_endpoint_auth_method: z
      .enum(['client_secret_basic', 'client_secret_post', 'none'])
      .default('client_secret_basic'),
    grant_types: z.array(z.enum(GRANT_TYPES)).default(['authorization_code']),
    response_types: z.array(responseType).exactOptional(),
    scope: scope.exactOptional(),
    default_scope: scope.exactOptional(),
    id_token_signed_response_alg: z.enum(['RS256', 'ES256']).exactOptional(),
    default_max_age: z.int().min(0).exactOptional(),
    require_auth_time: z.boolean().exactOptional(),
  })
  .transform((metadata) => ({
    ...metadata,
    // RFC 7591 §2 has "code" as the default; a client without the grant for it has no use for any.
    response_types: metadata.response_types ?? (metadata.grant_types.includes('authorization_code') ? ['code'] : []),
  }));
type Metadata = z.output<typeof Metadata>;

export const ClientRegistration = Metadata.superRefine((metadata, context) => {
  const issues = [
    ...uriIssues(metadata),
    ...grantIssues(metadata),
    ...responseTypeIssues(metadata),
    ...scopeIssues(metadata),
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
  if (
    grant_types.includes('refresh_token') &&
    !grant_types.some((grant) => grant === 'authorization_code' || grant === 'password')
  ) {
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

function* scopeIssues({ grant_types, scope = '', default_scope }: Metadata) {
  const allowed = scope.split(' ');
  const beyond = default_scope?.split(' ').filter((one) => !allowed.includes(one)) ?? [];
  if (beyond.length > 0) {
    yield broken(
      ['default_scope'],
      `has scopes that "scope" lacks: ${beyond.join(' ')}`,
      'add them to "scope", or remove them here',
    );
  }
  const aboutAccounts = allowed.filter((one) => ACCOUNT_SCOPES.includes(one));
  if (aboutAccounts.length > 0 && !grant_types.some((grant) => ACCOUNT_GRANTS.includes(grant))) {
    const fix = 'remove them, or add a grant in which an account holder takes part';
    yield broken(
      ['scope'],
      `has scopes about an account that this client never acts for: ${aboutAccounts.join(' ')}`,
      fix,
    );
  }
}
