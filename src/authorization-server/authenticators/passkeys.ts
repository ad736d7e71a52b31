/**
 * Passkeys (WebAuthn Level 3): a key for this site alone, which a device keeps and gives out to nobody. With the device's lock
 * (user verification) it is two kinds of proof in one and stands alone; after a password it confirms the account.
 */
import { z } from 'zod';
import type { Account } from '../accounts/account.ts';
import type { Person } from '../accounts/person.ts';
import type { Audit } from '../audit/audit.ts';
import type { Authenticator } from './authenticator.ts';
import { type ChallengeDeps, createChallenges } from './passkey-challenges.ts';
import type { Passkey, PasskeyStore } from './passkey-store.ts';

/** Loaded when the first passkey is asked for: a fifth of what a process takes to start, and of its memory. */
const webAuthn = () => import('@simplewebauthn/server');

/** Nobody has more devices; each is sent to the browser whenever one is asked for. */
const MOST = 20;

/** Milliseconds that a browser waits (WebAuthn Level 3 §15.1): whoever uses a phone has to find it first. */
const TIMEOUT = 300_000;

const TRANSPORTS = ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'] as const;

const base64url = z.string().regex(/^[A-Za-z0-9_-]+$/);
const credential = { id: base64url.max(1400), rawId: base64url, type: z.literal('public-key') };
const extensions = { clientExtensionResults: z.looseObject({}).default({}) };

/** What a browser's `toJSON` makes of an answer to `navigator.credentials.get`. */
const Assertion = z.object({
  ...credential,
  ...extensions,
  response: z.object({
    clientDataJSON: base64url,
    authenticatorData: base64url,
    signature: base64url,
    userHandle: base64url.nullish().transform((value) => value ?? undefined),
  }),
});
type Assertion = z.infer<typeof Assertion>;

const Attestation = z.object({
  ...credential,
  ...extensions,
  response: z.object({
    clientDataJSON: base64url,
    attestationObject: base64url,
    transports: z.array(z.string()).default([]),
  }),
});

export interface PasskeysDeps extends ChallengeDeps {
  readonly issuer: string;
  /** What the browser calls this site when it asks whether to make a passkey. */
  readonly name: string;
  readonly store: PasskeyStore;
  readonly audit: Pick<Audit, 'record'>;
}

/** What the browser's answer proves. */
export interface PasskeyEvidence {
  /** The text that the page's script sent. */
  readonly response: string;
  /** Of the place that it was asked for at. */
  readonly binding: string;
  /** Whose first step it is to confirm; `undefined` where it stands alone. */
  readonly confirms?: Person | undefined;
  /** For the audit. */
  readonly clientId?: string | undefined;
}

export interface Passkeys extends Authenticator<PasskeyEvidence> {
  /** For `navigator.credentials.get`, as JSON; any passkey of this site will do unless a person is to be confirmed. */
  request(binding: string, confirms?: Person): Promise<object>;
  /** For `navigator.credentials.create`, as JSON. */
  proposal(account: Account, binding: string): Promise<object>;
  /** `refused`: not what was asked for, or too late. `nameFor` is called with the AAGUID. */
  add(account: Account, answer: NewAnswer): Promise<Passkey | 'refused' | 'not_possible'>;
  /** Whether nobody here has the passkey of this answer: a browser may forget it then. */
  isUnknown(response: string): Promise<string | undefined>;
}

export interface NewAnswer {
  readonly response: string;
  readonly binding: string;
  readonly nameFor: (aaguid: string) => string;
}

