import { errors, type Provider } from 'oidc-provider';
import type { Translate } from '../../languages/languages.ts';
import type { ResourceServer } from '../../resources/resource-server.ts';
import { type ClientCard, clientCard } from '../client-card.ts';
import { lastMomentOf } from '../end-of-day.ts';
import { momentOf } from '../moments.ts';
import { permissionWords } from '../scope-words.ts';
import type { AppAccess } from './app-access.ts';

/** An app as its account holder sees it. */
export type AppCard = Pick<ClientCard, 'name' | 'initial' | 'logo' | 'home' | 'unverified'> & {
  readonly isGone: boolean;
};

/** Of one whose registration is gone, its id is all that is left to name it by. */
export async function appCard(provider: Provider, clientId: string): Promise<AppCard> {
  const client = await provider.Client.find(clientId).catch((error: unknown) => {
    if (error instanceof errors.InvalidClientMetadata) {
      return undefined; // Its registration does not hold any more; its access can still be taken away.
    }
    throw error;
  });
  if (client !== undefined) {
    return { ...clientCard(client), isGone: false };
  }
  const [initial = '?'] = clientId.toUpperCase();
  return { name: clientId, initial, logo: undefined, home: undefined, unverified: undefined, isGone: true };
}

export function inWords({ since, until, endsWithSession, lastUse, unused }: AppAccess, t: Translate) {
  const by = lastUse?.by;
  const { language } = t;
  return {
    since: momentOf(since, language),
    until: lastMomentOf(until, language),
    endsWithSession,
    lastUse: lastUse && { ...momentOf(lastUse.at, language), by },
    unused,
  };
}

export function groupsInWords({ groups }: AppAccess, resourceServers: readonly ResourceServer[], t: Translate) {
  return groups.map(({ permissions, ...group }) => ({
    ...group,
    permissions: permissions.map(({ lastUsed, ...permission }) => ({
      ...permission,
      words: permissionWords({ ...permission, at: group.resourceServer }, resourceServers, t).words,
      lastUsed: lastUsed && momentOf(lastUsed, t.language),
    })),
  }));
}
