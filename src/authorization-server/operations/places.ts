import type { CityResponse } from 'maxmind';

/** Where an address is, as far as anybody knows; in the language's own names where there are some. */
export type PlaceOf = (address: string, language: string) => string | undefined;

/** Reads the database of `geoip.database`; one that cannot be read stops the boot. Without one nobody knows any place. */
export async function openPlaces(database: string | null): Promise<PlaceOf> {
  if (database === null) {
    return () => undefined;
  }
  const options = { watchForUpdates: true, watchForUpdatesNonPersistent: true };
  const { open } = await import('maxmind'); // Not loaded where nobody wants it.
  const reader = await open<CityResponse>(database, options).catch((cause: unknown) => {
    throw new Error(`geoip.database: ${database} is no database in MaxMind’s format that can be read`, { cause });
  });
  return (address, language) => {
    const found = find(() => reader.get(address));
    const names = [found?.city?.names, found?.country?.names].map((each) => nameIn(each, language));
    const known = names.filter((name) => name !== undefined);
    return known.length === 0 ? undefined : known.join(', ');
  };
}

/** It throws for what is no address, and for IPv6 where the database knows IPv4 only. */
function find<Found>(look: () => Found | null): Found | undefined {
  try {
    return look() ?? undefined;
  } catch {
    return undefined;
  }
}

function nameIn(names: object | undefined, language: string): string | undefined {
  const byLanguage = names as Readonly<Record<string, string>> | undefined;
  return byLanguage?.[language] ?? byLanguage?.en;
}
