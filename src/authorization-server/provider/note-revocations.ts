import Provider, { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Audit, AuditEvent } from '../audit/audit.ts';
import type { CurrentRequest } from './current-request.ts';
import { onCodeFound } from './engine-tokens.ts';
import type { RateLimits } from './rate-limits.ts';

interface Dependencies {
  readonly audit: Pick<Audit, 'record'>;
  readonly rateLimits: Pick<RateLimits, 'take'>;
  readonly during: CurrentRequest['during'];
}

/** Whoever has a used token can show it again and again: the first few times tell everything. */
const REPORTED_REUSES = { name: 'reported reuses', most: 5, seconds: 3600 };

/** A code or a refresh token. */
interface Presented {
  readonly accountId?: string | undefined;
  readonly clientId?: string | undefined;
  readonly grantId?: string | undefined;
}

/**
 * Rows of the audit log for a grant that a client gave back (RFC 7009 §2.1), and for one that ended because its code or refresh
 * token was used a second time, which may be theft (RFC 6749 §4.1.2, RFC 9700 §4.14.2). Other token requests cost nothing.
 */
export function noteRevocations(provider: Provider, { audit, rateLimits, during }: Dependencies): void {
  const codes = new WeakMap<object, Presented>();
  const events = new WeakMap<object, AuditEvent & { readonly grantId?: string | undefined }>();
  onCodeFound(provider, (code) => void (Provider.ctx && codes.set(Provider.ctx, code)));
  provider.on('grant.error', (ctx, error) => {
    if (error instanceof errors.InvalidGrant && isReuse(error)) {
      const code = codes.get(ctx);
      const presented = code ?? ctx.oidc.entities.RefreshToken;
      if (presented !== undefined) {
        const { accountId, clientId, grantId } = presented;
        events.set(ctx, { kind: code ? 'code_reused' : 'refresh_token_reused', accountId, clientId, grantId });
      }
    }
  });
  provider.on('grant.revoked', (ctx) => {
    const token = ctx.oidc.entities.RefreshToken;
    if (ctx.oidc.route === 'revocation' && token !== undefined) {
      events.set(ctx, { kind: 'grant_revoked', accountId: token.accountId, clientId: token.clientId });
    }
  });
  provider.use(async (ctx, next) => {
    await next();
    const noted = events.get(ctx);
    if (noted !== undefined) {
      const { grantId, ...event } = noted;
      await during(ctx as unknown as KoaContextWithOIDC, async () => {
        if (grantId === undefined || (await rateLimits.take(REPORTED_REUSES, grantId))) {
          await audit.record(event);
        }
      });
    }
  });
}

/** In the words of the engine (helpers/grant_source.js, actions/grants/refresh_token.js) and of storage/token-adapter.ts. */
function isReuse({ error_detail }: errors.InvalidGrant): boolean {
  return /already (used|consumed)$/.test(error_detail ?? '');
}
