import type { Middleware, ParameterizedContext } from 'koa';
import { LANGUAGES, type Language, nameOfLanguage, nearestLanguage } from '../languages/languages.ts';
import { seeOther } from './see-other.ts';

const COOKIE = 'language';
const A_YEAR = 365 * 24 * 60 * 60 * 1000;

/** In a query: whoever follows the link reads on in this language. */
const PARAMETER = 'switch_language';

/**
 * What the person has chosen here counts before what the client asks for (OpenID Connect Core §3.1.2.1: `ui_locales`), and
 * that before what the browser says.
 */
export function languageOf(ctx: ParameterizedContext, otherwise: Language): Language {
  return (
    known(ctx.cookies.get(COOKIE, { signed: false })) ??
    uiLocalesOf(ctx).map(nearestLanguage).find(isThere) ??
    acceptedBy(ctx).map(nearestLanguage).find(isThere) ??
    otherwise
  );
}

/** Of the pending step, or of the request that the engine answers. */
function uiLocalesOf({ state, oidc }: ParameterizedContext): string[] {
  const asked: unknown = state.uiLocales ?? oidc?.params?.ui_locales;
  return typeof asked === 'string' ? asked.split(' ') : [];
}

function acceptedBy(ctx: ParameterizedContext): string[] {
  return ctx.get('accept-language') === '' ? [] : ctx.acceptsLanguages();
}

const isThere = (language: Language | undefined) => language !== undefined;

function known(tag: string | undefined): Language | undefined {
  return LANGUAGES.find((one) => one.toLowerCase() === tag?.toLowerCase());
}

export interface LanguageChoice {
  readonly language: Language;
  readonly name: string;
  /** `undefined` for the language of the page. */
  readonly href: string | undefined;
}

/** An address may hold a whole request, and stands in every link. */
const LONGEST_QUERY = 4_000;

/** Links to this page in each language; none where it could not be asked for again, because it answers a form. */
export function languageChoices(ctx: ParameterizedContext, now: Language, address?: string): LanguageChoice[] {
  const isAnswer = ctx.method !== 'GET' && ctx.method !== 'HEAD';
  const [, query = ''] = isAnswer ? [] : ctx.originalUrl.split('?');
  if ((isAnswer && address === undefined) || query.length > LONGEST_QUERY) {
    return [];
  }
  return LANGUAGES.map((language) => {
    const parameters = new URLSearchParams(query);
    parameters.set(PARAMETER, language);
    const href = language === now ? undefined : `${isAnswer ? address : ''}?${parameters}`;
    return { language, name: nameOfLanguage(language), href };
  });
}

/**
 * Remembers the language that somebody chose by one of those links, and leads back to where they were. A link at another
 * site chooses nothing.
 */
export function languageSwitch(): Middleware {
  return async (ctx, next) => {
    const chosen = typeof ctx.query[PARAMETER] === 'string' ? known(ctx.query[PARAMETER]) : undefined;
    const site = ctx.get('Sec-Fetch-Site');
    if (ctx.method !== 'GET' || chosen === undefined || !['', 'same-origin', 'none'].includes(site)) {
      return next();
    }
    ctx.cookies.set(COOKIE, chosen, {
      path: ctx.mountPath === '' ? '/' : ctx.mountPath,
      maxAge: A_YEAR,
      httpOnly: true,
      sameSite: 'lax',
      secure: ctx.secure,
      signed: false,
      overwrite: true,
    });
    const parameters = new URLSearchParams(ctx.querystring);
    parameters.delete(PARAMETER);
    // `//elsewhere.example` is a path of a request and an address of another host.
    const path = ctx.path.replace(/^[/\\]+/, '/');
    seeOther(ctx, ctx.mountPath + path + (parameters.size > 0 ? `?${parameters}` : ''));
  };
}
