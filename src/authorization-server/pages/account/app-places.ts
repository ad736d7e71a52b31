import type { UsedScope } from '../../grants/grant-usage.ts';
import type { GrantOrigin, HeldAccess } from '../../grants/held-grant.ts';
import type { Translate } from '../../languages/languages.ts';
import type { ResourceServer } from '../../resources/resource-server.ts';
import { type ReadableDetail, readableDetails } from '../authorization-details-words.ts';
import { lastMomentOf } from '../end-of-day.ts';
import { type Moment, momentOf } from '../moments.ts';
import { endsWithSession, lastUseOf } from './app-access.ts';

/** Where an app has access from: a browser, a television, a program with the password. Each is a grant of its own. */
export interface Place {
  readonly key: string;
  readonly words: string;
  readonly isHere: boolean;
  readonly since: Moment;
  readonly until: Moment;
  readonly endsWithSession: boolean;
  readonly lastUse: (Moment & { readonly by: string | undefined }) | undefined;
  readonly details: readonly ReadableDetail[];
}

export interface PlacesQuestion {
  readonly app: HeldAccess;
  readonly uses: readonly UsedScope[];
  readonly origins: readonly GrantOrigin[];
  readonly resourceServers: readonly ResourceServer[];
  /** Of whoever is looking. */
  readonly sessionUid: string;
  /** In which browser a session is, where that is known. */
  readonly browsers: ReadonlyMap<string, string>;
}

/** How an access began, for those that no browser session belongs to. */
const KINDS: Readonly<Record<string, string>> = {
  'urn:ietf:params:oauth:grant-type:device_code': 'device',
  'urn:openid:params:grant-type:ciba': 'request',
  'urn:ietf:params:oauth:grant-type:jwt-bearer': 'assertion',
  password: 'password',
};

/** This browser first, then the newest. */
export function placesOf(question: PlacesQuestion, t: Translate): readonly Place[] {
  const { app, uses, origins, resourceServers, sessionUid, browsers } = question;
  const places = app.grants.map((grant) => {
    const { key, since, until, sessionUid: uid } = grant;
    const origin = origins.find((one) => one.key === key);
    const isHere = uid === sessionUid;
    const kind = isHere ? 'here' : (KINDS[origin?.grantType ?? ''] ?? (uid === undefined ? 'signed-out' : 'browser'));
    const last = lastUseOf(
      uses.filter(({ grantKey }) => grantKey === key),
      resourceServers,
    );
    return {
      key,
      isHere,
      words: (kind === 'browser' ? browsers.get(uid ?? '') : undefined) ?? t(`account-apps.place.${kind}`),
      since: momentOf(since, t.language),
      until: lastMomentOf(until, t.language),
      endsWithSession: endsWithSession(grant),
      lastUse: last && { ...momentOf(last.at, t.language), by: last.by },
      details: readableDetails(JSON.stringify(origin?.authorizationDetails ?? []), resourceServers, t),
    };
  });
  return places.toSorted((one, other) => Number(other.isHere) - Number(one.isHere));
}
