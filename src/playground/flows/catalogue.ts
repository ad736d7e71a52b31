import type { Flow } from '../flow.ts';
import { authorizationCode } from './authorization-code.ts';
import { clientCredentials } from './client-credentials.ts';
import { device } from './device.ts';
import { discovery } from './discovery.ts';
import { apiCall, introspection, revocation, userinfo } from './endpoints.ts';
import { implicit, singlePageApp } from './in-the-browser.ts';
import { password } from './password.ts';
import { refreshFlow } from './refresh.ts';
import { tokenExchange } from './token-exchange.ts';

/** Every page, in the order of the navigation. */
export const CATALOGUE: readonly { readonly title: string; readonly flows: readonly Flow[] }[] = [
  { title: 'Somebody signs in', flows: [authorizationCode, singlePageApp, device, refreshFlow] },
  { title: 'Machines', flows: [clientCredentials, tokenExchange] },
  { title: 'Legacy', flows: [implicit, password] },
  { title: 'Endpoints', flows: [discovery, introspection, revocation, userinfo, apiCall] },
];

const FLOWS = CATALOGUE.flatMap(({ flows }) => flows);

export const findFlow = (name: string | undefined): Flow | undefined => FLOWS.find((flow) => flow.name === name);

/** The pages of a folder: their last segment is the flow's name. */
export const flowAt = (path: string): Flow | undefined => FLOWS.find((flow) => flow.path === path);
