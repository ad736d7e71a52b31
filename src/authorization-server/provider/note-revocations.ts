import { errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import type { Audit, AuditEvent } from '../audit/audit.ts';
import type { RateLimits } from './rate-limits.ts';

interface Dependencies {
  readonly audit: Pick<Audit, 'record'>;
  readonly rateLimits: Pick<RateLimits, 'take'>;
}

/** Whoever has a used token can show it again and again: the first few times tell everything. */
const REPORTED_REUSES = { name: 'reported reuses', most: 5, seconds: 3600 };

/** What grants that take a code of some kind are presented with, and what the audit log calls its second use. */
const USED_ONCE = {
  authorization_code: { model: 'AuthorizationCode', parameter: 'code', kind: 'code_reused' },
  refresh_token: { model: 'RefreshToken', parameter: 'refresh_token', kind: 'refresh_token_reused' },
} as const;

/**
 * Rows of the audit log for a grant that a client gave back (RFC 7009 §2.1), and for one that ended because its code or refresh
 * token was used a second time, which may be theft (RFC 6749 §4.1.2, RFC 9700 §4.14.2). Other token requests cost nothing.
 */
export function noteRevocations(provider: Provider, { audit, rateLimits }: Dependencies): void {
  const toBeNoted = new WeakMap<KoaContextWithOIDC, () => Promise<AuditEvent | undefined>>();
  provider.on('grant.error', (ctx, error) => {
    if (error instanceof errors.InvalidGrant && isReuse(error)) {
      toBeNoted.set(ctx, () => reuse(ctx, rateLimits));
    }
  });
  provider.on('grant.revoked', (ctx) => {
    const token = ctx.oidc.entities.RefreshToken;
    if (ctx.oidc.route === 'revocation' && token !== undefined) {
      const { accountId, clientId } = token;
      toBeNoted.set(ctx, async () => ({ kind: 'grant_revoked', accountId, clientId }));
    }
  });
  provider.use(async (ctx, next) => {
    await next();
    const event = await toBeNoted.get(ctx as KoaContextWithOIDC)?.();
    if (event !== undefined) {
      await audit.record(event);
    }
  });
}

/** In the words of the engine (helpers/grant_source.js, actions/grants/refresh_token.js) and of storage/token-adapter.ts. */
function isReuse({ error_detail }: errors.InvalidGrant): boolean {
  return /already (used|consumed)$/.test(error_detail ?? '');
}

async function reuse(ctx: KoaContextWithOIDC, rateLimits: Dependencies['rateLimits']): Promise<AuditEvent | undefined> {
  const { params = {}, provider } = ctx.oidc;
  const used = USED_ONCE[params.grant_type as keyof typeof USED_ONCE];
  const presented = used && params[used.parameter];
  if (typeof presented !== 'string') {
    return undefined;
  }
  const find = { ignoreExpiration: true };
  const token =
    used.model === 'RefreshToken'
      ? await provider.RefreshToken.find(presented, find)
      : await provider.AuthorizationCode.find(presented, find);
  if (token === undefined || !(await rateLimits.take(REPORTED_REUSES, token.grantId ?? token.jti))) {
    return undefined;
  }
  return { kind: used.kind, accountId: token.accountId, clientId: token.clientId };
}
