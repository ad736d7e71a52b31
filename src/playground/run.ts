import type * as openid from 'openid-client';
import type { Exchange } from './exchange.ts';
import type { Party } from './parties.ts';
import type { Problem } from './problem.ts';

export interface Fact {
  readonly name: string;
  readonly value: string;
  readonly meaning: string;
}

/** Inside one party: a check, a random value. */
export interface LocalStep {
  readonly at: Party;
  readonly label: string;
  readonly text: string;
  readonly facts: readonly Fact[];
}

export interface Verdict {
  readonly refused: boolean;
  readonly text: string;
}

/** One row of the diagram. What an exchange means is told when it is shown. */
export type Step = {
  /** Its address within the run: 1, 2, 3 ... */
  readonly id: number;
  /** Part of an attack: the breaker's name. */
  readonly attack?: string | undefined;
  verdict?: Verdict;
} & ({ readonly local: LocalStep } | { readonly exchange: Exchange });

export interface Tokens {
  readonly accessToken?: string;
  readonly tokenType?: string;
  readonly expiresIn?: number;
  readonly scope?: string;
  readonly refreshToken?: string;
  readonly idToken?: string;
  readonly idTokenClaims?: openid.IDToken;
}

/** A device that shows its code and waits. */
export interface WaitingDevice {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly verificationUri: string;
  /** Where the code need not be typed, and the same as a picture: SVG. */
  readonly link: string;
  readonly qrCode: string;
  /** Seconds between two polls. */
  readonly interval: number;
}

/** What an authorization code client remembers from the request until the code is redeemed, and for those who replay it. */
export interface CodeMemory {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string | undefined;
  readonly redirectUri: string;
  /** With the answer in its query; absent while the browser is away. */
  callbackUrl?: string;
}

/** A walk through a flow: what has happened, and what the client holds. */
export interface Run {
  readonly flowName: string;
  /** The form that it was started with. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly steps: Step[];
  tokens: Tokens;
  code?: CodeMemory | undefined;
  device?: WaitingDevice | undefined;
  /** A token that somebody waits for the end of, in milliseconds since 1970. */
  expiring?: { readonly token: string; readonly at: number } | undefined;
  /** Where the browser has to go next. */
  leaveTo?: string | undefined;
  problem?: Problem | undefined;
  /** Names of actions, oldest first. */
  readonly done: string[];
  /** Something is on its way: two redemptions at once would be an attack of our own. */
  busy: boolean;
  /** What came of the attacks that were tried. */
  readonly verdicts: Record<string, Verdict>;
}

/** A run does not grow for ever, however often its buttons are pressed. */
const MOST_STEPS = 40;

export function createRun(flowName: string, parameters: Readonly<Record<string, string>>): Run {
  return { flowName, parameters, steps: [], tokens: {}, done: [], busy: false, verdicts: {} };
}

export function addStep(
  run: Run,
  what: { readonly local: LocalStep } | { readonly exchange: Exchange },
  attack?: string,
): void {
  const id = (run.steps.at(-1)?.id ?? 0) + 1;
  run.steps.push({ id, ...(attack && { attack }), ...what });
  if (run.steps.length > MOST_STEPS) {
    run.steps.shift();
  }
}

/** RFC 6749 §5.1: the scope may be left out of the answer when it is the one that was asked for. */
export function readTokens(
  response: openid.TokenEndpointResponse & openid.TokenEndpointResponseHelpers,
  requestedScope: string | undefined,
): Tokens {
  const scope = response.scope ?? requestedScope;
  const idTokenClaims = response.claims();
  return {
    accessToken: response.access_token,
    tokenType: response.token_type,
    ...(response.expires_in !== undefined && { expiresIn: response.expires_in }),
    ...(scope !== undefined && { scope }),
    ...(response.refresh_token !== undefined && { refreshToken: response.refresh_token }),
    ...(response.id_token !== undefined && { idToken: response.id_token }),
    ...(idTokenClaims && { idTokenClaims }),
  };
}
