import { expect, it } from 'vitest';
import { momentOf } from './moments.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const inSeconds = (seconds: number) => momentOf(new Date(NOW.getTime() + seconds * 1000), 'en', NOW).relative;

it.each([
  [-5, 'now'],
  [-56, 'now'],
  [-58, '1 minute ago'],
  [-180, '3 minutes ago'],
  [-3600, '1 hour ago'],
  [-86_400, 'yesterday'],
  [-5 * 86_400, '5 days ago'],
  [3600, 'in 1 hour'],
  [30 * 86_400, 'next month'],
  [180 * 86_400, 'in 6 months'],
  [365 * 86_400, 'next year'],
])('%i seconds from now are "%s"', (seconds, words) => {
  expect(inSeconds(seconds)).toBe(words);
});

it('says the day in the language of the page', () => {
  const days = (['en', 'de', 'ja', 'pt-BR'] as const).map((language) => momentOf(NOW, language).day);
  expect(days).toEqual(['November 22, 2026', '22. November 2026', '2026年11月22日', '22 de novembro de 2026']);
});
