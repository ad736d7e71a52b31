import type { Configuration } from 'oidc-provider';
import type { Slice } from '../flows/slice.ts';

/** Objects whose members come from several slices; anything else has exactly one owner. */
const MERGED = new Set([
  'discovery',
  'features',
  'ttl',
  'extraClientMetadata',
  'claims',
  'cookies',
  'extraParams',
  'enabledJWA',
]);

/**
 * One configuration from many slices. Lists are joined, the objects named above are merged member by member, and two
 * slices that decide the same thing are a mistake in the program.
 */
export function mergeSlices(slices: readonly Slice[]): Configuration {
  return slices.reduce<Configuration>((merged, slice) => merge(merged, slice, ''), {});
}

function merge<T extends object>(left: T, right: T, path: string): T {
  const merged = { ...left } as Record<string, unknown>;
  for (const [name, value] of Object.entries(right)) {
    const present = merged[name];
    const here = path === '' ? name : `${path}.${name}`;
    if (present === undefined) {
      merged[name] = value;
    } else if (Array.isArray(present) && Array.isArray(value)) {
      merged[name] = [...present, ...value];
    } else if (MERGED.has(here) && isObject(present) && isObject(value)) {
      merged[name] = merge(present, value, here);
    } else {
      throw new TypeError(`two slices of the provider's settings decide ${here}`);
    }
  }
  return merged as T;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
