import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LANGUAGES, loadLanguages, nameOfLanguage } from './languages.ts';

const folder = mkdtempSync(join(tmpdir(), 'locales-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** English has these messages, and German some of them. */
function languagesOf(english: string, german = '') {
  const directory = mkdtempSync(join(folder, 'some-'));
  for (const language of LANGUAGES) {
    mkdirSync(join(directory, language));
  }
  writeFileSync(join(directory, 'en/shop.yaml'), english);
  writeFileSync(join(directory, 'de/shop.yaml'), german);
  return loadLanguages(directory);
}

describe('a message', () => {
  it('is plain text with values and plurals in it, in the way of its language', () => {
    const both = "bought: '{name} bought {count, plural, one {one bell} other {# bells}} on {day, date, medium}'";
    const t = languagesOf(both, both.replace('bought {', 'kaufte {'));
    const values = { name: '<Ann>', count: 1234, day: new Date('2026-11-23T12:00:00Z') };
    expect(t('en')('shop.bought', values)).toBe('<Ann> bought 1,234 bells on Nov 23, 2026');
    expect(t('de')('shop.bought', values)).toBe('<Ann> kaufte 1.234 bells on 23. Nov. 2026');
    expect(t('en')('shop.bought', { ...values, count: 1 })).toContain('one bell');
  });

  it('C94: is HTML with its tags and no others: values are escaped', () => {
    const t = languagesOf("hello: '<strong>Hello</strong>, <who>{name}</who>!'")('en');
    const values = { name: `<img src=x onerror="alert('1')">&` };
    expect(t.html('shop.hello', values, { who: (name) => `<bdi>${name}</bdi>` })).toBe(
      '<strong>Hello</strong>, <bdi>&lt;img src=x onerror=&#34;alert(&#39;1&#39;)&#34;&gt;&amp;</bdi>!',
    );
  });

  it('may have a tag with the name of a value, within a plural as well', () => {
    const t = languagesOf("to: '{count, plural, one {To <email>{email}</email>} other {To all}}'")('en');
    expect(t.html('shop.to', { count: 1, email: 'a@b.example' }, { email: (text) => `<b>${text}</b>` })).toBe(
      'To <b>a@b.example</b>',
    );
  });

  it('that a language lacks is told in English, and one that there is not is a mistake of ours', () => {
    const t = languagesOf('open: Open\nsigns: { closed: Closed }', 'open: Offen')('de');
    expect([t('shop.open'), t('shop.signs.closed')]).toEqual(['Offen', 'Closed']);
    expect([t.has('shop.signs.closed'), t.has('shop.signs')]).toEqual([true, false]);
    expect(() => t('shop.gone')).toThrow('there is no message shop.gone');
  });

  it.each([
    ["broken: '{count, plural, one {x}}'", /locales\/en: shop\.broken cannot be read/],
    ['broken: 7', /shop\.broken is no text/],
  ])('that cannot be read is a mistake that says where: %s', (yaml, words) => {
    expect(() => languagesOf(yaml)('en')('shop.broken', { count: 1 })).toThrow(words);
  });
});

describe('a language', () => {
  it('is called what those who speak it call it, and has a direction', () => {
    expect(LANGUAGES.map(nameOfLanguage)).toEqual(['English', 'Deutsch', '日本語', 'Português (Brasil)']);
    expect(LANGUAGES.map((language) => languagesOf('')(language).direction)).toEqual(['ltr', 'ltr', 'ltr', 'ltr']);
  });
});
