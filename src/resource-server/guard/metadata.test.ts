import { expect, it } from 'vitest';
import { metadataUrl } from './metadata.ts';

it.each([
  ['https://api.example.com', 'https://api.example.com/.well-known/oauth-protected-resource'],
  ['http://localhost:3001', 'http://localhost:3001/.well-known/oauth-protected-resource'],
  ['https://example.com/api/v1', 'https://example.com/.well-known/oauth-protected-resource/api/v1'],
  ['urn:example:api', undefined],
  ['my-api', undefined],
])('finds the metadata of %s at %s (RFC 9728 §3.1)', (identifier, url) => {
  expect(metadataUrl(identifier)?.href).toBe(url);
});
