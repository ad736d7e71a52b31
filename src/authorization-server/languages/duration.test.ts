import { expect, it } from 'vitest';
import { durationIn } from './duration.ts';

it.each([
  ['en', 3600, '1 hour'],
  ['de', 5400, '1 Stunde, 30 Minuten'],
  ['ja', 600, '10 分'],
  ['pt-BR', 604_800, '7 dias'],
  ['en', 1, '1 minute'],
] as const)('says in %s how long %i seconds are', (language, seconds, words) => {
  expect(durationIn(language, seconds).replaceAll('\u00a0', ' ')).toBe(words);
});
