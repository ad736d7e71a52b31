import { ResponseBodyError } from 'openid-client';
import { z } from 'zod';
import type { AuthorizationServer } from './authorization-server.ts';
import type { Session } from './sessions.ts';

const RecordList = z.object({
  records: z.array(
    z.object({
      id: z.string(),
      title: z.string(),
      body: z.string(),
      created_at: z.coerce.date(),
      owner: z.object({ sub: z.string(), client_id: z.string() }).partial().optional(),
    }),
  ),
});
export type StoredRecord = z.infer<typeof RecordList>['records'][number];

/** RFC 6750 §3.1, and what this API says in addition. */
const Refused = z.object({ error: z.string(), error_description: z.string().default('') });

/** The API decides what a token is good for. This is its no, in its own words. */
export class ApiRefusal extends Error {
  override readonly name = 'ApiRefusal';
  readonly status: number;
  readonly code: string;

  constructor(status: number, { error, error_description }: z.infer<typeof Refused>) {
    super(error_description);
    this.status = status;
    this.code = error;
  }
}

/** Neither this access token works any more, nor the refresh token: the person has to sign in again. */
export class SessionEnded extends Error {
  override readonly name = 'SessionEnded';
}

/** Soon is now: the request still has to travel. */
const EARLY_MS = 30_000;
const ANSWER_WITHIN_MS = 10_000;

/** The resource API, called with the access token of a session, which is renewed when it has to be. */
export class ResourceApi {
  readonly #url: string;
  readonly #authorizationServer: AuthorizationServer;

  constructor(url: string, authorizationServer: AuthorizationServer) {
    this.#url = url;
    this.#authorizationServer = authorizationServer;
  }

  async records(session: Session): Promise<StoredRecord[]> {
    return RecordList.parse(await this.#call(session, '/records')).records;
  }

  async createRecord(session: Session, record: { readonly title: string; readonly body: string }): Promise<void> {
    await this.#call(session, '/records', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(record),
    });
  }

  /** A 401 says that the token was revoked before its time: one more try, with a new one. */
  async #call(session: Session, path: string, init: RequestInit = {}): Promise<unknown> {
    let { accessToken, expiresAt } = session.tokens;
    if (expiresAt - EARLY_MS < Date.now()) {
      accessToken = await this.#replace(session, accessToken);
    }
    let response = await this.#send(accessToken, path, init);
    if (response.status === 401) {
      response = await this.#send(await this.#replace(session, accessToken), path, init);
    }
    if (response.status === 401) {
      throw new SessionEnded();
    }
    const body: unknown = await response.json();
    if (!response.ok) {
      throw new ApiRefusal(response.status, Refused.parse(body));
    }
    return body;
  }

  #send(accessToken: string, path: string, init: RequestInit): Promise<Response> {
    return fetch(`${this.#url}${path}`, {
      ...init,
      headers: { ...init.headers, authorization: `Bearer ${accessToken}` },
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
  }

  /**
   * One refresh at a time for each session: a refresh token is used up by being used, and a server that sees it twice has
   * to take the second for a thief's (RFC 9700 §4.14.2). Who comes a moment later finds the work done.
   */
  async #replace(session: Session, stale: string): Promise<string> {
    if (session.tokens.accessToken === stale) {
      session.refreshing ??= this.#refresh(session).finally(() => {
        session.refreshing = undefined;
      });
      await session.refreshing;
    }
    return session.tokens.accessToken;
  }

  async #refresh(session: Session): Promise<void> {
    const { refreshToken } = session.tokens;
    if (refreshToken === undefined) {
      throw new SessionEnded();
    }
    try {
      session.tokens = await this.#authorizationServer.refresh(session.tokens, refreshToken);
    } catch (error) {
      // RFC 6749 §5.2: expired, revoked, or the person has signed out there.
      throw error instanceof ResponseBodyError && error.error === 'invalid_grant' ? new SessionEnded() : error;
    }
  }
}
