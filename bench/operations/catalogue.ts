import { clientCredentials, clientCredentialsJwt } from './client-credentials.ts';
import { discovery, jwks, signInPage } from './documents.ts';
import { introspection, introspectionUnknown } from './introspection.ts';
import { journey, journeyWithHash } from './journey.ts';
import type { Operation } from './operation.ts';
import { passwordGrant } from './passwords.ts';
import { resourceApi, resourceApiCold } from './resource-api.ts';
import { codeExchange, refreshing, revocation, userinfo } from './tokens.ts';

/** In the order of the report. */
export const OPERATIONS: readonly Operation[] = [
  clientCredentials,
  clientCredentialsJwt,
  introspection,
  introspectionUnknown,
  refreshing,
  codeExchange,
  revocation,
  userinfo,
  passwordGrant,
  journey,
  journeyWithHash,
  discovery,
  jwks,
  signInPage,
  resourceApi,
  resourceApiCold,
];

export function operationNamed(name: string): Operation {
  const operation = OPERATIONS.find((one) => one.name === name);
  if (operation === undefined) {
    throw new Error(`there is no operation ${name}`);
  }
  return operation;
}
