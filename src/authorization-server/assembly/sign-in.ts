import type { Config } from '../../config/schema.ts';
import type { Authenticate } from '../accounts/account.ts';
import type { RequiresSecondFactor } from '../accounts/second-factor-policy.ts';
import { createRecoveryCodes } from '../authenticators/recovery-codes.ts';
import { createTotp } from '../authenticators/totp.ts';
import type { Demonstration } from '../pages/demonstration.ts';
import type { Notices } from '../pages/notices.ts';
import type { Page } from '../pages/page.ts';
import { createSignInSteps } from '../pages/sign-in-steps.ts';
import type { SignInWay } from '../pages/sign-in-ways.ts';
import type { Stores } from './stores.ts';

export interface SecondFactorsAssembly {
  readonly config: Config;
  readonly stores: Stores;
}

export type SecondFactors = ReturnType<typeof assembleSecondFactors>;

/** What confirms a first step. */
export function assembleSecondFactors({
  config,
  stores: { sealing, audit, secondSteps: store },
}: SecondFactorsAssembly) {
  const { lockout, brand } = config;
  const purpose = 'totp seed';
  return {
    totp: createTotp({
      store,
      seal: {
        seal: (text) => sealing.seal(purpose, text),
        open: (sealed) => sealing.open(purpose, sealed),
        isOutdated: (sealed) => sealing.isOutdated(purpose, sealed),
      },
      lockout,
      audit,
      issuer: brand.name,
    }),
    recoveryCodes: createRecoveryCodes({ store, lockout, audit }),
  };
}

export interface SignInAssembly extends SecondFactorsAssembly {
  readonly page: Page;
  readonly secondFactors: SecondFactors;
  readonly authenticate: Authenticate;
  readonly requiresSecondFactor: RequiresSecondFactor;
  readonly notices: Notices;
  /** In the order in which they are offered. */
  readonly ways: readonly SignInWay[];
  readonly demonstration: Demonstration | undefined;
}

/** The steps of signing in, with every way there is. */
export function assembleSignIn({ stores: { sealing, audit, secondSteps }, secondFactors, ...deps }: SignInAssembly) {
  const purpose = 'sign-in progress';
  return createSignInSteps({
    ...deps,
    ...secondFactors,
    audit,
    findPerson: (accountId) => secondSteps.findPerson(accountId),
    seal: {
      seal: (text) => sealing.seal(purpose, text),
      open: (sealed) => sealing.open(purpose, sealed),
    },
  });
}
