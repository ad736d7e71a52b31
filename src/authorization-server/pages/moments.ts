import type { Language } from '../languages/languages.ts';

/** A moment in words: by the day, and seen from now. */
export interface Moment {
  /** For `<time datetime>`. */
  readonly iso: string;
  readonly day: string;
  readonly relative: string;
}

const UNITS = [
  ['year', 365.25 * 86_400],
  ['month', 30.44 * 86_400],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;

/** Nearly a unit is called one. */
const NEARLY = 0.95;

/** Days are those of UTC, whatever the zone of the server. */
export function momentOf(moment: Date, language: Language, now = new Date()): Moment {
  const day = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone: 'UTC' }).format(moment);
  return { iso: moment.toISOString(), day, relative: relativeTo(now, moment, language) };
}

function relativeTo(now: Date, moment: Date, language: Language): string {
  const seconds = (moment.getTime() - now.getTime()) / 1000;
  const words = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  const unit = UNITS.find(([, length]) => Math.abs(seconds) >= length * NEARLY);
  return unit === undefined ? words.format(0, 'second') : words.format(Math.round(seconds / unit[1]), unit[0]);
}

/** To the minute, in somebody's own time zone where it is known. */
export function exactTime(moment: Date, language: Language, zone = 'UTC'): string {
  return new Intl.DateTimeFormat(language, {
    year: 'numeric',
    month: 'long',
    day: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
    timeZone: zone,
    timeZoneName: 'short',
  }).format(moment);
}
