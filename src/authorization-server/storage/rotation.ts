import { hash } from 'node:crypto';
import type { Sealing } from './sealing.ts';
import { createTokenId, slotOf } from './token-slot.ts';

/** How a used refresh token may come again: see `createRotation`. */
export interface RefreshGrace {
  /** Seconds; 0 for none at all. */
  readonly seconds: number;
  /** Seconds that the tokens of a refresh live at most: their ids are drawn before it is known which they will be. */
  readonly longest: () => Promise<{ readonly refreshToken: number; readonly accessToken: number }>;
}

/** The ids of the tokens that replace a refresh token, and what was asked for with it. */
export interface Successors {
  readonly refreshToken: string;
  readonly accessToken: string;
  readonly askedFor: string;
}

/**
 * Every use of a refresh token replaces it (RFC 9700 §4.14.2). A client whose answer was lost, or who asked twice at once,
 * presents the old one again: for a few seconds, as long as its successor was not used, it is told the same successors
 * again, so that a hiccup signs nobody out and any number of requests end in one set of tokens.
 *
 * The ids of the successors are drawn before the token is marked as used, and are written in that very statement: sealed
 * under a key made with the old token, which only its holder has, and with the server's secret. Who did not get to mark
 * it reads what was written. The database alone, or the old token alone, yields nothing.
 */
export interface Rotation {
  readonly graceMs: number;
  /** `asksFor` is what the request asks for besides presenting its token. */
  draw(asksFor: string): Promise<Successors>;
  seal(id: string, successors: Successors): string;
  /** `undefined` when nothing opens them. */
  open(id: string, sealed: string | null): Successors | undefined;
  isFor(successors: Successors, asksFor: string): boolean;
}

const PURPOSE = 'successors';

export function createRotation(sealing: Sealing, grace: RefreshGrace): Rotation {
  return {
    graceMs: grace.seconds * 1000,
    async draw(asksFor) {
      const { refreshToken, accessToken } = await grace.longest();
      return { refreshToken: drawId(refreshToken), accessToken: drawId(accessToken), askedFor: fingerprint(asksFor) };
    },
    seal: (id, successors) => sealing.seal(PURPOSE, JSON.stringify(successors), id),
    open(id, sealed) {
      const opened = sealed === null ? undefined : sealing.open(PURPOSE, sealed, id);
      return opened === undefined ? undefined : JSON.parse(opened);
    },
    isFor: ({ askedFor }, asksFor) => askedFor === fingerprint(asksFor),
  };
}

function drawId(lifetime: number): string {
  return createTokenId(slotOf(Date.now() / 1000 + lifetime, lifetime));
}

function fingerprint(asksFor: string): string {
  return hash('sha256', asksFor, 'base64url');
}
