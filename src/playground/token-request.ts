import type { FlowContext } from './flow.ts';
import type { Client } from './issuers.ts';

/**
 * A form to an endpoint of the authorization server, authenticated as some client (RFC 6749 §2.3). Attacks are sent this way:
 * a good client library refuses to.
 */
export function postForm(
  context: Pick<FlowContext, 'send' | 'metadata'>,
  endpoint: string | undefined,
  client: Pick<Client, 'clientId' | 'clientSecret'> | undefined,
  parameters: Readonly<Record<string, string | undefined>>,
): Promise<Response> {
  const methods = context.metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  const usesBasic = client?.clientSecret !== undefined && methods.includes('client_secret_basic');
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) {
      body.set(name, value);
    }
  }
  if (client && !usesBasic) {
    body.set('client_id', client.clientId);
    if (client.clientSecret !== undefined) {
      body.set('client_secret', client.clientSecret);
    }
  }
  const pair = `${encodeURIComponent(client?.clientId ?? '')}:${encodeURIComponent(client?.clientSecret ?? '')}`;
  return context.send(endpoint ?? '', {
    method: 'POST',
    headers: {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      ...(usesBasic && { authorization: `Basic ${btoa(pair)}` }),
    },
    body: body.toString(),
  });
}

/** As a browser would ask, and without anybody's cookies. */
export function getPage(context: Pick<FlowContext, 'send'>, url: URL): Promise<Response> {
  return context.send(url.href, { method: 'GET', headers: { accept: 'text/html' } });
}
