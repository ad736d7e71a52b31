import type { PasswordOwner } from '../accounts/password-policy.ts';
import type { Mistake } from './mistake.ts';

/** Where secrets come from, and which of them are too weak for where they are used. */
export interface SecretRules {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Why nobody may have this password, in a sentence. */
  readonly passwordProblem: (password: string, owner: PasswordOwner) => string | undefined;
  /** Production only: the secrets that everybody knows, and the least length of a client secret. */
  readonly production?:
    | { readonly demoSecrets: ReadonlySet<string>; readonly shortestClientSecret: number }
    | undefined;
}

interface Written {
  /** `clients.demo-web.client_secret` or `accounts.a@b.example.password` */
  readonly path: string;
  readonly value: string | undefined;
  /** The name of the environment variable that holds it instead. */
  readonly variable: string | undefined;
  readonly problemWith: (secret: string, rules: SecretRules) => string | undefined;
}

/** The secret that an entry gives, by itself or through the environment; `undefined` when it gives none. */
export function resolveSecret(written: Written, rules: SecretRules, mistakes: Mistake[]): string | undefined {
  const { path, value, variable, problemWith } = written;
  if (value !== undefined && variable !== undefined) {
    mistakes.push({ path, problem: `is given twice, here and as ${path}_env`, fix: 'remove one of them' });
    return undefined;
  }
  const secret = variable === undefined ? value : rules.env[variable];
  if (variable !== undefined && !secret) {
    const problem = `names the environment variable ${variable}, which is not set`;
    mistakes.push({ path: `${path}_env`, problem, fix: 'set it for this command' });
    return undefined;
  }
  const problem = secret === undefined ? undefined : problemWith(secret, rules);
  if (problem !== undefined) {
    mistakes.push({ path, problem, fix: 'choose another one; this makes a strong one: openssl rand -base64 48' });
  }
  return secret;
}

/** RFC 6749 appendix A.2 says which characters a client can send. */
export function clientSecretProblem(secret: string, rules: SecretRules): string | undefined {
  if (!/^[\x20-\x7e]{1,255}$/.test(secret)) {
    return 'is not 1 to 255 printable ASCII characters';
  }
  const shortest = rules.production?.shortestClientSecret ?? 1;
  return demoProblem(secret, rules) ?? (secret.length < shortest ? `has less than ${shortest} characters` : undefined);
}

export function passwordProblem(owner: PasswordOwner) {
  return (password: string, rules: SecretRules): string | undefined =>
    demoProblem(password, rules) ?? rules.passwordProblem(password, owner);
}

function demoProblem(secret: string, { production }: SecretRules): string | undefined {
  return production?.demoSecrets.has(secret) ? 'belongs to the demo directory, so everybody knows it' : undefined;
}
