import { expect, it } from 'vitest';
import { loadLanguages } from '../languages/languages.ts';
import { createDescribeOrigin } from './whereabouts.ts';

const t = loadLanguages()('en');
const places = new Map([['192.0.2.1', 'Oslo, Norway']]);
const describeOrigin = createDescribeOrigin((address) => places.get(address));

it.each([
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
    { browser: 'Firefox on Windows', device: 'desktop' },
  ],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1',
    { browser: 'Safari on iOS', device: 'mobile' },
  ],
  ['curl/8.5.0', { browser: 'curl', device: 'program' }],
  ['<script>alert(1)</script>', { browser: 'Unknown program', device: 'program' }],
  ['https://attacker.example/sign-in', { browser: 'https', device: 'program' }],
  [undefined, { browser: 'Unknown program', device: 'program' }],
])('calls %s by a name that people know', (userAgent, words) => {
  expect(describeOrigin({ userAgent, address: undefined }, t)).toEqual({ ...words, place: undefined });
});

it('names the place of an address where it is known, and the address always', () => {
  const placeOf = (address: string) => describeOrigin({ address, userAgent: undefined }, t).place;
  expect([placeOf('192.0.2.1'), placeOf('192.0.2.2')]).toEqual(['Oslo, Norway (192.0.2.1)', '192.0.2.2']);
});
