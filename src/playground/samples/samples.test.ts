import { execFileSync } from 'node:child_process';
import { stripTypeScriptTypes } from 'node:module';
import { describe, expect, it } from 'vitest';
import type { Exchange } from '../exchange.ts';
import { MESSAGE_KINDS } from '../explain/message-kind.ts';
import { demoIssuer, otherIssuer } from '../issuers.ts';
import { curlOf } from './curl.ts';
import { openidClientOf } from './openid-client.ts';

const exchangeOf = (parts: Partial<Exchange['parts']>, method = 'POST'): Exchange => ({
  from: 'client',
  method,
  target: 'http://localhost:3000/token',
  request: '',
  parts: { url: 'http://localhost:3000/token', headers: {}, body: '', ...parts },
});

/** What a shell makes of the command, with curl replaced by something that prints its arguments. */
function argumentsOf(command: string, env: Record<string, string> = {}): string[] {
  const script = `curl() { for one in "$@"; do printf '%s\\0' "$one"; done; }\n${command}`;
  return execFileSync('sh', ['-c', script], { env, encoding: 'utf8' }).split('\0').slice(0, -1);
}

describe('curl', () => {
  it('says the same as the request', () => {
    const headers = {
      authorization: `Basic ${btoa('demo-web:demo-web-secret')}`,
      'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
    };
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'a b&c' }).toString();
    expect(argumentsOf(curlOf(exchangeOf({ headers, body })))).toEqual([
      '-i',
      'http://localhost:3000/token',
      '-u',
      'demo-web:demo-web-secret',
      '--data-urlencode',
      'grant_type=refresh_token',
      '--data-urlencode',
      'refresh_token=a b&c',
    ]);
  });

  it('lets nothing in the request speak to the shell', () => {
    const nasty = `'; touch /tmp/owned; echo '$(id)\`id\`\n"`;
    const url = `http://localhost:3000/whoami?q=${nasty}`;
    const shown = curlOf(exchangeOf({ url, headers: { authorization: `Bearer ${nasty}` } }, 'GET'));
    expect(argumentsOf(shown)).toEqual(['-i', url, '-H', `authorization: Bearer ${nasty}`]);
  });

  it('takes a secret that was kept back from the environment', () => {
    const headers = { authorization: 'Basic a-client:$CLIENT_SECRET' };
    const shown = curlOf(exchangeOf({ headers }));
    expect(argumentsOf(shown, { CLIENT_SECRET: 'x y' })).toContain('a-client:x y');
  });
});

describe('openid-client', () => {
  const ours = demoIssuer('http://localhost:3000', 'http://localhost:3001');
  const theirs = otherIssuer({ issuer: 'https://as.example', clients: {} });

  it.each(MESSAGE_KINDS)('is a program, about ten lines long: %s', (kind) => {
    const body = new URLSearchParams({ grant_type: 'password', username: "o'neill\\", password: 'p', scope: 'a\nb' });
    for (const issuer of [ours, theirs]) {
      for (const clientSecret of [{}, { clientSecret: 'never-shown' }]) {
        const client = { clientId: "it's", scope: 'openid', ...clientSecret };
        const code = openidClientOf(kind, { issuer, client, exchange: exchangeOf({ body: body.toString() }) });
        // A syntax error throws.
        stripTypeScriptTypes(`async () => {${code.replace(/^import .*$/m, '')}\n}`);
        expect(code).not.toContain('never-shown');
        expect(code.trim().split('\n').length).toBeLessThanOrEqual(20);
      }
    }
  });
});
