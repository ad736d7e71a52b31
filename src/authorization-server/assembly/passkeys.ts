import type { Config } from '../../config/schema.ts';
import { createPasskeys } from '../authenticators/passkeys.ts';
import type { Notices } from '../pages/notices.ts';
import type { Page } from '../pages/page.ts';
import { signInWithPasskey } from '../pages/sign-in-with-passkey.ts';
import type { DescribeOrigin } from '../pages/whereabouts.ts';
import { PostgresPasskeyStore } from '../storage/passkeys.ts';
import type { Stores } from './stores.ts';

export interface PasskeysAssembly {
  readonly config: Config;
  readonly stores: Stores;
  readonly page: Page;
  readonly describeOrigin: DescribeOrigin;
  readonly notices: Notices;
}

export type AssembledPasskeys = ReturnType<typeof assemblePasskeys>;

export function assemblePasskeys({ config: { issuer, brand }, stores, ...pages }: PasskeysAssembly) {
  const { pool, sealing, artifacts, audit } = stores;
  const store = new PostgresPasskeyStore(pool);
  const passkeys = createPasskeys({
    issuer,
    name: brand.name,
    store,
    audit,
    macs: (text) => sealing.macs('passkey challenge', text),
    firstUse: (id, seconds) => artifacts.firstUse(id, seconds),
  });
  return { store, passkeys, way: signInWithPasskey({ ...pages, issuer, passkeys, audit }) };
}
