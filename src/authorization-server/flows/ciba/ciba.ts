/**
 * Client-initiated backchannel authentication (OpenID Connect CIBA Core 1.0), poll and ping mode.
 *
 * A client names a person, and that person answers at `/requests` in a browser of their own, some other place and time
 * (flows/ciba/answer.ts). Push mode is not there: it would send tokens to an address.
 *
 * Who asks about somebody unknown is told `unknown_user_id`, as §13 wants. So a client that is registered for this grant
 * can learn which email addresses have an account, and nobody else can; a disabled account is as unknown as none. No
 * client can keep asking one person: ten times in ten minutes, and then it is refused for a while. There are no user
 * codes (§7.1): each request is shown until it is answered or over, and none can be answered by accident.
 */
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Slice } from '../slice.ts';

export interface CibaDeps {
  /** The account with this email, as it was typed; `undefined` for none, and for one that nobody can use. */
  readonly findAccountId: (email: string) => Promise<string | undefined>;
  /** Leaves out of the request what the roles of the account do not permit; throws when nothing is left. */
  readonly narrowToAccount: (ctx: KoaContextWithOIDC) => Promise<void>;
  /** Whether this client may ask this person once more. */
  readonly mayAsk: (clientId: string, accountId: string) => Promise<boolean>;
  /** Lets the person know that they are asked. */
  readonly tell: (asked: { readonly accountId: string; readonly clientName: string }) => Promise<void>;
  /** Seconds between two polls. */
  readonly interval: number;
}

/** Seconds. Somebody has to notice, go to a browser and sign in; a client may ask for less or more (§7.1). */
const LIFETIME = 600;
const LONGEST_LIFETIME = 3600;

/** §7.1: short, and plain text. Letters of any language; nothing that makes a link. */
const BINDING_MESSAGE = /^[\p{L}\p{M}\p{N} .,!?#+_()'’%&€$£¥@*-]{1,64}$/u;

export const cibaSettings = (deps: CibaDeps): Slice => ({
  features: {
    ciba: {
      enabled: true,
      deliveryModes: ['poll', 'ping'],
      processLoginHint: async (_ctx, hint = '') => deps.findAccountId(hint),
      async processLoginHintToken() {
        throw new errors.InvalidRequest('login_hint_token is not supported: send login_hint or id_token_hint');
      },
      validateBindingMessage,
      // Of another profile of this standard; who does not know it ignores it.
      async validateRequestContext() {},
      /** The last hook before the request is stored, and the first with the account. A user code is ignored, as there are none. */
      async verifyUserCode(ctx, { accountId }) {
        await deps.narrowToAccount(ctx);
        if (!(await deps.mayAsk(ctx.oidc.client?.clientId ?? '', accountId))) {
          throw askedTooOften();
        }
      },
      /** The person answers wherever they are signed in. The client is told how often to ask (§7.3). */
      async triggerAuthenticationDevice(ctx, { accountId = '' }, _account, client) {
        await deps.tell({ accountId, clientName: client.clientName ?? client.clientId });
        Object.assign(ctx.body as object, { interval: deps.interval });
      },
    },
  },
  ttl: {
    BackchannelAuthenticationRequest: (ctx) =>
      Math.min(Number(ctx.oidc.params?.requested_expiry ?? LIFETIME), LONGEST_LIFETIME),
  },
});

async function validateBindingMessage(_ctx: KoaContextWithOIDC, message?: string): Promise<void> {
  if (message !== undefined && (!BINDING_MESSAGE.test(message) || message.trim() === '')) {
    const wanted = 'up to 64 letters, digits, spaces and simple punctuation';
    throw new errors.InvalidBindingMessage(`binding_message must consist of ${wanted}`);
  }
}

/** §13: the server's own no, and not the person's. */
function askedTooOften(): errors.OIDCProviderError {
  const error = new errors.AccessDenied('this person has been asked too often: wait for some minutes');
  return Object.assign(error, { status: 403, statusCode: 403 });
}
