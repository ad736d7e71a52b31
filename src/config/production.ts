import type { Tree } from './environment.ts';
import type { Mistake } from './mistakes.ts';

/** The secrets and passwords of config/demo.yaml. They are public, so in production they protect nothing. */
export const DEMO_SECRETS: ReadonlySet<string> = new Set([
  'demo-web-secret',
  'demo-password-secret',
  'demo-machine-secret',
  'demo-short-lived-secret',
  'demo-api-secret',
  'demo-ciba-secret',
  'sample-web-secret',
  'sample-spa-secret',
  'correct-horse-battery-staple',
]);

/** 32 characters of base64 or hex carry at least the 128 bits that RFC 6749 §10.10 asks for. */
export const SHORTEST_SECRET = 32;

/** What is fine for trying things out and refused in production. Looks at values nobody has checked yet. */
export function productionMistakes(settings: Tree, secrets: Readonly<Record<string, string | undefined>>): Mistake[] {
  const mistakes: Mistake[] = [];
  if (typeof settings.issuer === 'string' && isPlainHttp(settings.issuer)) {
    mistakes.push({
      path: 'issuer',
      problem: 'is http, and not a loopback address',
      fix: 'serve it over https: passwords and tokens would cross the network readable',
    });
  }
  for (const [name, secret] of Object.entries(secrets)) {
    if (secret === undefined) {
      continue;
    }
    const fix = 'generate one of your own, for example with: openssl rand -base64 48';
    if (carriesDemoSecret(secret)) {
      mistakes.push({ path: name, problem: 'is, or contains, a secret of the demo directory', fix });
    } else if (name.endsWith('CLIENT_SECRET') && secret.length < SHORTEST_SECRET) {
      mistakes.push({ path: name, problem: `has less than ${SHORTEST_SECRET} characters`, fix });
    }
  }
  return mistakes;
}

function carriesDemoSecret(secret: string): boolean {
  return [...DEMO_SECRETS].some((demo) => secret.includes(demo));
}

function isPlainHttp(value: string): boolean {
  const url = URL.parse(value);
  return url?.protocol === 'http:' && !isLoopback(url.hostname);
}

/** RFC 6761 §6.3 for `localhost`, RFC 1122 §3.2.1.3 for 127/8; URL has normalised every other spelling. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(\.\d+){3}$/.test(hostname)
  );
}
