import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { IntlMessageFormat } from 'intl-messageformat';
import { describe, expect, it } from 'vitest';
import { loadSettings } from '../../config/load.ts';
import { LANGUAGES, loadLanguages, readMessages } from './languages.ts';

const ROOT = join(import.meta.dirname, '../../..');
const CATALOGUES = join(ROOT, 'locales');
const ENGLISH = readMessages(CATALOGUES, 'en');

type Element = ReturnType<IntlMessageFormat['getAst']>[number];

/** `{name}`, `<app>`: what a message has besides words, however often. */
function placesOf(text: string): string[] {
  const places = new Set<string>();
  const collect = (elements: readonly Element[]) => {
    for (const element of elements) {
      if ('options' in element) {
        Object.values(element.options).forEach(({ value }) => {
          collect(value);
        });
      }
      if ('children' in element) {
        places.add(`<${element.value}>`);
        collect(element.children);
      } else if ('value' in element && element.type !== LITERAL) {
        places.add(`{${element.value}}`);
      }
    }
  };
  collect(new IntlMessageFormat(text, 'en').getAst());
  return [...places].sort();
}

/** The parser's number for words (@formatjs/icu-messageformat-parser 3). */
const LITERAL = 0;

describe.each(LANGUAGES.filter((language) => language !== 'en'))('the catalogues in %s', (language) => {
  const messages = readMessages(CATALOGUES, language);

  it('have every message of the English ones, and no others', () => {
    expect([...messages.keys()].sort()).toEqual([...ENGLISH.keys()].sort());
  });

  it('have the same placeholders and tags in each', () => {
    const of = (texts: ReadonlyMap<string, string>) =>
      Object.fromEntries([...ENGLISH.keys()].map((key) => [key, placesOf(texts.get(key) ?? '')]));
    expect(of(messages)).toEqual(of(ENGLISH));
  });

  it('are no copy of the English ones', () => {
    const sentences = [...ENGLISH].filter(([, text]) => text.split(' ').length > 4);
    expect(sentences.filter(([key, text]) => messages.get(key) === text).map(([key]) => key)).toEqual([]);
  });

  it('can be read', () => {
    expect(loadLanguages()(language).language).toBe(language);
  });
});

describe('the languages', () => {
  it('are those that there are catalogues of', () => {
    expect(readdirSync(CATALOGUES).sort()).toEqual([...LANGUAGES].sort());
  });

  it.each(LANGUAGES)('may each be the default: %s', (language) => {
    const env = { CONCIERGE_LANGUAGES_DEFAULT: language };
    expect(loadSettings({ env, mode: 'development' }).languages.default).toBe(language);
  });
});

describe('the messages', () => {
  const catalogues = new Set([...ENGLISH.keys()].map((key) => key.split('.')[0] ?? ''));
  const files = globSync(['views/**/*.ejs', 'src/authorization-server/**/*.ts'], { cwd: ROOT }).filter(
    // Beside the playground, which speaks to developers, and what speaks of settings.
    (file) => !/^views\/playground|\.test\.ts$|authorization-server\/(http|languages)\//.test(file),
  );
  const sources = files.map((file) => ({
    file,
    source: readFileSync(join(ROOT, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, ''),
  }));
  const mentions = sources.flatMap(({ file, source }) =>
    matches(source, /(['`])([a-z][a-z0-9-]*\.(?:[\w.-]|\$\{[^}]*\})*)\1/g)
      .filter((key) => catalogues.has(key.split('.')[0] ?? ''))
      .map((key) => ({ file, key, pattern: patternOf(key) })),
  );
  /** Of a catalogue that is not known before: `${topic}.sent.lead`. */
  const endings = sources.flatMap(({ source }) =>
    matches(source, /(['`])(?:\$\{[^}]*\})?((?:\.[\w-]+){2,})\1/g).map((ending) => patternOf(`\${topic}${ending}`)),
  );

  function matches(source: string, literal: RegExp): string[] {
    return [...source.matchAll(literal)].map(([, , key = '']) => key);
  }

  /** What looks like a key may be the beginning of one, and what a template fills in may be anything. */
  function patternOf(key: string): RegExp {
    const parts = key.split(/\$\{[^}]*\}/).map((part) => part.replaceAll('.', '\\.'));
    return new RegExp(`^${parts.join('.+')}${key.endsWith('.') ? '' : '(\\.|$)'}`);
  }

  it('that a page or a mail names are there', () => {
    const keys = [...ENGLISH.keys()];
    const missing = mentions.filter(({ pattern }) => !keys.some((key) => pattern.test(key)));
    expect(missing.map(({ file, key }) => `${file}: ${key}`)).toEqual([]);
  });

  it('are all named somewhere', () => {
    const patterns = [...mentions.map(({ pattern }) => pattern), ...endings];
    const idle = [...ENGLISH.keys()].filter((key) => !patterns.some((pattern) => pattern.test(key)));
    expect(idle).toEqual([]);
  });
});
