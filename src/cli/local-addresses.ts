import { loadSettings, type Source } from '../config/load.ts';

export interface LocalAddresses {
  readonly issuer: string;
  readonly resourceApi: string;
  readonly playground: string;
}

/**
 * Where the three programs of `concierge dev` are reached. Who only moves a port expects its address to move along, so
 * an address that nobody configured follows the port.
 */
export function localAddresses(source: Source): { readonly actual: LocalAddresses; readonly usual: LocalAddresses } {
  const settings = loadSettings(source);
  const defaults = loadSettings({ env: {}, mode: source.mode });
  const usual = addressesOf(defaults);
  const configured = addressesOf(settings);
  return {
    usual,
    actual: {
      issuer: configured.issuer === usual.issuer ? local(settings.listen.port) : configured.issuer,
      resourceApi:
        configured.resourceApi === usual.resourceApi ? local(settings.resourceApi.listen.port) : configured.resourceApi,
      playground: configured.playground,
    },
  };
}

function addressesOf({ issuer, resourceApi, playground }: ReturnType<typeof loadSettings>): LocalAddresses {
  return { issuer, resourceApi: resourceApi.identifier, playground: local(playground.listen.port) };
}

function local(port: number): string {
  return `http://localhost:${port}`;
}

/** The demo directory speaks of the usual addresses. */
export function moveAddresses(text: string, usual: LocalAddresses, actual: LocalAddresses): string {
  return text.replaceAll(usual.resourceApi, actual.resourceApi).replaceAll(usual.playground, actual.playground);
}
