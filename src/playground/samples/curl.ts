import { credentialsIn, type Exchange, PLACEHOLDER } from '../exchange.ts';

/** The same request as a command that may be pasted into a shell: nothing in it can say anything there. */
export function curlOf({ method, parts }: Exchange): string {
  const { authorization = '', ...headers } = parts.headers;
  const shown =
    authorization.startsWith('Basic ') && !/^[\w+/]+=*$/.test(authorization.slice(6))
      ? authorization.slice(6)
      : undefined;
  const pair = shown ?? credentialsIn(authorization);
  const form = headers['content-type']?.startsWith('application/x-www-form-urlencoded');
  const lines = [
    `curl -i${method === 'GET' || parts.body ? '' : ` -X ${method}`} ${quote(parts.url)}`,
    ...(pair === undefined ? [] : [`-u ${quote(pair)}`]),
    ...(authorization && pair === undefined ? [`-H ${quote(`authorization: ${authorization}`)}`] : []),
    ...Object.entries(headers)
      .filter(([name]) => !(form && name === 'content-type') && name !== 'user-agent')
      .map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`),
    ...dataOf(parts.body, form === true),
  ];
  return lines.join(' \\\n  ');
}

function dataOf(body: string, form: boolean): string[] {
  if (body === '') {
    return [];
  }
  return form
    ? [...new URLSearchParams(body)].map(([name, value]) => `--data-urlencode ${quote(`${name}=${value}`)}`)
    : [`-d ${quote(body)}`];
}

/** Single quotes let nothing through but the secret that was kept back: the shell puts it in. */
function quote(text: string): string {
  const quoted = `'${text.replaceAll("'", "'\\''")}'`;
  return quoted.replaceAll(PLACEHOLDER, `'"${PLACEHOLDER}"'`);
}
