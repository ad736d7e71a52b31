import type { RouterContext } from '@koa/router';
import { z } from 'zod';

/** The browser was sent to an upstream provider. */
const Away = z.object({
  sentAway: z.object({ state: z.string(), nonce: z.string(), codeVerifier: z.string(), afresh: z.boolean() }),
  /** The sign-in that it was sent from: its path, its secret, and the request that it answers. */
  path: z.string(),
  binding: z.string(),
  request: z.string(),
});
export type Away = z.infer<typeof Away>;

/** It is back at that sign-in. */
const Back = z.object({
  provider: z.string(),
  binding: z.string(),
  /** Who they are there; absent where they or the provider said no, or nothing could be learnt. */
  person: z
    .object({
      subject: z.string(),
      email: z.string().optional(),
      emailVerified: z.boolean(),
      name: z.string().optional(),
    })
    .optional(),
  failed: z.boolean(),
});
export type Back = z.infer<typeof Back>;

export interface AwayAndBackDeps {
  readonly seal: { seal(text: string): string; open(sealed: string): string | undefined };
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/** How long somebody may take at the provider; and afterwards, to sign in to the account that they have here already. */
const LIFETIME_MS = 10 * 60 * 1000;

const BACK = 'came_back';

/**
 * What a browser keeps while it is at an upstream provider, and when it is back: sealed, and each for one address only. So
 * nothing waits in the database for who never comes back, and an answer counts only in the browser that was sent for it.
 */
export function createAwayAndBack({ seal, now = Date.now }: AwayAndBackDeps) {
  const keep = (ctx: RouterContext, name: string, path: string, content: object | undefined) => {
    const value = content && seal.seal(JSON.stringify({ ...content, until: now() + LIFETIME_MS }));
    const options = {
      path,
      httpOnly: true,
      sameSite: 'lax',
      secure: ctx.secure,
      signed: true,
      overwrite: true,
    } as const;
    ctx.cookies.set(name, value ?? null, value === undefined ? options : { ...options, maxAge: LIFETIME_MS });
  };
  const read = <Content>(ctx: RouterContext, name: string, schema: z.ZodType<Content>): Content | undefined => {
    const opened = seal.open(ctx.cookies.get(name, { signed: true }) ?? '');
    const content: unknown = opened === undefined ? undefined : JSON.parse(opened);
    const { until = 0 } = Timed.safeParse(content).data ?? {};
    return until > now() ? schema.safeParse(content).data : undefined;
  };
  return {
    leave: (ctx: RouterContext, provider: string, away: Away) =>
      keep(ctx, awayFor(away.sentAway.state), pathOf(ctx, provider), away),
    /** Once. */
    comeBack(ctx: RouterContext, provider: string, state: unknown): Away | undefined {
      const name = awayFor(state);
      const away = read(ctx, name, Away);
      keep(ctx, name, pathOf(ctx, provider), undefined);
      return away;
    },
    arrive: (ctx: RouterContext, path: string, back: Back) => keep(ctx, BACK, path, back),
    arrived(ctx: RouterContext, { binding }: { binding: string }): Back | undefined {
      const back = read(ctx, BACK, Back);
      return back?.binding === binding ? back : undefined;
    },
    settle: (ctx: RouterContext, path: string) => keep(ctx, BACK, path, undefined),
  };
}

const Timed = z.object({ until: z.number() });

/** Tabs at once have one each. Not from just any text: it becomes the name of a cookie. */
function awayFor(state: unknown): string {
  return `sent_away_${typeof state === 'string' ? (/^[\w-]{8}/.exec(state)?.[0] ?? '') : ''}`;
}

function pathOf(ctx: RouterContext, provider: string): string {
  return `${ctx.mountPath}/sign-in-with/${provider}`;
}
