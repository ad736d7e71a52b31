/**
 * A directory file: who and what the authorization server is to know. Read as a whole before anything is applied, and
 * every mistake in it is reported at once.
 */
import type { z } from 'zod';
import { canonicalEmail } from '../accounts/email.ts';
import type { AccountDescription } from '../accounts/manage-accounts.ts';
import { usesSecret } from '../clients/authentication-rules.ts';
import type { Client } from '../clients/client.ts';
import { ClientRegistration } from '../clients/registration.ts';
import { hashSecret } from '../clients/secret.ts';
import { tokenExchangeProblem } from '../clients/token-exchange.ts';
import { type TrustedIssuer, TrustedIssuerEntry } from '../clients/trusted-issuer.ts';
import type { ResourceServer, Role } from '../resources/resource-server.ts';
import { AccountEntry, ClientEntry, DirectoryFile, ResourceServerEntry, RoleEntry } from './entries.ts';
import { DirectoryError, type Mistake, mistakesOf } from './mistake.ts';
import { type Known, referenceMistakes } from './references.ts';
import { clientSecretProblem, passwordProblem, resolveSecret, type SecretRules } from './secrets.ts';

export interface Directory {
  readonly resourceServers: readonly ResourceServer[];
  readonly roles: readonly Role[];
  readonly clients: readonly Client[];
  readonly trustedIssuers: readonly TrustedIssuer[];
  readonly accounts: readonly AccountDescription[];
}

export interface DirectoryRules extends SecretRules {
  /** What exists already: a file may refer to it without naming it again. */
  readonly known: Known;
}

/** Throws a `DirectoryError` with everything that is wrong. `content` is what the YAML parser returned. */
export function parseDirectory(content: unknown, rules: DirectoryRules): Directory {
  const file = DirectoryFile.safeParse(content ?? {});
  if (!file.success) {
    throw new DirectoryError(mistakesOf(file.error, 'directory'));
  }
  const mistakes: Mistake[] = [];
  const directory = {
    resourceServers: entriesOf('resourceServers', 'identifier', file.data, ResourceServerEntry, mistakes).map(toServer),
    roles: entriesOf('roles', 'name', file.data, RoleEntry, mistakes),
    clients: entriesOf('clients', 'client_id', file.data, ClientEntry, mistakes).flatMap((entry) =>
      toClient(entry, rules, mistakes),
    ),
    trustedIssuers: entriesOf('trustedIssuers', 'issuer', file.data, TrustedIssuerEntry, mistakes),
    accounts: entriesOf('accounts', 'email', file.data, AccountEntry, mistakes).map((entry) =>
      toAccount(entry, rules, mistakes),
    ),
  };
  mistakes.push(...referenceMistakes(directory, file.data, rules.known));
  if (mistakes.length > 0) {
    throw new DirectoryError(mistakes);
  }
  return directory;
}

/** The entries of one kind that have the right shape. The others, and those that appear twice, become mistakes. */
function entriesOf<Entry extends z.ZodType>(
  kind: keyof z.output<typeof DirectoryFile>,
  key: string,
  file: z.output<typeof DirectoryFile>,
  schema: Entry,
  mistakes: Mistake[],
): z.output<Entry>[] {
  const seen = new Set<string>();
  return file[kind].flatMap((raw, index) => {
    const name: unknown = (raw as Record<string, unknown> | null)?.[key];
    const path = `${kind}.${typeof name === 'string' && name !== '' ? name : index}`;
    const parsed = schema.safeParse(raw);
    if (!parsed.success) {
      mistakes.push(...mistakesOf(parsed.error, path));
      return [];
    }
    const identity = kind === 'accounts' ? canonicalEmail(name) : name;
    if (seen.has(String(identity))) {
      mistakes.push({ path, problem: 'appears more than once', fix: 'keep one of them' });
    }
    seen.add(String(identity));
    return [parsed.data];
  });
}

function toServer(entry: z.output<typeof ResourceServerEntry>): ResourceServer {
  const { default: isDefault, accessTokenTtl, claims, authorizationDetailsTypes, ...server } = entry;
  return {
    ...server,
    isDefault,
    accessTokenTtl,
    claims: [...new Set(claims)].sort(),
    ...(authorizationDetailsTypes.length === 0 ? {} : { authorizationDetailsTypes }),
  };
}

function toClient(entry: z.output<typeof ClientEntry>, rules: DirectoryRules, mistakes: Mistake[]): Client[] {
  const { client_id, client_secret: value, client_secret_env: variable, ...described } = entry;
  const { resource_server, token_exchange, ...registration } = described;
  const path = `clients.${client_id}`;
  const written = { path: `${path}.client_secret`, value, variable, problemWith: clientSecretProblem };
  const secret = resolveSecret(written, rules, mistakes);
  const metadata = ClientRegistration.safeParse(registration);
  if (!metadata.success) {
    mistakes.push(...mistakesOf(metadata.error, path));
    return [];
  }
  const hasSecret = value !== undefined || variable !== undefined;
  if (usesSecret(metadata.data) !== hasSecret) {
    mistakes.push(secretMistake(written.path, hasSecret, metadata.data.token_endpoint_auth_method));
  }
  if (metadata.data.token_endpoint_auth_method === 'none' && resource_server !== undefined) {
    const fix = 'give the client a secret: introspection has to know who asks (RFC 7662 section 2.1)';
    mistakes.push({ path: `${path}.resource_server`, problem: 'is bound to a public client', fix });
  }
  const exchange = tokenExchangeProblem(token_exchange, metadata.data);
  if (exchange !== undefined) {
    mistakes.push({ path: `${path}.token_exchange`, ...exchange });
  }
  const secretHash = secret === undefined ? undefined : hashSecret(secret);
  const permitted = { ...metadata.data, ...(token_exchange === undefined ? {} : { token_exchange }) };
  return [{ clientId: client_id, metadata: permitted, secretHash, resourceServer: resource_server }];
}

function secretMistake(path: string, hasSecret: boolean, method: string): Mistake {
  return hasSecret
    ? {
        path,
        problem: `is given to a ${method === 'none' ? 'public client' : `client that uses ${method}`}`,
        fix: 'remove it, or choose another token_endpoint_auth_method',
      }
    : {
        path,
        problem: 'is missing',
        fix: 'write client_secret_env: NAME_OF_A_VARIABLE, or token_endpoint_auth_method: none for a public client',
      };
}

function toAccount(
  entry: z.output<typeof AccountEntry>,
  rules: DirectoryRules,
  mistakes: Mistake[],
): AccountDescription {
  const { email, name, roles, claims, email_verified: emailVerified, password: value, password_env: variable } = entry;
  const problemWith = passwordProblem({ email, name });
  const written = { path: `accounts.${email}.password`, value, variable, problemWith };
  return { email, name, roles, emailVerified, claims, password: resolveSecret(written, rules, mistakes) };
}
