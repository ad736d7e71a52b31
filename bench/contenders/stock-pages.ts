/** The least that lets a person sign in and consent: two forms without any style. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { verify } from '@node-rs/argon2';
import type Provider from 'oidc-provider';

type Pages = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export interface StockPagesOptions {
  readonly provider: Provider;
  readonly passwordHash: string;
  readonly lightPasswordHash: string;
}

export function stockPages({ provider, passwordHash, lightPasswordHash }: StockPagesOptions): Pages {
  return async (request, response) => {
    const interaction = await provider.interactionDetails(request, response);
    if (request.method === 'GET') {
      const action = interaction.prompt.name === 'consent' ? 'consent' : 'sign-in';
      response.setHeader('content-type', 'text/html; charset=utf-8').end(formFor(interaction.uid, action));
      return;
    }
    const form = new URLSearchParams(await text(request));
    if (interaction.prompt.name === 'consent') {
      await consent(provider, interaction, request, response);
      return;
    }
    const hash = form.has('light') ? lightPasswordHash : passwordHash;
    if (!(await verify(hash, form.get('password') ?? ''))) {
      response.writeHead(401).end();
      return;
    }
    const accountId = form.get('email') ?? '';
    await provider.interactionFinished(request, response, { login: { accountId } }, { mergeWithLastSubmission: false });
  };
}

async function consent(
  provider: Provider,
  { grantId, session, params, prompt }: Awaited<ReturnType<Provider['interactionDetails']>>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const kept = grantId === undefined ? undefined : await provider.Grant.find(grantId);
  const grant =
    kept ?? new provider.Grant({ accountId: String(session?.accountId), clientId: String(params.client_id) });
  const { missingOIDCScope = [] } = prompt.details as { missingOIDCScope?: string[] };
  grant.addOIDCScope(missingOIDCScope.join(' '));
  const result = { consent: { grantId: await grant.save() } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
}

function formFor(uid: string, action: string): string {
  const fields = action === 'sign-in' ? '<input name="email"><input name="password" type="password">' : '';
  return `<!doctype html><title>${action}</title><form method="post" action="/interaction/${uid}/${action}">${fields}<button>Go on</button></form>`;
}
