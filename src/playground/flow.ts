import type * as openid from 'openid-client';
import type { AuthorizationServer } from './authorization-server.ts';
import type { Recorder, Send } from './exchange.ts';
import type { Client, ClientRole, Issuer } from './issuers.ts';
import type { Party, Standard } from './parties.ts';
import type { LocalStep, Run } from './run.ts';

/** A parameter of the request that may be edited. The form of a page consists of these. */
export interface Field {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  /** One of these; any text where it is absent. */
  readonly options?: readonly string[];
  readonly type?: 'text' | 'email' | 'password';
  readonly initial: (issuer: Issuer) => string;
}

export interface Arrow {
  readonly from: Party;
  readonly to: Party;
  readonly label: string;
}

/** Something that the client does next: a button, one or more requests, and what comes of them. */
export interface Action {
  readonly name: string;
  /** What the button says. */
  readonly title: string;
  readonly testid: string;
  /** How the diagram announces it, and what follows by itself. */
  readonly arrow: Arrow;
  readonly afterwards?: readonly Arrow[];
  readonly isAvailable: (context: FlowContext) => boolean;
  readonly perform: (context: FlowContext) => Promise<void>;
}

/** An attack, tried for real: the request is sent, and whether it was refused is seen and not assumed. */
export interface Breaker extends Attack {
  readonly isAvailable: (context: FlowContext) => boolean;
  /** `undefined`: it has begun, and goes on when its button is pressed after `waitsUntil`. */
  readonly attempt: (context: FlowContext) => Promise<Attempt | undefined>;
  /** Milliseconds since 1970. */
  readonly waitsUntil?: (run: Run) => number | undefined;
}

/** What a page says of an attack. */
export interface Attack {
  readonly name: string;
  readonly title: string;
  /** Which attack this is. */
  readonly attack: string;
  /** Which rule stops it. */
  readonly rule: string;
  readonly standard: Standard;
}

export interface Attempt {
  readonly refused: boolean;
  readonly by: 'client' | 'server';
  /** What was seen. */
  readonly seen: string;
}

/** One page of the playground: a grant, or an endpoint by itself. */
export interface Flow {
  readonly name: string;
  readonly path: string;
  readonly title: string;
  /** For the list of all. */
  readonly summary: string;
  /** What it is for, in two sentences. */
  readonly purpose: string;
  readonly standards: readonly Standard[];
  /** Discouraged by RFC 9700, and why. */
  readonly legacy?: string;
  /** The first of these that is configured plays the client. */
  readonly roles: readonly ClientRole[];
  /** Where the client runs: a script's answers are none of this server's business. */
  readonly runsIn: 'server' | 'browser';
  /** The code is no stop on the way here: what follows the tokens is what the page is about. */
  readonly redeemsAtOnce?: true;
  readonly fields: readonly Field[];
  /** Why this issuer does not offer it; `undefined` where it does. */
  readonly missing: (metadata: openid.ServerMetadata) => string | undefined;
  readonly start: Action;
  readonly actions: readonly Action[];
  /** The order in which the page suggests the actions, by name. */
  readonly story: readonly string[];
  readonly breakers: readonly Breaker[];
  /** Where the client is a script, the attacks are the script's as well. */
  readonly attacksInBrowser?: readonly Attack[];
}

/** What actions and attacks work with. */
export interface FlowContext {
  readonly run: Run;
  readonly server: AuthorizationServer;
  readonly client: Client;
  readonly ownUrl: string;
  readonly metadata: openid.ServerMetadata;
  readonly recorder: Recorder;
  /** Sends a request as it is, and records it. */
  readonly send: Send;
  /** openid-client for the client of this flow, or for another one; what it sends is recorded. */
  readonly connect: (client?: Client) => Promise<openid.Configuration>;
  /** Something that happens inside one party, without a request. */
  readonly note: (step: LocalStep) => void;
}
