import { expect, it } from 'vitest';
import { openPlaces } from './places.ts';

it('knows no place without a database', async () => {
  const placeOf = await openPlaces(null);
  expect(placeOf('192.0.2.1', 'en')).toBeUndefined();
});

it('stops the boot where the database is not there, or is none', async () => {
  await expect(openPlaces('/nowhere/GeoLite2-City.mmdb')).rejects.toThrow('geoip.database');
  await expect(openPlaces(import.meta.filename)).rejects.toThrow('geoip.database');
});
