import { describe, expect, it } from 'vitest';
import { ClientRegistration } from '../clients/registration.ts';
import { PROFILES } from '../profiles/profile.ts';
import { holdToProfile } from './held-client.ts';

const confidential = ClientRegistration.parse({ redirect_uris: ['https://app.example.com/callback'] });
const onLoopback = ClientRegistration.parse({
  token_endpoint_auth_method: 'none',
  redirect_uris: ['http://127.0.0.1/callback', 'http://localhost:1234/callback'],
});

describe('a client held to a profile', () => {
  it('is as it was registered under rfc6749', () => {
    expect(holdToProfile(confidential, PROFILES.rfc6749)).toEqual(confidential);
    expect(holdToProfile(onLoopback, PROFILES['oauth-2.1'])).toEqual(onLoopback);
  });

  it('is a native one under mcp when it is public and lives on loopback', () => {
    expect(holdToProfile(onLoopback, PROFILES.mcp).application_type).toBe('native');
    expect(holdToProfile(confidential, PROFILES.mcp).application_type).toBe('web');
    const onTheWeb = {
      ...onLoopback,
      redirect_uris: [...(onLoopback.redirect_uris ?? []), 'https://app.example.com/'],
    };
    expect(holdToProfile(onTheWeb, PROFILES.mcp).application_type).toBe('web');
    expect(holdToProfile({ ...onLoopback, redirect_uris: [] }, PROFILES.mcp).application_type).toBe('web');
  });

  it('pushes its requests and binds its tokens under fapi-2.0, by the key that it authenticates with if it says nothing', () => {
    const bound = { dpop_bound_access_tokens: true };
    const boundByCertificate = { tls_client_certificate_bound_access_tokens: true };
    const held = (registration: object) => holdToProfile({ ...confidential, ...registration }, PROFILES['fapi-2.0']);
    expect(held({ token_endpoint_auth_method: 'private_key_jwt' })).toMatchObject({
      require_pushed_authorization_requests: true,
      id_token_signed_response_alg: 'ES256',
      ...bound,
    });
    expect(held({ token_endpoint_auth_method: 'self_signed_tls_client_auth' })).toMatchObject(boundByCertificate);
    const chosen = held({ token_endpoint_auth_method: 'private_key_jwt', ...boundByCertificate });
    expect(chosen).toMatchObject(boundByCertificate);
    expect(chosen).not.toHaveProperty('dpop_bound_access_tokens');
    expect(held({ token_endpoint_auth_method: 'tls_client_auth', ...bound })).not.toMatchObject(boundByCertificate);
  });

  it('has no algorithm that the profile forbids', () => {
    const held = holdToProfile(
      { ...confidential, id_token_signed_response_alg: 'RS256', id_token_encrypted_response_alg: 'RSA-OAEP' },
      PROFILES['fapi-2.0'],
    );
    expect(held).toMatchObject({ id_token_signed_response_alg: 'ES256', id_token_encrypted_response_alg: 'RSA-OAEP' });
  });
});
