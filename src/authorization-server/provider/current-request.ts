import { AsyncLocalStorage } from 'node:async_hooks';
import Provider, { type KoaContextWithOIDC } from 'oidc-provider';
import { askedByRefresh } from '../flows/refresh-token/refresh-token.ts';
import { replacedSessionId } from './engine.ts';
import { presentedKey } from './presented-key.ts';

/** Which request is being answered, for those who are not told: the engine's adapters are called with ids only. */
export interface CurrentRequest {
  /** `undefined` outside of a request, in a job for one. */
  read(): RequestInProgress | undefined;
  /** Of a page: the engine knows of its own endpoints only. */
  during<Result>(page: Page, work: () => Promise<Result>): Promise<Result>;
}

export interface RequestInProgress {
  /** The same object for the whole request. */
  readonly identity: object;
  /** Milliseconds since the request arrived, whenever it is read. */
  readonly age: number;
  /** Of a refresh: what it asks for besides presenting its token; a retry asks for the same. */
  readonly asksFor?: string | undefined;
  /** The id of the session that gets another one in this request. */
  readonly replacedSessionId?: string | undefined;
  readonly origin?: RequestOrigin | undefined;
}

/** Where it comes from, for what is written down about it. */
export interface RequestOrigin {
  readonly requestId: string | undefined;
  readonly address: string | undefined;
  readonly userAgent: string | undefined;
}

type Page = Pick<KoaContextWithOIDC, 'state' | 'ip' | 'get'>;

export function createCurrentRequest(ageOf: (ctx: Page) => number): CurrentRequest {
  const pages = new AsyncLocalStorage<Page>();
  return {
    read() {
      const { ctx } = Provider;
      if (ctx !== undefined) {
        return new EngineRequest(ctx, ageOf);
      }
      const page = pages.getStore();
      return page && { identity: page, age: ageOf(page), origin: originOf(page) };
    },
    during: (page, work) => pages.run(page, work),
  };
}

/** Made many times in a request, and asked for little each time. */
class EngineRequest implements RequestInProgress {
  readonly identity: KoaContextWithOIDC;
  readonly #ageOf: (ctx: Page) => number;

  constructor(ctx: KoaContextWithOIDC, ageOf: (ctx: Page) => number) {
    this.identity = ctx;
    this.#ageOf = ageOf;
  }

  get age() {
    return this.#ageOf(this.identity);
  }

  get origin() {
    return originOf(this.identity);
  }

  get asksFor() {
    return askedByRefresh(this.identity, presentedKey);
  }

  get replacedSessionId() {
    return replacedSessionId(this.identity);
  }
}

function originOf(ctx: Page): RequestOrigin {
  const { requestId } = ctx.state;
  return {
    requestId: typeof requestId === 'string' ? requestId : undefined,
    address: ctx.ip || undefined,
    userAgent: ctx.get('user-agent') || undefined,
  };
}
