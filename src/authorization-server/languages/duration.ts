import type { Language } from './languages.ts';

/** "1 hour", "7 days", "1 hour, 30 minutes": rounded to minutes. */
export function durationIn(language: Language, seconds: number): string {
  const minutes = Math.max(1, Math.round(seconds / 60));
  const parts = { days: Math.floor(minutes / 1440), hours: Math.floor(minutes / 60) % 24, minutes: minutes % 60 };
  return new Intl.DurationFormat(language, { style: 'long' }).format(parts);
}
