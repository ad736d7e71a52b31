import type { ParameterizedContext } from 'koa';
import { LANGUAGES, type Language } from '../languages/languages.ts';

/** What the client asks for (OpenID Connect Core §3.1.2.1: `ui_locales`) counts before what the browser says. */
export function languageOf(ctx: ParameterizedContext): Language {
  const asked = typeof ctx.state.uiLocales === 'string' ? ctx.state.uiLocales.split(' ') : [];
  return asked.map(nearest).find((one) => one !== undefined) ?? accepted(ctx) ?? 'en';
}

function nearest(tag: string): Language | undefined {
  const [language = ''] = tag.toLowerCase().split('-');
  return (
    LANGUAGES.find((one) => one.toLowerCase() === tag.toLowerCase()) ??
    LANGUAGES.find((one) => one.split('-')[0] === language)
  );
}

function accepted(ctx: ParameterizedContext): Language | undefined {
  const header = ctx.get('accept-language');
  return header === ''
    ? undefined
    : ctx
        .acceptsLanguages()
        .map(nearest)
        .find((one) => one !== undefined);
}
