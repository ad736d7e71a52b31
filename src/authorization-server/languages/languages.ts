/**
 * The texts of pages and mail, by language: `locales/<language>/<catalogue>.yaml`, messages in ICU MessageFormat.
 * The key of a message is its place: `sign-in.title` is `title` in `sign-in.yaml`. English has every message; a test sees to
 * it that the others do, too.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { IntlMessageFormat } from 'intl-messageformat';
import { parse } from 'yaml';

export const LANGUAGES = ['en', 'de', 'ja', 'pt-BR'] as const;
export type Language = (typeof LANGUAGES)[number];

/** RFC 4647 §3.4, and a little more: who reads Portuguese of Portugal reads that of Brazil rather than English. */
export function nearestLanguage(tag: string): Language | undefined {
  const asked = tag.toLowerCase();
  const [language = ''] = asked.split('-');
  return (
    LANGUAGES.find((one) => one.toLowerCase() === asked) ?? LANGUAGES.find((one) => one.split('-')[0] === language)
  );
}

export type MessageValues = Readonly<Record<string, string | number | Date>>;

type Tags = Readonly<Record<string, (content: string) => string>>;

export interface Translate {
  /** Plain text: a page escapes it like any other. Throws for a key that does not exist: a mistake of ours. */
  (key: string, values?: MessageValues): string;
  /**
   * HTML, for a message with tags in it: `to continue to <app>{name}</app>`. Values are escaped; each tag is what the
   * function of its name makes of its (escaped) content, and `<strong>` is itself.
   */
  html(key: string, values?: MessageValues, tags?: Tags): string;
  has(key: string): boolean;
  readonly language: Language;
  readonly direction: 'ltr' | 'rtl';
}

export type Languages = (language: Language) => Translate;

const CATALOGUES = fileURLToPath(new URL('../../../locales', import.meta.url));

type Messages = ReadonlyMap<string, string>;

/**
 * Reads English at once, and another language when somebody first speaks it: half a second of a start would go to catalogues
 * that nobody may ask for. That each can be read, and each of its messages, is what catalogues.test.ts is for.
 */
export function loadLanguages(directory: string = CATALOGUES): Languages {
  const english = readMessages(directory, 'en');
  const translates = new Map([['en', createTranslate('en', english)]]);
  return (language) => {
    const translate =
      translates.get(language) ??
      createTranslate(language, new Map([...english, ...readMessages(directory, language)]));
    translates.set(language, translate);
    return translate;
  };
}

export function readMessages(directory: string, language: string): Messages {
  const messages = new Map<string, string>();
  for (const file of readdirSync(join(directory, language))) {
    collect(file.replace(/\.yaml$/, ''), parse(readFileSync(join(directory, language, file), 'utf8')), messages);
  }
  return messages;
}

function collect(key: string, value: unknown, messages: Map<string, string>): void {
  if (typeof value === 'string') {
    messages.set(key, value);
  } else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const [name, below] of Object.entries(value)) {
      collect(`${key}.${name}`, below, messages);
    }
  } else if (value !== null) {
    throw new Error(`locales: ${key} is no text`);
  }
}

const EVERYWHERE: Tags = { strong: (content) => `<strong>${content}</strong>` };

function createTranslate(language: Language, messages: Messages): Translate {
  const formats = new Map<string, Format>();
  const format = (key: string): Format => {
    const text = messages.get(key);
    if (text === undefined) {
      throw new Error(`locales: there is no message ${key}`);
    }
    const found = formats.get(key) ?? compile(language, key, text);
    formats.set(key, found);
    return found;
  };
  const translate = (key: string, values: MessageValues = {}) => String(format(key)(values));
  return Object.assign(translate, {
    html: (key: string, values: MessageValues = {}, tags: Tags = {}) => {
      const escaped = Object.entries(values).map(([name, value]) => [
        name,
        typeof value === 'string' ? escapeHtml(value) : value,
      ]);
      const functions = Object.entries({ ...EVERYWHERE, ...tags }).map(([name, tag]) => [
        nameOfTag(name),
        (parts: string[]) => tag(parts.join('')),
      ]);
      return String(format(key)(Object.fromEntries([...escaped, ...functions])));
    },
    has: (key: string) => messages.has(key),
    language,
    direction: new Intl.Locale(language).getTextInfo().direction ?? 'ltr',
  });
}

/** As those who speak it call it: `Deutsch`. */
export function nameOfLanguage(language: Language): string {
  const name = new Intl.DisplayNames(language, { type: 'language' }).of(language) ?? language;
  return name.charAt(0).toLocaleUpperCase(language) + name.slice(1);
}

type Format = (values: object) => unknown;

/** Most messages have nothing to be filled in, and are what they are. */
function compile(language: Language, key: string, text: string): Format {
  if (!/[{<']/.test(text)) {
    return () => text;
  }
  let compiled: IntlMessageFormat;
  try {
    compiled = new IntlMessageFormat(text, language);
  } catch (error) {
    throw new Error(`locales/${language}: ${key} cannot be read: ${String(error)}`);
  }
  keepTagsApart(compiled.getAst());
  return (values) => {
    const formatted: unknown = compiled.format(values as never);
    return Array.isArray(formatted) ? formatted.join('') : formatted;
  };
}

const nameOfTag = (name: string) => `<${name}>`;

/** The library (intl-messageformat 12) looks values and tags up by name in one place: `<email>{email}</email>` has both. */
function keepTagsApart(elements: ReturnType<IntlMessageFormat['getAst']>): void {
  for (const element of elements) {
    if ('options' in element) {
      Object.values(element.options).forEach(({ value }) => {
        keepTagsApart(value);
      });
    }
    if ('children' in element) {
      element.value = nameOfTag(element.value);
      keepTagsApart(element.children);
    }
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}