export function createPasskeys(deps: PasskeysDeps): Passkeys {
  const { store, audit } = deps;
  const { origin: expectedOrigin, hostname: rpID } = new URL(deps.issuer);
  const challenges = createChallenges(deps);
  const placeOf = (binding: string, confirms: Person | undefined) =>
    `${confirms === undefined ? 'alone' : `second ${confirms.account.accountId}`}\0${binding}`;
  const placeOfNew = ({ accountId }: Account, binding: string) => `new ${accountId}\0${binding}`;

  async function check(assertion: Assertion, passkey: Passkey, { binding, confirms }: PasskeyEvidence) {
    const handle = assertion.response.userHandle;
    if (handle !== undefined && handle !== handleOf(passkey.accountId)) {
      return undefined;
    }
    try {
      const { verifyAuthenticationResponse } = await webAuthn();
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        response: { ...assertion, response: withoutUndefined(assertion.response) },
        expectedChallenge: (challenge) => challenges.isValid(challenge, placeOf(binding, confirms)),
        expectedOrigin,
        expectedRPID: rpID,
        requireUserVerification: confirms === undefined,
        // The store compares the counters, so that two nodes cannot both find them in order.
        credential: { id: passkey.credentialId, publicKey: new Uint8Array(passkey.publicKey), counter: 0 },
      });
      return verified ? authenticationInfo : undefined;
    } catch {
      // It throws for whatever is not as it should be, and for what cannot be read at all.
      return undefined;
    }
  }

  async function refuse(accountId: string | undefined, reason: string, clientId: string | undefined) {
    // What concerns nobody is no row: it costs whoever sends it nothing, and there is no end to it.
    if (accountId !== undefined) {
      await audit.record({ kind: 'sign_in_failed', accountId, clientId, details: { method: 'passkey', reason } });
    }
    return undefined;
  }

  return {
    method: 'passkey',

    async verify(evidence) {
      const { confirms, clientId } = evidence;
      const assertion = parse(Assertion, evidence.response);
      const passkey = assertion && (await store.findPasskey(assertion.id));
      const accountId = confirms?.account.accountId;
      if (assertion === undefined || passkey === undefined) {
        return refuse(accountId, assertion === undefined ? 'unreadable' : 'unknown', clientId);
      }
      if (accountId !== undefined && passkey.accountId !== accountId) {
        return refuse(accountId, 'of another account', clientId);
      }
      const info = await check(assertion, passkey, evidence);
      if (info === undefined || !(await challenges.useUp(challengeIn(assertion)))) {
        return refuse(passkey.accountId, info === undefined ? 'not verified' : 'repeated', clientId);
      }
      const { newCounter: counter, credentialBackedUp: isBackedUp } = info;
      const person = await store.acceptPasskey({ credentialId: passkey.credentialId, counter, isBackedUp });
      if (person === undefined) {
        // A counter that does not rise is the one sign of a key that exists twice.
        return refuse(passkey.accountId, 'disabled, or its counter went back', clientId);
      }
      const amr = [passkey.isDeviceBound ? 'hwk' : 'swk', 'user'];
      return { person, method: 'passkey', amr, details: { passkey: passkey.name } };
    },

    async request(binding, confirms) {
      const { generateAuthenticationOptions } = await webAuthn();
      const known = confirms && (await store.passkeysOf(confirms.account.accountId));
      return generateAuthenticationOptions({
        challenge: challenges.draw(placeOf(binding, confirms)),
        rpID,
        timeout: TIMEOUT,
        userVerification: confirms === undefined ? 'required' : 'preferred',
        ...(known && { allowCredentials: known.map(descriptorOf) }),
      });
    },

    async proposal(account, binding) {
      const { generateRegistrationOptions } = await webAuthn();
      const known = await store.passkeysOf(account.accountId);
      const options = await generateRegistrationOptions({
        rpName: deps.name,
        rpID,
        userID: new Uint8Array(Buffer.from(account.accountId)), // Sent as `handleOf` writes it.
        userName: account.email,
        userDisplayName: account.name,
        challenge: challenges.draw(placeOfNew(account, binding)),
        timeout: TIMEOUT,
        attestationType: 'none',
        excludeCredentials: known.map(descriptorOf),
        authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
      });
      return options;
    },

    async add(account, { response, binding, nameFor }) {
      const attestation = parse(Attestation, response);
      if (attestation === undefined) {
        return 'refused';
      }
      const { verifyRegistrationResponse } = await webAuthn();
      const transports = TRANSPORTS.filter((one) => attestation.response.transports.includes(one));
      const result = await verifyRegistrationResponse({
        response: { ...attestation, response: { ...attestation.response, transports: [...transports] } },
        expectedChallenge: (challenge) => challenges.isValid(challenge, placeOfNew(account, binding)),
        expectedOrigin,
        expectedRPID: rpID,
      }).catch(() => undefined);
      const info = result?.verified ? result.registrationInfo : undefined;
      if (info === undefined || !(await challenges.useUp(challengeIn(attestation)))) {
        return 'refused';
      }
      const { aaguid, credential } = info;
      const passkey = {
        credentialId: credential.id,
        accountId: account.accountId,
        publicKey: credential.publicKey,
        transports,
        aaguid,
        isDeviceBound: info.credentialDeviceType === 'singleDevice',
        isBackedUp: info.credentialBackedUp,
        name: nameFor(aaguid),
      };
      const added = await store.addPasskey({ ...passkey, counter: credential.counter }, MOST);
      return added ? { ...passkey, createdAt: new Date(), lastUsedAt: undefined } : 'not_possible';
    },

    async isUnknown(response) {
      const id = parse(Assertion, response)?.id;
      return id !== undefined && (await store.findPasskey(id)) === undefined ? id : undefined;
    },
  };
}

function parse<Schema extends z.ZodType>(schema: Schema, text: string): z.infer<Schema> | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** After it was verified: what it contains can be read. */
function challengeIn({ response }: { readonly response: { readonly clientDataJSON: string } }): string {
  return JSON.parse(Buffer.from(response.clientDataJSON, 'base64url').toString()).challenge;
}

/** What an authenticator keeps of the account: an id that says nothing of the person. */
function handleOf(accountId: string): string {
  return Buffer.from(accountId).toString('base64url');
}

function descriptorOf({ credentialId, transports }: Passkey) {
  const known = TRANSPORTS.filter((one) => transports.includes(one));
  return { id: credentialId, transports: known };
}

function withoutUndefined<T extends { userHandle?: string | undefined }>({ userHandle, ...rest }: T) {
  return userHandle === undefined ? rest : { ...rest, userHandle };
}
