import type { Mistake } from './mistake.ts';

/** Where secrets come from, and which of them are too weak for where they are used. */
export interface SecretRules {
  readonly env: Readonly<Record<string, string | undefined>>;
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
}

/** The secret that an entry gives, by itself or through the environment; `undefined` when it gives none. */
export function resolveSecret(
  { path, value, variable }: Written,
  rules: SecretRules,
  mistakes: Mistake[],
): string | undefined {
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
  if (secret !== undefined && rules.production?.demoSecrets.has(secret)) {
    const fix = 'generate one of your own, for example with: openssl rand -base64 48';
    mistakes.push({ path, problem: 'belongs to the demo directory, so everybody knows it', fix });
  }
  return secret;
}
