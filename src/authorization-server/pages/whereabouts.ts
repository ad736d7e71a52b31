import Bowser from 'bowser';
import type { Translate } from '../languages/languages.ts';

/** Where an address is: operations/places.ts. */
export type PlaceOf = (address: string, language: string) => string | undefined;

/** From where somebody came, in words. */
export interface Whereabouts {
  /** `Firefox on Windows`; a program by its own name. */
  readonly browser: string;
  /** What it says of itself: a desktop computer where nothing else is known. */
  readonly device: 'desktop' | 'mobile' | 'tablet' | 'program';
  /** `Oslo, Norway (192.0.2.1)`, or the address alone; `undefined` where nothing is known. */
  readonly place: string | undefined;
}

interface Origin {
  readonly address: string | undefined;
  readonly userAgent: string | undefined;
}

export type DescribeOrigin = (origin: Origin, t: Translate) => Whereabouts;

/** Of a program that Bowser does not know: it goes into mail, so no more than a word. */
const PROGRAM = /^[\w.+-]{1,40}/;

/** All of it is what the browser says: enough to recognise one's own, and proof of nothing. */
export function createDescribeOrigin(placeOf: PlaceOf): DescribeOrigin {
  return ({ address, userAgent }, t) => ({
    ...browserOf(userAgent, t),
    place: placed(address, address && placeOf(address, t.language)),
  });
}

function placed(address: string | undefined, place: string | undefined): string | undefined {
  return place === undefined ? address : `${place} (${address})`;
}

function browserOf(userAgent: string | undefined, t: Translate): Omit<Whereabouts, 'place'> {
  if (userAgent === undefined || userAgent === '') {
    return { browser: t('whereabouts.unknown'), device: 'program' };
  }
  const { browser, os, platform } = Bowser.parse(userAgent);
  if (!browser.name || !os.name) {
    return { browser: browser.name || PROGRAM.exec(userAgent)?.[0] || t('whereabouts.unknown'), device: 'program' };
  }
  const device = platform.type === 'mobile' || platform.type === 'tablet' ? platform.type : 'desktop';
  return { browser: t('whereabouts.browser', { browser: browser.name, system: os.name }), device };
}
