import type { RouterContext } from '@koa/router';
import type { Account } from '../../accounts/account.ts';
import type { RememberedRequests } from '../remembered-request.ts';
import { seeOther } from '../see-other.ts';

export interface GoOnDeps {
  readonly requests: Pick<RememberedRequests, 'read' | 'begin'>;
  /** Signs in whoever has just shown, in this browser, that an account is theirs. */
  readonly signIn: (ctx: RouterContext, account: Account) => Promise<void>;
}

export interface GoOn {
  /** To the authorization request that was interrupted, as whoever has signed in or will. False when there is none. */
  toRequest(ctx: RouterContext, account: Account, sealed: string): Promise<boolean>;
  /** The same, signed in; without a request, to the account. */
  signedIn(ctx: RouterContext, account: Account, sealed: string): Promise<void>;
}

/** Only ever in the browser in which the request was begun: the client would not know any other. */
export function createGoOn({ requests, signIn }: GoOnDeps): GoOn {
  async function toRequest(ctx: RouterContext, { email }: Account, sealed: string): Promise<boolean> {
    const request = requests.read(sealed);
    const query = request === undefined || request.expired ? undefined : await requests.begin(sealed, { email });
    if (query === undefined) {
      return false;
    }
    seeOther(ctx, `${ctx.mountPath}/auth?${query}`);
    return true;
  }

  return {
    toRequest,
    async signedIn(ctx, account, sealed) {
      await signIn(ctx, account);
      if (!(await toRequest(ctx, account, sealed))) {
        seeOther(ctx, `${ctx.mountPath}/account`);
      }
    },
  };
}
